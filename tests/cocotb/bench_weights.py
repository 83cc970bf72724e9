"""The weight streamer against the weights that were written: forwards, backwards, wrapping."""

import random

import cocotb
import numpy as np

from sobolpath.hw.weights import WeightStreamer
from tests.cocotb.handshake import Bench, check_gaps, compare

LANES, DEPTH = 4, 32


def component():
    return WeightStreamer(lanes=LANES, depth=DEPTH, registered=True)


async def load(bench):
    """Write every weight once, in random order; the memory's words."""
    words = np.random.default_rng(random.getrandbits(32)).integers(-128, 128, (DEPTH, LANES))
    weights = words.ravel().tolist()
    order = random.sample(range(len(weights)), len(weights))
    bench.write.items.extend({"address": place, "data": weights[place] & 255} for place in order)
    await bench.sent(bench.write)
    return words


def transfer(words, address, last, backward):
    """What comes out for a start."""
    places = (address + np.arange(last + 1) * (-1 if backward else 1)) % DEPTH
    return [
        {"weights": word, "last": int(n == last)} for n, word in enumerate(words[places].tolist())
    ]


@cocotb.test(timeout_time=100, timeout_unit="us")
async def without_gaps(dut):
    bench = Bench(dut, component())
    await bench.reset()
    words = await load(bench)
    starts = [(0, DEPTH - 1, 0), (7, 0, 1), (DEPTH - 1, DEPTH - 1, 1), (DEPTH - 2, 5, 0), (3, 9, 1)]
    bench.start.items.extend(
        {"address": address, "last": last, "backward": backward}
        for address, last, backward in starts
    )
    expected = [word for start in starts for word in transfer(words, *start)]
    await bench.received(bench.o, len(expected))
    compare(bench.o.items, expected)
    lengths = [last + 1 for _, last, _ in starts]
    check_gaps(bench.start.cycles, component().latency, bench.o.cycles, lengths)


@cocotb.test(timeout_time=300, timeout_unit="us")
@cocotb.parametrize(stall_in=[0.0, 0.6], stall_out=[0.3, 0.8])
async def stalls(dut, stall_in, stall_out):
    bench = Bench(dut, component())
    bench.write.stall, bench.start.stall, bench.o.stall = stall_in, stall_in, stall_out
    await bench.reset()
    expected = []
    for _ in range(3):
        words = await load(bench)  # waits for the words of the starts before
        for _ in range(5):
            start = random.randrange(DEPTH), random.randrange(DEPTH), random.randrange(2)
            names = ("address", "last", "backward")
            bench.start.items.append(dict(zip(names, start, strict=True)))
            expected += transfer(words, *start)
        await bench.sent(bench.start)
    await bench.received(bench.o, len(expected))
    compare(bench.o.items, expected)
