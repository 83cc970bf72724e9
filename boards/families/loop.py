"""Settings of a phase-locked loop that feeds its output back: of the ECP5 and of Gowin's devices.

f_PFD = f_in / input divider    f_out = f_PFD * feedback    f_VCO = f_out * output divider
"""

from dataclasses import dataclass, replace

from .pll import check, nearest, within


@dataclass(frozen=True)
class LoopSettings:
    """Dividers, and the frequencies in hertz that they give."""

    input_hz: float
    input_divider: int
    feedback: int
    output_divider: int

    @property
    def detector_hz(self) -> float:
        """What the phase detector compares."""
        return self.input_hz / self.input_divider

    @property
    def output_hz(self) -> float:
        """The clock."""
        return self.detector_hz * self.feedback

    @property
    def vco_hz(self) -> float:
        """What the oscillator runs at."""
        return self.output_hz * self.output_divider


@dataclass(frozen=True, kw_only=True)
class Loop:
    """What the loop of a family can do: limits in hertz, lowest and highest, and its dividers.

    Called as ``boards.families.family.Family.settings`` is.
    """

    input_hz: tuple
    detector_hz: tuple
    vco_hz: tuple
    output_hz: tuple
    input_dividers: range
    feedbacks: range
    output_dividers: tuple

    def __call__(self, *, input_hz, output_hz):
        """The :class:`LoopSettings` nearest to ``output_hz``; of equals, the fastest detector.

        Raises ``InputError`` if a frequency is out of range, or none within 2 % can be made.
        """
        check("the PLL's input", input_hz, self.input_hz)
        check("clock", output_hz, self.output_hz)
        found = [
            LoopSettings(input_hz, divider, feedback, 1)
            for divider in self.input_dividers
            for feedback in self.feedbacks
            if within(input_hz / divider, self.detector_hz)
            and within(input_hz / divider * feedback, self.output_hz)
        ]
        best, middle = nearest(found, input_hz, output_hz), sum(self.vco_hz) / 2
        choices = [replace(best, output_divider=divider) for divider in self.output_dividers]
        return min(choices, key=lambda choice: abs(choice.vco_hz - middle))
