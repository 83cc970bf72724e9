"""How a sample of any numbers becomes the bytes that an engine takes.

This stands in the model file, so that every new sample is prepared as those that the network was
trained on: by ``sobolpath eval``, by a simulation, by whoever drives a board.
"""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..topology.paths import log2_exact

PIECE = 4096  # samples at a time: bounds the memory of the numbers in between
COLOURS = (3, 4)  # channels of a picture: red, green, blue, and how opaque


def channels_first(samples: np.ndarray) -> np.ndarray:
    """Samples (B, ...) as networks are trained on them: pictures with their channels first.

    (B, rows, columns, channels) becomes (B, channels, rows, columns), where there are 3 or 4
    channels, and a single channel is no axis: (B, rows, columns). All others stay.
    """
    if samples.ndim != 4:
        return samples
    shape = samples.shape[1:]
    if shape[0] == 1 or shape[-1] == 1:
        return samples[:, 0] if shape[0] == 1 else samples[..., 0]
    if shape[-1] in COLOURS and shape[0] not in COLOURS:
        return np.moveaxis(samples, -1, 1)
    return samples


def sizes(shape: tuple[int, ...]) -> str:
    """A shape as it is written: 28x28."""
    return "x".join(map(str, shape)) or "one number"


@dataclass(frozen=True)
class Preparation:
    """Numbers become ``uint8``: ``least`` is 0, ``largest`` 255, others between or clipped.

    That is rint((x - least) * (255 / (largest - least))) in ``float64``, half to even, and 0 where
    both are the same. Then every axis is padded with zeros to a power of two, half before and half
    behind, the sample is flattened, and zeros behind it fill the inputs. So a picture gets a black
    border, and three channels a black one behind them.

    Samples may come in other forms of the same numbers (:meth:`arranged`).

    Parameters
    ----------
    shape : of a sample: (13,) for a table of 13 features, (28, 28) for an image.
    least, largest : floats; one for all numbers, or one for each in the order of the sample
        flattened: by feature.
    inputs : how many bytes there are in the end, a power of two; as few as will do unless given.

    Raises ``InputError`` where these do not hold.
    """

    shape: tuple[int, ...]
    least: tuple[float, ...]
    largest: tuple[float, ...]
    inputs: int = 0

    def __post_init__(self):
        if not self.shape or min(self.shape) < 1:
            raise InputError(f"samples must have axes of at least 1, not the shape {self.shape}")
        fewest = prod(self.padded)
        if not self.inputs:
            object.__setattr__(self, "inputs", fewest)
        log2_exact(self.inputs, "inputs")
        if self.inputs < fewest:
            raise InputError(
                f"inputs must be at least {fewest} for samples of shape {self.shape}, "
                f"not {self.inputs}"
            )
        counts = (1, prod(self.shape))
        if len(self.least) not in counts or len(self.largest) != len(self.least):
            raise InputError(
                f"least and largest must be {counts[0]} or {counts[1]} numbers each, "
                f"not {len(self.least)} and {len(self.largest)}"
            )
        span = np.subtract(self.largest, self.least)
        if not (np.isfinite(self.least).all() and np.isfinite(span).all() and (span >= 0).all()):
            raise InputError("least and largest must be finite numbers, the largest not below")

    @classmethod
    def of_bytes(cls, shape: tuple[int, ...]) -> "Preparation":
        """The one that leaves bytes as they are."""
        return cls(shape, (0.0,), (255.0,))

    @classmethod
    def fitted(cls, samples: np.ndarray, *, by_feature: bool) -> "Preparation":
        """The one of which the ``samples`` (B, ...) fill the range, of each feature or of all.

        Raises ``InputError`` where their numbers are so far apart that the difference is none.
        """
        axes = 0 if by_feature else None
        least, largest = samples.min(axis=axes), samples.max(axis=axes)
        with np.errstate(over="ignore"):
            span = np.subtract(largest, least, dtype=np.float64)
        if not np.isfinite(span).all():
            raise InputError("inputs must have a finite range, not as far apart as floats can be")
        low, high = (tuple(np.ravel(end).astype(np.float64).tolist()) for end in (least, largest))
        return cls(samples.shape[1:], low, high)

    @property
    def padded(self) -> tuple[int, ...]:
        """The shape of a sample after every axis was padded: powers of two."""
        return tuple(1 << (size - 1).bit_length() for size in self.shape)

    @property
    def padding(self) -> str:
        """What is padded, in words."""
        text = sizes(self.shape)
        if self.padded != self.shape:
            text += f" padded to {sizes(self.padded)}"
        if self.inputs > prod(self.padded):
            text += f", with zeros behind to {self.inputs}"
        return text

    @property
    def by_feature(self) -> bool:
        """Whether every number of a sample has a scale of its own."""
        return len(self.least) > 1

    @property
    def kind(self) -> str:
        """``"bytes"``, left as they are; ``"feature"`` or ``"common"``, what the scale is of."""
        if (self.least, self.largest) == ((0.0,), (255.0,)):
            return "bytes"
        return "feature" if self.by_feature else "common"

    def widened(self, inputs: int) -> "Preparation":
        """The same with more zeros behind."""
        return replace(self, inputs=inputs)

    def places(self, samples: np.ndarray) -> np.ndarray:
        """Where numbers are in the range, 0 the least and 1 the largest: ``float64``, not clipped.

        0 where least and largest are the same.
        """
        least, factor = self.scale(1.0)
        with np.errstate(over="ignore"):
            return (samples.astype(np.float64) - least) * factor

    def arranged(self, samples: np.ndarray) -> np.ndarray:
        """Samples (B, ...) in the shape of this preparation: (B, *shape).

        Those of another shape are the same numbers where only axes of one are more or fewer, where
        the 3 or 4 channels of a picture are the first axis and not the last, or the other way
        around, and where one of the two is flat and the other has no channels. Raises
        ``InputError`` for any others.
        """
        got, own = samples.shape[1:], self.shape
        forms = [samples] if samples.ndim else []
        if len(got) == 3:
            forms += [np.moveaxis(samples, -1, 1)] if got[-1] in COLOURS else []
            forms += [np.moveaxis(samples, 1, -1)] if got[0] in COLOURS else []
        for form in forms:
            if _without_ones(form.shape[1:]) == _without_ones(own):
                return form.reshape(len(form), *own)
        flat = samples.ndim > 1 and min(len(got), len(own)) == 1
        thick = max(len(_without_ones(got)), len(_without_ones(own)))
        if flat and thick == 2 and prod(got) == prod(own):
            return samples.reshape(len(samples), *own)
        raise InputError(f"samples must be of {sizes(own)} numbers, not {sizes(got)}")

    def apply(self, samples: ArrayLike) -> np.ndarray:
        """Samples (B, *shape) of any numbers as ``uint8`` (B, inputs).

        Raises ``InputError`` for samples that :meth:`arranged` cannot bring to the shape, or
        numbers that are not finite.
        """
        samples = self.arranged(np.asarray(samples))
        if samples.dtype.kind not in "buif" or not np.isfinite(samples).all():
            raise InputError("inputs must be finite numbers")
        pieces = [
            self._pad(self._bytes(samples[start : start + PIECE]))
            for start in range(0, max(len(samples), 1), PIECE)
        ]
        return np.concatenate(pieces)

    def __str__(self) -> str:
        if self.kind == "feature":
            return f"each of {len(self.least)} features from its least to its largest"
        if self.kind == "bytes":
            return "none: bytes are taken as they are"
        return f"one for all numbers, from {self.least[0]:g} to {self.largest[0]:g}"

    def positions(self) -> np.ndarray:
        """The input that each number of a sample becomes: ``int64`` (numbers,), as flattened."""
        marked = np.arange(1, prod(self.shape) + 1, dtype=np.int64).reshape(1, *self.shape)
        padded = self._pad(marked)[0]
        return np.argsort(padded, kind="stable")[padded.size - marked.size :]

    def scale(self, top: float) -> tuple[np.ndarray, np.ndarray]:
        """The least numbers and the factors that take the largest to ``top``: (x - least) * factor.

        Two ``float64`` arrays, of the shape of a sample or of none; a factor is 0 where least and
        largest are the same.
        """
        least, largest = np.array(self.least, np.float64), np.array(self.largest, np.float64)
        span = largest - least
        small = span <= top / np.finfo(np.float64).max
        factor = np.where(small, 0.0, top / np.where(small, 1.0, span))
        shape = self.shape if self.by_feature else ()
        return least.reshape(shape), factor.reshape(shape)

    def _bytes(self, samples):
        if samples.dtype == np.uint8 and self.kind == "bytes":
            return samples
        least, factor = self.scale(255.0)
        with np.errstate(over="ignore"):  # of a number far outside, which is clipped
            scaled = (samples.astype(np.float64) - least) * factor
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)

    def _pad(self, samples):
        missing = [to - size for to, size in zip(self.padded, self.shape, strict=True)]
        padded = np.pad(samples, [(0, 0), *((m // 2, m - m // 2) for m in missing)])
        flat = padded.reshape(len(samples), prod(padded.shape[1:]))
        return np.pad(flat, [(0, 0), (0, self.inputs - flat.shape[1])])


def _without_ones(shape):
    return tuple(size for size in shape if size != 1)
