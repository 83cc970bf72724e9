"""The bias memory: one bias a neuron, read in the order in which they are needed."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .stream import byte_port


class BiasMemory(wiring.Component):
    """``neurons`` biases of 32 bits, ``width`` a cycle.

    Throughput: ``width`` biases a cycle; latency 1: ``o`` is the next group from the cycle after
    ``advance`` on, and holds until the next ``advance``.

    Parameters
    ----------
    neurons, width : powers of two, neurons >= 2 width.
    registered : a register behind the memory, for a faster clock: the group after ``o`` is fetched
        ahead, so nothing comes later. It is fetched again in the cycle after each ``write``.

    Members
    -------
    write : stream of {address, data}: one byte at byte address neuron * 4 + byte; always ready.
    rewind : the next group is the first one; not with ``advance``.
    advance : take the next group.
    o : ``width`` biases.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, neurons: int, width: int, registered: bool = False):
        exact_log2("width", width)
        exact_log2("neurons", neurons, minimum=2 * width)
        self._byte_bits = exact_log2("width", width) + 2
        self._depth, self._registered = neurons // width, registered
        self._word = data.ArrayLayout(signed(32), width)
        super().__init__(
            {
                "write": In(byte_port(4 * neurons)),
                "rewind": In(1),
                "advance": In(1),
                "o": Out(self._word),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = self._word.size
        m.submodules.memory = memory = Memory(shape=bits, depth=self._depth, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=8)
        pointer = Signal(range(self._depth))
        byte = self.write.payload.address[: self._byte_bits]
        m.d.comb += [
            write.addr.eq(self.write.payload.address[self._byte_bits :]),
            write.data.eq(self.write.payload.data.replicate(bits // 8)),
            write.en.eq(self.write.valid << byte),
        ]
        if self._registered:
            stale = Signal(init=1)
            first = Signal()
            ahead = Signal.like(read.data, reset_less=True)
            m.d.comb += [
                first.eq(self.rewind | stale),
                read.addr.eq(Mux(first, 0, pointer)),
                read.en.eq(self.advance | first),
                self.o.eq(ahead),
            ]
            m.d.sync += stale.eq(self.write.valid)
            with m.If(self.advance):
                m.d.sync += ahead.eq(read.data)
            with m.If(first):
                m.d.sync += pointer.eq(1)
            with m.Elif(self.advance):
                m.d.sync += pointer.eq(pointer + 1)
            return m
        m.d.comb += [
            read.addr.eq(pointer),
            read.en.eq(self.advance),
            self.o.eq(read.data),
        ]
        with m.If(self.rewind):
            m.d.sync += pointer.eq(0)
        with m.Elif(self.advance):
            m.d.sync += pointer.eq(pointer + 1)
        return m
