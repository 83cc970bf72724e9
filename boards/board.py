"""What the build needs to know of a board."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sobolpath.hw.engines import Config

from .families.family import Family
from .gateware.top import Core, Top
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
    resources : those of ``uart``, ``led_g`` and ``led_r`` that the platform has not.
    clock_hz, baud : defaults.
    """

    name: str
    summary: str
    platform: Callable
    family: Family
    config: Config
    resources: tuple = ()
    clock_hz: float = 48e6
    baud: int = 1_000_000

    def new_platform(self) -> Any:
        """A platform with all pins that the top needs."""
        platform = self.platform()
        platform.add_resources(self.resources)
        return platform

    def top(self, *, platform: Any, clock_hz: float, baud: int) -> tuple[Top, float]:
        """The design for ``platform`` and the clock in hertz that it gets, nearest to ``clock_hz``.

        Raises ``InputError`` if the clock or the baud rate cannot be made.
        """
        settings = self.family.settings(input_hz=platform.default_clk_frequency, output_hz=clock_hz)
        clock_hz = settings.output_hz
        divisor = baud_divisor(clock_hz=clock_hz, baud=baud)  # before anything is made
        core = Core(engine=self.family.engine(self.config), divisor=divisor)
        return Top(clocking=self.family.clocking(settings=settings), core=core), clock_hz
