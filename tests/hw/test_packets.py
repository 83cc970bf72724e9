"""Packets of any length become inferences of one length; words that do not count are dropped."""

import random

import pytest

from sobolpath.hw.config import EngineConfig
from sobolpath.hw.packets import PacketFitter
from tests.support.streams import at_random, get, idle, put, simulate

pytestmark = pytest.mark.timeout(60)
CONFIG = EngineConfig(
    lanes=4, max_neurons=32, weight_words=64, bias_neurons=64, max_outputs=16, input_width=4
)


def fitted(packet, length):
    """The words of an inference: those of a packet that count, cut or filled with zeros."""
    *before, last = packet
    words = [word for word, keep in before if keep] + [last[0]]
    return (words + [0] * length)[:length]


def beats(packet):
    """A packet as items of the stream."""
    items = [{"data": word, "keep": keep, "last": 0} for word, keep in packet]
    return [*items[:-1], {**items[-1], "last": 1}]


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("length", [1, 2, 8])
def test_packets(length, seed):
    """Every length from one word to more than two inferences; null words anywhere."""
    print("seed", seed)
    rng, dut = random.Random(f"{seed}{length}"), PacketFitter(CONFIG)
    lengths = [*range(1, 2 * length + 2), *(rng.randint(1, 2 * length + 1) for _ in range(20))]
    packets = [
        [(rng.getrandbits(CONFIG.input_bits), int(rng.random() < 0.8)) for _ in range(size)]
        for size in lengths
    ]
    expected = [word for packet in packets for word in fitted(packet, length)]
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "io"]
    found, taken = [], []

    async def feed(ctx):
        taken.extend(
            await put(ctx, dut.i, [b for p in packets for b in beats(p)], stalls=stalls[0])
        )

    async def count(ctx):
        """Says which word is an inference's last, as the loader does: as it is taken."""
        number = 0
        while True:
            ctx.set(dut.ends, number % length == length - 1)
            _, _, valid, ready = await ctx.tick().sample(dut.o.valid, dut.o.ready)
            number += valid and ready

    async def collect(ctx):
        found.extend((await get(ctx, dut.o, len(expected), int, stalls=stalls[1]))[0])
        await idle(ctx, dut.o)

    simulate(dut, feed, collect, background=[count])
    assert found == expected
    assert len(taken) == sum(lengths)


def test_a_word_a_cycle():
    """Packets as long as an inference; and a cycle for each word that is filled in or dropped."""
    dut, cycles = PacketFitter(CONFIG), []

    async def feed(ctx):
        items = [beats([(1, 1)] * size) for size in (4, 4, 2, 7, 4)]
        cycles.extend(await put(ctx, dut.i, [beat for packet in items for beat in packet]))

    async def take(ctx):
        number = 0
        ctx.set(dut.o.ready, 1)
        while True:
            ctx.set(dut.ends, number % 4 == 3)
            _, _, valid = await ctx.tick().sample(dut.o.valid)
            number += valid

    simulate(dut, feed, background=[take])
    assert cycles == [*range(10), *range(12, 23)]  # two are filled in after the third packet
