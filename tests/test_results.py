# amaranth: UnusedElaboratable=no
"""The result memory against an array."""

import random

import numpy as np
import pytest
from streams import at_random, get, idle, put, simulate

from hw.results import ResultMemory

pytestmark = pytest.mark.timeout(60)

INTERVAL = 2  # cycles from one result to the next
LATENCY = 1

#: neurons, results written a cycle.
SIZES = [(2, 1), (16, 1), (16, 8), (64, 4), (8, 2)]


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(("neurons", "width"), SIZES)
def test_written_in_rows_read_in_any_order(neurons, width, seed):
    print("seed", seed)
    dut, rng = ResultMemory(neurons=neurons, width=width), np.random.default_rng(neurons)
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
        assert left == [cycle + LATENCY for cycle in entered]
        assert entered[:neurons] == [entered[0] + INTERVAL * n for n in range(neurons)]


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
