# amaranth: UnusedElaboratable=no
"""The activation memory against an array."""

import numpy as np
import pytest

from sobolpath.hw.activations import ActivationMemory
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)

#: values, rows, values written together, banks, values of a neuron.
SIZES = [
    *((1, 2, 1, 1, 1), (4, 8, 1, 1, 1), (4, 8, 2, 1, 1), (8, 4, 8, 1, 1), (16, 64, 4, 1, 1)),
    *((2, 2, 2, 2, 1), (8, 4, 2, 2, 1), (8, 16, 8, 8, 1), (16, 8, 8, 4, 2), (16, 8, 1, 2, 8)),
]


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize(("values", "rows", "width", "banks", "item"), SIZES)
def test_reads_and_writes_every_cycle(values, rows, width, banks, item, registered):
    sizes = {"values": values, "rows": rows, "width": width, "banks": banks, "item": item}
    dut = ActivationMemory(**sizes, registered=registered)
    assert dut.latency == 1 + registered
    number = np.arange(values)
    bank = number // item % banks
    rng = np.random.default_rng(values * rows)
    content, expected, got, collisions = np.zeros((rows, values), int), [], [], 0

    async def bench(ctx):
        nonlocal collisions
        for cycle in range(500 + dut.latency):
            read, row = int(rng.integers(rows)), rng.integers(0, rows, banks)
            write, mask = int(rng.integers(2)), int(rng.integers(1 << values))
            group = rng.integers(0, 256, width)
            ctx.set(dut.read_row, read)
            ctx.set(dut.write, write)
            digits = len(dut.read_row)
            ctx.set(dut.write_row, sum(one << digits * n for n, one in enumerate(row.tolist())))
            ctx.set(dut.write_values, mask)
            ctx.set(dut.data, group.tolist())
            expected.append(content[read].tolist())  # as it was before this cycle's write
            if cycle >= dut.latency:
                got.append(list(ctx.get(dut.row)))
            await ctx.tick()
            if write:
                written = mask >> number & 1 == 1
                collisions += (written & (row[bank] == read)).any()
                content[row[bank][written], number[written]] = group[number % width][written]

    simulate(dut, bench)
    assert got == expected[: len(got)]
    assert len(got) == 500
    assert content.any(axis=1).sum() > rows // 2
    assert collisions > 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"values": 3}, ValueError, "values must be a power of two of at least 1, not 3"),
        ({"rows": 1}, ValueError, "rows must be a power of two of at least 2, not 1"),
        ({"rows": 12}, ValueError, "rows must be a power of two of at least 2, not 12"),
        ({"width": 0}, ValueError, "width must be a power of two of at least 1, not 0"),
        ({"width": 16}, ValueError, "width must be at most values, 8, not 16"),
        ({"banks": 3}, ValueError, "banks must be a power of two of at least 1, not 3"),
        ({"banks": 16}, ValueError, "banks must be at most values / item, 8, not 16"),
        ({"item": 0}, ValueError, "item must be a power of two of at least 1, not 0"),
        ({"banks": 4, "item": 4}, ValueError, "banks must be at most values / item, 2, not 4"),
        ({"rows": "8"}, TypeError, "rows must be an integer, not '8'"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        ActivationMemory(**{"values": 8, "rows": 8, "width": 1, **options})
