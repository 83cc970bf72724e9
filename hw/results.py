"""The result memory: the last layer's accumulators, written in rows and read in neuron order.

Behind it, where the last layer may have fewer neurons than lanes, what adds a neuron's copies.
"""

from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect

from .checks import exact_log2
from .config import LOGIT, RESULT
from .stream import StreamRegister


class ResultMemory(wiring.Component):
    """``neurons`` results of 32 bits, ``width`` written and one read a cycle.

    Throughput: one result every 2 cycles, so that no path leads from ``o.ready`` back to what
    reads; latency: 1 cycle from ``read`` to ``o``. Where such a path may be, one a cycle, and a
    register behind the memory makes the latency 2. With back-pressure at ``o`` the read waits.

    Parameters
    ----------
    neurons, width : powers of two, neurons >= 2 width.
    eager : whether such a path may be: for an ``o.ready`` that depends on registers alone.

    Members
    -------
    write, group, data : write ``width`` results at neurons group * width on.
    read : stream of {address, last}; ``o`` : stream of {data, last}: the result that stands there.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, neurons: int, width: int, eager: bool = False):
        self._eager = eager
        self._width_bits = exact_log2("width", width)
        exact_log2("neurons", neurons, minimum=2 * width)
        self._depth = neurons // width
        self._word = data.ArrayLayout(RESULT, width)
        read = data.StructLayout({"address": range(neurons), "last": 1})
        super().__init__(
            {
                "write": In(1),
                "group": In(range(self._depth)),
                "data": In(self._word),
                "read": In(stream.Signature(read)),
                "o": Out(stream.Signature(LOGIT)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._word, depth=self._depth, init=[])
        read = memory.read_port()
        write = memory.write_port()
        address = self.read.payload.address
        fetched = stream.Signature(
            data.StructLayout({"word": self._word, "lane": self._width_bits, "last": 1})
        ).create()
        leaving = fetched
        if self._eager:
            m.submodules.register = register = StreamRegister(fetched.payload.shape())
            connect(m, fetched, register.i)
            leaving = register.o
        m.d.comb += [
            write.addr.eq(self.group),
            write.data.eq(self.data),
            write.en.eq(self.write),
            self.read.ready.eq(~fetched.valid | fetched.ready if self._eager else ~fetched.valid),
            read.addr.eq(address[self._width_bits :]),
            read.en.eq(self.read.valid & self.read.ready),
            fetched.payload.word.eq(read.data),
            leaving.ready.eq(self.o.ready),
            self.o.valid.eq(leaving.valid),
            self.o.payload.last.eq(leaving.payload.last),
            self.o.payload.data.eq(Array(leaving.payload.word)[leaving.payload.lane]),
        ]
        with m.If(fetched.valid & fetched.ready):
            m.d.sync += fetched.valid.eq(0)
        with m.If(self.read.valid & self.read.ready):
            m.d.sync += [
                fetched.valid.eq(1),
                fetched.payload.last.eq(self.read.payload.last),
                fetched.payload.lane.eq(address[: self._width_bits]),
            ]
        return m


class CopyAdder(wiring.Component):
    """Adds the copies of each neuron of the last layer: 2**copies items in a row to one.

    Throughput: one item a cycle, but for one cycle after each sum; latency: 2 cycles from its last
    item to the sum. A sum wraps to 32 bits as all results do, so the order of adding is nothing.

    Parameters
    ----------
    max_copies : a power of two, the most items of a sum.

    Members
    -------
    copies : log2 of the items of a sum; constant from the first item of the first sum to the last
        of the last one.
    i : stream of {data, last}; its ``ready`` depends on registers alone. ``o`` : stream of {data,
        last}: the sum, and the ``last`` of its last item.

    Raises ``TypeError`` or ``ValueError`` where ``max_copies`` is no power of two of at least 2.
    """

    def __init__(self, *, max_copies: int):
        self._bits = exact_log2("max_copies", max_copies, minimum=2)
        super().__init__(
            {
                "copies": In(range(self._bits + 1)),
                "i": In(stream.Signature(LOGIT)),
                "o": Out(stream.Signature(LOGIT)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        item = Signal(LOGIT, reset_less=True)
        held = Signal()
        number = Signal(self._bits)  # of the item held
        most = Signal(self._bits)  # of the last one
        m.d.comb += [
            most.eq(Cat(self.copies > digit for digit in range(self._bits))),
            self.i.ready.eq(~held | ~self.o.valid),
        ]
        with m.If(self.o.valid):
            m.d.sync += self.o.valid.eq(~self.o.ready)
        with m.Elif(held):
            total = self.o.payload.data
            m.d.sync += [
                self.o.payload.last.eq(item.last),
                total.eq(item.data + Mux(number == 0, 0, total)),
                number.eq(Mux(number == most, 0, number + 1)),
                self.o.valid.eq(number == most),
                held.eq(0),
            ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [item.eq(self.i.payload), held.eq(1)]
        return m
