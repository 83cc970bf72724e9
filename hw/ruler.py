"""The ruler: how many of the low digits of 1, 2, 3, ... are 0, one number a cycle."""

from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

LOW = 4  # digits counted every cycle; the others change every 16 cycles, with time to spare


def trailing_zeros(value: Value) -> Value:
    """How many of the low digits of ``value`` are 0; its length where all are."""
    padding = (1 << ceil_log2(len(value) + 1)) - len(value)
    return _first_one(Cat(value, Const(1, 1).replicate(padding)))


def _first_one(digits):
    """The number of the lowest digit that is 1, of a power of two digits."""
    if len(digits) == 1:
        return Const(0, 0)
    half = len(digits) // 2
    low = digits[:half]
    return Cat(Mux(low.any(), _first_one(low), _first_one(digits[half:])), ~low.any())


class Ruler(wiring.Component):
    """``zeros`` is the number of trailing zeros of a number that counts from 1.

    Throughput: one number a cycle in which ``advance`` is 1; ``zeros`` is a register. The high
    digits are counted halfway between two numbers that need them, so no path goes through both.

    Parameters
    ----------
    bits : digits of the number; of 2**bits, whose digits are all 0, ``zeros`` is ``bits``.

    Members
    -------
    advance : the next number; with ``restart`` 1.
    """

    def __init__(self, *, bits: int):
        self._low = min(LOW, bits)
        self._high = bits - self._low
        super().__init__({"restart": In(1), "advance": In(1), "zeros": Out(range(bits + 1))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        zeros = Signal.like(self.zeros, reset_less=True)
        following = Signal(self._low, reset_less=True)  # the low digits of the number after it
        high = Signal(self._high, reset_less=True)  # the high ones of the next that needs them
        high_zeros = Signal.like(zeros, reset_less=True)
        m.d.comb += self.zeros.eq(zeros)
        m.d.sync += high_zeros.eq(self._low + trailing_zeros(high))
        with m.If(self.advance):
            m.d.sync += following.eq(following + 1)
            m.d.sync += zeros.eq(Mux(following.any(), trailing_zeros(following), high_zeros))
            m.d.sync += high.eq(high + (following == 1 << (self._low - 1)))
            with m.If(self.restart):
                m.d.sync += [zeros.eq(0), following.eq(2), high.eq(0)]
        return m
