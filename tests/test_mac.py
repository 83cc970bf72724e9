# amaranth: UnusedElaboratable=no
"""The multiply-accumulate lanes against NumPy: rows of any length, with and without gaps."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from streams import simulate

from hw.mac import MacLanes, Multiplier

pytestmark = pytest.mark.timeout(60)


class SlowMultiplier(wiring.Component):
    """The contract of ``Multiplier`` with a latency of 3."""

    latency = 3
    weight: In(signed(8))
    activation: In(unsigned(8))
    product: Out(signed(16))

    def elaborate(self, platform):
        m = Module()
        m.submodules.fast = fast = Multiplier()
        product = Signal.like(self.product)
        m.d.sync += product.eq(fast.product)
        m.d.comb += [
            fast.weight.eq(self.weight),
            fast.activation.eq(self.activation),
            self.product.eq(product),
        ]
        return m


def test_multiplier():
    dut, rng = Multiplier(), np.random.default_rng(1)
    weights = [-128, -128, 127, 127, 0, -1, *rng.integers(-128, 128, 200).tolist()]
    activations = [255, 0, 255, 0, 255, 1, *rng.integers(0, 256, 200).tolist()]
    got = []

    async def bench(ctx):
        for weight, activation in zip(weights, activations, strict=True):
            ctx.set(dut.weight, weight)
            ctx.set(dut.activation, activation)
            got.append(ctx.get(dut.product))
            await ctx.tick()

    simulate(dut, bench)
    expected = [w * a for w, a in zip(weights, activations, strict=True)]
    assert got[Multiplier.latency :] == expected[: -Multiplier.latency]


def run_rows(dut, lanes, rng, weights, activations, lengths, gaps=0.0):
    """Feed rows of these lengths; the sums and the cycles they came in, and those expected."""
    got, done, ends, cycle = [], [], [], 0

    async def step(ctx, valid, first, last, word=0):
        nonlocal cycle
        ctx.set(dut.valid, valid)
        ctx.set(dut.first, first)
        ctx.set(dut.last, last)
        ctx.set(dut.weights, weights[word].tolist())
        ctx.set(dut.activations, activations[word].tolist())
        if ctx.get(dut.done):
            got.append(list(ctx.get(dut.accumulators)))
            done.append(cycle)
        await ctx.tick()
        cycle += 1

    async def bench(ctx):
        word = 0
        for length in lengths:
            for index in range(length):
                while rng.random() < gaps:  # whatever stands at the other inputs
                    await step(ctx, 0, *rng.integers(0, 2, 2).tolist(), rng.integers(len(weights)))
                await step(ctx, 1, index == 0, index == length - 1, word)
                word += 1
            ends.append(cycle - 1)
        for _ in range(dut.latency + 5):
            await step(ctx, 0, 1, 1)

    simulate(dut, bench)
    products = weights * activations
    starts = np.cumsum([0, *lengths[:-1]])
    assert got == np.add.reduceat(products, starts).tolist()
    assert done == [end + dut.latency for end in ends]


@pytest.mark.parametrize("gaps", [0.0, 0.5])
@pytest.mark.parametrize("multiplier", [Multiplier, SlowMultiplier])
@pytest.mark.parametrize("lanes", [1, 2, 16])
def test_rows(lanes, multiplier, gaps):
    rng = np.random.default_rng([lanes, int(2 * gaps)])
    lengths = [1, 1, 1, 2, 64, *rng.integers(1, 20, 20).tolist(), 1]
    weights = rng.integers(-128, 128, (sum(lengths), lanes))
    activations = rng.integers(0, 256, (sum(lengths), lanes))
    dut = MacLanes(lanes=lanes, accumulator_bits=23, multiplier=multiplier)
    assert dut.latency == multiplier.latency + 1
    run_rows(dut, lanes, rng, weights, activations, lengths, gaps)


@pytest.mark.parametrize("weight", [-128, 127])
def test_the_longest_sums(weight):
    """2**6 of the largest products fit 6 + 16 bits: the accumulator never wraps."""
    lengths, shape = [64, 64, 1], (129, 2)
    dut = MacLanes(lanes=2, accumulator_bits=22)
    weights, activations = np.full(shape, weight), np.full(shape, 255)
    run_rows(dut, 2, np.random.default_rng(0), weights, activations, lengths)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lanes": 5}, ValueError, "lanes must be a power of two of at least 1, not 5"),
        ({"lanes": "8"}, TypeError, "lanes must be an integer, not '8'"),
        ({"accumulator_bits": 15}, ValueError, "accumulator_bits must be at least 16, not 15"),
        (
            {"accumulator_bits": 20.5},
            ValueError,
            r"accumulator_bits must be at least 16, not 20\.5",
        ),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        MacLanes(**{"lanes": 4, "accumulator_bits": 24, **options})
