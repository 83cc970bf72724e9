"""Settings of a phase-locked loop that feeds its output back: of the ECP5 and of Gowin's devices.

    f_PFD = f_in / input divider
    f_VCO = f_PFD * feedback * divider of the output that is fed back
    f_out = f_VCO / output divider

What is fed back is the clock itself, or where a family has several outputs another one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .pll import check, nearest, within


@dataclass(frozen=True)
class LoopSettings:
    """Dividers, and the frequencies in hertz that they give."""

    input_hz: float
    input_divider: int
    feedback: int
    output_divider: int
    fed_divider: int

    @property
    def split(self) -> bool:
        """Whether another output than the clock is fed back."""
        return self.fed_divider != self.output_divider

    @property
    def detector_hz(self) -> float:
        """What the phase detector compares."""
        return self.input_hz / self.input_divider

    @property
    def fed_hz(self) -> float:
        """What is fed back."""
        return self.detector_hz * self.feedback

    @property
    def vco_hz(self) -> float:
        """What the oscillator runs at."""
        return self.fed_hz * self.fed_divider

    @property
    def output_hz(self) -> float:
        """The clock."""
        return self.vco_hz / self.output_divider


@dataclass(frozen=True, kw_only=True)
class Loop:
    """What the loop of a family can do: limits in hertz, lowest and highest, its dividers, and
    whether it has ``several`` outputs.

    Called as ``boards.families.family.Family.settings`` is.
    """

    input_hz: tuple
    detector_hz: tuple
    vco_hz: tuple
    output_hz: tuple
    input_dividers: range
    feedbacks: range
    output_dividers: tuple
    several: bool = False

    def __call__(self, *, input_hz, output_hz):
        """The :class:`LoopSettings` nearest to ``output_hz``; of equals, those that feed the clock
        back, the fastest detector, and the oscillator nearest to the middle of its range.

        Raises ``InputError`` if a frequency is out of range, or none within 2 % can be made.
        """
        check("the PLL's input", input_hz, self.input_hz)
        check("clock", output_hz, self.output_hz)
        middle = sum(self.vco_hz) / 2
        found = sorted(
            self._found(input_hz, output_hz),
            key=lambda one: (one.split, one.input_divider, abs(one.vco_hz - middle)),
        )
        return nearest(found, input_hz, output_hz)

    def _found(self, input_hz: float, output_hz: float) -> Iterator[LoopSettings]:
        """All that are within the limits; of those that feed another output back, for each
        frequency of the oscillator the one that comes nearest."""
        for divider in self.input_dividers:
            if not within(input_hz / divider, self.detector_hz):
                continue
            for feedback in self.feedbacks:
                if not within(input_hz / divider * feedback, self.output_hz):
                    continue
                for fed in self.output_dividers:
                    own = LoopSettings(input_hz, divider, feedback, fed, fed)
                    if not within(own.vco_hz, self.vco_hz):
                        continue
                    yield own
                    other = replace(own, output_divider=max(1, round(own.vco_hz / output_hz)))
                    if self.several and within(other.output_hz, self.output_hz):
                        yield other
