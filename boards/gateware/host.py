"""The device's end of the host protocol, between any link of bytes and the path engine."""

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.image import Space
from sobolpath.hw.config import LOGIT
from sobolpath.hw.engines import Config

from . import protocol
from .protocol import Command, Status


class Body(enum.Enum, shape=2):
    """What a reply carries between status and CRC; an unknown command's reply carries nothing."""

    NONE = 0
    IDENTITY = 1
    LOGITS = 2
    UNKNOWN = 3


class Host(wiring.Component):
    """Reads commands, drives the engine, answers: docs/host-protocol.md has the bytes.

    At best a byte of a command is taken every cycle, one that is for the engine every 4 cycles; a
    byte of a reply is offered every other cycle, but for pauses of one cycle more after each logit
    and before the CRC. The first byte of a reply is offered 2 cycles after the last byte of its
    command was taken, or after the first logit was offered. While a reply goes out no byte is
    taken: the link must hold the next command back.

    A reset aborts the command in hand and waits for a new one: a link that loses its place
    (a break, a framing error, a raised chip select) resets the host and the engine together.

    Parameters
    ----------
    config : the engine's ``hw.config.EngineConfig``.

    Members
    -------
    i : In(stream of 8 bits), from the link.
    o : Out(stream of 8 bits), to the link.
    write : Out(stream of ``config.write_layout``), bytes for the engine's memories.
    inputs : Out(stream of 8 bits for each image of each neuron that are taken together), words of
        inputs: their bytes as they come, the first one lowest.
    logits : In(stream of data and last), the results.
    flags : In(2), what IDENTIFY reports: framing error and overrun.
    identified : Out(1), for one cycle: ``flags`` were sent.
    """

    def __init__(self, *, config: Config):
        self.config = config
        self._last = Signal(16)  # the low digits of the last address of a WRITE
        self._bytes = config.images * config.input_width  # of a word of inputs
        self._image = Signal(range(self._bytes))  # the next activation's, in its word
        self._activations = Signal(8 * self._bytes - 8, reset_less=True)  # of those before it
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "write": Out(stream.Signature(config.write_layout)),
                "inputs": Out(stream.Signature(8 * self._bytes)),
                "logits": In(stream.Signature(LOGIT)),
                "flags": In(2),
                "identified": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        crc: Any = protocol.CRC.create()  # its members come of its signature
        m.submodules.crc = crc
        taken = Signal()
        sent = Signal()
        checking = Signal()
        self._reply = Signal(8)  # what goes out next
        self._offer = Signal()  # it is there
        m.d.comb += [
            taken.eq(self.i.valid & self.i.ready),
            sent.eq(self.o.valid & self.o.ready),
            self.write.payload.data.eq(self.i.payload),
            self.inputs.payload.eq(Cat(self._activations, self.i.payload)),
        ]
        m.d.sync += [
            self.o.valid.eq(self._offer & ~sent),
            crc.data.eq(Mux(taken, self.i.payload, self.o.payload)),
            crc.valid.eq(taken | (sent & ~checking)),
            crc.start.eq(sent & checking),
        ]
        with m.If(~self.o.valid):
            m.d.sync += self.o.payload.eq(self._reply)
        body = Signal(Body)
        index = Signal(range(protocol.IDENTITY_BYTES))
        with m.FSM():
            with m.State("COMMAND"):
                self._command(m, body, index)
            with m.State("HEADER"):
                self._header(m, index)
            self._pass(m, body)
            with m.State("STATUS"):
                self._status(m, body, sent)
            with m.State("IDENTITY"):
                self._identity(m, index, sent)
            with m.State("LOGIT"):
                self._logit(m, index, sent)
            with m.State("TAKE"):
                self._take(m)
            with m.State("CHECK"):
                m.d.comb += [self._offer.eq(~crc.valid), self._reply.eq(crc.crc), checking.eq(1)]
                with m.If(sent):
                    m.next = "COMMAND"
        return m

    def _command(self, m, body, index):
        m.d.comb += self.i.ready.eq(1)
        m.d.sync += [index.eq(0), body.eq(Body.NONE)]
        with m.If(self.i.valid):
            m.next = "STATUS"
            with m.Switch(self.i.payload):
                with m.Case(Command.IDENTIFY):
                    m.d.sync += body.eq(Body.IDENTITY)
                with m.Case(Command.INFER):
                    m.d.sync += [body.eq(Body.LOGITS), self._image.eq(0)]
                    m.next = "PASS"
                for space in Space:
                    with m.Case(Command.WRITE + space):
                        m.d.sync += self.write.payload.space.eq(space)
                        m.next = "HEADER"
                with m.Default():
                    m.d.sync += body.eq(Body.UNKNOWN)

    def _header(self, m, index):
        m.d.comb += self.i.ready.eq(1)
        with m.If(self.i.valid):
            m.d.sync += index.eq(index + 1)
            with m.Switch(index):
                for byte in range(3):
                    with m.Case(byte):
                        part = self.write.payload.address[8 * byte : 8 * byte + 8]
                        m.d.sync += part.eq(self.i.payload)
                with m.Case(3):
                    m.d.sync += self._last[:8].eq(self.i.payload)
                with m.Default():
                    m.d.sync += self._last[8:].eq(self.i.payload)
                    m.next = "PASS"

    def _pass(self, m, body):
        """Four cycles a byte; a ``ready`` of the engine's only clears a register here."""
        address, infer = self.write.payload.address, body == Body.LOGITS
        final = Signal()
        m.d.sync += final.eq(~infer & (address[:16] == self._last))
        with m.State("PASS"):
            with m.If(infer & self.logits.valid):
                m.next = "STATUS"
            with m.Elif(self.i.valid):
                whole = self._image == self._bytes - 1
                m.d.sync += [self.inputs.valid.eq(infer & whole), self.write.valid.eq(~infer)]
                m.next = "OFFER"
        with m.State("OFFER"):
            with m.If(self.inputs.ready):
                m.d.sync += self.inputs.valid.eq(0)
            with m.If(self.write.ready):
                m.d.sync += self.write.valid.eq(0)
            with m.If(~self.inputs.valid & ~self.write.valid):
                m.next = "TAKEN"
            with m.Elif(infer & self.logits.valid):  # one byte too many: the next command's
                m.d.sync += self.inputs.valid.eq(0)
                m.next = "STATUS"
        with m.State("TAKEN"):
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += [
                address.eq(address + 1),
                self._image.eq(self._image + 1),
                self._activations.eq(self.inputs.payload >> 8),
            ]
            m.next = "PASS"
            with m.If(final):
                m.next = "STATUS"

    def _status(self, m, body, sent):
        m.d.comb += self._offer.eq(1)
        m.d.comb += self._reply.eq(Mux(body == Body.UNKNOWN, Status.UNKNOWN, Status.OK))
        with m.If(sent), m.Switch(body):
            with m.Case(Body.IDENTITY):
                m.next = "IDENTITY"
            with m.Case(Body.LOGITS):
                m.next = "LOGIT"
            with m.Default():
                m.next = "CHECK"

    def _identity(self, m, index, sent):
        *constants, kind = protocol.Identity.of(self.config).payload()
        m.d.comb += self._offer.eq(1)
        m.d.comb += self._reply.eq(Array([*constants, self.flags | kind])[index])
        with m.If(sent):
            m.d.sync += index.eq(index + 1)
            with m.If(index == len(constants)):
                m.d.comb += self.identified.eq(1)
                m.next = "CHECK"

    def _logit(self, m, index, sent):
        m.d.comb += self._offer.eq(self.logits.valid)
        m.d.comb += self._reply.eq(self.logits.payload.data.word_select(index[:2], 8))
        with m.If(sent):
            m.d.sync += index.eq(index + 1)
            with m.If(index[:2] == 3):
                m.next = "TAKE"

    def _take(self, m):
        """A state of its own, so that no path leads from the link's ready into the engine."""
        m.d.comb += self.logits.ready.eq(1)
        m.next = "LOGIT"
        with m.If(self.logits.payload.last):
            m.next = "CHECK"
