"""From a row of accumulators to activations: group by group, with bias, shift and clamp."""

from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal, signed, unsigned
from amaranth.hdl import ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .delay import delay
from .mac import LOW


class RowSerializer(wiring.Component):
    """Captures a row of accumulators and gives it out in groups, value 0 first.

    Throughput: one group a cycle; a row may be captured every ``values / requantizers`` cycles, in
    the cycle of the last group at the earliest. Latency: 1 cycle from ``capture`` to the first
    group.
    Digits of ``i`` from ``hw.mac.LOW`` on come a cycle later than the others, and so do those of
    ``o``.

    Members
    -------
    capture, tag, i : take the row ``i`` now; ``tag`` is given back with its groups.
    valid, group, o : ``o`` holds the row's ``requantizers`` values from group * requantizers on.
    o_tag, last : the row's tag, and whether this is the row's last group.

    Raises ``TypeError`` or ``ValueError`` where ``values`` or ``requantizers`` is no power of two.
    """

    def __init__(self, *, values: int, requantizers: int, shape: ShapeLike, tag: ShapeLike = 1):
        exact_log2("values", values)
        exact_log2("requantizers", requantizers)
        if requantizers > values:
            raise ValueError(f"requantizers must be at most values, {values}, not {requantizers!r}")
        self._groups, self._requantizers = values // requantizers, requantizers
        super().__init__(
            {
                "capture": In(1),
                "tag": In(tag),
                "i": In(data.ArrayLayout(shape, values)),
                "valid": Out(1),
                "group": Out(range(self._groups)),
                "last": Out(1),
                "o_tag": Out(tag),
                "o": Out(data.ArrayLayout(shape, requantizers)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        late = delay(m, self.capture, 1, "late"), delay(m, self.valid, 1, "valid_high")
        low = self._shift(m, slice(LOW), (self.capture, self.valid), "low")
        high = self._shift(m, slice(LOW, None), late, "high")
        m.d.comb += [own.eq(Cat(both)) for own, *both in zip(self.o, low, high, strict=True)]
        kept = Signal.like(self.o_tag, name="tag_kept", reset_less=True)
        m.d.comb += [self.o_tag.eq(kept), self.last.eq(self.group == self._groups - 1)]
        with m.If(self.capture):
            m.d.sync += [
                self.valid.eq(1),
                self.group.eq(0),
                kept.eq(self.tag),
            ]
        with m.Elif(self.valid):
            m.d.sync += [self.valid.eq(~self.last), self.group.eq(self.group + 1)]
        return m

    def _shift(self, m, digits, control, name):
        """Those digits of the group at hand: a list of ``requantizers`` values."""
        capture, advance = control
        row = Cat(value[digits] for value in self.i)
        bits = len(row) // len(self.i)
        kept = Signal(len(row), name=name, reset_less=True)
        with m.If(capture):
            m.d.sync += kept.eq(row)
        with m.Elif(advance):
            m.d.sync += kept.eq(kept >> bits * self._requantizers)
        return [kept.word_select(value, bits) for value in range(self._requantizers)]


class Requantizer(wiring.Component):
    """Adds the bias, shifts right, clamps: ``golden.machine.engine.requantize``.

    The bias contains the rounding constant. Throughput: ``requantizers`` values a cycle. ``sums``
    (what the last junction keeps) come 2 cycles after ``i``, ``bias`` and ``shift``,
    ``activations`` 4 cycles after; digits of ``i`` from ``hw.mac.LOW`` on come a cycle later than
    the others. The sum of any legal network's accumulator and bias fits 32 bits.

    The shift is taken in two steps, by multiples of 8 and by the rest, so that of the digits above
    the result only whether one of them is set has to be kept.

    Raises ``TypeError`` or ``ValueError`` where ``requantizers`` is no power of two.
    """

    sums_latency, latency = 2, 4

    def __init__(self, *, requantizers: int, accumulator_bits: int):
        exact_log2("requantizers", requantizers)
        super().__init__(
            {
                "i": In(data.ArrayLayout(signed(accumulator_bits), requantizers)),
                "bias": In(data.ArrayLayout(signed(32), requantizers)),
                "shift": In(5),
                "sums": Out(data.ArrayLayout(signed(32), requantizers)),
                "activations": Out(data.ArrayLayout(unsigned(8), requantizers)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shift = delay(m, self.shift, 2, "shift", reset_less=True)
        coarse, fine = shift[3:], delay(m, shift[:3], 1, "fine", reset_less=True)
        for lane, total in enumerate(self.sums):
            negative = Signal(name=f"negative_{lane}", reset_less=True)
            window = Signal(15, name=f"window_{lane}", reset_less=True)
            above = Signal(name=f"above_{lane}", reset_less=True)
            positions = [total[8 * c : 31] for c in range(4)]
            m.d.comb += total.eq(_sum(m, self.i[lane], self.bias[lane], lane))
            m.d.sync += [
                negative.eq(total[31]),
                window.eq(Array(positions)[coarse]),
                above.eq(Array(position[15:].any() for position in positions)[coarse]),
            ]
            over = above | Cat(window[8 + t] & (fine <= t) for t in range(7)).any()
            clamped = Mux(over, 255, (window >> fine)[:8])
            m.d.sync += self.activations[lane].eq(Mux(negative, 0, clamped))
        return m


def _sum(m, value, bias, lane):
    """Value and bias added, 2 cycles later: the high digits a cycle after the low ones."""
    low = Signal(LOW + 1, name=f"low_{lane}", reset_less=True)
    kept = Signal(LOW, name=f"kept_{lane}", reset_less=True)
    high = Signal(32 - LOW, name=f"high_{lane}")
    later = Signal(32 - LOW, name=f"later_{lane}")
    upper = value[LOW:]
    sign = upper[-1].replicate(32 - LOW - len(upper))
    m.d.sync += [
        low.eq(value[:LOW] + bias[:LOW]),
        later.eq(bias[LOW:]),
        kept.eq(low[:LOW]),
        high.eq((Cat(1, upper, sign) + Cat(low[LOW], later))[1:]),  # the carry enters below
    ]
    return Cat(kept, high)
