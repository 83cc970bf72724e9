"""The bit-reversal permuter against ``golden.machine.bitrev``."""

import random

import cocotb
import numpy as np

from sobolpath.golden.machine.bitrev import reverse_blocks
from sobolpath.hw.bitrev import BitReversalPermuter
from tests.cocotb.handshake import Bench, compare

LANES, LARGEST, WIDTH = 4, 8, 8


def component():
    return BitReversalPermuter(lanes=LANES, max_log2_block=LARGEST, item_shape=WIDTH)


def blocks(m, count):
    """Random blocks as the words that go in and the words that must come out."""
    words = max(2**m // LANES, 1)
    items = np.array([random.getrandbits(WIDTH) for _ in range(count * words * LANES)])
    moved = reverse_blocks(items, m).reshape(-1, LANES).tolist()
    expected = [
        {"items": word, "last": int((index + 1) % words == 0)} for index, word in enumerate(moved)
    ]
    return items.reshape(-1, LANES).tolist(), expected


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(m=[0, 1, 2, 3, 4, 5, 8])
async def without_gaps(dut, m):
    bench = Bench(dut, component())
    await bench.reset()
    bench.control.items.append(m)
    await bench.sent(bench.control)
    words, expected = blocks(m, 4)
    bench.i.items.extend(words)
    await bench.received(bench.o, len(expected))
    compare(bench.o.items, expected)
    first, latency = bench.i.cycles[0], max(2**m // LANES, 1)
    compare(bench.i.cycles, list(range(first, first + len(words))))
    compare(bench.o.cycles, list(range(first + latency, first + latency + len(words))))


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(stall_in=[0.0, 0.5], stall_out=[0.0, 0.3, 0.8])
async def stalls_and_changes(dut, stall_in, stall_out):
    bench = Bench(dut, component())
    bench.i.stall, bench.control.stall, bench.o.stall = stall_in, stall_in, stall_out
    await bench.reset()
    expected = []
    for _ in range(20):
        m = random.randint(0, LARGEST)
        words, result = blocks(m, random.randint(1, 3))
        expected += result
        bench.control.items.append(m)
        if random.random() < 0.5:  # offered before the words, or together with them
            await bench.sent(bench.control)
        else:
            await bench.until(lambda: bench.control.offered or not bench.control.items)
        bench.i.items.extend(words)
        await bench.sent(bench.i)
    await bench.received(bench.o, len(expected))
    compare(bench.o.items, expected)
