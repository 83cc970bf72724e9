# amaranth: UnusedElaboratable=no
"""The bias memory against the biases that were written."""

import random

import numpy as np
import pytest
from streams import put, simulate

from hw.biases import BiasMemory

pytestmark = pytest.mark.timeout(60)

#: neurons, lanes, biases a cycle.
SIZES = [(2, 1, 1), (16, 4, 1), (16, 4, 2), (32, 8, 8), (64, 4, 4), (16, 8, 1)]


def bytes_of(rng, biases):
    content = biases.astype("<i4").tobytes()
    order = rng.sample(range(len(content)), len(content))
    return [{"address": address, "data": content[address]} for address in order]


@pytest.mark.parametrize(("neurons", "lanes", "width"), SIZES)
def test_groups_in_order(neurons, lanes, width):
    """From every row on, to the end and around it, at full speed and with pauses."""
    dut = BiasMemory(neurons=neurons, lanes=lanes, width=width)
    rng = random.Random(neurons)
    biases = np.random.default_rng(neurons).integers(-(2**31), 2**31, neurons)
    biases[:2] = -(2**31), 2**31 - 1
    groups, compared = biases.reshape(-1, width).tolist(), 0

    async def bench(ctx):
        nonlocal compared
        taken = await put(ctx, dut.write, bytes_of(rng, biases))
        assert taken == list(range(4 * neurons))
        for row in rng.sample(range(neurons // lanes), neurons // lanes):
            ctx.set(dut.row, row)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            ctx.set(dut.row, rng.randrange(neurons // lanes))
            for count in range(2 * len(groups)):
                ctx.set(dut.advance, 1)
                await ctx.tick()
                expected = groups[(row * lanes // width + count) % len(groups)]
                assert list(ctx.get(dut.o)) == expected
                ctx.set(dut.advance, 0)
                for _ in range(rng.choice((0, 0, 1, 3))):
                    await ctx.tick()
                    assert list(ctx.get(dut.o)) == expected
                compared += 1

    simulate(dut, bench)
    assert compared == 2 * len(groups) * neurons // lanes


def test_one_byte_alone():
    """A byte changes nothing beside it."""
    dut = BiasMemory(neurons=8, lanes=4, width=2)
    biases = np.arange(8) * 0x01020304 - 2**27

    async def bench(ctx):
        await put(ctx, dut.write, bytes_of(random.Random(1), biases))
        await put(ctx, dut.write, [{"address": 4 * 3 + 2, "data": 0xA5}])
        changed = biases.copy()
        changed[3] = biases[3] & ~0xFF0000 | 0xA50000
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)
        ctx.set(dut.advance, 1)
        got = []
        for _ in range(4):
            await ctx.tick()
            got += list(ctx.get(dut.o))
        assert got == changed.tolist()

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"neurons": 24}, ValueError, "neurons must be a power of two of at least 16, not 24"),
        ({"neurons": 8}, ValueError, "neurons must be a power of two of at least 16, not 8"),
        ({"lanes": 5}, ValueError, "lanes must be a power of two of at least 1, not 5"),
        ({"width": 3}, ValueError, "width must be a power of two of at least 1, not 3"),
        ({"width": 16}, ValueError, "width must be at most lanes, 8, not 16"),
        ({"width": 1.0}, TypeError, r"width must be an integer, not 1\.0"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        BiasMemory(**{"neurons": 64, "lanes": 8, "width": 2, **options})
