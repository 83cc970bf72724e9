# amaranth: UnusedElaboratable=no
"""The result memory against an array, and the adder of copies against sums."""

import random

import numpy as np
import pytest

from sobolpath.hw.results import CopyAdder, ResultMemory
from tests.support.streams import at_random, get, idle, put, simulate

pytestmark = pytest.mark.timeout(60)

INTERVAL = 2  # cycles from one result to the next; 1 where it is eager
LATENCY = 1  # 2 where it is eager
ADDED = 2  # cycles from the last copy to the sum

#: neurons, results written a cycle.
SIZES = [(2, 1), (16, 1), (16, 8), (64, 4), (8, 2)]


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(("neurons", "width"), SIZES)
def test_written_in_rows_read_in_any_order(neurons, width, seed, eager):
    print("seed", seed)
    dut = ResultMemory(neurons=neurons, width=width, eager=eager)
    rng = np.random.default_rng(neurons)
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "io"]
    results = [rng.integers(-(2**31), 2**31, neurons) for _ in range(2)]
    orders = [rng.permutation(neurons) for _ in results]
    expected = [
        (int(values[place]), n == neurons - 1)
        for values, order in zip(results, orders, strict=True)
        for n, place in enumerate(order)
    ]
    entered, left, done = [], [], []

    async def drive(ctx):
        cycle = 0
        for round_, (values, order) in enumerate(zip(results, orders, strict=True)):
            while len(done) < round_:
                await ctx.tick()
                cycle += 1
            groups = values.reshape(-1, width).tolist()
            ctx.set(dut.write, 1)
            for group in rng.permutation(len(groups)).tolist():
                ctx.set(dut.group, group)
                ctx.set(dut.data, groups[group])
                await ctx.tick()
                cycle += 1
            ctx.set(dut.write, 0)
            ctx.set(dut.data, [0] * width)  # nothing more is written
            items = [{"address": int(p), "last": n == neurons - 1} for n, p in enumerate(order)]
            taken = await put(ctx, dut.read, items, stalls=stalls[0], start=cycle)
            entered.extend(taken)
            cycle = taken[-1] + 1

    async def collect(ctx):
        got, cycle = [], 0
        for _ in results:
            part, taken = await get(
                ctx, dut.o, neurons, lambda o: (o.data, bool(o.last)), stalls=stalls[1], start=cycle
            )
            got += part
            left.extend(taken)
            cycle = taken[-1] + 1
            done.append(True)
        await idle(ctx, dut.o)
        assert got == expected

    simulate(dut, drive, collect)
    assert len(entered) == len(left) == 2 * neurons
    if not seed:
        assert left == [cycle + LATENCY + eager for cycle in entered]
        interval = 1 if eager else INTERVAL
        assert entered[:neurons] == [entered[0] + interval * n for n in range(neurons)]


def sums_of(items, copies):
    """What the adder makes of ``items``, (data, last) each."""
    parts = [items[at : at + copies] for at in range(0, len(items), copies)]
    wrapped = [(sum(data for data, _ in part) + 2**31) % 2**32 - 2**31 for part in parts]
    return [(total, part[-1][1]) for total, part in zip(wrapped, parts, strict=True)]


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(("most", "copies"), [(2, 1), (2, 2), (8, 1), (8, 2), (8, 8), (64, 64)])
def test_copies_are_added(most, copies, seed):
    """Sums of random numbers, of the largest and of the smallest, which wrap."""
    print("seed", seed)
    dut, rng = CopyAdder(max_copies=most), np.random.default_rng([most, copies])
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "io"]
    numbers = rng.integers(-(2**31), 2**31, 12 * copies)
    numbers[:copies], numbers[copies : 2 * copies] = 2**31 - 1, -(2**31)
    items = [
        (value, n % (3 * copies) == 3 * copies - 1) for n, value in enumerate(numbers.tolist())
    ]
    cycles = {}

    async def drive(ctx):
        ctx.set(dut.copies, copies.bit_length() - 1)
        offers = [{"data": data, "last": last} for data, last in items]
        cycles["in"] = await put(ctx, dut.i, offers, stalls=stalls[0])

    async def collect(ctx):
        got, cycles["out"] = await get(
            ctx, dut.o, 12, lambda o: (o.data, bool(o.last)), stalls=stalls[1]
        )
        assert got == sums_of(items, copies)
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)
    assert len(cycles["in"]) == 12 * copies
    if not seed:
        lasts = cycles["in"][copies - 1 :: copies]
        # A sum's last item may wait in the adder while the sum before leaves.
        waits = [out - last - ADDED for out, last in zip(cycles["out"], lasts, strict=True)]
        assert set(waits) <= ({0, 1} if copies == 1 else {0})
        assert np.diff(cycles["out"]).tolist() == [copies + 1] * 11


def test_sums_of_another_length():
    """Between two networks the number of copies changes, also to one that counts less far."""
    dut, done = CopyAdder(max_copies=4), []

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        for copies in (4, 1, 2, 4):
            ctx.set(dut.copies, copies.bit_length() - 1)
            for n in range(copies):
                await put(ctx, dut.i, [{"data": 10**n, "last": n == copies - 1}])
            await ctx.tick().until(dut.o.valid)
            done.append(ctx.get(dut.o.payload.data))
            await ctx.tick()

    simulate(dut, bench)
    assert done == [1111, 1, 11, 1111]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"neurons": 24}, ValueError, "neurons must be a power of two of at least 8, not 24"),
        ({"neurons": 4}, ValueError, "neurons must be a power of two of at least 8, not 4"),
        ({"width": 3}, ValueError, "width must be a power of two of at least 1, not 3"),
        ({"width": "4"}, TypeError, "width must be an integer, not '4'"),
        ({"neurons": None}, TypeError, "neurons must be an integer, not None"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        ResultMemory(**{"neurons": 16, "width": 4, **options})


@pytest.mark.parametrize(
    ("copies", "error", "message"),
    [
        (1, ValueError, "max_copies must be a power of two of at least 2, not 1"),
        (6, ValueError, "max_copies must be a power of two of at least 2, not 6"),
        ("2", TypeError, "max_copies must be an integer, not '2'"),
    ],
)
def test_adder_rejects(copies, error, message):
    with pytest.raises(error, match=message):
        CopyAdder(max_copies=copies)
