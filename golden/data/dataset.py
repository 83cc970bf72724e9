"""What a data set is, and the two steps that every one takes: to ``uint8``, to powers of two."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..topology.paths import log2_exact

INPUT_SCALE = 1 / 255  # the real value of one step of an input: a network sees 0 to 1


@dataclass(frozen=True)
class DataSet:
    """Images (or any vectors) and their classes.

    Parameters
    ----------
    name : what the commands call it.
    x_train, x_test : ``uint8`` (B, n), n a power of two, the same for both.
    y_train, y_test : ``int64`` (B,), 0 to ``classes`` - 1; every class is in ``y_train``.
    classes : how many classes there are, at least 2.
    groups : integers (B,), whom each training sample is of (a patient's record), where samples of
        one must not be on both sides of a split; ``None`` where any split will do.

    Raises ``InputError`` where these do not hold.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    groups: np.ndarray = None

    def __post_init__(self):
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.dtype != np.uint8 or x.ndim != 2 or not len(x):
                raise InputError(
                    f"{self.name}: x_{part} must be uint8 (images, inputs), not {x.dtype} {x.shape}"
                )
            log2_exact(x.shape[1], f"{self.name}: inputs of x_{part}")
            if y.dtype != np.int64 or y.shape != (len(x),):
                raise InputError(
                    f"{self.name}: y_{part} must be int64 ({len(x)},), not {y.dtype} {y.shape}"
                )
            if y.min() < 0 or y.max() >= self.classes:
                raise InputError(
                    f"{self.name}: labels of y_{part} must be 0 to {self.classes - 1}, "
                    f"not {y.min()} to {y.max()}"
                )
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise InputError(
                f"{self.name}: x_train and x_test must have the same number of inputs, "
                f"not {self.x_train.shape[1]} and {self.x_test.shape[1]}"
            )
        if self.classes < 2 or len(np.unique(self.y_train)) != self.classes:
            raise InputError(
                f"{self.name}: y_train must have all of {self.classes} classes, at least 2"
            )
        if self.groups is not None and self.groups.shape != self.y_train.shape:
            raise InputError(
                f"{self.name}: groups must have shape {self.y_train.shape}, one per training "
                f"image, not {self.groups.shape}"
            )

    @property
    def inputs(self):
        """How many inputs an image has."""
        return self.x_train.shape[1]


def to_uint8(values, maximum):
    """Reals from 0 to ``maximum`` as ``uint8`` 0 to 255, the same shape, rounded half to even.

    Raises ``InputError`` for other numbers, NaN and infinities among them.
    """
    values = np.asarray(values, np.float64)
    if not ((values >= 0) & (values <= maximum)).all():
        raise InputError(f"inputs must be finite numbers from 0 to {maximum}")
    return np.rint(values * (255 / maximum)).astype(np.uint8)


def pad(samples):
    """Pad every axis of the samples but the first with zeros to a power of two, and flatten.

    Half of the padding goes before and half behind, so 28x28 pixels get a border of 2 and become
    1,024 inputs. ``samples`` has shape (B, ...); the result (B, n), n a power of two.
    """
    missing = [(1 << max(size - 1, 0).bit_length()) - size for size in samples.shape[1:]]
    padded = np.pad(samples, [(0, 0), *((m // 2, m - m // 2) for m in missing)])
    return padded.reshape(len(samples), -1)


def to_uint8_by_training(train, *others):
    """Numbers as ``uint8``: the training samples' least becomes 0, their largest 255.

    ``uint8`` stays as it is if all are. Others than the training samples are clipped to the same
    range, so nothing is learnt from them. Returns the arrays, each with its shape. Raises
    ``InputError`` where one is no array of finite numbers.
    """
    arrays = [np.asarray(array) for array in (train, *others)]
    for array in arrays:
        if array.dtype.kind not in "buif" or not np.isfinite(array).all():
            raise InputError("inputs must be finite numbers")
    if all(array.dtype == np.uint8 for array in arrays) or not arrays[0].size:
        return arrays
    low, high = float(arrays[0].min()), float(arrays[0].max())
    span = high - low or 1.0
    return [
        np.rint(np.clip((a.astype(np.float64) - low) / span, 0, 1) * 255).astype(np.uint8)
        for a in arrays
    ]
