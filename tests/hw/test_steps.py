"""The step walker against matrices over GF(2): which words it asks for, and what they add up to."""

import random

import pytest
from amaranth.hdl import ResetInserter, Signal

from sobolpath.golden.machine.image import walk
from sobolpath.golden.topology import gf2
from sobolpath.hw.steps import StepWalker
from tests.support.streams import at_random, get, simulate
from tests.support.walks import block_of, step_of

pytestmark = pytest.mark.timeout(60)

LATENCY = 3  # cycles from a fetch to its step, with nothing in the way
SIZES = [(1, 1), (3, 8), (5, 7), (12, 16)]  # step_bits, address_bits


class Sizes:
    """What ``tests.support.walks.block_of`` wants to know."""

    def __init__(self, step_bits, address_bits):
        self.step_bits, self.address_bits = step_bits, address_bits


class Reader:
    """Plays the block reader: asks for the words that ``zeros`` names, which come 2 cycles later.

    Where ``advance`` is 0 a cycle is repeated. ``fetches`` : the cycles of the steps' fetches.
    """

    def __init__(self, dut, rng):
        self.dut, self.rng, self.fetches, self.cycle, self.held = dut, rng, [], 0, 0
        self.asked = [0, 0]

    async def step(self, ctx, *, restart=0, valid=0, first=None, ended=0, word=None):
        """A cycle; the trailing zeros that it shows. What nothing depends on is noise."""
        dut, rng, advance = self.dut, self.rng, 0
        ctx.set(dut.restart, restart)
        ctx.set(dut.fetch, {"valid": valid, "first": rng.randrange(2) if first is None else first})
        ctx.set(dut.ended, ended)
        ctx.set(dut.word, self.asked[0])
        while not advance:
            _, _, advance, zeros = await ctx.tick().sample(dut.advance, dut.zeros)
            self.cycle += 1
            self.held += not advance
        if valid:
            self.fetches.append(self.cycle - 1)
        noise = rng.randrange(1 << 16)
        self.asked = [self.asked[1], noise if word is None else word]
        return zeros

    async def block(self, ctx, block):
        """Walk through a block."""
        start, *sums = walk(block.start, gf2.columns(block.matrix))
        await self.step(ctx, restart=1)
        zeros = await self.step(ctx, valid=1, first=1, word=start)
        while zeros != len(sums):
            zeros = await self.step(ctx, valid=1, first=0, word=sums[zeros])
        await self.step(ctx, ended=1)
        for _ in range(self.rng.randrange(4)):
            await self.step(ctx)


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(("step_bits", "address_bits"), SIZES)
def test_blocks(step_bits, address_bits, seed):
    """Blocks of no, one, some and the most steps, one after the other."""
    print("seed", seed)
    rng = random.Random(seed or 5)
    dut = StepWalker(step_bits=step_bits, address_bits=address_bits)
    sizes = Sizes(step_bits, address_bits)
    most = [min(step_bits, 6)] if seed else [step_bits]
    digits = [0, *most, 0, 0, *(rng.randrange(min(step_bits, 5) + 1) for _ in range(6)), *most]
    blocks = [block_of(rng, sizes, steps=steps) for steps in digits]
    reader, expected = Reader(dut, rng), [step for block in blocks for step in block.steps]
    stalls = seed and at_random(random.Random(f"{seed}o"), 0.4)
    result = []

    async def feed(ctx):
        for block in blocks:
            await reader.block(ctx, block)
        for _ in range(LATENCY + 5):
            await reader.step(ctx)

    async def collect(ctx):
        result.extend(await get(ctx, dut.o, len(expected), step_of, stalls=stalls))
        ctx.set(dut.o.ready, 1)

    simulate(dut, feed, collect, limit=60_000)
    got, cycles = result
    assert got == expected
    assert len(reader.fetches) == len(expected)
    if seed:
        assert reader.held > 3
    else:
        assert cycles == [cycle + LATENCY for cycle in reader.fetches]


def test_nothing_is_offered_after_a_reset():
    """Flags in the pipeline are reset: a fetch before is no step after."""
    dut, reset, rng = StepWalker(step_bits=3, address_bits=4), Signal(), random.Random(1)
    seen = []

    async def bench(ctx):
        reader = Reader(dut, rng)
        ctx.set(dut.o.ready, 1)
        for before in range(1, 5):
            for number in range(before):
                ctx.set(reset, number == before - 1)
                await reader.step(ctx, valid=1, first=1, word=9)
            ctx.set(reset, 0)
            for _ in range(LATENCY + 2):
                await reader.step(ctx)
                seen.append(ctx.get(dut.o.valid))

    simulate(ResetInserter(reset)(dut), bench)
    assert seen == [0] * 4 * (LATENCY + 2)
