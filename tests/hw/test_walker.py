"""The walker: chains of blocks against their matrices over GF(2), to the cycle."""

import random

import pytest

from sobolpath.golden.machine.image import Kind
from tests.support.streams import at_random, get, simulate
from tests.support.walks import POINTERS, Walk, chain_of, load, start, step_of

pytestmark = pytest.mark.timeout(60)

FIRST = 10  # cycles from ``go`` to the first step of a chain
NEXT = 7  # from the last step of a block to the first of the next one
BEGUN = 3  # from ``begin`` to the first step
HELD = 4  # from the first cycle without ``hold`` to the first step


def watch(dut, begun):
    """Record the header, the base and the cycle of every ``begin``."""

    async def bench(ctx):
        cycle, walker = 0, dut.walker
        async for _, _, begin, head, base in ctx.tick().sample(
            walker.begin, walker.header.as_value(), walker.base
        ):
            if begin:
                begun.append((cycle, head, base))
            cycle += 1

    return bench


def run(dut, rng, chains, *, stalls=None, limit=20_000):
    """Write and run the chains, each twice; compares all; the cycles of every step, by block."""
    begun, cycles = [], []

    async def bench(ctx):
        cycle = 0
        for chain in chains:
            cycle = await load(ctx, dut, rng, chain, cycle)
            for _ in range(2):
                expected = [step for block in chain for step in block.steps]
                gone = await start(ctx, dut.walker, cycle)
                got, taken = await get(
                    ctx, dut.walker.o, len(expected), step_of, stalls=stalls, start=gone + 1
                )
                assert got == expected
                ctx.set(dut.walker.o.ready, 1)
                cycle = taken[-1] + 1
                for _ in range(20):  # and nothing follows
                    _, _, valid, idle = await ctx.tick().sample(dut.walker.o.valid, dut.walker.idle)
                    assert not valid
                    cycle += 1
                assert idle
                ctx.set(dut.walker.o.ready, 0)
                cycles.append((gone, taken))

    simulate(dut, bench, background=[watch(dut, begun)], limit=limit)
    blocks = [block for chain in chains for _ in range(2) for block in chain]
    assert [(head, base) for _, head, base in begun] == [(b.header, b.base) for b in blocks]
    starts, split = iter(begun), []
    for (gone, taken), chain in zip(cycles, [c for c in chains for _ in range(2)], strict=True):
        parts = []
        for block in chain:
            count = 1 << block.matrix.shape[1]
            parts.append((next(starts)[0], taken[:count]))
            del taken[:count]
        assert not taken
        split.append((gone, parts))
    return split


def check_cycles(split, chains):
    """One step a cycle; the first ones as early as the contract says."""
    for (gone, parts), chain in zip(split, [c for c in chains for _ in range(2)], strict=True):
        before = gone + FIRST - NEXT
        for (begin, taken), block in zip(parts, chain, strict=True):
            assert taken[0] == before + NEXT + block.wait
            assert begin == taken[0] - BEGUN
            assert taken == list(range(taken[0], taken[0] + len(taken)))
            before = taken[-1]


SIZES = {  # words, entry, step_bits, address_bits
    "smallest": {"words": 16, "entry": 0, "step_bits": 1, "address_bits": 1},
    "small": {"words": 64, "entry": 1, "step_bits": 5, "address_bits": 7},
    "wide": {"words": 128, "entry": 2, "step_bits": 8, "address_bits": 16},
}


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_chains(size, seed):
    """Blocks of every number of steps in a random order; chains end with every other kind."""
    print("seed", seed)
    rng, dut = random.Random(seed or 7), Walk(**SIZES[size])
    room, chains = SIZES[size]["words"] - POINTERS, []
    for end in (Kind.OUTPUT, Kind.INPUT, Kind.READ):
        steps = [*range(dut.step_bits + 1)]
        rng.shuffle(steps)
        while sum(4 + n for n in steps) > room:
            steps.pop()
        chains.append(chain_of(rng, dut, steps, end))
    stalls = seed and at_random(random.Random(f"{seed}o"), 0.4)
    split = run(dut, rng, chains, stalls=stalls)
    assert len(split) == 6
    if not seed:
        check_cycles(split, chains)


def test_the_most_steps():
    """As many steps as the digits can count, after a single step."""
    rng, dut = random.Random(3), Walk(words=32, entry=0, step_bits=12, address_bits=16)
    chains = [chain_of(rng, dut, [0, 12], Kind.OUTPUT)]
    check_cycles(run(dut, rng, chains), chains)


