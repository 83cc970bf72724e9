"""What an engine that learns is to do with an image."""

from dataclasses import dataclass

from ..errors import InputError
from .arithmetic import SLOWEST

LABEL_BITS = 16


@dataclass(frozen=True, kw_only=True)
class Task:
    """An image is to be learnt. What is not to be learnt has no task: its word is 0.

    Parameters
    ----------
    label : its class, 0 to 65,535. One that the network has no output for teaches that it is none.
    rate : of the learning rate 2**-rate: 0 to 15.
    fixed : weights keep their signs.

    Raises ``InputError`` for another label or rate.
    """

    label: int
    rate: int = 5
    fixed: bool = False

    def __post_init__(self):
        for name, value, most in (
            ("label", self.label, (1 << LABEL_BITS) - 1),
            ("rate", self.rate, SLOWEST),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
                raise InputError(f"{name} must be an integer from 0 to {most}, not {value!r}")

    @property
    def word(self) -> int:
        """As a number: the label, and above its 16 digits 1, ``fixed`` and ``rate``."""
        return (
            self.label
            | 1 << LABEL_BITS
            | self.fixed << LABEL_BITS + 1
            | self.rate << LABEL_BITS + 2
        )

    @classmethod
    def of(cls, word: int) -> "Task | None":
        """The task of such a number; digits beyond those of the rate are ignored."""
        if not word >> LABEL_BITS & 1:
            return None
        rate, fixed = word >> LABEL_BITS + 2 & SLOWEST, bool(word >> LABEL_BITS + 1 & 1)
        return cls(label=word & (1 << LABEL_BITS) - 1, rate=rate, fixed=fixed)
