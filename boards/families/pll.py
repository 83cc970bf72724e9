"""Settings of the iCE40's phase-locked loop: SB_PLL40 with the simple feedback path.

    f_PFD = f_in / (DIVR + 1)    f_VCO = f_PFD (DIVF + 1)    f_out = f_VCO / 2**DIVQ

Limits: table "sysCLOCK PLL Timing" of the data sheets, the same in both (UltraPlus: FPGA-DS-02008,
LP/HX: FPGA-DS-02029). The filter range goes by f_PFD: technical note FPGA-TN-02052.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sobolpath.golden.errors import InputError

INPUT_HZ = (10e6, 133e6)  # of the pin, and of the phase detector behind DIVR
VCO_HZ = (533e6, 1066e6)
OUTPUT_HZ = (16e6, 275e6)
FILTER_HZ = (17e6, 26e6, 44e6, 66e6, 101e6)  # below the first: range 1, and so on up to 6
MAX_ERROR = 0.02


@dataclass(frozen=True)
class PllSettings:
    """Divider registers of an SB_PLL40, and the frequencies in hertz that they give."""

    input_hz: float
    divr: int
    divf: int
    divq: int

    @property
    def detector_hz(self) -> float:
        """What the phase detector compares."""
        return self.input_hz / (self.divr + 1)

    @property
    def vco_hz(self) -> float:
        """What the oscillator runs at."""
        return self.detector_hz * (self.divf + 1)

    @property
    def output_hz(self) -> float:
        """The clock."""
        return self.vco_hz / 2**self.divq

    @property
    def filter_range(self) -> int:
        """FILTER_RANGE, 1 to 6."""
        return 1 + sum(self.detector_hz >= limit for limit in FILTER_HZ)


def settings(*, input_hz: float, output_hz: float) -> PllSettings:
    """The :class:`PllSettings` nearest to ``output_hz``; of equals, the fastest phase detector.

    Raises ``InputError`` if a frequency is out of range, or none within 2 % can be made.
    """
    check("the PLL's input", input_hz, INPUT_HZ)
    check("clock", output_hz, OUTPUT_HZ)
    found = []
    for divr in range(16):
        for divf in range(128):
            for divq in range(1, 7):
                candidate = PllSettings(input_hz, divr, divf, divq)
                if (
                    within(candidate.detector_hz, INPUT_HZ)
                    and within(candidate.vco_hz, VCO_HZ)
                    and within(candidate.output_hz, OUTPUT_HZ)
                ):
                    found.append(candidate)
    return nearest(found, input_hz, output_hz)


def nearest(found: Iterable[Any], input_hz: float, output_hz: float) -> Any:
    """The first of the settings ``found`` whose ``output_hz`` is nearest to the one asked for.

    Raises ``InputError`` if it is more than 2 % off.
    """
    best = min(found, key=lambda item: abs(item.output_hz - output_hz))
    if abs(best.output_hz / output_hz - 1) > MAX_ERROR:
        raise InputError(
            f"clock must be near {best.output_hz / 1e6:g} MHz, which the PLL can make of "
            f"{input_hz / 1e6:g} MHz, not {output_hz / 1e6:g} MHz"
        )
    return best


def within(value: float, limits: tuple[float, float]) -> bool:
    """Whether the lower limit <= value <= the upper one."""
    return limits[0] <= value <= limits[1]


def check(name: str, hertz: float, limits: tuple[float, float]) -> None:
    """Raises ``InputError`` unless a frequency is within its limits."""
    if not within(hertz, limits):
        low, high = (limit / 1e6 for limit in limits)
        raise InputError(f"{name} must be {low:g} to {high:g} MHz, not {hertz / 1e6:g} MHz")
