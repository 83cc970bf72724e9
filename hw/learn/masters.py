"""The master weights: two planes of bytes, read by all sweeps, and written back by the update.

There are two kinds, with the same ports. :class:`OnePortMasters` has one memory of one port, in
which the high plane stands before the low one: an update takes 4 accesses. :class:`TwoPortMasters`
has a memory with a read port and a write port for each plane, and updates a row every cycle.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..checks import exact_log2
from ..delay import delay
from ..stream import byte_port
from .update import MASTER


def row_ports(lanes: int, depth: int) -> dict[str, wiring.Member]:
    """The ports of a memory of rows, seen from the memory."""
    return {
        "address": In(range(depth)),
        "enable": In(1),
        "writing": In(1),
        "write": In(lanes),
        "write_data": In(data.ArrayLayout(signed(8), lanes)),
        "data": Out(data.ArrayLayout(signed(8), lanes)),
    }


class RowMemory(wiring.Component):
    """``depth`` rows of ``lanes`` bytes, one access a cycle: portable form.

    Where ``enable`` is 0 nothing happens and ``data`` holds. Otherwise, where ``writing`` is 0,
    ``data`` is the row at ``address`` one cycle later; where it is 1, the lanes whose bits of
    ``write`` are 1 take their ``write_data``, and ``data`` is undefined until the next read.
    """

    def __init__(self, *, lanes: int, depth: int):
        exact_log2("lanes", lanes)
        exact_log2("depth", depth, minimum=2)
        self._depth = depth
        super().__init__(row_ports(lanes, depth))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.data.shape(), depth=self._depth, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=1)
        m.d.comb += [
            read.addr.eq(self.address),
            read.en.eq(self.enable & ~self.writing),
            self.data.eq(read.data),
            write.addr.eq(self.address),
            write.en.eq(Mux(self.enable & self.writing, self.write, 0)),
            write.data.eq(self.write_data),
        ]
        return m


class Masters(wiring.Component):
    """``depth`` rows of ``lanes`` master weights, in two planes of bytes.

    Golden twin: the masters of ``golden.learn.sweeps.step``, by step and lane. All reads and
    updates but ``read`` and ``peek`` go through the rows in their order, from ``rewind`` on; new
    rows are written back from ``renew`` on.

    An update begins with ``take``, in every ``turn``-th cycle or in none:
    ``reads`` cycles later the row's masters come out at ``old``, a group of ``width`` a cycle, and
    each group's new ones must be at ``new`` 3 cycles after it (``hw.learn.update.MasterUpdate``).
    Then the row is written whole. Until then nothing else may be read.

    Parameters
    ----------
    lanes, depth : powers of two, ``depth`` at least 2.
    width : masters that are updated together, a power of two of at most ``lanes``.
    turn : cycles from an update to the next one.
    registered : a register behind each memory: ``weights`` and ``peeked`` a cycle later.
    memory : of one port, makes a :class:`RowMemory` from ``lanes=`` and ``depth=``.

    Members
    -------
    write : stream of {address, data}: one byte, always ready; address (plane * depth + row) * lanes
        + lane, where plane is 0 for the high one: those bytes are the weights of inference.
    rewind : the next row is the first one; a cycle behind the last ``take`` at the earliest.
    renew : the next row to be written back is the first one.
    advance : take the high plane of the next row.
    read : stream of rows, always ready: take that row of the high plane.
    peek : stream of {row, low}, always ready: take that row of either plane a cycle later, where
        nothing else is done. The next row is then of no use until ``rewind``.
    weights, peeked : what was taken, and what was peeked at, 1 cycle after, 2 with ``registered``.
    take, old, new : see above.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    reads: int

    def __init__(
        self,
        *,
        lanes: int,
        depth: int,
        width: int,
        turn: int,
        registered: bool = False,
    ):
        self._lane_bits = exact_log2("lanes", lanes)
        self._row_bits = exact_log2("depth", depth, minimum=2)
        exact_log2("width", width)
        exact_log2("turn", turn)
        self._lanes, self._depth, self._width, self._turn = lanes, depth, width, turn
        self._groups = lanes // width
        self._registered = registered
        self._bytes = data.ArrayLayout(signed(8), lanes)
        access = data.StructLayout({"row": unsigned(self._row_bits), "low": 1})
        group = data.ArrayLayout(MASTER, width)
        super().__init__(
            {
                "write": In(byte_port(2 * depth * lanes)),
                "rewind": In(1),
                "renew": In(1),
                "advance": In(1),
                "read": In(stream.Signature(unsigned(self._row_bits), always_ready=True)),
                "peek": In(stream.Signature(access, always_ready=True)),
                "weights": Out(self._bytes),
                "peeked": Out(self._bytes),
                "take": In(1),
                "old": Out(group),
                "new": In(group),
            }
        )

    def _byte(self):
        """Of ``write``: its row, whether it is low, and its lanes."""
        address = self.write.payload.address
        lane = address[: self._lane_bits]
        row = address[self._lane_bits : self._lane_bits + self._row_bits]
        return row, address[-1], Cat(lane == number for number in range(self._lanes))


