# amaranth: UnusedElaboratable=no
"""The XOR crossbar against NumPy."""

from itertools import combinations

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned

from sobolpath.hw.crossbar import XorCrossbar
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)

#: lanes and registers: none, each, some, all.
SIZES = [
    *((1 << bits, ()) for bits in range(7)),
    *((8, some) for count in (1, 2, 3) for some in combinations(range(3), count)),
    (2, (0,)),
    (64, (2, 5)),
]


@pytest.mark.parametrize("shape", [unsigned(8), signed(5), 1], ids=str)
@pytest.mark.parametrize(("lanes", "registers"), SIZES, ids=str)
def test_every_distance(lanes, registers, shape):
    """Words and distances change every cycle; every distance comes at least 2 times."""
    dut = XorCrossbar(lanes=lanes, shape=shape, registers=registers)
    assert dut.latency == len(registers)
    rng = np.random.default_rng(lanes)
    distances = rng.permutation(np.tile(np.arange(lanes), 2))
    words = rng.integers(0, 2, (2 * lanes, lanes))
    if shape != 1:
        words = rng.integers(*((-16, 16) if shape == signed(5) else (0, 256)), words.shape)
    got = []

    async def bench(ctx):
        for step in range(2 * lanes + dut.latency):
            if step < 2 * lanes:
                ctx.set(dut.i, words[step].tolist())
                ctx.set(dut.distance, int(distances[step]))
            if step >= dut.latency:
                got.append(list(ctx.get(dut.o)))
            await ctx.tick()

    simulate(dut, bench)
    assert got == [
        word[np.arange(lanes) ^ distance].tolist()
        for word, distance in zip(words, distances, strict=True)
    ]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lanes": 6}, ValueError, "lanes must be a power of two of at least 1, not 6"),
        ({"lanes": 0}, ValueError, "lanes must be a power of two of at least 1, not 0"),
        ({"lanes": 4.0}, TypeError, r"lanes must be an integer, not 4\.0"),
        ({"registers": (3,)}, ValueError, r"registers must be stages from 0 to 2, not \(3,\)"),
        ({"registers": (-1,)}, ValueError, r"registers must be stages from 0 to 2, not \(-1,\)"),
        ({"registers": ("0",)}, ValueError, r"registers must be stages from 0 to 2, not \('0',\)"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        XorCrossbar(**{"lanes": 8, **options})
