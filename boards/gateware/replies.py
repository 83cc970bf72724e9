"""Sends replies: the bytes are those of ``golden.protocol.frames.reply``."""

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.protocol.frames import Status
from sobolpath.golden.protocol.identity import IDENTITY_BYTES, STATES, Identity
from sobolpath.hw.config import LOGIT

from .crc import SerialCrc
from .learning import READ

#: The number of a reply's byte: 31 is the identity's last one.
STATUS, TAG, IDENTITY = 30 - IDENTITY_BYTES, 31 - IDENTITY_BYTES, 32 - IDENTITY_BYTES
STATE, SIZE, DIGEST = (IDENTITY + place for place in (13, 18, 20))  # what is no constant of it
TURNING = IDENTITY + 16  # from here on it turns what is loaded: 64 places, so all is as before


class Field(enum.Enum, shape=2):
    """The part of a reply that is sent: status, tag and identity, or logits, or the CRC; or what
    was read, where the engine learns."""

    HEAD = 0
    LOGITS = 1
    CRC = 2
    READ = 3


class Replies(wiring.Component):
    """Answers commands in their order, with the engine's results where they ask for them.

    A byte is made bit by bit, in 17 cycles, and offered in the next one. The first byte of a reply
    is offered 18 cycles after ``pending``, or after the CRC of the reply before was taken. Status
    and tag of an INFER go out while the engine computes. Where the engine learns, the CRC waits
    until it is not ``busy``, so that a reply ends when its step is done.

    Parameters
    ----------
    identity : what IDENTIFY tells that never changes.

    Members
    -------
    o : Out(stream of 8 bits), to the link.
    pending, status, identify, infer, tag : In, as of ``boards.gateware.commands.Commands``, and
        answered, turn_tag : Out(1) back to it.
    mute : In(1), answers are not sent.
    failed : Out(1), for one cycle: an answer other than OK was sent, its CRC not yet.
    logits : In(stream of data and last), the results.
    states : In(4), the flags of the identity's state.
    turn : Out(1), digest, size : In(1), to and from ``boards.gateware.loaded.Loaded``.
    identified : Out(1), for one cycle: ``states`` were sent.
    busy, reads : In(1), read : In(stream of data and last), where the engine learns, as of
        ``boards.gateware.learning.LearnCommands``.
    """

    def __init__(self, *, identity: Identity):
        self.identity, self.crc = identity, SerialCrc()
        learning = {
            "busy": In(1),
            "reads": In(1),
            "read": In(stream.Signature(READ)),
        }
        inputs = ("pending", "identify", "infer", "tag", "mute", "digest", "size")
        outputs = ("answered", "turn_tag", "failed", "turn", "identified")
        super().__init__(
            {
                "o": Out(stream.Signature(8)),
                "status": In(3),
                "states": In(len(STATES)),
                "logits": In(stream.Signature(LOGIT)),
                **{name: In(1) for name in inputs},
                **{name: Out(1) for name in outputs},
                **(learning if identity.learns else {}),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.crc = crc = self.crc
        self._field = Signal(Field)
        self._index = Signal(5, init=STATUS)
        self._place = Signal(3)
        field, index, place = self._field, self._index, self._place
        bit = Signal()
        there = Signal()
        whole = Signal()
        making = Signal()  # two cycles a bit: it is chosen, and then shifted
        shift = Signal()
        held = Signal()
        turns = Signal()
        head_bit = self._head(m)
        data_bit = self._data(m, making, shift)
        with m.Switch(field):
            with m.Case(Field.HEAD):
                m.d.comb += [bit.eq(head_bit), there.eq(self.pending & ~self.mute)]
            with m.Case(Field.LOGITS):
                m.d.comb += bit.eq(data_bit)
                m.d.comb += there.eq(self.logits.valid & ~self.logits.ready)
            if self.identity.learns:
                with m.Case(Field.READ):
                    m.d.comb += bit.eq(data_bit)
                    m.d.comb += there.eq(self.read.valid & ~self.read.ready)
            with m.Default():
                m.d.comb += [bit.eq(crc.low), there.eq(~self.busy if self.identity.learns else 1)]
        head = shift & (field == Field.HEAD)
        m.d.comb += [
            whole.eq(shift & (place == 7)),
            crc.bit.eq(held),
            crc.step.eq(shift & (field != Field.CRC)),
            crc.turn.eq(shift & (field == Field.CRC)),
            self.turn_tag.eq(head & (index == TAG)),
            self.turn.eq(head & turns),
        ]
        m.d.sync += [
            making.eq(Mux(making, ~whole, there & ~self.o.valid)),
            shift.eq(making & ~shift),
            held.eq(bit),
            self.failed.eq(self.answered & (self.status != Status.OK)),
            turns.eq(index >= TURNING),  # the index stands still while bits are shifted
        ]
        m.d.sync += self.logits.ready.eq(0)  # a register: no path leads from here into the engine
        if self.identity.learns:
            m.d.sync += self.read.ready.eq(0)
        with m.If(shift):
            m.d.sync += [self.o.payload.eq(Cat(self.o.payload[1:], held)), place.eq(place + 1)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(whole):
            m.d.sync += [self.o.valid.eq(1), index.eq(index + 1)]
            self._next(m)
        with m.If(self.pending & self.mute):
            m.d.comb += self.answered.eq(1)
        return m

    def _data(self, m, making, shift):
        """A bit of a logit, or of what is read back. Where the engine learns, the byte is loaded
        before it is made, and shifted, so that the choice of a bit is on no long path."""
        logit, index = self.logits.payload.data.as_unsigned(), self._index[:2]
        if not self.identity.learns:
            return logit.bit_select(Cat(self._place, index), 1)
        byte = Signal(8, reset_less=True)
        with m.If(~making):
            read = self._field == Field.READ
            m.d.sync += byte.eq(Mux(read, self.read.payload.data, logit.word_select(index, 8)))
        with m.Elif(shift):
            m.d.sync += byte.eq(byte >> 1)
        return byte[0]

    def _head(self, m):
        """A bit of status, tag or identity; the index stands still while its bits are chosen."""
        index, place = self._index, self._place
        names = ("status", "tag", "state", "size", "digest")
        status, tag, state, size, digest = (Signal(name=f"at_{name}") for name in names)
        m.d.sync += [
            status.eq(index == STATUS),
            tag.eq(index == TAG),
            state.eq(index == STATE),
            size.eq((index == SIZE) | (index == SIZE + 1)),
            digest.eq(index >= DIGEST),
        ]
        constants = C(int.from_bytes(self.identity.payload(), "little"), 8 * IDENTITY_BYTES)
        bit = Cat(C(0, 8 * IDENTITY), constants).bit_select(Cat(place, index), 1)
        low = Mux(status, Cat(self.status, 0), Cat(self.states)).bit_select(place[:2], 1)
        bit = Mux(status | state, low & ~place[2], bit)
        bit = Mux(tag, self.tag, bit)
        return Mux(size, self.size, Mux(digest, self.digest, bit))

    def _next(self, m):
        """A byte is whole: which is the next one?"""
        field, index = self._field, self._index
        good = self.status == Status.OK
        with m.Switch(field):
            with m.Case(Field.HEAD):
                with m.If((index == TAG) & ~(self.identify & good)):
                    m.d.comb += self.answered.eq(1)
                    m.d.sync += [
                        field.eq(Mux(self.infer & good, Field.LOGITS, Field.CRC)),
                        index.eq(0),
                    ]
                    if self.identity.learns:
                        with m.If(self.reads & good):
                            m.d.sync += field.eq(Field.READ)
                with m.If(index == IDENTITY + IDENTITY_BYTES - 1):
                    m.d.comb += [self.answered.eq(1), self.identified.eq(1)]
                    m.d.sync += [field.eq(Field.CRC), index.eq(0)]
            with m.Case(Field.LOGITS), m.If(index[:2] == 3):
                m.d.sync += self.logits.ready.eq(1)
                with m.If(self.logits.payload.last):
                    m.d.sync += [field.eq(Field.CRC), index.eq(0)]
            if self.identity.learns:
                with m.Case(Field.READ):
                    m.d.sync += self.read.ready.eq(1)
                    with m.If(self.read.payload.last):
                        m.d.sync += [field.eq(Field.CRC), index.eq(0)]
            with m.Default(), m.If(index[:2] == 3):
                m.d.comb += self.crc.start.eq(1)
                m.d.sync += [field.eq(Field.HEAD), index.eq(STATUS)]
