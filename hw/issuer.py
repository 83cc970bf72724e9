"""The issuer: the steps of a junction, row by row, as fast as the rows may follow each other."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from . import tags
from .config import HEADER, EngineConfig
from .rows import RowPacer


class Issuer(wiring.Component):
    """Takes the steps that the runner's walker offers and marks where rows begin and end.

    Throughput: one step a cycle; after the last one of a row the next row waits until the
    requantizers can keep up: max(fan-in, groups) cycles a row. Latency 0.

    Members
    -------
    begin, header : the steps of the junction ``header`` follow.
    step : stream of {address, first, last}.
    valid : a step is issued now: it reads source row ``row``, lane xor ``distance``.
    tag : that of the step, see ``hw.tags.STEP``.
    """

    def __init__(self, config: EngineConfig, step: stream.Signature) -> None:
        self._lane_bits = config.lane_bits
        self._pacer = RowPacer(fan_in_bits=config.neuron_bits, groups=config.groups)
        super().__init__(
            {
                "begin": In(1),
                "header": In(HEADER),
                "step": In(step),
                "row": Out(range(config.rows)),
                "distance": Out(config.lane_bits),
                "valid": Out(1),
                "tag": Out(tags.STEP),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.pacer = pacer = self._pacer
        step = self.step.payload
        leading = Signal()  # within the first row
        m.d.comb += [
            pacer.begin.eq(self.begin),
            pacer.fan_in.eq(self.header.fan_in),
            pacer.step.eq(self.valid),
            self.step.ready.eq(pacer.free),
            self.valid.eq(self.step.valid & pacer.free),
            self.row.eq(step.address[self._lane_bits :]),
            self.distance.eq(step.address[: self._lane_bits]),
            self.tag.valid.eq(self.valid),
            self.tag.first.eq(pacer.first),
            self.tag.last.eq(pacer.last),
            self.tag.begins.eq(self.valid & step.first),
            self.tag.opening.eq(pacer.last & leading),
            self.tag.closing.eq(step.last),
        ]
        with m.If(self.begin):
            m.d.sync += leading.eq(1)
        with m.Elif(self.valid & pacer.last):
            m.d.sync += leading.eq(0)
        return m
