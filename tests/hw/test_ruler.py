"""The ruler against the trailing zeros of the numbers that it counts."""

import random

import pytest
from amaranth.hdl import Elaboratable, Module, Signal

from sobolpath.hw.ruler import Ruler, trailing_zeros
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)


def zeros_of(number, width):
    """The trailing zeros of a number of ``width`` digits; ``width`` of 0."""
    return next((n for n in range(width) if number >> n & 1), width)


@pytest.mark.parametrize("chance", [1.0, 0.4])
@pytest.mark.parametrize("bits", [*range(1, 9), 12])
def test_counts(bits, chance):
    """To the last number from every restart, which may come anywhere; without an advance it holds.

    The last number, 2**bits, has only zeros.
    """
    dut, rng = Ruler(bits=bits), random.Random(bits)
    last = 1 << bits
    got, expected = [], []

    async def bench(ctx):
        for end in (last, rng.randint(1, last), 1, rng.randint(1, last), last):
            ctx.set(dut.restart, 1)
            ctx.set(dut.advance, 1)
            await ctx.tick()
            ctx.set(dut.restart, 0)
            number = 1
            while True:
                got.append(ctx.get(dut.zeros))
                expected.append(zeros_of(number, bits))
                if number == end:
                    break
                advance = rng.random() < chance
                ctx.set(dut.advance, advance)
                await ctx.tick()
                number += advance

    simulate(dut, bench, limit=50_000)
    assert got == expected
    assert got.count(bits) >= 2


@pytest.mark.parametrize("width", range(1, 9))
def test_trailing_zeros(width):
    class Count(Elaboratable):
        value, zeros = Signal(width), Signal(8)

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.zeros.eq(trailing_zeros(self.value))
            return m

    dut, got = Count(), []

    async def bench(ctx):
        for value in range(1 << width):
            ctx.set(dut.value, value)
            await ctx.tick()
            got.append(ctx.get(dut.zeros))

    simulate(dut, bench)
    assert got == [zeros_of(value, width) for value in range(1 << width)]
