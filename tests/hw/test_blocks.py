"""The block reader: headers, waits and words of chains of blocks, at the pace of what follows."""

import random

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.wiring import connect

from sobolpath.golden.machine.image import Kind, walk
from sobolpath.golden.topology import gf2
from sobolpath.hw.blocks import BlockReader
from sobolpath.hw.program import Program
from tests.support.streams import simulate
from tests.support.walks import chain_of, load

pytestmark = pytest.mark.timeout(60)

FIRST = 7  # cycles from ``go`` to the first fetch of a chain
NEXT = 7  # from the last fetch of a block to the first of the next one
WORD = 2  # from a fetch to its word


class Read(Elaboratable):
    """A block reader and the program memory that it reads; ``walker`` is what loads it."""

    def __init__(self, *, words, entry, step_bits, wait_bits=0):
        self.program = Program(words=words, readers=1)
        self.walker = BlockReader(
            words=words, entry=entry, step_bits=step_bits, wait_bits=wait_bits
        )
        self.entry, self.step_bits, self.address_bits = entry, step_bits, 12

    def elaborate(self, platform):
        m = Module()
        m.submodules.program, m.submodules.reader = self.program, self.walker
        connect(m, self.walker.program, self.program.read_0)
        return m


class Follower:
    """Plays the step walker: counts the steps, and takes them when it likes.

    Its cycles are those in which ``advance`` is 1. ``gone``, ``ended`` : the cycles of those flags;
    ``begun`` : (header, base, cycle); ``words`` : of every fetch (first, cycle, word).
    """

    def __init__(self, dut, rng, stalled):
        self.dut, self.rng, self.stalled = dut, rng, stalled
        self.gone, self.begun, self.words, self.ended, self.cycle = [], [], [], [], 0

    async def play(self, ctx):
        reader, number, asked = self.dut.walker, 0, [None] * WORD
        while True:
            advance = self.rng.random() >= self.stalled
            zeros = (number & -number).bit_length() - 1 if number else 0
            ctx.set(reader.advance, advance)
            ctx.set(reader.zeros, min(zeros, self.dut.step_bits))
            _, _, go, begin, header, base, restart, fetch, ended, word = await ctx.tick().sample(
                reader.go & reader.idle,
                *(reader.begin, reader.header.as_value(), reader.base, reader.restart),
                *(reader.fetch, reader.ended, reader.program.word),
            )
            if begin:
                self.begun.append((header, base, self.cycle))
            if not advance:
                continue
            if go:
                self.gone.append(self.cycle)
            if asked[0] is not None:
                self.words.append((*asked[0], word))
            asked = [*asked[1:], (fetch.first, self.cycle) if fetch.valid else None]
            if ended:
                self.ended.append(self.cycle)
            number = 1 if restart else number + 1
            self.cycle += 1


def check(dut, rng, chains, *, stalled=0.0):
    """Run every chain twice, compare each header and word, and the cycles that they came in."""
    follower = Follower(dut, rng, stalled)

    async def bench(ctx):
        for chain in chains:
            await load(ctx, dut, rng, chain)
            for _ in range(2):
                before = len(follower.ended)
                while not ctx.get(dut.walker.idle):
                    await ctx.tick()
                ctx.set(dut.walker.go, 1)
                while ctx.get(dut.walker.idle):
                    await ctx.tick()
                ctx.set(dut.walker.go, 0)
                while len(follower.ended) < before + len(chain):
                    await ctx.tick()
                await ctx.tick().repeat(20)

    simulate(dut, bench, background=[follower.play], limit=60_000)
    begun, words, ended = iter(follower.begun), iter(follower.words), iter(follower.ended)
    for go, chain in zip(follower.gone, [c for c in chains for _ in range(2)], strict=True):
        before = go + FIRST - NEXT
        for block in chain:
            address, *sums = walk(block.start, gf2.columns(block.matrix))
            count = 1 << len(sums)
            zeros = [(n & -n).bit_length() - 1 for n in range(1, count)]
            expected = [(True, address), *((False, sums[digit]) for digit in zeros)]
            found = [next(words) for _ in range(count)]
            assert [(first, word) for first, _, word in found] == expected
            cycles = [cycle for _, cycle, _ in found]
            assert cycles == list(range(cycles[0], cycles[0] + count))
            assert cycles[0] == before + NEXT + block.wait
            header, base, _ = next(begun)
            assert (header, base) == (block.header, block.base)
            assert next(ended) == cycles[-1] + 1
            before = cycles[-1]
    assert not [*words, *begun, *ended]


SIZES = {  # words, entry, step_bits
    "smallest": {"words": 16, "entry": 0, "step_bits": 1},
    "small": {"words": 64, "entry": 1, "step_bits": 5},
    "wide": {"words": 128, "entry": 2, "step_bits": 8},
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("stalled", [0.0, 0.4])
@pytest.mark.parametrize("size", SIZES)
def test_chains(size, stalled, seed):
    """Blocks of every number of steps in a random order; chains end with every other kind."""
    print("seed", seed)
    rng, dut = random.Random(seed), Read(**SIZES[size])
    room, chains = SIZES[size]["words"] - 3, []
    for end in (Kind.OUTPUT, Kind.INPUT, Kind.READ):
        steps = [*range(dut.step_bits + 1)]
        rng.shuffle(steps)
        while sum(4 + n for n in steps) > room:
            steps.pop()
        chains.append(chain_of(rng, dut, steps, end))
    check(dut, rng, chains, stalled=stalled)


@pytest.mark.parametrize("wait_bits", [1, 3, 6])
def test_waits(wait_bits):
    """Word 2 holds the first step back by as many cycles as it says, from none to the longest."""
    rng = random.Random(wait_bits)
    dut = Read(words=64, entry=0, step_bits=4, wait_bits=wait_bits)
    longest = (1 << wait_bits) - 1
    chain = chain_of(rng, dut, [2, 0, 1, 4, 3], Kind.OUTPUT)
    for block, pause in zip(chain, (longest, 1, 0, longest, longest // 2), strict=True):
        block.wait = pause
    check(dut, rng, [chain])