@pytest.mark.parametrize("wait_bits", [1, 3, 6])
def test_waits(wait_bits):
    """Word 2 holds the first step back by as many cycles as it says, from none to the longest."""
    rng = random.Random(wait_bits)
    dut = Walk(words=64, entry=0, step_bits=4, address_bits=5, wait_bits=wait_bits)
    longest = (1 << wait_bits) - 1
    chain = chain_of(rng, dut, [2, 0, 1, 4, 3], Kind.OUTPUT)
    for block, pause in zip(chain, (longest, 1, 0, longest, longest // 2), strict=True):
        block.wait = pause
    check_cycles(run(dut, rng, [chain]), [chain])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("stalled", [False, True])
def test_keep(seed, stalled):
    """No header is fetched while the one in hand is needed, as long as that may be."""
    print("seed", seed)
    rng = random.Random(seed)
    dut = Walk(words=128, entry=0, step_bits=4, address_bits=6)
    chain = chain_of(rng, dut, [rng.randrange(4) for _ in range(12)], Kind.OUTPUT)
    lengths = [rng.choice((0, 1, 2, 3, 5, 20)) for _ in chain]
    begins, lasts, freed = [], [], []

    async def keep(ctx):
        cycle, walker = 0, dut.walker
        for block, length in zip(chain, lengths, strict=True):
            while not ctx.get(walker.begin):
                await ctx.tick()
                cycle += 1
            begins.append(cycle)
            for _ in range(length):
                ctx.set(walker.keep, 1)
                shown = ctx.get(walker.header.as_value()), ctx.get(walker.base)
                assert shown == (block.header, block.base)
                await ctx.tick()
                cycle += 1
            ctx.set(walker.keep, 0)
            freed.append(cycle)
            shown = ctx.get(walker.header.as_value()), ctx.get(walker.base)
            assert shown == (block.header, block.base)
            await ctx.tick()
            cycle += 1

    async def bench(ctx):
        cycle = await load(ctx, dut, rng, chain)
        gone = await start(ctx, dut.walker, cycle)
        expected = [step for block in chain for step in block.steps]
        stalls = at_random(rng, 0.4) if stalled else None
        got, taken = await get(
            ctx, dut.walker.o, len(expected), step_of, stalls=stalls, start=gone + 1
        )
        assert got == expected
        lasts.extend(cycle for (_, _, last), cycle in zip(got, taken, strict=True) if last)

    simulate(dut, bench, keep)
    assert len(begins) == len(chain)
    late = 0
    for before, free, begin in zip(lasts, freed, begins[1:], strict=False):
        first = begin + BEGUN
        assert before + NEXT <= first <= max(before, free) + FIRST
        if not stalled and free <= before - 2:  # in time for the header to be fetched
            assert first == before + NEXT
        late += first > before + NEXT
    assert late > (0 if stalled else 2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hold(seed):
    """A block in hand does not begin while it is held, and begins at once when it is not."""
    print("seed", seed)
    rng = random.Random(seed)
    dut = Walk(words=128, entry=0, step_bits=4, address_bits=6, wait_bits=3)
    chain = chain_of(rng, dut, [rng.randrange(4) for _ in range(10)], Kind.OUTPUT)
    for block in chain:
        block.wait = rng.choice((0, 0, 5))
    freed = []  # per block: the first cycle from which on it is not held
    lengths = [rng.choice((0, 3, 8, 9, 10, 30)) for _ in chain]
    result = []

    async def hold(ctx):
        cycle, walker = 0, dut.walker
        while not ctx.get(walker.go):
            await ctx.tick()
            cycle += 1
        for length in lengths:
            for _ in range(length):
                ctx.set(walker.hold, 1)
                await ctx.tick()
                cycle += 1
            ctx.set(walker.hold, 0)
            freed.append(cycle)
            while True:
                _, _, valid, ready, last = await ctx.tick().sample(
                    walker.o.valid, walker.o.ready, walker.o.payload.last
                )
                cycle += 1
                if valid and ready and last:
                    break

    async def bench(ctx):
        cycle = await load(ctx, dut, rng, chain)
        gone = await start(ctx, dut.walker, cycle)
        expected = [step for block in chain for step in block.steps]
        got, taken = await get(ctx, dut.walker.o, len(expected), step_of, start=gone + 1)
        assert got == expected
        result.extend((gone, taken))

    simulate(dut, bench, hold)
    gone, taken = result
    before, held = gone + FIRST - NEXT, 0
    for block, free in zip(chain, freed, strict=True):
        earliest = before + NEXT + block.wait
        assert taken[0] == max(earliest, free + HELD)
        held += free + HELD > earliest
        before = taken[(1 << block.matrix.shape[1]) - 1]
        del taken[: 1 << block.matrix.shape[1]]
    assert 0 < held < len(chain)


def test_back_pressure_holds_everything():
    """A chain that is not taken for long is offered all the same, each step once."""
    rng, dut = random.Random(5), Walk(words=64, entry=0, step_bits=4, address_bits=8)
    chain = chain_of(rng, dut, [0, 3, 0, 0, 4, 1], Kind.OUTPUT)
    pauses = iter([100, *[0, 0, 40] * 100])
    run(dut, rng, [chain], stalls=lambda: next(pauses))
