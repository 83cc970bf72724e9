"""How a file of one's own is read: what the options of ``sobolpath train`` say of it."""

from dataclasses import dataclass, fields
from math import isfinite

from ..errors import InputError

HELD_OUT = 0.2  # the share of the samples, where a file does not say which are held out


@dataclass(frozen=True)
class Reading:
    """What is told of a file, where it is not to be found out.

    Parameters
    ----------
    range : the numbers that become 0 and 255, the lower one first; the training samples' own
        unless given.
    shape : of a sample, whose numbers the file has in one row.
    label : the column of a table that has the labels, by its name or its number from 1 on.
    drop : columns that are left out, by their names or numbers.
    test : a file of the held-out samples.
    held_out : the share of the samples that is held out otherwise, every class alike; ``HELD_OUT``
        unless given.
    seed : of what is held out.
    judging : the samples are there for a model that is trained already: all are held out, but for
        those that it was trained on.

    Raises ``InputError`` where these do not hold.
    """

    range: tuple[float, float] | None = None
    shape: tuple[int, ...] | None = None
    label: str | None = None
    drop: tuple[str, ...] = ()
    test: str | None = None
    held_out: float | None = None
    seed: int = 0
    judging: bool = False

    def __post_init__(self):
        if self.range is not None:
            low, high = self.range
            if not (isfinite(low) and isfinite(high - low) and low < high):
                raise InputError(
                    f"--range must be two finite numbers, the lower first, not {low:g},{high:g}"
                )
        if self.shape is not None and (not self.shape or min(self.shape) < 1):
            raise InputError(f"--shape must be sizes of at least 1, not {_sizes(self.shape)}")
        if self.held_out is not None and not 0 < self.held_out < 1:
            raise InputError(f"--held-out must be between 0 and 1, not {self.held_out:g}")
        if self.held_out is not None and self.test is not None:
            raise InputError("--held-out must be left out with --test, which has these samples")

    def leave_out(self, why: str, *names: str) -> None:
        """Raise ``InputError`` where one of ``names`` is told; ``why`` it must not be."""
        for field in fields(self):
            if field.name in names and getattr(self, field.name) != field.default:
                raise InputError(f"--{field.name.replace('_', '-')} must be left out: {why}")


#: What can be told of a file, and not of a data set by name.
TOLD = ("range", "shape", "label", "drop", "test", "held_out")


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
