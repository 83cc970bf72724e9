"""What a simulated board runs: a core, or its host port alone, behind ports of the same names."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .core import Core
from .port import LAMPS, Port

PINS = ("cs_n", "sclk", "mosi")  # that drive the boot flash


class Simulated(wiring.Component):
    """A board's design without its device's cells: what ``sim/board/board.cpp`` drives.

    Parameters
    ----------
    design : a ``Core``, with a serial line; or a ``Port``, with the streams of the host port.

    Members
    -------
    rx : In(1), ``tx`` : Out(1), the line of a ``Core``.
    i : In(stream of 8 bits), ``o`` : Out(stream of 8 bits), ``line_break`` : In(1), for one cycle:
        those of a ``Port``. No byte is ever lost: while the host takes none, ``i`` waits.
    ready, busy, error : Out(1), the lamps.
    flash : the boot flash's pins ``cs_n``, ``sclk``, ``mosi`` : Out(1), ``miso`` : In(1).
    """

    def __init__(self, *, design: Core | Port) -> None:
        self.design = design
        if isinstance(design, Core):
            link = {"rx": In(1, init=1), "tx": Out(1, init=1)}
        else:
            data = stream.Signature(8)
            link = {"i": In(data), "o": Out(data), "line_break": In(1)}
        flash = wiring.Signature({**dict.fromkeys(PINS, Out(1)), "miso": In(1, init=1)})
        super().__init__({**link, **dict.fromkeys(LAMPS, Out(1)), "flash": Out(flash)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.design = design = self.design
        if isinstance(design, Core):
            m.d.comb += [design.rx.eq(self.rx), self.tx.eq(design.tx)]
        else:
            connect(m, flipped(self.i), design.i)
            connect(m, design.o, flipped(self.o))
            m.d.comb += [design.line_break.eq(self.line_break), design.active.eq(self.i.valid)]
        m.d.comb += [getattr(self, name).eq(getattr(design, name)) for name in LAMPS]
        m.d.comb += self.flash.cs_n.eq(1)
        if design.boot is not None:
            pins = design.boot.reader
            m.d.comb += [getattr(self.flash, name).eq(getattr(pins, name)) for name in PINS]
            m.d.comb += pins.miso.eq(self.flash.miso)
        return m
