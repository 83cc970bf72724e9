"""The loader: step n and input n meet, and each input is written once, where its step says."""

import random

import pytest
from amaranth.lib import data, stream

from sobolpath.hw.config import EngineConfig
from sobolpath.hw.loader import Loader
from tests.support.streams import at_random, put, simulate, wait

pytestmark = pytest.mark.timeout(60)

COUNT = 64  # inputs
LATENCY = 1


def make(lanes, images):
    config = EngineConfig(
        lanes=lanes,
        max_neurons=64,
        weight_words=256,
        bias_neurons=64,
        max_outputs=32,
        program_words=64,
        images=images,
    )
    address = config.neuron_bits + 1
    step = data.StructLayout({"address": address, "first": 1, "last": 1})
    return config, Loader(config, stream.Signature(step))


def watch(dut, rng, closed, writes, lasts):
    """Gives the slot by chance, records what is written in it, and asserts that a write waits."""

    async def bench(ctx):
        cycle, waiting = 0, None
        while True:
            slot = rng.random() >= closed
            ctx.set(dut.slot, slot)
            _, _, write, row, lanes, activations, last = await ctx.tick().sample(
                dut.write, dut.row, dut.chosen, dut.data, dut.last
            )
            now = (row, lanes, activations) if write else None
            assert waiting is None or now == waiting, f"cycle {cycle}: a write was taken back"
            if write and slot:
                writes.append((cycle, now))
            waiting = now if not slot else None
            lasts.extend([cycle] * last)
            cycle += 1

    return bench


@pytest.mark.parametrize("closed", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(("lanes", "images"), [(1, 1), (8, 1), (4, 4)])
def test_inputs(lanes, images, seed, closed):
    """Two inferences, one a half; steps, inputs and the slot come and go on their own."""
    print("seed", seed)
    rng, (config, dut) = random.Random(seed), make(lanes, images)
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "si"]
    places, top = config.rows * lanes, 1 << config.input_bits
    jobs = [[(rng.randrange(places), rng.randrange(top)) for _ in range(COUNT)] for _ in (0, 1)]
    writes, lasts, taken = [], [], ([], [])

    async def steps(ctx):
        cycle = 0
        for half, job in enumerate(jobs):
            ctx.set(dut.half, half)
            items = [
                {"address": address, "first": n == 0, "last": n == COUNT - 1}
                for n, (address, _) in enumerate(job)
            ]
            taken[0].extend(await put(ctx, dut.step, items, stalls=stalls[0], start=cycle))
            cycle = taken[0][-1] + 1
        await wait(ctx, 60)

    async def inputs(ctx):
        values = [value for job in jobs for _, value in job]
        taken[1].extend(await put(ctx, dut.i, values, stalls=stalls[1]))

    slots = watch(dut, random.Random(f"{seed}slot"), closed, writes, lasts)
    simulate(dut, steps, inputs, background=[slots])
    middle = config.rows // 2
    assert [write for _, write in writes] == [
        (place // lanes ^ half * middle, 1 << place % lanes, value)
        for half, job in enumerate(jobs)
        for place, value in job
    ]
    assert taken[0] == taken[1]
    assert lasts == [taken[0][COUNT - 1], taken[0][-1]]
    written = [cycle for cycle, _ in writes]
    if closed:
        assert all(at >= cycle + LATENCY for at, cycle in zip(written, taken[0], strict=True))
        assert sum(at > cycle + LATENCY for at, cycle in zip(written, taken[0], strict=True)) > 10
    else:
        assert written == [cycle + LATENCY for cycle in taken[0]]
        if not seed:
            assert taken[0] == list(range(2 * COUNT))
