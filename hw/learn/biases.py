"""The biases: read in the order in which they are needed, and written back in that order."""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..checks import exact_log2
from ..delay import delay
from ..stream import byte_port
from .update import BIAS


class BiasMasters(wiring.Component):
    """``neurons`` biases, ``width`` a cycle, read and written back through pointers.

    Throughput: ``width`` biases a cycle; latency 1: ``o`` is the next group from the cycle after
    ``advance`` on, and holds until the next ``advance``; 2 where it is ``registered``.

    Parameters
    ----------
    neurons, width : powers of two, neurons >= 2 width.
    registered : a register behind the memory, for a faster clock.

    Members
    -------
    write : stream of {address, data}: one byte at byte address neuron * 4 + byte; always ready.
    rewind : the next group to be read is the first one; with the last ``advance`` at the earliest.
    renew : the next group to be written is the first one.
    advance : take the next group. ``o`` : it.
    peek, place : ``o`` is the group of that number, 1 or 2 cycles later; not with ``advance``.
    back, new : write the next group back.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, neurons: int, width: int, registered: bool = False):
        self._byte_bits = exact_log2("width", width) + 2
        exact_log2("neurons", neurons, minimum=2 * width)
        self._depth, self._registered = neurons // width, registered
        self._word = data.ArrayLayout(BIAS, width)
        super().__init__(
            {
                "write": In(byte_port(4 * neurons)),
                "rewind": In(1),
                "renew": In(1),
                "advance": In(1),
                "o": Out(self._word),
                "peek": In(1),
                "place": In(range(self._depth)),
                "back": In(1),
                "new": In(self._word),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = self._word.size
        m.submodules.memory = memory = Memory(shape=bits, depth=self._depth, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=8)
        following = Signal(range(self._depth))
        written = Signal(range(self._depth))
        byte = self.write.payload.address[: self._byte_bits]
        own = self.write.payload
        m.d.comb += [
            write.addr.eq(Mux(self.back, written, own.address[self._byte_bits :])),
            write.data.eq(Mux(self.back, self.new, own.data.replicate(bits // 8))),
            write.en.eq(Mux(self.back, ~0, self.write.valid << byte)),
            read.addr.eq(Mux(self.peek, self.place, following)),
            read.en.eq(self.advance | self.peek),
            self.o.eq(delay(m, read.data, self._registered, "o", reset_less=True)),
        ]
        for pointer, begins, moves in (
            (following, self.rewind, self.advance),
            (written, self.renew, self.back),
        ):
            with m.If(begins):
                m.d.sync += pointer.eq(0)
            with m.Elif(moves):
                m.d.sync += pointer.eq(pointer + 1)
        return m
