"""The Sobol' address generator against ``golden.topology.sobol``."""

import random

import cocotb
import numpy as np

from sobolpath.golden.topology import gf2, sobol
from sobolpath.hw.sobol import SobolGenerator
from tests.cocotb.handshake import Bench, check_gaps, compare

LANES, INDEX_BITS, ADDRESS_BITS = 4, 9, 7
BLOCKS = 2**INDEX_BITS // LANES


def component():
    return SobolGenerator(index_bits=INDEX_BITS, address_bits=ADDRESS_BITS, lanes=LANES)


async def load(bench, dimension):
    """Load the generator matrix of a dimension, its columns in random order."""
    matrix = sobol.generator_matrix(dimension, ADDRESS_BITS, INDEX_BITS)
    columns = gf2.columns(matrix[:, ::-1]).tolist()
    order = random.sample(range(INDEX_BITS), INDEX_BITS)
    bench.column.items.extend({"index": t, "value": columns[t]} for t in order)
    await bench.sent(bench.column)


def blocks(dimension, first, last):
    """What comes out for a start from ``first`` to ``last``."""
    way = 1 if first <= last else -1
    numbers = np.arange(first, last + way, way)
    indices = numbers[:, None] * LANES + np.arange(LANES)
    addresses = sobol.points(dimension, ADDRESS_BITS, indices).tolist()
    return [
        {"block": number, "last": int(number == last), "addresses": block}
        for number, block in zip(numbers.tolist(), addresses, strict=True)
    ]


def start(first, last):
    """The item that starts from ``first`` to ``last``: backwards where that is below."""
    return {"first": first, "last": last, "backward": int(first > last)}


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(dimension=[0, 1, 37])
async def without_gaps(dut, dimension):
    bench = Bench(dut, component())
    await bench.reset()
    await load(bench, dimension)
    starts = [(0, BLOCKS - 1), (5, 5), (BLOCKS - 3, BLOCKS - 1), (0, 0), (BLOCKS - 1, 0)]
    bench.start.items.extend(start(*each) for each in starts)
    expected = [block for start in starts for block in blocks(dimension, *start)]
    await bench.received(bench.o, len(expected))
    compare(bench.o.items, expected)
    lengths = [abs(last - first) + 1 for first, last in starts]
    check_gaps(bench.start.cycles, SobolGenerator.latency, bench.o.cycles, lengths)


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall_in=[0.0, 0.6], stall_out=[0.3, 0.8])
async def stalls(dut, stall_in, stall_out):
    bench = Bench(dut, component())
    bench.column.stall, bench.start.stall, bench.o.stall = stall_in, stall_in, stall_out
    await bench.reset()
    expected = []
    for dimension in random.sample(range(1000), 4):
        await load(bench, dimension)
        for _ in range(4):
            first = random.randrange(BLOCKS)
            last = min(max(first + random.randrange(-40, 40), 0), BLOCKS - 1)
            bench.start.items.append(start(first, last))
            expected += blocks(dimension, first, last)
        await bench.received(bench.o, len(expected))
    compare(bench.o.items, expected)
