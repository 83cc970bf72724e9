"""Which numbers of a file become which bytes: by what is known, what is told, or by the samples."""

import numpy as np

from ..errors import check_name
from . import ranges
from .preparation import Preparation
from .reading import Reading

SCALINGS = ("auto", "feature", "common")
VERSION_1 = "version 1"  # as it was for model files that say nothing of it


def scaled(
    x_train: np.ndarray, x_test: np.ndarray, scaling: str
) -> tuple[Preparation, tuple[str, ...]]:
    """The preparation that ``scaling`` (of ``own.from_file``) stands for, and what is odd."""
    if scaling != VERSION_1:
        check_name("scaling", scaling, SCALINGS)
    automatic = scaling in ("auto", VERSION_1)
    if automatic and x_train.dtype == x_test.dtype == np.uint8:
        own = Preparation.of_bytes(x_train.shape[1:])
        return own, (*ranges.dark(x_train), *ranges.differing(own, x_train, x_test))
    by_feature = scaling == "feature" or (scaling == "auto" and x_train.ndim == 2)
    own = Preparation.fitted(x_train, by_feature=by_feature)
    return own, (*ranges.flat(own, x_train), *ranges.differing(own, x_train, x_test))


def chosen(
    x_train: np.ndarray,
    x_test: np.ndarray,
    reading: Reading,
    scaling: str,
    known: Preparation | None,
) -> tuple[Preparation, tuple[str, ...]]:
    """How samples become bytes, and what is odd about them: as is ``known``, or told, or found."""
    if known is not None:
        return known, ranges.outside(known, x_test)
    if reading.range is None:
        own, odd = scaled(x_train, x_test, scaling)
        table = scaling == "auto" and own.by_feature
        return own, (*(ranges.pixels(x_train) if table else ()), *odd)
    low, high = reading.range
    own = Preparation(x_train.shape[1:], (low,), (high,))
    return own, (*ranges.beyond(own, x_train), *ranges.flat(own, x_train))
