"""The loader: where each input goes in the activation memory."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .config import ACTIVATION


class Loader(wiring.Component):
    """Joins the inputs with the addresses of their places, and writes them when it may.

    Throughput: one input a cycle in which ``slot`` is 1. Latency: 1 cycle from input to write.

    Members
    -------
    step : stream of {address, first, last} from the loader's walker.
    i : stream of input activations.
    half : the half of the memory that the inputs go to.
    slot : the memory's write port is free in this cycle.
    write, row, values, data : the write: the values whose bit is 1 of the row take the data.
    last : the last input is being taken.
    """

    def __init__(self, config, step):
        self._value_bits = config.value_bits
        super().__init__(
            {
                "step": In(step),
                "i": In(stream.Signature(ACTIVATION)),
                "half": In(1),
                "slot": In(1),
                "write": Out(1),
                "row": Out(range(config.rows)),
                "values": Out(config.values),
                "data": Out(ACTIVATION),
                "last": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        address, free = self.step.payload.address, Signal()
        value, row = address[: self._value_bits], address[self._value_bits :]
        m.d.comb += [
            free.eq(~self.write | self.slot),
            self.i.ready.eq(self.step.valid & free),
            self.step.ready.eq(self.i.valid & free),
            self.last.eq(self.step.valid & self.step.ready & self.step.payload.last),
        ]
        own_row = Signal.like(self.row, reset_less=True)
        values = Signal.like(self.values, reset_less=True)
        activation = Signal.like(self.data, reset_less=True)
        m.d.comb += [self.row.eq(own_row), self.values.eq(values), self.data.eq(activation)]
        with m.If(free):
            m.d.sync += [
                self.write.eq(self.step.valid & self.i.valid),
                own_row.eq(row ^ (self.half << len(self.row) - 1)),
                values.eq(Cat(value == number for number in range(len(self.values)))),
                activation.eq(self.i.payload),
            ]
        return m
