"""The loader: where each input goes in the activation memory."""

from typing import Any

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .activations import mirrored
from .config import EngineConfig


class Loader(wiring.Component):
    """Joins the inputs with the addresses of their places, and writes them when it may.

    Throughput: one input a cycle in which ``slot`` is 1: the write in hand leaves, the next input
    is taken. Latency: 1 cycle from input to write, and those without ``slot``.

    Members
    -------
    step : stream of {address, first, last} from the loader's walker.
    i : stream of inputs: a neuron's activation in each image.
    half : the half of the memory that the inputs go to.
    slot : the memory's write port is free in this cycle.
    write, row, chosen, data : the write: the lanes of the row whose bit is 1 take the data.
    last : the last input is being taken.
    """

    def __init__(self, config: EngineConfig, step: stream.Signature) -> None:
        self._lane_bits = config.lane_bits
        super().__init__(
            {
                "step": In(step),
                "i": In(stream.Signature(config.input_bits)),
                "half": In(1),
                "slot": In(1),
                "write": Out(1),
                "row": Out(range(config.rows)),
                "chosen": Out(config.lanes),
                "data": Out(config.input_bits),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        address = self.step.payload.address
        lane, row = address[: self._lane_bits], address[self._lane_bits :]
        m.d.comb += [
            self.i.ready.eq(self.step.valid & self.slot),
            self.step.ready.eq(self.i.valid & self.slot),
            self.last.eq(self.step.valid & self.step.ready & self.step.payload.last),
        ]
        own_row = Signal.like(self.row, reset_less=True)
        chosen = Signal.like(self.chosen, reset_less=True)
        activations = Signal.like(self.data, reset_less=True)
        m.d.comb += [self.row.eq(own_row), self.chosen.eq(chosen), self.data.eq(activations)]
        with m.If(self.slot):
            m.d.sync += [
                self.write.eq(self.step.valid & self.i.valid),
                own_row.eq(mirrored(row, self.half)),
                chosen.eq(Cat(lane == number for number in range(len(self.chosen)))),
                activations.eq(self.i.payload),
            ]
        return m
