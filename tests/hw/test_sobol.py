# amaranth: UnusedElaboratable=no
"""The Sobol' address generator against ``golden.topology.sobol``."""

import random

import numpy as np
import pytest

from sobolpath.golden.topology import gf2, sobol
from sobolpath.hw.sobol import SobolGenerator
from tests.support.streams import at_random, get, idle, put, simulate

pytestmark = pytest.mark.timeout(60)

GAP = 1  # cycles without a block from one start to the next

#: lanes, digits of an index, digits of an address: the smallest, fewer and more rows than columns.
SIZES = [(1, 1, 1), (1, 6, 9), (2, 2, 5), (2, 6, 4), (4, 7, 7), (8, 4, 8), (8, 8, 3), (16, 7, 12)]


def make(size):
    lanes, index_bits, address_bits = size
    return SobolGenerator(lanes=lanes, index_bits=index_bits, address_bits=address_bits)


def columns_of(dimension, size):
    """The columns of a generator matrix as items of the generator's stream."""
    _, index_bits, address_bits = size
    matrix = sobol.generator_matrix(dimension, address_bits, index_bits)[:, ::-1]
    return [{"index": t, "value": int(value)} for t, value in enumerate(gf2.columns(matrix))]


def blocks(dimension, size, starts):
    """What must come out: (block, last, addresses)."""
    lanes, _, address_bits = size
    result = []
    for first, last in starts:
        way = 1 if first <= last else -1
        numbers = np.arange(first, last + way, way)
        indices = numbers[:, None] * lanes + np.arange(lanes)
        addresses = sobol.points(dimension, address_bits, indices).tolist()
        result += zip(numbers.tolist(), (numbers == last).tolist(), addresses, strict=True)
    return result


def items(starts):
    """Starts, of which those that end below their first block run backwards."""
    return [{"first": first, "last": last, "backward": first > last} for first, last in starts]


def read(payload):
    return payload.block, bool(payload.last), list(payload.addresses)


def starts_of(rng, size, count):
    """Every block, both ways, the last one, the first one, and random ranges, both ways."""
    top = (2 ** size[1] // size[0]) - 1
    ranges = [(rng.randint(0, top), rng.randint(0, top)) for _ in range(count)]
    return [(0, top), (top, 0), (top, top), (0, 0), *ranges]


def run(size, jobs, stalls=(None, None)):
    """Load the matrix of each job (dimension, starts) and give its starts; compare the blocks.

    Returns the cycles in which starts and blocks were taken, of all jobs.
    """
    dut, got, entered, left = make(size), [], [], []

    async def drive(ctx):
        cycle = 0
        for done, (dimension, starts) in enumerate(jobs):
            while len(got) < done:
                await ctx.tick()
                cycle += 1
            columns = columns_of(dimension, size)
            cycle = (await put(ctx, dut.column, columns[::-1], start=cycle))[-1] + 1
            entered.extend(await put(ctx, dut.start, items(starts), stalls=stalls[0], start=cycle))
            cycle = entered[-1] + 1

    async def collect(ctx):
        cycle = 0
        for dimension, starts in jobs:
            expected = blocks(dimension, size, starts)
            result, taken = await get(
                ctx, dut.o, len(expected), read, stalls=stalls[1], start=cycle
            )
            assert result == expected
            left.extend(taken)
            cycle = taken[-1] + 1
            got.append(dimension)
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)
    return entered, left


@pytest.mark.parametrize("dimension", [0, 1, 37])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_block_a_cycle(size, dimension):
    starts = starts_of(random.Random(dimension), size, 4)
    entered, left = run(size, [(dimension, starts)])
    cycle, expected = entered[0] + SobolGenerator.latency, []
    for first, last in starts:
        expected += range(cycle, cycle + abs(last - first) + 1)
        cycle += abs(last - first) + 1 + GAP
    assert left == expected
    assert SobolGenerator.latency == 2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_stalls_and_other_matrices(size, seed):
    print("seed", seed)
    rng = random.Random(seed)
    stalls = at_random(rng, 0.2 + 0.2 * seed), at_random(rng, 0.8 - 0.2 * seed)
    jobs = [(rng.randrange(1000), starts_of(rng, size, 5)) for _ in range(2)]
    entered, left = run(size, jobs, stalls)
    assert len(entered) == 18
    assert len(left) == sum(abs(last - first) + 1 for _, starts in jobs for first, last in starts)


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("before", [3, 50])
def test_columns_follow_the_start(before, stalled):
    """Column t is first needed for block 2**t: a matrix loads while its first blocks come out."""
    size = (1, 8, 6)
    dut, rng = make(size), random.Random(before)
    starts = [(0, 255)]

    async def drive(ctx):
        await put(ctx, dut.column, columns_of(before, size))  # another matrix stands there
        await put(ctx, dut.start, items(starts))
        await put(ctx, dut.column, columns_of(2, size))

    async def collect(ctx):
        stalls = at_random(rng, 0.5) if stalled else None
        assert (await get(ctx, dut.o, 256, read, stalls=stalls))[0] == blocks(2, size, starts)
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)


def test_any_matrix():
    """Not only triangular ones: random columns."""
    rng = np.random.default_rng(5)
    size = (4, 6, 7)
    dut, columns = make(size), rng.integers(0, 128, 6).tolist()
    addresses = gf2.apply(gf2.from_columns(columns, 7), np.arange(64)).reshape(-1, 4).tolist()

    async def drive(ctx):
        await put(ctx, dut.column, [{"index": t, "value": v} for t, v in enumerate(columns)])
        await put(ctx, dut.start, items([(0, 15)]))

    async def collect(ctx):
        got, _ = await get(ctx, dut.o, 16, read)
        assert [block for _, _, block in got] == addresses
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lanes": 3}, ValueError, "lanes must be a power of two of at least 1, not 3"),
        ({"lanes": 0}, ValueError, "lanes must be a power of two of at least 1, not 0"),
        ({"lanes": "4"}, TypeError, "lanes must be an integer, not '4'"),
        ({"lanes": True}, TypeError, "lanes must be an integer, not True"),
        ({"lanes": 8, "index_bits": 3}, ValueError, "index_bits must be at least 4, not 3"),
        ({"index_bits": 0}, ValueError, "index_bits must be at least 1, not 0"),
        ({"index_bits": 2.0}, TypeError, r"index_bits must be an integer, not 2\.0"),
        ({"address_bits": 0}, ValueError, "address_bits must be at least 1, not 0"),
        ({"address_bits": None}, TypeError, "address_bits must be an integer, not None"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        SobolGenerator(**{"index_bits": 4, "address_bits": 4, **options})
