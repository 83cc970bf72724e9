"""The master weights: two planes of bytes, read by all sweeps, and written back by the update.

There are two kinds, with the same ports. :class:`OnePortMasters` has one memory of one port, in
which the high plane stands before the low one: an update takes 4 accesses. :class:`TwoPortMasters`
has a memory with a read port and a write port for each plane, and updates a row every cycle.
"""

from typing import Any

from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..checks import exact_log2
from ..delay import delay
from ..stream import byte_port
from .update import PRODUCT_BITS, MasterUpdate


class Masters(wiring.Component):
    """``depth`` rows of ``lanes`` master weights, and the update of them.

    Golden twin: the masters of ``golden.learn.sweeps.step``, by step and lane.

    A sweep reads a row of either plane a cycle. An update takes a row, gives its masters less what
    is taken of them back to where they stood, and takes the next row ``cycles`` cycles after. The
    products must come exactly ``products_after`` cycles after their row is taken. A row that is
    taken is written whole, ``written_after`` cycles later at the latest, whatever comes after it;
    it must not be read or taken again before. ``read`` and ``write`` are for when ``idle``.

    Parameters
    ----------
    lanes, depth : powers of two, ``depth`` at least 2.

    Members
    -------
    write : stream of {address, data}: one byte, always ready; address (plane * depth + row) * lanes
        + lane, where plane is 0 for the high one: those bytes are the weights of inference.
    read : stream of {row, low}, always ready: ``bytes`` is that row of the high plane, or of the
        low one, from the cycle after until the next access.
    row : stream of rows to update.
    products, shift, fixed : as of ``hw.learn.update.MasterUpdate``; the latter two hold meanwhile.
    idle : no update is under way.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    cycles: int
    products_after: int
    written_after: int

    def __init__(self, *, lanes: int, depth: int):
        self._lane_bits = exact_log2("lanes", lanes)
        self._row_bits = exact_log2("depth", depth, minimum=2)
        self._lanes, self._depth = lanes, depth
        self._bytes = data.ArrayLayout(signed(8), lanes)
        self.update = MasterUpdate(lanes=lanes)
        access = data.StructLayout({"row": unsigned(self._row_bits), "low": 1})
        super().__init__(
            {
                "write": In(byte_port(2 * depth * lanes)),
                "read": In(stream.Signature(access, always_ready=True)),
                "bytes": Out(self._bytes),
                "row": In(stream.Signature(unsigned(self._row_bits))),
                "products": In(data.ArrayLayout(signed(PRODUCT_BITS), lanes)),
                "shift": In(range(PRODUCT_BITS + 1)),
                "fixed": In(1),
                "idle": Out(1, init=1),
            }
        )

    def _byte(self):
        """Of ``write``: its row, whether it is low, its lanes, and its data for every lane."""
        address, lanes = self.write.payload.address, self._lanes
        lane = address[: self._lane_bits]
        row = address[self._lane_bits : self._lane_bits + self._row_bits]
        chosen = Cat(lane == number for number in range(lanes))
        return row, address[-1], chosen, Cat([self.write.payload.data] * lanes)

    def _connect_update(self, m: Module, high: Any, low: Any) -> tuple[Any, Any]:
        """Masters to the update; the bytes that come of it, high and low."""
        m.submodules.update = update = self.update
        for lane, master in enumerate(update.masters):
            m.d.comb += [master.high.eq(high[lane]), master.low.eq(low[lane])]
        m.d.comb += [
            update.products.eq(self.products),
            update.shift.eq(self.shift),
            update.fixed.eq(self.fixed),
        ]
        return Cat(new.high for new in update.o), Cat(new.low for new in update.o)


class OnePortMasters(Masters):
    """One memory of ``lanes`` bytes a word, one access a cycle: see :class:`Masters`.

    The accesses of an update go in turns of four cycles: read high, read low, write high, write low
    of the row before.
    """

    cycles, products_after, written_after = 4, 2, 8

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lanes = self._lanes
        m.submodules.memory = memory = Memory(shape=8 * lanes, depth=2 * self._depth, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=8)
        byte_row, byte_low, chosen, byte = self._byte()
        phase = Signal(2)  # 0 while nothing is under way
        taken = self.row.valid & self.row.ready
        first = Signal()  # a row is in its first turn
        second = Signal()  # and one in its second
        row = Signal(self._row_bits, reset_less=True)
        before = Signal.like(row, name="before", reset_less=True)
        high = Signal(self._bytes, reset_less=True)
        new_high, new_low = self._connect_update(m, high, self.bytes)
        kept = Signal(2 * 8 * lanes, name="kept", reset_less=True)  # what is to be written
        writing = second & phase[1]
        m.d.comb += [
            self.idle.eq(~first & ~second),
            self.row.ready.eq(phase == 0),
            self.bytes.eq(read.data),
            read.en.eq(taken | (first & (phase == 1)) | self.read.valid),
            read.addr.eq(Cat(self.read.payload.row, self.read.payload.low)),
            write.addr.eq(Cat(byte_row, byte_low)),
            write.data.eq(byte),
            write.en.eq(Mux(self.write.valid, chosen, 0)),
        ]
        with m.If(taken):
            m.d.comb += read.addr.eq(self.row.payload)
        with m.Elif(first):
            m.d.comb += read.addr.eq(Cat(row, 1))
        with m.If(writing):
            m.d.comb += [
                write.addr.eq(Cat(before, phase[0])),
                write.data.eq(Mux(phase[0], kept[8 * lanes :], kept[: 8 * lanes])),
                write.en.eq(~0),
            ]
        with m.If(taken | first | (phase != 0)):
            m.d.sync += phase.eq(phase + 1)
        with m.If(phase == 0):
            m.d.sync += [row.eq(self.row.payload), before.eq(row)]
            m.d.sync += [first.eq(self.row.valid), second.eq(first)]
        with m.If(phase == 1):  # the high bytes are there, and the new masters of the row before
            m.d.sync += [high.eq(read.data), kept.eq(Cat(new_high, new_low))]
        return m


class TwoPortMasters(Masters):
    """A memory for each plane, with a read port and a write port: see :class:`Masters`."""

    cycles, products_after, written_after = 1, 1, 5

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits, latency = 8 * self._lanes, 1 + self.update.latency
        byte_row, byte_low, chosen, byte = self._byte()
        low = Signal(name="low_read")
        valid = delay(m, self.row.valid, latency, "valid")
        row = delay(m, self.row.payload, latency, "row", reset_less=True)
        planes = []
        for name, own in (("high", ~byte_low), ("low", byte_low)):
            memory = Memory(shape=bits, depth=self._depth, init=[])
            m.submodules[name] = memory
            read = memory.read_port()
            write = memory.write_port(granularity=8)
            planes.append((read, write))
            m.d.comb += [
                read.en.eq(self.row.valid | self.read.valid),
                read.addr.eq(Mux(self.row.valid, self.row.payload, self.read.payload.row)),
                write.addr.eq(Mux(valid, row, byte_row)),
                write.en.eq(Mux(valid, ~0, Mux(self.write.valid & own, chosen, 0))),
            ]
        words = [data.View(self._bytes, read.data) for read, _ in planes]
        for (_, write), new in zip(planes, self._connect_update(m, *words), strict=True):
            m.d.comb += write.data.eq(Mux(valid, new, byte))
        busy = Signal(range(latency + 1))  # cycles until the last row is written
        m.d.comb += [
            self.row.ready.eq(1),
            self.idle.eq(busy == 0),
            self.bytes.eq(Mux(low, *(word.as_value() for word in reversed(words)))),
        ]
        with m.If(self.read.valid):
            m.d.sync += low.eq(self.read.payload.low)
        with m.If(self.row.valid):
            m.d.sync += busy.eq(latency)
        with m.Elif(busy != 0):
            m.d.sync += busy.eq(busy - 1)
        return m
