"""The write-back: where the values at the end of the pipeline go, and when a junction is done."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.image import Kind

from .config import HEADER
from .delay import delay
from .requantizer import Requantizer


class WriteBack(wiring.Component):
    """Counts rows, and keeps each group's place until its values have left the requantizer.

    Members
    -------
    begin : the steps of a junction are about to be issued; ``keep`` : its header is needed still.
    begins, header, base, half : the first step of this junction will end in the accumulators in the
        next cycle; the first row of its layer, and the half of the memory.
    capture, opening, closing : a row of sums is there: the junction's first, last.
    tag : {shift, output, closing} of that row, to travel with it.
    valid, group, last, row_tag : of the row serializer: a group, the row's last, the row's tag.
    result, result_place : write the requantizer's sums, 2 cycles after ``valid``.
    activation, activation_place : write its activations, 4 cycles after ``valid``.
    done : the last group of the last result is written in this cycle.

    A place is row * groups + group.
    """

    Tag = data.StructLayout({"shift": 5, "output": 1, "closing": 1})

    def __init__(self, config):
        self._group_bits = (config.groups - 1).bit_length()
        place = range(config.rows * config.groups)
        super().__init__(
            {
                "begin": In(1),
                "keep": Out(1),
                "begins": In(1),
                "header": In(HEADER),
                "base": In(range(config.rows)),
                "half": In(1),
                "capture": In(1),
                "opening": In(1),
                "closing": In(1),
                "tag": Out(self.Tag),
                "valid": In(1),
                "group": In(range(config.groups)),
                "last": In(1),
                "row_tag": In(self.Tag),
                "result": Out(1),
                "result_place": Out(place),
                "activation": Out(1),
                "activation_place": Out(place),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        base = Signal.like(self.base, reset_less=True)
        row = Signal.like(self.base, reset_less=True)
        shift = Signal(5, reset_less=True)  # of the junction whose products are summed
        output = Signal(reset_less=True)  # and whether that is the last one
        mirrored = self.half & (self.header.kind == Kind.HIDDEN)
        with m.If(self.begin):
            m.d.sync += self.keep.eq(1)
        with m.If(self.begins):
            m.d.sync += [
                self.keep.eq(0),
                shift.eq(self.header.shift),
                output.eq(self.header.kind == Kind.OUTPUT),
                base.eq(self.base ^ (mirrored << len(base) - 1)),
            ]
        m.d.comb += [
            self.tag.shift.eq(shift),
            self.tag.output.eq(output),
            self.tag.closing.eq(self.closing),
        ]
        with m.If(self.capture):
            m.d.sync += row.eq(Mux(self.opening, base, row + 1))
        latency, sums = Requantizer.latency, Requantizer.sums_latency
        places = [
            Signal.like(self.result_place, name=f"place_{cycle}", reset_less=True)
            for cycle in range(1, latency + 1)
        ]
        m.d.sync += Cat(places).eq(Cat(self.group[: self._group_bits], row, places))
        leaving = self.valid & self.row_tag.output  # a group of results
        ending = self.last & self.row_tag.closing
        m.d.comb += [
            self.result_place.eq(places[sums - 1]),
            self.activation_place.eq(places[-1]),
            self.result.eq(delay(m, leaving, sums, "result")),
            self.done.eq(delay(m, leaving & ending, sums, "done")),
            self.activation.eq(delay(m, self.valid & ~leaving, latency, "hidden")),
        ]
        return m
