"""The write-back: where the values at the end of the pipeline go, and when a junction is done."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.image import Kind

from .config import HEADER
from .requantizer import Requantizer


class WriteBack(wiring.Component):
    """Counts rows and keeps each group's place until its values have left the requantizer.

    Members
    -------
    phase : of the junction whose rows come.
    valid, group, last, final : of the row serializer: a group, the row's last, of the last row.
    result, result_place : write the requantizer's sums, 1 cycle after ``valid``, of an OUTPUT
        junction.
    activation, activation_place : write its activations, 3 cycles after ``valid``, of a HIDDEN
        junction.
    done : the junction's last group is written by the end of the following cycle.

    A place is row * groups + group.
    """

    def __init__(self, config):
        self._group_bits = (config.groups - 1).bit_length()
        place = range(config.rows * config.groups)
        super().__init__(
            {
                "phase": In(HEADER),
                "valid": In(1),
                "group": In(range(config.groups)),
                "last": In(1),
                "final": In(1),
                "result": Out(1),
                "result_place": Out(place),
                "activation": Out(1),
                "activation_place": Out(place),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        row = Signal(len(self.result_place) - self._group_bits)
        valid = Signal(Requantizer.latency)  # bit s: s + 1 cycles ago
        place, finishing = Signal.like(self.result_place), Signal()
        ending = self.valid & self.last
        with m.If(ending):
            m.d.sync += row.eq(Mux(self.final, 0, row + 1))
        m.d.sync += [
            valid.eq(Cat(self.valid, valid)),
            finishing.eq(ending & self.final),
            self.done.eq(finishing),
            self.result_place.eq(Cat(self.group[: self._group_bits], row)),
            place.eq(self.result_place),
            self.activation_place.eq(place),
        ]
        m.d.comb += [
            self.result.eq(valid[0] & (self.phase.kind == Kind.OUTPUT)),
            self.activation.eq(valid[-1] & (self.phase.kind == Kind.HIDDEN)),
        ]
        return m