class OnePortMasters(Masters):
    """One memory of ``lanes`` bytes a word, one access a cycle: see :class:`Masters`.

    From ``take`` on: high and low plane are read in the cycles 0 and 1, and written ``turn`` + 6
    and ``turn`` + 7 cycles after: cycles 2 and 3 of another row's.
    """

    reads = 3

    def __init__(self, *, memory: Callable[..., Any] = RowMemory, **sizes: Any):
        super().__init__(**sizes)
        if self._turn % 4:
            raise ValueError(f"turn must be a multiple of 4, not {self._turn!r}")
        self._memory = memory(lanes=self._lanes, depth=2 * self._depth)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = self._memory
        byte_row, byte_low, chosen = self._byte()
        following = Signal(self._row_bits, reset_less=True)  # the row that is read next
        written = Signal(self._row_bits, reset_less=True)  # and the one that is written next
        second = delay(m, self.take, 1, "take")
        third = delay(m, second, 1, "second")
        first_write = delay(m, second, self._turn + 5, "write_high")
        second_write = delay(m, first_write, 1, "write_low")
        writes = first_write | second_write
        # What a byte of the network needs is kept for a cycle, as its address goes the longest way.
        byte = Signal.like(self.write.payload.data, name="byte", reset_less=True)
        byte_lanes = Signal(self._lanes, reset_less=True)
        byte_written = Signal()
        plane = Signal(reset_less=True)
        m.d.sync += [
            byte.eq(self.write.payload.data),
            byte_lanes.eq(chosen),
            byte_written.eq(self.write.valid),
            plane.eq(Mux(self.write.valid, byte_low, self.peek.payload.low)),
        ]
        peeked = delay(m, self.peek.valid, 1, "peek")
        is_low = Mux(self.read.valid, 0, Mux(byte_written | peeked, plane, second))
        row = Mux(self.read.valid, self.read.payload, following)
        new = Cat(each.high for each in self.new), Cat(each.low for each in self.new)
        came = self._valid(m, second)
        high_row = self._comes(m, new[0], came, "high")
        low = delay(m, new[1], 1, "new_low", reset_less=True)
        low_row = self._comes(m, low, delay(m, came, 1, "came"), "low")
        rows = Mux(second_write, low_row, high_row)
        m.d.comb += [
            memory.address.eq(Mux(writes, Cat(written, second_write), Cat(row, is_low))),
            memory.enable.eq(
                writes | byte_written | peeked | self.read.valid | self.advance | self.take | second
            ),
            memory.writing.eq(writes | byte_written),
            memory.write.eq(Mux(writes, ~0, byte_lanes)),
            memory.write_data.as_value().eq(Mux(writes, rows, byte.replicate(self._lanes))),
            self.weights.eq(delay(m, memory.data, self._registered, "weights", reset_less=True)),
            self.peeked.eq(self.weights),
        ]
        with m.If(self.write.valid):
            m.d.sync += following.eq(byte_row)
        with m.Elif(self.peek.valid):
            m.d.sync += following.eq(self.peek.payload.row)
        with m.Elif(self.rewind):
            m.d.sync += following.eq(0)
        with m.Elif(self.advance | second):
            m.d.sync += following.eq(following + 1)
        with m.If(self.renew):
            m.d.sync += written.eq(0)
        with m.Elif(second_write):
            m.d.sync += written.eq(written + 1)
        high = self._leaves(m, memory.data.as_value(), second, "high")
        highs = delay(m, high, 1, "old_high", reset_less=True)
        lows = self._leaves(m, memory.data.as_value(), third, "low")
        for number, old in enumerate(self.old):
            m.d.comb += [
                old.high.eq(highs.word_select(number, 8)),
                old.low.eq(lows.word_select(number, 8)),
            ]
        return m

    def _leaves(self, m: Module, row: Any, begin: Any, name: str) -> Any:
        """``row`` of the cycle ``begin``, group after group from the cycle after on."""
        bits = 8 * self._width
        if self._groups == 1:
            kept = Signal(bits, name=f"{name}_kept", reset_less=True)
            m.d.sync += kept.eq(row)
            return kept
        kept = Signal(8 * self._lanes, name=f"{name}_kept", reset_less=True)
        m.d.sync += kept.eq(Mux(begin, row, kept >> bits))
        return kept[:bits]

    def _comes(self, m: Module, group: Any, valid: Any, name: str) -> Any:
        """The last groups that were ``valid``, the latest one uppermost: a row."""
        kept = Signal(8 * self._lanes, name=f"{name}_new", reset_less=True)
        with m.If(valid):
            m.d.sync += kept.eq(Cat(kept, group)[len(group) :])
        return kept

    def _valid(self, m: Module, second: Any) -> Any:
        """A new group is there; groups that fill their turns always are."""
        if self._groups == self._turn:
            return Const(1)
        valid = delay(m, second, 5, "came_0")
        following = [delay(m, valid, number, f"came_{number}") for number in range(1, self._groups)]
        return Cat(valid, *following).any()


