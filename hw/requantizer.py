"""From a row of accumulators to activations: group by group, with bias, shift and clamp."""

from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2


class RowSerializer(wiring.Component):
    """Captures a row of accumulators and gives it out in groups, lane 0 first.

    Throughput: one group a cycle; a row may be captured every ``lanes / width`` cycles, in the
    cycle of the last group at the earliest. Latency: 1 cycle from ``capture`` to the first group.

    Members
    -------
    capture, tag, i : take the row ``i`` now; ``tag`` is given back with its groups.
    valid, group, o : ``o`` holds lanes group * width to group * width + width - 1 of the row.
    o_tag, last : the row's tag, and whether this is the row's last group.

    Raises ``TypeError`` or ``ValueError`` where ``lanes`` or ``width`` is no power of two.
    """

    def __init__(self, *, lanes, width, shape):
        exact_log2("lanes", lanes)
        exact_log2("width", width)
        if width > lanes:
            raise ValueError(f"width must be at most lanes, {lanes}, not {width!r}")
        self._groups, self._width = lanes // width, width
        super().__init__(
            {
                "capture": In(1),
                "tag": In(1),
                "i": In(data.ArrayLayout(shape, lanes)),
                "valid": Out(1),
                "group": Out(range(self._groups)),
                "last": Out(1),
                "o_tag": Out(1),
                "o": Out(data.ArrayLayout(shape, width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        row = Signal.like(self.i, reset_less=True)
        m.d.comb += [
            self.o.eq(Cat(row[lane] for lane in range(self._width))),
            self.last.eq(self.group == self._groups - 1),
        ]
        with m.If(self.capture):
            m.d.sync += [
                row.eq(self.i),
                self.valid.eq(1),
                self.group.eq(0),
                self.o_tag.eq(self.tag),
            ]
        with m.Elif(self.valid):
            m.d.sync += [
                row.eq(row.as_value() >> len(self.o.as_value())),
                self.valid.eq(~self.last),
                self.group.eq(self.group + 1),
            ]
        return m


class Requantizer(wiring.Component):
    """Adds the bias, shifts right, clamps: ``golden.engine.requantize``, ``width`` values a cycle.

    The bias contains the rounding constant. Throughput: ``width`` values a cycle. ``sums`` (what
    the last junction keeps) come 1 cycle after ``i`` and ``bias``, ``activations`` 2 cycles after;
    ``shift`` must hold meanwhile. The sum of any legal network's accumulator and bias fits 32 bits.

    Raises ``TypeError`` or ``ValueError`` where ``width`` is no power of two.
    """

    latency = 2

    def __init__(self, *, width, accumulator_bits):
        exact_log2("width", width)
        super().__init__(
            {
                "i": In(data.ArrayLayout(signed(accumulator_bits), width)),
                "bias": In(data.ArrayLayout(signed(32), width)),
                "shift": In(5),
                "sums": Out(data.ArrayLayout(signed(32), width)),
                "activations": Out(data.ArrayLayout(unsigned(8), width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for lane in range(len(self.sums)):
            total = self.sums[lane]
            negative = Signal(name=f"negative_{lane}", reset_less=True)
            shifted = Signal(31, name=f"shifted_{lane}", reset_less=True)
            m.d.sync += [
                total.eq(self.i[lane] + self.bias[lane]),
                negative.eq(total < 0),
                shifted.eq(total[:31] >> self.shift),
            ]
            clamped = Mux(shifted[8:].any(), 255, shifted[:8])
            m.d.comb += self.activations[lane].eq(Mux(negative, 0, clamped))
        return m
