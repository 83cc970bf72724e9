"""Takes commands apart; ``golden.protocol.device`` is the twin in software.

``boards.gateware.learning`` has what an engine that learns needs beside.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from sobolpath.golden.protocol.device import LENGTHS, WRITES
from sobolpath.golden.protocol.frames import HEADER_BYTES, Opcode, Status
from sobolpath.hw.engines import Config
from sobolpath.hw.memories import spaces

from .crc import SerialCrc
from .extent import LENGTH_BITS, TURN, Extent

#: The byte of a frame that is in hand: those of the header, then all data as one, then its CRC's.
DATA = HEADER_BYTES
LAST = 15  # a byte more is the next frame's first


class Kind(enum.Enum, shape=2):
    """Commands but WRITE and READ, by the low digits of their opcodes; there those have a space."""

    CHECK = 0
    IDENTIFY = 1
    INFER = 2
    LOAD = 3


class Commands(wiring.Component):
    """Reads commands, feeds the engine, and says what is to be answered.

    A byte takes 10 cycles, one of data ``TURN`` + 14, and those that the engine lets it wait. An
    answer is there 11 cycles after the byte that decides it was taken. While it waits for its tag
    to be sent no byte is taken: so kind and tag of the command stay as they are.

    After an answer other than OK every byte is dropped until ``silence``. A reset begins with a new
    command; both bring back to its place what was being read of ``boards.gateware.loaded``.

    Parameters
    ----------
    config : the engine's.

    Members
    -------
    i : In(stream of 8 bits), from the link.
    silence : In(1), for one cycle: for some time no byte came.
    write, inputs : Out(streams), as of ``boards.gateware.host.Host``.
    pending : Out(1), an answer is there. ``status`` : Out(Status), ``identify``, ``infer``,
        ``load``, ``check`` : Out(1), of what kind it is. ``answered`` : In(1), its tag was sent.
    tag : Out(1), the lowest bit of the tag, ``turn_tag`` : In(1), turns it by a place.
    bit, add, keep, begin, forget, confirm, turn : Out(1), to ``boards.gateware.loaded.Loaded``;
        aligned, digest, size, network : In(1), from there.
    """

    learns = False  # boards.gateware.learning
    opcodes = (*LENGTHS, Opcode.INFER, *WRITES)

    def __init__(self, *, config: Config):
        sizes = {int(space.value): size.bytes for space, size in spaces(config).items()}
        self.crc, self.extent = SerialCrc(reset_less=True), Extent(sizes=sizes, stays=self.learns)
        self._word = config.images * config.input_width  # bytes of a word of inputs
        to_loaded = ("bit", "add", "keep", "begin", "forget", "confirm", "turn")
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "silence": In(1),
                "write": Out(stream.Signature(config.write_layout)),
                "inputs": Out(stream.Signature(8 * self._word)),
                "pending": Out(1),
                "status": Out(3),
                **{kind.name.lower(): Out(1) for kind in Kind},
                "answered": In(1),
                "tag": Out(1),
                "turn_tag": In(1),
                **{name: Out(1) for name in to_loaded},
                **{name: In(1) for name in ("aligned", "digest", "size", "network")},
                **self._more(config),
            }
        )

    def _more(self, config: Any) -> dict[str, Any]:
        """More members."""
        return {}

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        extent = self.extent
        m.submodules.crc, m.submodules.extent = self.crc, extent
        self._byte = Signal(8, reset_less=True)
        self._index = Signal(range(LAST + 1))  # of the byte in its frame
        self._kind = Signal(Kind)
        self._unknown = Signal()
        self._writes = Signal()
        self._spaced = self._addressed()
        self._begins = Signal(init=1)  # the index is 0, and no byte of the frame is there
        self._bad = Signal()  # a bit of a CRC was another
        self._other = Signal()  # so was one of the length or of the digest
        shift = Signal()
        place = Signal(range(TURN))
        m.d.comb += [
            self.bit.eq(self._byte[0]),
            *(getattr(self, kind.name.lower()).eq(self._is(kind)) for kind in Kind),
            self.extent.space.eq(self._kind),
        ]
        self._feed(m)
        self._judge(m)
        m.d.sync += self.i.ready.eq(0)  # a register, in the cycle after the byte was copied
        with m.If(self.answered):
            m.d.sync += self.pending.eq(0)
        with m.FSM():
            self._bytes(m, shift, place)
            self._decisions(m)
            self._data(m, place)
            self._more_states(m)
        self._shift(m, shift)
        m.d.comb += extent.short.eq(place < LENGTH_BITS)
        return m

    def _judge(self, m):
        """What is wrong with a header, in registers: it stands still before it counts."""
        length, writes = self.extent.length, self._spaced
        few = Signal()
        self._none, self._wrong, self._beyond = (
            Signal(name=name, reset_less=True) for name in ("none", "wrong", "beyond")
        )
        sizes = {Kind[Opcode(opcode).name]: size for opcode, size in LENGTHS.items()}
        other = Signal()
        early = Signal()
        self._verdict = Signal(Status)
        with m.Switch(self._kind):
            for kind, size in sizes.items():
                with m.Case(kind):
                    m.d.comb += other.eq(~few | (length[:3] != size))
        m.d.sync += [
            few.eq(~length[3:].any()),
            self._none.eq(few & ~length[:3].any()),
            self._wrong.eq(self._unknown | Mux(writes, self._none, other)),
            self._beyond.eq(self.extent.beyond),
            early.eq(self.infer & (~self.network | self._other | self._none)),
            self._verdict.eq(Status.OK),
        ]
        with m.If(self._bad):
            m.d.sync += self._verdict.eq(Status.HEADER)
        with m.Elif(self._wrong):
            m.d.sync += self._verdict.eq(Status.COMMAND)
        with m.Elif(early):
            m.d.sync += self._verdict.eq(Status.NETWORK)
        with m.Elif(writes & self._beyond):
            m.d.sync += self._verdict.eq(Status.ADDRESS)

    def _bytes(self, m, shift, place):
        """The states of every byte: wait for it, shift it, act on it; or drop it."""
        byte = self._byte
        with m.State("ALIGN"):
            with m.If(self.aligned):
                m.next = "TAKE"
            with m.Else():
                m.d.comb += self.turn.eq(1)
        with m.State("TAKE"):
            self._take(m)
        with m.State("SHIFT"):
            m.d.comb += shift.eq(1)
            m.d.sync += self._begins.eq(0)
            m.d.sync += [byte.eq(Cat(byte[1:], byte[0])), place.eq(place + 1)]
            with m.If(place == 7):
                m.d.sync += place.eq(0)
                m.next = "ACT"
        with m.State("ACT"):
            self._act(m)

    def _decisions(self, m):
        """The states behind a byte that decides, in a cycle of their own: the paths are short."""
        with m.State("HEADER"):
            self._header(m)
        with m.State("END"):
            self._end(m)
        with m.State("BEYOND"):
            self._answer(m, Status.ADDRESS, "DROP")
        with m.State("SILENT"):
            self._answer(m, Status.SILENCE, "DROP")

    def _data(self, m, place):
        """The states behind a byte of data: to the engine, then count. And those of no frame."""
        extent = self.extent
        with m.State("OFFER"), m.If(~self.write.valid & ~self.inputs.valid):
            m.d.sync += self._earlier.eq(self._later() >> 8)
            m.next = "COUNT"
        with m.State("COUNT"):
            m.d.comb += extent.count.eq(1)
            m.d.sync += place.eq(place + 1)
            with m.If(place == TURN - 1):
                m.d.sync += place.eq(0)
                m.next = "COUNTED"
        with m.State("COUNTED"):
            m.d.sync += place.eq(place + 1)  # what _judge knows of the length is two cycles late
            with m.If(place == 2):
                m.d.sync += place.eq(0)
                with m.If(self._ends()):
                    m.d.sync += self._index.eq(self._index + 1)
                m.next = "TAKE"
                self._counted(m)
        with m.State("DROP"):
            m.d.sync += self.i.ready.eq(self.i.valid & ~self.i.ready)
            with m.If(self.silence & ~self.pending):
                m.next = "ALIGN"

    def _whole(self, left=0):
        """Whether so many of the bytes that are to come end a word."""
        return (self.extent.length - left)[: exact_log2(self._word)] == 0

    def _answer(self, m, status, then):
        """Have this answered; the next byte is a frame's first one, or is dropped."""
        m.d.sync += [self.pending.eq(1), self.status.eq(status)]
        m.d.sync += [self._index.eq(0), self._begins.eq(1)]
        m.next = then

    def _take(self, m):
        begins = self._begins
        m.d.comb += self.crc.start.eq(begins)
        m.d.sync += self._byte.eq(self.i.payload)
        with m.If(begins):
            m.d.sync += [self._bad.eq(0), self._other.eq(0)]
        with m.If(self.i.valid & ~self.pending):
            m.d.sync += self.i.ready.eq(1)
            m.next = "SHIFT"
        with m.Elif(self.silence & ~begins & ~self.pending):
            m.next = "SILENT"

    def _shift(self, m, shift):
        """Where each bit of a byte belongs."""
        crc, extent, index, bit = self.crc, self.extent, self._index, self._byte[0]
        # Where a byte belongs, in registers: the index stands still before its bits are shifted.
        first, address, length, checks, data, turns = (
            Signal(name=name) for name in ("first", "address", "length", "checks", "data", "turns")
        )
        m.d.sync += [
            first.eq(index == 1),
            address.eq((index >= 2) & (index <= 4)),
            length.eq((index == 5) | (index == 6)),
            checks.eq(((index >= 7) & (index < DATA)) | (index > DATA)),
            data.eq(index == DATA),
            turns.eq(((index >= 5) & (index <= 8)) | ((index == DATA) & self.check)),
        ]
        m.d.comb += [
            crc.bit.eq(bit),
            crc.step.eq(shift & ~checks),
            crc.turn.eq(shift & checks),
            extent.bit.eq(bit),
            extent.in_address.eq(shift & address),
            extent.in_length.eq(shift & length),
            self.add.eq(shift & data & (self.load | (self._writes & ~self._beyond))),
            self.keep.eq(shift & data & self.load),
        ]
        with m.If(shift):
            m.d.comb += self.turn.eq(turns)
            with m.If(checks & (bit != crc.low)):
                m.d.sync += self._bad.eq(1)
            with m.If((length & (bit != self.size)) | (data & (bit != self.digest))):
                m.d.sync += self._other.eq(1)
        tag = Signal(8, reset_less=True)
        m.d.comb += self.tag.eq(tag[0])
        with m.If((shift & first) | self.turn_tag):
            m.d.sync += tag.eq(Cat(tag[1:], Mux(shift, bit, tag[0])))

    def _act(self, m):
        """A byte is where it belongs."""
        index, byte = self._index, self._byte
        m.next = "TAKE"
        m.d.sync += index.eq(index + 1)
        with m.Switch(index):
            with m.Case(0):
                m.d.sync += [self._kind.eq(byte[:2]), self._writes.eq(byte[4])]
                self._more_kinds(m)
                with m.Switch(byte):
                    with m.Case(*self.opcodes):
                        m.d.sync += self._unknown.eq(0)
                    with m.Default():
                        m.d.sync += self._unknown.eq(1)
            with m.Case(HEADER_BYTES - 1):
                m.next = "HEADER"
            with m.Case(DATA):
                m.d.sync += [index.eq(index), self.write.valid.eq(self._writes)]
                self._came(m)
                m.next = "OFFER"
                with m.If(self._writes & self._beyond):
                    m.d.sync += self.write.valid.eq(0)
                    m.next = "BEYOND"
            with m.Case(LAST):
                m.next = "END"

    def _end(self, m):
        """All of a command with data is there."""
        with m.If(self._bad):
            self._answer(m, Status.DATA, "DROP")
        with m.Elif(self.check & self._other):
            self._answer(m, Status.NETWORK, "DROP")
        with m.Else():
            self._answer(m, Status.OK, "TAKE")
            m.d.comb += self.confirm.eq(self.check)
            self._right(m)

    def _header(self, m):
        """All of a header is there: what it asks for, or why not."""
        m.next = "TAKE"
        m.d.sync += self._other.eq(0)
        m.d.comb += self.crc.resume.eq(1)
        with m.If(self._verdict != Status.OK):
            self._answer(m, self._verdict, "DROP")
        with m.Elif(self.identify):
            self._answer(m, Status.OK, "TAKE")
        self._more_headers(m)
        with m.Elif(~self.infer):
            m.d.comb += [self.forget.eq(1), self.begin.eq(self.load)]

    def _feed(self, m):
        """Data for the engine; a ``ready`` of the engine's only clears a register here."""
        write = self.write.payload
        kept = self._word - (not self.learns)
        self._earlier = Signal(8 * kept, reset_less=True)  # bytes of the word in hand
        m.d.comb += [
            write.space.eq(self._kind),
            write.address.eq(self.extent.address),
            write.data.eq(self._byte),
            self.inputs.payload.eq(Cat(self._earlier, self._byte)[: 8 * self._word]),
        ]
        with m.If(self.write.ready):
            m.d.sync += self.write.valid.eq(0)
        with m.If(self.inputs.ready):
            m.d.sync += self.inputs.valid.eq(0)

    def _is(self, kind):
        return (self._kind == kind) & ~self._spaced

    # What an engine that learns does otherwise.

    def _addressed(self):
        """There is an address."""
        return self._writes

    def _later(self):
        """The bytes of the word in hand, which move on by one."""
        return self.inputs.payload

    def _ends(self):
        """The byte that was counted is the last one of the data."""
        return self._none

    def _came(self, m):
        """A byte of data came: the last of a word is still to be kept, but the word is offered."""
        m.d.sync += self.inputs.valid.eq(self.infer & self._whole(1))

    def _counted(self, m):
        """A byte of data was counted."""

    def _right(self, m):
        """The CRC of the data is right."""

    def _more_kinds(self, m):
        """What more an opcode says."""

    def _more_headers(self, m):
        """What more a header asks for."""

    def _more_states(self, m):
        """More states."""
