# amaranth: UnusedElaboratable=no
"""Row serializer and requantizer against ``golden.machine.engine.requantize``."""

import numpy as np
import pytest
from amaranth.hdl import signed

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import MAX_BIAS, MAX_SHIFT
from sobolpath.hw.requantizer import Requantizer, RowSerializer
from tests.support.streams import late, simulate

pytestmark = pytest.mark.timeout(60)

#: values, requantizers: one value a cycle, some, all.
SIZES = [(1, 1), (2, 1), (8, 1), (8, 4), (8, 8), (32, 2)]


@pytest.mark.parametrize("extra", [0, 1, None])
@pytest.mark.parametrize(("values", "requantizers"), SIZES)
def test_serializer(values, requantizers, extra):
    """Rows as fast as they may come, a cycle slower, and at random distances."""
    dut = RowSerializer(values=values, requantizers=requantizers, shape=signed(20), tag=5)
    rng, groups = np.random.default_rng(values), values // requantizers
    rows = rng.integers(-(2**19), 2**19, (30, values)).tolist()
    tags = rng.integers(0, 32, 30).tolist()
    waits = [groups - 1 + (int(rng.integers(4)) if extra is None else extra) for _ in rows]
    got, expected, cycle = [], [], 0

    before, seen = rows[-1], []

    async def step(ctx, capture, tag, row):
        nonlocal cycle, before
        ctx.set(dut.capture, capture)
        ctx.set(dut.tag, tag)
        ctx.set(dut.i, late(row, before))
        before = row
        seen.append(list(ctx.get(dut.o)))
        if ctx.get(dut.valid):
            got.append((cycle, ctx.get(dut.group), ctx.get(dut.last), ctx.get(dut.o_tag)))
        await ctx.tick()
        cycle += 1

    async def bench(ctx):
        for row, tag, wait in zip(rows, tags, waits, strict=True):
            expected.extend(
                (
                    cycle + 1 + n,
                    n,
                    int(n == groups - 1),
                    tag,
                    row[n * requantizers : (n + 1) * requantizers],
                )
                for n in range(groups)
            )
            await step(ctx, 1, tag, row)
            for _ in range(wait):
                await step(ctx, 0, 31 - tag, row[::-1])
        for _ in range(groups + 5):
            await step(ctx, 0, 0, rows[0])

    simulate(dut, bench)
    given = [(*item, late(seen[item[0]], seen[item[0] + 1])) for item in got]
    assert given == expected
    assert len(given) == 30 * groups


