"""The result memory: the last layer's accumulators, written in rows and read in neuron order."""

from amaranth import Array, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .checks import exact_log2


class ResultMemory(wiring.Component):
    """``neurons`` results of 32 bits, ``width`` written and one read a cycle.

    Throughput: one result every 2 cycles, so that no path leads from ``o.ready`` back to what
    reads; latency: 1 cycle from ``read`` to ``o``. With back-pressure at ``o`` the read waits.

    Parameters
    ----------
    neurons, width : powers of two, neurons >= 2 width.

    Members
    -------
    write, group, data : write ``width`` results at neurons group * width on.
    read : stream of {address, last}; ``o`` : stream of {data, last}: the result that stands there.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, neurons, width):
        self._width_bits = exact_log2("width", width)
        exact_log2("neurons", neurons, minimum=2 * width)
        self._depth = neurons // width
        self._word = data.ArrayLayout(signed(32), width)
        read = data.StructLayout({"address": range(neurons), "last": 1})
        result = data.StructLayout({"data": signed(32), "last": 1})
        super().__init__(
            {
                "write": In(1),
                "group": In(range(self._depth)),
                "data": In(self._word),
                "read": In(stream.Signature(read)),
                "o": Out(stream.Signature(result)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._word, depth=self._depth, init=[])
        read, write = memory.read_port(), memory.write_port()
        lane = Signal(self._width_bits)
        address = self.read.payload.address
        m.d.comb += [
            write.addr.eq(self.group),
            write.data.eq(self.data),
            write.en.eq(self.write),
            self.read.ready.eq(~self.o.valid),
            read.addr.eq(address[self._width_bits :]),
            read.en.eq(self.read.valid & self.read.ready),
            self.o.payload.data.eq(Array(read.data)[lane]),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.read.valid & self.read.ready):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.payload.last.eq(self.read.payload.last),
                lane.eq(address[: self._width_bits]),
            ]
        return m
