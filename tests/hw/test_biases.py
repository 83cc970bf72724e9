# amaranth: UnusedElaboratable=no
"""The bias memory against the biases that were written."""

import random

import numpy as np
import pytest

from sobolpath.hw.biases import BiasMemory
from tests.support.streams import put, simulate, wait

pytestmark = pytest.mark.timeout(60)

#: neurons, biases a cycle: the fewest, one a cycle, some, half of all.
SIZES = [(2, 1), (16, 1), (16, 2), (32, 8), (64, 32)]


def bytes_of(rng, biases):
    content = biases.astype("<i4").tobytes()
    order = rng.sample(range(len(content)), len(content))
    return [{"address": address, "data": content[address]} for address in order]


async def pulse(ctx, signal):
    ctx.set(signal, 1)
    await ctx.tick()
    ctx.set(signal, 0)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("neurons", "width"), SIZES)
def test_groups_in_order(neurons, width, paused, registered):
    """From the first group on, however far the groups before a rewind were read."""
    dut = BiasMemory(neurons=neurons, width=width, registered=registered)
    rng = random.Random(neurons)
    biases = np.random.default_rng(neurons).integers(-(2**31), 2**31, neurons)
    biases[:2] = -(2**31), 2**31 - 1
    groups, compared = biases.reshape(-1, width).tolist(), 0
    counts = [len(groups), 1, len(groups) // 2, len(groups)]

    async def bench(ctx):
        nonlocal compared
        taken = await put(ctx, dut.write, bytes_of(rng, biases))
        assert taken == list(range(4 * neurons))
        shown = None
        for count in counts:
            await pulse(ctx, dut.rewind)
            assert shown is None or list(ctx.get(dut.o)) == shown, "a rewind changes what is shown"
            for shown in groups[:count]:
                await pulse(ctx, dut.advance)
                assert list(ctx.get(dut.o)) == shown
                for _ in range(rng.choice((0, 1, 3)) if paused else 0):
                    await ctx.tick()
                    assert list(ctx.get(dut.o)) == shown
                compared += 1

    simulate(dut, bench)
    assert compared == sum(counts)


@pytest.mark.parametrize("rewound", [False, True])
@pytest.mark.parametrize("registered", [False, True])
def test_back_to_back(registered, rewound):
    """One group a cycle without lowering ``advance``; from the first one also after a reset."""
    dut = BiasMemory(neurons=32, width=4, registered=registered)
    biases, got = np.arange(32) * 0x01020304, []

    async def bench(ctx):
        await put(ctx, dut.write, bytes_of(random.Random(1), biases))
        await wait(ctx, 2)
        if rewound:
            await pulse(ctx, dut.rewind)
        ctx.set(dut.advance, 1)
        for _ in range(8):
            await ctx.tick()
            got.append(list(ctx.get(dut.o)))

    simulate(dut, bench)
    assert got == biases.reshape(-1, 4).tolist()


def test_one_byte_alone():
    """A byte changes nothing beside it; where none is valid, none is written."""
    dut = BiasMemory(neurons=8, width=2)
    biases = np.arange(8) * 0x01020304 - 2**27
    got = []

    async def bench(ctx):
        await put(ctx, dut.write, bytes_of(random.Random(1), biases))
        await put(ctx, dut.write, [{"address": 4 * 3 + 2, "data": 0xA5}])
        ctx.set(dut.write.payload, {"address": 4 * 5, "data": 0xFF})
        await wait(ctx, 3)
        await pulse(ctx, dut.rewind)
        for _ in range(4):
            await pulse(ctx, dut.advance)
            got.extend(ctx.get(dut.o))

    simulate(dut, bench)
    changed = biases.copy()
    changed[3] = biases[3] & ~0xFF0000 | 0xA50000
    assert got == changed.tolist()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"neurons": 24}, ValueError, "neurons must be a power of two of at least 4, not 24"),
        ({"neurons": 2}, ValueError, "neurons must be a power of two of at least 4, not 2"),
        ({"width": 64}, ValueError, "neurons must be a power of two of at least 128, not 64"),
        ({"width": 3}, ValueError, "width must be a power of two of at least 1, not 3"),
        ({"width": 1.0}, TypeError, r"width must be an integer, not 1\.0"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        BiasMemory(**{"neurons": 64, "width": 2, **options})
