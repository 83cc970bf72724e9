"""What the build needs to know of a board."""

from collections.abc import Callable
from dataclasses import dataclass

from hw.config import EngineConfig

from . import ice40, pll
from .top import Core, Top
from .uart import baud_divisor


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board with an iCE40 UltraPlus.

    Parameters
    ----------
    name : as the user types it.
    summary : one line for the list.
    platform : makes the ``amaranth.build.Platform``.
    config : the engine that the device holds.
    clock_hz, baud : defaults.
    """

    name: str
    summary: str
    platform: Callable
    config: EngineConfig
    clock_hz: float = 48e6
    baud: int = 1_000_000

    def top(self, *, platform, clock_hz, baud):
        """The design for ``platform`` and the clock in hertz that it gets, nearest to ``clock_hz``.

        Raises ``InputError`` if the clock or the baud rate cannot be made.
        """
        settings = pll.settings(input_hz=platform.default_clk_frequency, output_hz=clock_hz)
        core = Core(
            config=self.config,
            divisor=baud_divisor(clock_hz=settings.output_hz, baud=baud),
            multiplier=ice40.Multiplier,
            weight_memory=ice40.WeightMemory,
        )
        clocking = ice40.ClockAndReset(settings=settings)
        return Top(clocking=clocking, core=core), settings.output_hz
