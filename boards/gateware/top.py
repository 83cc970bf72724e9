"""The top of every board: clock, serial port, boot flash, lamps, and the core behind them."""

from collections.abc import Callable
from typing import Any

from amaranth.build import ResourceError
from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Module, ResetSignal, Signal
from amaranth.lib import io

from .core import Core
from .port import LAMPS

#: The power-on timer's name in a :class:`Top` once that is flat: ``boards.flow.reset`` looks there.
TIMER = "clocking.timer.timer"
#: Names of the pins of a boot flash on a platform, the first that it has.
FLASHES = ("spi_flash", "spi_flash_1x")


class Top(Elaboratable):
    """A :class:`Core` on a board.

    The pins are ``uart`` 0; ``led_ready`` 0 (a checked network is there), ``led_busy`` 0 and
    ``led_error`` 0 (the boot image was bad, or the line had an error); and where the core has a
    boot loader those of ``spi_flash`` 0 or ``spi_flash_1x`` 0.

    Parameters
    ----------
    clocking : a component that makes the domain ``sync``: outputs ``clock`` and ``reset``.
    core : the core.
    flash_clock : where the flash's clock has no pin that a design can have: what drives it instead,
        a function that makes an instance of a cell with that signal.
    """

    def __init__(
        self, *, clocking: Any, core: Core, flash_clock: Callable[[Signal], Any] | None = None
    ):
        self.clocking, self.core, self.flash_clock = clocking, core, flash_clock

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.clocking = clocking = self.clocking
        m.domains.sync = ClockDomain()
        m.submodules.core = core = self.core
        lines = platform.lookup("uart", 0).ios  # a modem's lines too, of which none is used
        uart = platform.request("uart", 0, dir={line.name: "-" for line in lines})
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        for name in LAMPS:
            pin = platform.request(f"led_{name}", 0, dir="-")
            m.submodules[name] = lamp = io.Buffer(io.Direction.Output, pin)
            m.d.comb += lamp.o.eq(getattr(core, name))
        if core.boot is not None:
            self._flash(m, platform, core.boot.reader)
        m.d.comb += [
            ClockSignal().eq(clocking.clock),
            ResetSignal().eq(clocking.reset),
            core.rx.eq(rx.i),
            tx.o.eq(core.tx),
        ]
        return m

    def _flash(self, m, platform, reader):
        """The reader's pins. Hold and write-protect, where the board wires them, stay released."""
        name, lines = _flash_lines(platform)
        pins = platform.request(name, 0, dir=dict.fromkeys(lines, "-"))
        driven = {"cs": ~reader.cs_n, "clk": reader.sclk, "copi": reader.mosi}
        for line in lines:
            if line == "cipo":
                m.submodules.flash_cipo = cipo = io.Buffer(io.Direction.Input, pins.cipo)
                m.d.comb += reader.miso.eq(cipo.i)
            elif line != "clk" or self.flash_clock is None:
                buffer = io.Buffer(io.Direction.Output, getattr(pins, line))
                m.submodules[f"flash_{line}"] = buffer
                m.d.comb += buffer.o.eq(driven.get(line, 0))
        if self.flash_clock is not None:
            m.submodules.flash_clock = self.flash_clock(reader.sclk)


def _flash_lines(platform):
    """The flash's name on the platform, and the names of its lines."""
    for name in FLASHES:
        try:
            return name, [line.name for line in platform.lookup(name, 0).ios]
        except ResourceError:
            continue
    raise ResourceError(f"{type(platform).__name__} has no boot flash: {', '.join(FLASHES)}")