class TwoPortMasters(Masters):
    """A memory for each plane, with a read port and a write port: see :class:`Masters`.

    A row is updated whole, so that ``width`` is ``lanes`` and ``turn`` is 1. It is written 3 cycles
    after it came out.
    """

    def __init__(self, *, lanes: int, depth: int, registered: bool = False):
        super().__init__(lanes=lanes, depth=depth, width=lanes, turn=1, registered=registered)
        self.reads = 1 + registered

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = 8 * self._lanes
        following = Signal(self._row_bits, reset_less=True)  # the row that is read next
        written = Signal(self._row_bits, reset_less=True)  # and the one that is written next
        writes = delay(m, self.take, self.reads + 3, "write")
        peeked = delay(m, self.peek.valid, 1, "peek")
        low = Signal(name="low_peeked", reset_less=True)
        row = Signal(self._row_bits, name="read_row")
        m.d.comb += row.eq(Mux(self.read.valid, self.read.payload, following))
        # What a byte of the network needs is kept for a cycle, as its address goes the longest way.
        byte_row, byte_low, chosen = (
            delay(m, each, 1, name, reset_less=True)
            for each, name in zip(self._byte(), ("byte_row", "byte_low", "byte_lanes"), strict=True)
        )
        byte = delay(m, self.write.payload.data, 1, "byte", reset_less=True)
        comes = delay(m, self.write.valid, 1, "byte_written")
        planes = {}
        for name, own in (("high", ~byte_low), ("low", byte_low)):
            m.submodules[name] = memory = Memory(shape=bits, depth=self._depth, init=[])
            read = memory.read_port()
            write = memory.write_port(granularity=8)
            new = Cat(getattr(each, name) for each in self.new)
            m.d.comb += [
                read.en.eq(self.take | peeked | self.read.valid | self.advance),
                read.addr.eq(row),
                write.addr.eq(Mux(writes, written, byte_row)),
                write.en.eq(Mux(writes, ~0, Mux(comes & own, chosen, 0))),
                write.data.eq(Mux(writes, new, byte.replicate(self._lanes))),
            ]
            plane = delay(m, read.data, self._registered, name, reset_less=True)
            for number, old in enumerate(self.old):
                m.d.comb += getattr(old, name).eq(plane.word_select(number, 8))
            planes[name] = plane
        m.d.comb += [
            self.weights.eq(planes["high"]),
            self.peeked.eq(Mux(low, planes["low"], planes["high"])),
        ]
        with m.If(self.peek.valid):
            m.d.sync += [following.eq(self.peek.payload.row), low.eq(self.peek.payload.low)]
        with m.Elif(self.rewind):
            m.d.sync += following.eq(0)
        with m.Elif(self.advance | self.take):
            m.d.sync += following.eq(following + 1)
        with m.If(self.renew):
            m.d.sync += written.eq(0)
        with m.Elif(writes):
            m.d.sync += written.eq(written + 1)
        return m
