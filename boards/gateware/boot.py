"""The boot loader: commands out of a flash, as if the host had sent them.

``golden.protocol.boot`` says what is in the flash, and is the twin in software.
"""

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.protocol.boot import ERASED

from .flash import FlashReader


class BootLoader(wiring.Component):
    """Reads an image from a flash once after reset.

    It ends at the first of these: the host says that the network is ``checked`` or that a command
    has ``failed``; the first byte is FF, that of an erased flash; or ``abort``. From then on it
    offers nothing, and the flash is deselected.

    Parameters
    ----------
    reader : a ``boards.gateware.flash.FlashReader``.

    Members
    -------
    reader : its pins are the parent's to connect.
    o : Out(stream of 8 bits), to the host.
    booting : Out(1), until it has ended.
    bad : Out(1), the image was bad: a command failed.
    checked : In(1), ``failed`` : In(1), for one cycle, from the host.
    abort : In(1), for one cycle: a host begins to talk.
    """

    def __init__(self, *, reader: FlashReader):
        self.reader = reader
        super().__init__(
            {
                "o": Out(stream.Signature(8)),
                "booting": Out(1, init=1),
                "bad": Out(1),
                "checked": In(1),
                "failed": In(1),
                "abort": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first = Signal(init=1)
        erased = Signal()
        looked = Signal()
        full = Signal()
        m.submodules.reader = ResetInserter(~self.booting)(self.reader)
        # A cycle to look at a byte, before it is offered.
        m.d.sync += [
            looked.eq(self.reader.o.valid & ~self.reader.o.ready),
            full.eq(self.reader.o.payload == ERASED),
        ]
        m.d.comb += [
            erased.eq(first & full & looked),
            self.o.payload.eq(self.reader.o.payload),
            self.o.valid.eq(looked & ~(first & full) & self.booting),
            self.reader.o.ready.eq(self.o.valid & self.o.ready),
        ]
        with m.If(self.reader.o.ready):
            m.d.sync += first.eq(0)
        with m.If(self.booting):
            with m.If(self.failed):
                m.d.sync += self.bad.eq(1)
            ended = self.checked | self.failed | self.abort | erased
            with m.If(ended):
                m.d.sync += self.booting.eq(0)
        return m
