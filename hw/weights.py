"""The weight streamer: contiguous words of P weights, one a cycle, read straight through.

Keller & Van keirsbilck, sections 3 and 4.4: weights are accessed in linear order, forwards for
inference and backwards to propagate errors back, so a word of P weights is one address for all of
P banks.
"""

from collections.abc import Callable
from typing import Any

from amaranth import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from .checks import at_least, exact_log2
from .delay import delay
from .stream import StreamRegister, byte_port


def memory_ports(lanes: int, depth: int) -> dict[str, wiring.Member]:
    """The ports of a weight memory, seen from the memory."""
    return {
        "address": In(range(depth)),
        "enable": In(1),
        "writing": In(1),
        "write": In(lanes),
        "write_data": In(8),
        "data": Out(data.ArrayLayout(signed(8), lanes)),
    }


class WeightMemory(wiring.Component):
    """``depth`` words of ``lanes`` weights in one bank a lane, one access a cycle: portable form.

    Where ``enable`` is 0 nothing happens and ``data`` holds. Otherwise, where ``writing`` is 0,
    ``data`` is the word at ``address`` one cycle later; where it is 1, the lanes whose bits of
    ``write`` are 1 take ``write_data``, and ``data`` is undefined until the next read.

    ``reads_always`` : it reads where it writes, too. A subclass for a device may set it where what
    such a read gives costs nothing: a port that does both then has an enable that is constant.

    Raises ``TypeError`` or ``ValueError`` where ``lanes`` is no power of two or ``depth`` below 2.
    """

    latency = 1
    reads_always = False

    def __init__(self, *, lanes: int, depth: int):
        exact_log2("lanes", lanes)
        at_least("depth", depth, 2)
        self._lanes, self._depth = lanes, depth
        super().__init__(memory_ports(lanes, depth))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = data.ArrayLayout(signed(8), self._lanes)
        m.submodules.memory = memory = Memory(shape=shape, depth=self._depth, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=1)
        m.d.comb += [
            read.addr.eq(self.address),
            read.en.eq(self.enable if self.reads_always else self.enable & ~self.writing),
            self.data.eq(read.data),
            write.addr.eq(self.address),
            write.en.eq(Mux(self.enable & self.writing, self.write, 0)),
        ]
        m.d.comb += [weight.eq(self.write_data) for weight in write.data]
        return m


class WeightReader(wiring.Component):
    """The words of all junctions one after the other, each when it is asked for: no handshake.

    Throughput: one word a cycle. Latency: ``weights`` is the next word 1 cycle after ``advance``, 2
    with ``registered``, for that one cycle.

    Parameters
    ----------
    lanes, depth, registered, memory : as of :class:`WeightStreamer`, but for ``depth``: any from 2.

    Members
    -------
    write : stream of {address, data}: one weight at byte address word * lanes + lane; always ready,
        meant for when nothing is read: the next word is undefined until ``rewind``.
    rewind : the next word is the first one.
    advance : take the next word; not with ``rewind``.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(
        self,
        *,
        lanes: int,
        depth: int,
        registered: bool = False,
        memory: Callable[..., Any] = WeightMemory,
    ):
        self._lane_bits = exact_log2("lanes", lanes)
        at_least("depth", depth, 2)
        self._registered, self._memory = registered, memory(lanes=lanes, depth=depth)
        if self._memory.latency != 1:
            raise ValueError(f"memory must have a latency of 1, not {self._memory.latency!r}")
        super().__init__(
            {
                "write": In(byte_port(depth * lanes)),
                "rewind": In(1),
                "advance": In(1),
                "weights": Out(data.ArrayLayout(signed(8), lanes)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from ``advance`` to the word."""
        return self._memory.latency + bool(self._registered)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = self._memory
        pointer = Signal.like(memory.address, reset_less=True)
        byte = self.write.payload
        lane, word = byte.address[: self._lane_bits], byte.address[self._lane_bits :]
        m.d.comb += [memory.address.eq(pointer), memory.enable.eq(1)]
        m.d.comb += self.weights.eq(
            delay(m, memory.data, self.latency - 1, "weights", reset_less=True)
        )
        # The pointer takes the address of a byte, which is written in the cycle after.
        m.d.sync += [
            memory.write_data.eq(byte.data),
            memory.write.eq(Cat(lane == number for number in range(len(memory.write)))),
            memory.writing.eq(self.write.valid),
        ]
        with m.If(self.write.valid):
            m.d.sync += pointer.eq(word)
        with m.Elif(self.rewind):
            m.d.sync += pointer.eq(0)
        with m.Elif(self.advance):
            m.d.sync += pointer.eq(pointer + 1)
        return m


