"""The row pacer: which steps begin and end a row, and how fast rows may follow each other."""

from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2


class RowPacer(wiring.Component):
    """Counts the fan-in steps of each row; a row takes max(fan-in, groups) cycles.

    All outputs are registers: they hold for the next step, also in the cycle after ``begin``.

    Parameters
    ----------
    fan_in_bits : log2 of the largest fan-in.
    groups : cycles in which a row of accumulators leaves the lanes.
    least : idle cycles after each row, whatever its length.

    Members
    -------
    begin, fan_in : the next step is the first of a row of 2**fan_in steps, and so on.
    step : a step is taken; only where ``free``.
    first, last : the next step is the first, the last of its row.
    free : it may be taken now.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, fan_in_bits: int, groups: int, least: int = 0):
        if not isinstance(fan_in_bits, int) or not 1 <= fan_in_bits <= 15:
            raise ValueError(f"fan_in_bits must be an integer from 1 to 15, not {fan_in_bits!r}")
        exact_log2("groups", groups)
        self._bits, self._groups, self._least = fan_in_bits, groups, least
        outputs = {"first": Out(1), "last": Out(1), "free": Out(1, init=1)}
        super().__init__({"begin": In(1), "fan_in": In(4), "step": In(1), **outputs})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        groups = self._groups
        # Of a row, of this row the steps left but 2: below 0, with the sign bit, in the last one.
        most = Signal(self._bits + 1, reset_less=True)
        left = Signal(self._bits + 1, reset_less=True)
        gap = Signal(range(max(groups, self._least) + 1))  # idle cycles after a row
        wait = Signal.like(gap)  # of these the ones left
        single = self.fan_in == 0
        begun = Cat(single, *(single | (self.fan_in > d) for d in range(1, self._bits)), single)
        gaps = Array(max(self._least, groups - (1 << fan_in)) for fan_in in range(16))
        m.d.comb += self.last.eq(left[-1])
        with m.If(self.begin):
            m.d.sync += [
                *(most.eq(begun), left.eq(begun), gap.eq(gaps[self.fan_in])),
                *(self.first.eq(1), self.free.eq(1)),
            ]
        with m.Elif(self.step):
            m.d.sync += [
                self.first.eq(self.last),
                left.eq(Mux(self.last, most, left - 1)),
                wait.eq(gap),
                self.free.eq(~self.last | (gap == 0)),
            ]
        with m.Elif(~self.free):
            m.d.sync += [wait.eq(wait - 1), self.free.eq(wait == 1)]
        return m
