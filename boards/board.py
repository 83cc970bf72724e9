"""What the build needs to know of a board."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sobolpath.hw.engines import Config

from .families.family import Family
from .flow.loader import Loader
from .gateware.boot import BootLoader
from .gateware.core import Core
from .gateware.flash import FlashReader, half_cycles, wake_cycles
from .gateware.top import Top
from .gateware.uart import baud_divisor


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board: its pins, its family of devices, its engine.

    Parameters
    ----------
    name : as the user types it.
    summary : one line for the list.
    platform : makes the ``amaranth.build.Platform``.
    family : of its device.
    config : the engine that the device holds.
    loader : how its bitstream is loaded.
    resources : the lamps ``led_ready``, ``led_busy`` and ``led_error``, and of ``uart`` and
        ``spi_flash`` what the platform has not.
    clock_hz, baud : defaults.
    flash : where in its boot flash a network's image begins, clear of the bitstream, and of others
        where the device may choose among several: the address of a byte, a multiple of 64 kB, which
        is the most that is erased at a time. ``None`` : it does not boot from one.
    """

    name: str
    summary: str
    platform: Callable
    family: Family
    config: Config
    loader: Loader
    resources: tuple = ()
    clock_hz: float = 48e6
    baud: int = 1_000_000
    flash: int | None = None

    def new_platform(self) -> Any:
        """A platform with all pins that the top needs."""
        platform = self.platform()
        platform.add_resources(self.resources)
        return platform

    def timing(self, *, platform: Any, clock_hz: float, baud: int) -> tuple[Any, int]:
        """The family's settings for the clock nearest to ``clock_hz``, and cycles a bit.

        Their ``output_hz`` is that clock. Raises ``InputError`` where one cannot be made.
        """
        settings = self.family.settings(input_hz=platform.default_clk_frequency, output_hz=clock_hz)
        return settings, baud_divisor(clock_hz=settings.output_hz, baud=baud)

    def top(self, *, platform: Any, clock_hz: float, baud: int) -> tuple[Top, float]:
        """The design for ``platform`` and the clock in hertz that it gets, nearest to ``clock_hz``.

        Raises ``InputError`` if the clock or the baud rate cannot be made.
        """
        settings, divisor = self.timing(platform=platform, clock_hz=clock_hz, baud=baud)
        clock_hz = settings.output_hz
        core = Core(
            engine=self.family.engine(self.config),
            divisor=divisor,
            clock_hz=clock_hz,
            boot=self.boot(clock_hz),
        )
        clocking = self.family.clocking(settings=settings)
        return Top(clocking=clocking, core=core, flash_clock=self.family.flash_clock), clock_hz

    def boot(self, clock_hz: float) -> BootLoader | None:
        """The boot loader for a clock in hertz, where the board has a flash for it."""
        if self.flash is None:
            return None
        half, wake = half_cycles(clock_hz), wake_cycles(clock_hz)
        return BootLoader(reader=FlashReader(address=self.flash, half=half, wake=wake))