class WeightStreamer(wiring.Component):
    """Streams words from an address on, forwards or backwards.

    Throughput: one word a cycle without gaps; a start is taken once the one before has come to its
    end, which costs a cycle. Latency: the first word is offered 2 cycles after its start is taken,
    3 with ``registered``. With back-pressure the stages before it hold; no word is lost or
    repeated. Addresses wrap at ``depth``.

    Parameters
    ----------
    lanes, depth : the memory's sizes, powers of two.
    registered : a register behind the memory, for a faster clock.
    memory : makes the memory from ``lanes=`` and ``depth=``; see :class:`WeightMemory`. Its
        latency must be 1.

    Members
    -------
    write : stream of {address, data}: one weight at byte address word * lanes + lane; taken only
        while nothing is read.
    start : stream of {address, last, backward}: ``last`` + 1 words from word ``address`` on.
    o : stream of {weights, last}: a word, and whether it ends its start.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(
        self,
        *,
        lanes: int,
        depth: int,
        registered: bool = False,
        memory: Callable[..., Any] = WeightMemory,
    ):
        self._lane_bits = exact_log2("lanes", lanes)
        word_bits = exact_log2("depth", depth, minimum=2)
        self._registered = registered
        self._memory = memory(lanes=lanes, depth=depth)
        if self._memory.latency != 1:
            raise ValueError(f"memory must have a latency of 1, not {self._memory.latency!r}")
        self._word = data.StructLayout({"weights": data.ArrayLayout(signed(8), lanes), "last": 1})
        write = data.StructLayout({"address": unsigned(word_bits + self._lane_bits), "data": 8})
        start = data.StructLayout(
            {"address": unsigned(word_bits), "last": unsigned(word_bits), "backward": 1}
        )
        super().__init__(
            {
                "write": In(stream.Signature(write)),
                "start": In(stream.Signature(start)),
                "o": Out(stream.Signature(self._word)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from a start to its first word."""
        return 1 + self._memory.latency + bool(self._registered)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = self._memory
        read = stream.Signature(self._word).create()
        if self._registered:
            m.submodules.register = register = StreamRegister(self._word)
            connect(m, read, register.i)
            connect(m, register.o, flipped(self.o))
        else:
            connect(m, read, flipped(self.o))

        running = Signal()
        address = Signal.like(memory.address)
        left = Signal.like(memory.address)
        backward = Signal()
        advance = Signal()
        ending = Signal()
        fetched_last = Signal()
        m.d.comb += [
            advance.eq(~read.valid | read.ready),
            ending.eq(left == 0),
            self.start.ready.eq(~running),
            self.write.ready.eq(~running & ~read.valid),
            memory.address.eq(address),
            memory.enable.eq(running & advance),
            memory.write_data.eq(self.write.payload.data),
            read.payload.weights.eq(memory.data),
            read.payload.last.eq(fetched_last),
        ]
        with m.If(advance):
            m.d.sync += [read.valid.eq(running), fetched_last.eq(ending)]
            with m.If(running):
                m.d.sync += [
                    address.eq(address + Mux(backward, -1, 1)),
                    left.eq(left - 1),
                    running.eq(~ending),
                ]
        with m.If(self.write.valid & self.write.ready):
            lane, word = (
                self.write.payload.address[: self._lane_bits],
                self.write.payload.address[self._lane_bits :],
            )
            m.d.comb += [
                memory.address.eq(word),
                memory.enable.eq(1),
                memory.writing.eq(1),
                memory.write.eq(
                    Cat(lane == lane_number for lane_number in range(len(memory.write)))
                ),
            ]
        with m.If(self.start.valid & self.start.ready):
            start = self.start.payload
            m.d.sync += [
                running.eq(1),
                address.eq(start.address),
                left.eq(start.last),
                backward.eq(start.backward),
            ]
        return m
