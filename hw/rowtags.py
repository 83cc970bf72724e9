"""The row tagger: where each row of sums goes, and what becomes of it."""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.image import Kind

from . import tags
from .activations import mirrored
from .config import EngineConfig


class RowTagger(wiring.Component):
    """Counts a junction's rows from its first one on, and keeps what belongs to them.

    Latency 0. The junction's facts are taken when the first of its steps is about to be summed; by
    then the next junction may not have taken their place.

    Members
    -------
    begin : the steps of ``junction`` are about to be issued. ``keep`` : it is needed still.
    ahead : the tag of the step that will be in the accumulators in the next cycle.
    capture, step : a row of sums is there; the tag of its last step.
    o : the row's tag, while ``capture`` is 1.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(
            {
                "begin": In(1),
                "keep": Out(1),
                "junction": In(tags.junction(config)),
                "ahead": In(tags.STEP),
                "capture": In(1),
                "step": In(tags.STEP),
                "o": Out(tags.row(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        header, half = self.junction.header, self.junction.half
        base = Signal.like(self.o.row, name="base", reset_less=True)
        row = Signal.like(self.o.row, name="row", reset_less=True)
        shift = Signal(5, reset_less=True)  # of the junction whose products are summed
        output = Signal(reset_less=True)  # and whether that is the last one
        with m.If(self.begin):
            m.d.sync += self.keep.eq(1)
        with m.If(self.ahead.begins):
            m.d.sync += [
                self.keep.eq(0),
                shift.eq(header.shift),
                output.eq(header.kind == Kind.OUTPUT),
                # Results have a memory of their own.
                base.eq(mirrored(self.junction.base, half & (header.kind == Kind.HIDDEN))),
            ]
        m.d.comb += [
            self.o.row.eq(Mux(self.step.opening, base, row + 1)),
            self.o.shift.eq(shift),
            self.o.output.eq(output),
            self.o.closing.eq(self.step.closing),
        ]
        with m.If(self.capture):
            m.d.sync += row.eq(self.o.row)
        return m
