# amaranth: UnusedElaboratable=no
"""The dispatcher: when each step is taken, and what it becomes."""

import random
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hw.dispatcher import Dispatcher
from streams import at_random, get, idle, put, simulate

from golden.image import Kind
from hw.config import EngineConfig
from hw.sobol import SobolGenerator

pytestmark = pytest.mark.timeout(60)


def make(lanes=8, requantizers=1):
    config = EngineConfig(
        lanes=lanes,
        max_neurons=64,
        weight_words=256,
        bias_neurons=64,
        max_outputs=32,
        program_words=64,
        requantizers=requantizers,
    )
    steps = SobolGenerator(index_bits=config.step_bits, address_bits=config.neuron_bits)
    return Dispatcher(config, steps.o.signature)


def steps_of(rng, log2):
    """2**log2 steps with random addresses."""
    addresses = [rng.randrange(64) for _ in range(1 << log2)]
    return addresses, [
        {"block": block, "last": block == len(addresses) - 1, "addresses": [address]}
        for block, address in enumerate(addresses)
    ]


async def begin(ctx, dut, kind, fan_in=0, held=6):
    """Begin a phase, before which nothing moves for ``held`` cycles; it is cycle held + 1 then."""
    for _ in range(held):
        _, _, *moving = await ctx.tick().sample(
            dut.step.ready, dut.i.ready, dut.issue.valid, dut.read.valid
        )
        assert not any(moving)
    ctx.set(dut.following, {"kind": kind, "shift": 7, "fan_in": fan_in, "steps": 0})
    ctx.set(dut.begin, 1)
    await ctx.tick()
    ctx.set(dut.begin, 0)
    ctx.set(dut.following, {"kind": Kind.INPUT, "shift": 0, "fan_in": 9, "steps": 3})


def watch(dut, port, seen):
    """Record the cycles and values of ``port``, and of ``taken``."""

    async def bench(ctx):
        names = [name for name in port.signature.members if name not in ("valid", "write")]
        valid = port.valid if hasattr(port, "valid") else port.write
        cycle = 0
        async for _, _, now, taken, *values in ctx.tick().sample(
            valid, dut.taken, *(getattr(port, name) for name in names)
        ):
            if now:
                seen.values.append((cycle, dict(zip(names, values, strict=True))))
            seen.taken += [cycle] * taken
            cycle += 1

    return bench


def record():
    return SimpleNamespace(values=[], taken=[])


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("lanes", [1, 8])
def test_inputs(lanes, seed):
    """Step n and input n meet; each input is written at the step's row and lane."""
    print("seed", seed)
    rng, dut, seen = random.Random(seed), make(lanes), record()
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "si"]
    addresses, steps = steps_of(rng, 5)
    values = [rng.randrange(256) for _ in addresses]
    ends = []

    async def drive(ctx):
        ends.append(await put(ctx, dut.step, steps, stalls=stalls[0]))

    async def feed(ctx):
        ends.append(await put(ctx, dut.i, values, stalls=stalls[1]))
        await ctx.tick().repeat(5)

    async def control(ctx):
        await begin(ctx, dut, Kind.INPUT)

    simulate(dut, drive, feed, control, background=[watch(dut, dut.load, seen)])
    bits = lanes.bit_length() - 1
    assert [value for _, value in seen.values] == [
        {"last": n == 31, "row": address >> bits, "lanes": 1 << address % lanes, "data": value}
        for n, (address, value) in enumerate(zip(addresses, values, strict=True))
    ]
    cycles = [cycle - 1 for cycle, _ in seen.values]  # written in the cycle after
    assert ends == [cycles, cycles]
    assert seen.taken == [cycles[-1] + 1]
    if not seed:
        assert cycles == list(range(7, 39))


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("fan_in", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("kind", [Kind.HIDDEN, Kind.OUTPUT])
@pytest.mark.parametrize(("lanes", "requantizers"), [(1, 1), (8, 1), (8, 2), (8, 8)])
def test_rows(lanes, requantizers, kind, fan_in, seed):
    """A row takes max(fan-in, groups) cycles; two phases, one after the other."""
    print("seed", seed)
    rng, dut, seen = random.Random(seed), make(lanes, requantizers), record()
    stalls = seed and at_random(rng, 0.3, longest=12)
    phases, ends = [steps_of(rng, 5), steps_of(rng, 5)], []

    async def drive(ctx):
        cycle = 0
        for _, steps in phases:
            taken = await put(ctx, dut.step, steps, stalls=stalls, start=cycle)
            ends.append(taken)
            cycle = taken[-1] + 1
        await ctx.tick().repeat(5)

    async def control(ctx):
        await begin(ctx, dut, kind, fan_in)
        await ctx.tick().until(dut.taken)
        await begin(ctx, dut, kind, fan_in)

    simulate(dut, drive, control, background=[watch(dut, dut.issue, seen)])
    bits, fan, groups = lanes.bit_length() - 1, 1 << fan_in, lanes // requantizers
    expected = [
        {
            "row": address >> bits,
            "distance": address % lanes,
            "first": n % fan == 0,
            "last": n % fan == fan - 1,
            "final": n == 31,
        }
        for addresses, _ in phases
        for n, address in enumerate(addresses)
    ]
    assert [value for _, value in seen.values] == expected
    cycles = [cycle for cycle, _ in seen.values]
    assert ends == [cycles[:32], cycles[32:]]
    assert seen.taken == [cycles[31] + 1, cycles[63] + 1]
    if not seed:
        rows = [n // fan * max(fan, groups) + n % fan for n in range(32)]
        assert cycles == [start + n for start in (7, cycles[31] + 9) for n in rows]
    for phase in (cycles[:32], cycles[32:]):  # however slow the steps, the rows are far enough
        lasts = phase[fan - 1 :: fan]
        assert all(b - a >= max(fan, groups) for a, b in pairwise(lasts))


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_reads(seed):
    print("seed", seed)
    rng, dut, seen = random.Random(seed), make(), record()
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "sr"]
    addresses, steps = steps_of(rng, 4)
    addresses = [address % 32 for address in addresses]
    ends = []

    async def drive(ctx):
        ends.append(await put(ctx, dut.step, steps, stalls=stalls[0]))

    async def collect(ctx):
        got, taken = await get(
            ctx, dut.read, 16, lambda read: (read.address, read.last), stalls=stalls[1]
        )
        assert got == [(address, n == 15) for n, address in enumerate(addresses)]
        ends.append(taken)
        await idle(ctx, dut.read)

    async def control(ctx):
        await begin(ctx, dut, Kind.READ)

    simulate(dut, drive, collect, control, background=[watch(dut, dut.load, seen)])
    assert ends[0] == ends[1]
    assert seen.taken == [ends[0][-1] + 1]
    assert seen.values == []