def cases(rng, bits, shift):
    """Accumulators and biases: the extremes, around every rounding and clamping edge, random."""
    half = (1 << shift) >> 1
    top, steps = 2 ** (bits - 1), 2**shift
    edges = [0, half, steps, 255 * steps, 255 * steps + half, 256 * steps]
    sums = [edge + offset for edge in edges for offset in (-half - 1, -half, -half + 1, -1, 0, 1)]
    sums += [-value for value in sums]
    pairs = [(value // 2, value - value // 2) for value in sums if abs(value) < 2 * top]
    pairs = [(a, b) for a, b in pairs if -top <= a < top and abs(b) <= MAX_BIAS]
    pairs += [(a, b) for a in (-top, top - 1, 0) for b in (-MAX_BIAS, MAX_BIAS, 0)]
    some = [rng.integers(-top, top, 100), rng.integers(-MAX_BIAS, MAX_BIAS, 100)]
    small = [rng.integers(-300 * steps, 300 * steps, 100).clip(-top, top - 1), np.zeros(100, int)]
    return np.concatenate([np.array(pairs), np.transpose(some), np.transpose(small)])


@pytest.mark.parametrize("shift", range(MAX_SHIFT + 1))
@pytest.mark.parametrize(("requantizers", "bits"), [(1, 17), (1, 31), (4, 27)])
def test_requantizer(requantizers, bits, shift):
    """One group a cycle, whatever the values; 31 bits belong to the widest layers."""
    values = cases(np.random.default_rng(shift), bits, shift)
    values = values[: len(values) // requantizers * requantizers].reshape(-1, requantizers, 2)
    accumulators, biases = values[:, :, 0], values[:, :, 1]
    dut, half = Requantizer(requantizers=requantizers, accumulator_bits=bits), (1 << shift) >> 1
    sums, activations, last = [], [], len(values) - 1

    async def bench(ctx):
        ctx.set(dut.shift, shift)
        for step in range(len(values) + dut.latency):
            here = accumulators[min(step, last)].tolist()
            ctx.set(dut.i, late(here, accumulators[min(max(step - 1, 0), last)].tolist()))
            if step < len(values):
                ctx.set(dut.bias, (biases[step] + half).tolist())
            if dut.sums_latency <= step < len(values) + dut.sums_latency:
                sums.append(list(ctx.get(dut.sums)))
            if step >= dut.latency:
                activations.append(list(ctx.get(dut.activations)))
            await ctx.tick()

    simulate(dut, bench)
    assert len(values) * requantizers >= 200
    assert sums == (accumulators + biases + half).tolist()
    assert activations == engine.requantize(accumulators + biases, shift).tolist()


@pytest.mark.parametrize(("requantizers", "bits"), [(1, 17), (4, 27), (1, 31)])
def test_the_shift_travels_with_its_values(requantizers, bits):
    """Another shift every cycle, the largest changes among them."""
    rng, half, shifts = np.random.default_rng(bits), [], []
    extremes = [0, MAX_SHIFT] * 40
    for shift in [*extremes, *rng.integers(0, MAX_SHIFT + 1, 400).tolist()]:
        shifts.append(shift)
        half.append((1 << shift) >> 1)
    top = 2 ** (bits - 1)
    shape = (len(shifts), requantizers)
    reach = np.array([300 << shift for shift in shifts])[:, None]  # half of them clamp
    accumulators = (rng.integers(-(2**20), 2**20, shape) * reach >> 20).clip(-top, top - 1)
    biases = rng.integers(-1000, 1000, shape)
    dut, activations = Requantizer(requantizers=requantizers, accumulator_bits=bits), []
    last = len(shifts) - 1

    async def bench(ctx):
        for step in range(len(shifts) + dut.latency):
            here = accumulators[min(step, last)].tolist()
            ctx.set(dut.i, late(here, accumulators[min(max(step - 1, 0), last)].tolist()))
            if step < len(shifts):
                ctx.set(dut.shift, shifts[step])
                ctx.set(dut.bias, (biases[step] + half[step]).tolist())
            if step >= dut.latency:
                activations.append(list(ctx.get(dut.activations)))
            await ctx.tick()

    simulate(dut, bench)
    expected = [
        engine.requantize(values, shift).tolist()
        for values, shift in zip(accumulators + biases, shifts, strict=True)
    ]
    assert activations == expected
    assert len({value for group in expected for value in group}) > 40


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"values": 3}, ValueError, "values must be a power of two of at least 1, not 3"),
        (
            {"requantizers": 3},
            ValueError,
            "requantizers must be a power of two of at least 1, not 3",
        ),
        ({"requantizers": 16}, ValueError, "requantizers must be at most values, 8, not 16"),
        ({"requantizers": None}, TypeError, "requantizers must be an integer, not None"),
    ],
)
def test_serializer_rejects(options, error, message):
    with pytest.raises(error, match=message):
        RowSerializer(**{"values": 8, "requantizers": 2, "shape": 8, **options})


def test_requantizer_rejects():
    with pytest.raises(
        ValueError, match="requantizers must be a power of two of at least 1, not 6"
    ):
        Requantizer(requantizers=6, accumulator_bits=24)
    with pytest.raises(TypeError, match=r"requantizers must be an integer, not 1\.0"):
        Requantizer(requantizers=1.0, accumulator_bits=24)
