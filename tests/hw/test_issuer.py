"""The issuer: when each step is issued, and what it becomes."""

import random
from itertools import pairwise

import pytest
from amaranth.lib import data, stream

from sobolpath.golden.machine.image import Kind
from sobolpath.hw.config import EngineConfig
from sobolpath.hw.issuer import Issuer
from tests.support.streams import at_random, put, simulate, wait

pytestmark = pytest.mark.timeout(60)

STEPS = 32  # of every junction here
FLAGS = ("first", "last", "begins", "opening", "closing")


def make(lanes, requantizers, images):
    config = EngineConfig(
        lanes=lanes,
        max_neurons=64,
        weight_words=256,
        bias_neurons=64,
        max_outputs=32,
        program_words=64,
        requantizers=requantizers,
        images=images,
    )
    address = config.neuron_bits + 1  # a row of either half
    step = data.StructLayout({"address": address, "first": 1, "last": 1})
    return Issuer(config, stream.Signature(step))


def watch(dut, seen):
    """Record the cycle of every issued step and what it is."""

    async def bench(ctx):
        cycle, names = 0, ("row", "distance", *FLAGS)
        flags = (getattr(dut.tag, name) for name in FLAGS)
        async for _, _, valid, *values in ctx.tick().sample(
            dut.valid, dut.row, dut.distance, *flags
        ):
            if valid:
                seen.append((cycle, dict(zip(names, values, strict=True))))
            cycle += 1

    return bench


#: lanes, requantizers, images: rows that leave in 1, 8, 4, 1 and 32 cycles.
SIZES = [(1, 1, 1), (8, 1, 1), (8, 2, 1), (8, 8, 1), (8, 1, 4)]


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("fan_ins", [(0, 5), (3, 0), (1, 1), (2, 3), (5, 2)])
@pytest.mark.parametrize(("lanes", "requantizers", "images"), SIZES)
def test_rows(lanes, requantizers, images, fan_ins, seed):
    """A row takes max(fan-in, groups) cycles; two junctions, one after the other."""
    print("seed", seed)
    rng, dut, seen = random.Random(seed), make(lanes, requantizers, images), []
    stalls = seed and at_random(rng, 0.3, longest=12)
    groups = lanes * images // requantizers
    junctions = [[rng.randrange(128) for _ in range(STEPS)] for _ in fan_ins]
    starts, taken = [], []

    async def drive(ctx):
        cycle = 0
        for addresses, fan_in in zip(junctions, fan_ins, strict=True):
            await wait(ctx, groups)  # the schedule sees to it that the row before has left
            header = {"kind": Kind.HIDDEN, "shift": 7, "fan_in": fan_in, "steps": 5}
            ctx.set(dut.header, header)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            ctx.set(dut.header, {"kind": Kind.OUTPUT, "shift": 0, "fan_in": 4, "steps": 3})
            cycle += groups + 1
            starts.append(cycle)
            items = [
                {"address": address, "first": n == 0, "last": n == STEPS - 1}
                for n, address in enumerate(addresses)
            ]
            taken.extend(await put(ctx, dut.step, items, stalls=stalls, start=cycle))
            cycle = taken[-1] + 1
        await wait(ctx, 5)

    simulate(dut, drive, background=[watch(dut, seen)])
    bits, expected, cycles = lanes.bit_length() - 1, [], [cycle for cycle, _ in seen]
    for addresses, fan_in in zip(junctions, fan_ins, strict=True):
        fan = 1 << fan_in
        expected += [
            {
                "row": address >> bits,
                "distance": address % lanes,
                "first": n % fan == 0,
                "last": n % fan == fan - 1,
                "begins": n == 0,
                "opening": n == fan - 1,
                "closing": n == STEPS - 1,
            }
            for n, address in enumerate(addresses)
        ]
    assert [value for _, value in seen] == expected
    assert taken == cycles
    for number, (start, fan_in) in enumerate(zip(starts, fan_ins, strict=True)):
        fan, own = 1 << fan_in, cycles[number * STEPS : (number + 1) * STEPS]
        if not seed:
            assert own == [start + n // fan * max(fan, groups) + n % fan for n in range(STEPS)]
        lasts = own[fan - 1 :: fan]  # however slow the steps, the rows are far enough
        assert all(after - before >= max(fan, groups) for before, after in pairwise(lasts))
