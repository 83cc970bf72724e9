"""The loader: step n and inputs n meet, and each input is written once, where its step says."""

import random

import pytest
from amaranth.lib import data, stream

from sobolpath.hw.config import EngineConfig
from sobolpath.hw.loader import Loader
from tests.support.streams import at_random, put, simulate, wait

pytestmark = pytest.mark.timeout(60)

COUNT = 64  # inputs
LATENCY = 1


def make(lanes, images, width):
    config = EngineConfig(
        lanes=lanes,
        max_neurons=max(64, 2 * lanes),
        weight_words=256,
        bias_neurons=64,
        max_outputs=32,
        program_words=64,
        images=images,
        input_width=width,
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
            _, _, write, rows, lanes, activations, last = await ctx.tick().sample(
                dut.write, dut.row, dut.chosen, dut.data, dut.last
            )
            now = (rows, lanes, activations) if write else None
            assert waiting is None or now == waiting, f"cycle {cycle}: a write was taken back"
            if write and slot:
                writes.append((cycle, now))
            waiting = now if not slot else None
            lasts.extend([cycle] * last)
            cycle += 1

    return bench


def stored(config, rows, lanes, word):
    """What a write puts where: {(row, lane): item}."""
    width, bits = config.input_width, config.item_bits
    items = [word >> bits * number & (1 << bits) - 1 for number in range(width)]
    return {
        (rows >> config.row_bits * (lane % width) & config.rows - 1, lane): items[lane % width]
        for lane in range(config.lanes)
        if lanes >> lane & 1
    }


@pytest.mark.parametrize("closed", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(
    ("lanes", "images", "width", "at_once"),
    [
        *((1, 1, 1, 1), (8, 1, 1, 1), (4, 4, 1, 1), (2, 1, 2, 1), (2, 1, 2, 2), (8, 1, 8, 8)),
        *((8, 1, 4, 2), (8, 1, 8, 1), (4, 4, 2, 2), (16, 2, 8, 4)),
    ],
)
def test_inputs(lanes, images, width, at_once, seed, closed):
    """Two inferences, one a half; steps, words and the slot come and go on their own.

    Of a step at row and lane, neuron j is written to row xor j and lane xor j.
    """
    print("seed", seed)
    rng, (config, dut) = random.Random(seed), make(lanes, images, width)
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "si"]
    count, top, middle = COUNT // at_once, 1 << config.item_bits, config.rows // 2
    # A step's row is of the first half, so that no XOR with j leads out of a half.
    jobs = [
        [
            (rng.randrange(middle * lanes), [rng.randrange(top) for _ in range(at_once)])
            for _ in range(count)
        ]
        for _ in (0, 1)
    ]
    writes, lasts, taken = [], [], ([], [])

    async def steps(ctx):
        if width > 1:
            ctx.set(dut.at_once, at_once.bit_length() - 1)
        await ctx.tick()
        cycle = 1
        for half, job in enumerate(jobs):
            ctx.set(dut.half, half)
            items = [
                {"address": address, "first": n == 0, "last": n == count - 1}
                for n, (address, _) in enumerate(job)
            ]
            taken[0].extend(await put(ctx, dut.step, items, stalls=stalls[0], start=cycle))
            cycle = taken[0][-1] + 1
        await wait(ctx, 60)

    async def inputs(ctx):
        values = [value for job in jobs for _, values in job for value in values]
        words = [
            sum(item << config.item_bits * j for j, item in enumerate(values[n : n + width]))
            for n in range(0, len(values), width)
        ]
        taken[1].extend(await put(ctx, dut.i, words, stalls=stalls[1]))

    slots = watch(dut, random.Random(f"{seed}slot"), closed, writes, lasts)
    simulate(dut, steps, inputs, background=[slots])
    assert [stored(config, *write) for _, write in writes] == [
        {
            (place // lanes ^ j ^ half * middle, place % lanes ^ j): value
            for j, value in enumerate(values)
        }
        for half, job in enumerate(jobs)
        for place, values in job
    ]
    assert taken[0][width // at_once - 1 :: width // at_once] == taken[1]
    assert lasts == [taken[0][count - 1], taken[0][-1]]
    written = [cycle for cycle, _ in writes]
    if closed:
        assert all(at >= cycle + LATENCY for at, cycle in zip(written, taken[0], strict=True))
        late = sum(at > cycle + LATENCY for at, cycle in zip(written, taken[0], strict=True))
        assert late > count / 8
    else:
        assert written == [cycle + LATENCY for cycle in taken[0]]
        if not seed:
            assert taken[0] == list(range(1, 2 * count + 1))
