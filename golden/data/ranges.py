"""What is odd about the numbers of a data set, in sentences that a command prints as warnings."""

from math import isqrt

import numpy as np

from .preparation import Preparation

DARK = 64  # bytes that stay below are dark for a network that sees 255 as 1
CLIPPED = 0.1  # the share of values outside of the range that samples of one kind may have
FILLED = 1 / 8  # the share of the range that they must fill
FEWEST = 8  # values that tell a range
BLOCK = 64  # features at a time
LISTED = 8  # features that are named


def dark(samples: np.ndarray) -> tuple[str, ...]:
    """Bytes that are taken as they are, of which none is large."""
    most = int(samples.max())
    if most >= DARK:
        return ()
    return (f"the bytes of x_train reach only {most} of 255 (--scaling common spreads them)",)


def _poor(columns):
    """Which columns of numbers (B, n) have fewer than 3 distinct values: ``bool`` (n,)."""
    least, largest = columns.min(axis=0), columns.max(axis=0)
    return ~((columns != least) & (columns != largest)).any(axis=0)


def flat(preparation: Preparation, samples: np.ndarray) -> tuple[str, ...]:
    """Features that have fewer than 3 distinct values among the training samples (B, ...).

    Of a table, those that have no more as they come, and those of which no more are left by the
    scaling. Images have flat borders: of them only where the scaling leaves most inputs so.
    """
    columns = samples.reshape(len(samples), -1)
    places = preparation.places(samples).reshape(columns.shape)
    before, after = (np.zeros(columns.shape[1], bool) for _ in range(2))
    for start in range(0, columns.shape[1], BLOCK):
        block = slice(start, start + BLOCK)
        before[block] = _poor(columns[:, block])
        after[block] = _poor(np.rint(255 * places[:, block]))
    lost, table = after & ~before, samples.ndim == 2
    found = []
    if table and before.any():
        found.append(f"{_list(before)} fewer than 3 distinct values in x_train")
    if lost.any() and (table or 2 * lost.sum() > (~before).sum()):
        cause = (
            "an outlier?" if preparation.by_feature else "--scaling feature scales each by itself"
        )
        found.append(f"{_list(lost)} fewer than 3 distinct values left by the scaling ({cause})")
    return tuple(found)


def _list(which):
    numbers = np.flatnonzero(which).tolist()
    shown = ", ".join(map(str, numbers[:LISTED])) + (", ..." if len(numbers) > LISTED else "")
    some = f"{len(numbers)} of {which.size} features" if which.size > 1 else "the feature"
    return f"{some} ({shown}) have" if which.size > 1 else f"{some} has"


def differing(preparation: Preparation, x_train: np.ndarray, x_test: np.ndarray) -> tuple[str, ...]:
    """Held-out samples in other units than the training samples that the scaling was made of."""
    ends = float(x_train.min()), float(x_train.max())
    filled = 1.0
    if not preparation.by_feature:
        filled = float(np.ptp(preparation.places(np.array(ends))))
    return _outside(
        preparation, x_test, f"x_train is {ends[0]:g} to {ends[1]:g}", filled, 4 / len(x_train)
    )


def outside(preparation: Preparation, x_test: np.ndarray) -> tuple[str, ...]:
    """Held-out samples in other units than those that a model was trained on."""
    ends = min(preparation.least), max(preparation.largest)
    return _outside(
        preparation, x_test, f"the model was trained on {ends[0]:g} to {ends[1]:g}", 1.0, 0.0
    )


def pixels(samples: np.ndarray) -> tuple[str, ...]:
    """Features of a table (B, n) that seem to be the pixels of square images, by rows."""
    count, side = samples.shape[1], isqrt(samples.shape[1])
    least, largest = samples.min(), samples.max()
    if side < 8 or side * side != count or least != 0 or not 200 <= largest <= 255:
        return ()
    if (samples != np.rint(samples)).any():
        return ()
    return (
        f"{count} features of 0 to {largest:g} seem to be the pixels of images: "
        f"--shape {side}x{side} --range 0,255 takes them so",
    )


def beyond(preparation: Preparation, samples: np.ndarray) -> tuple[str, ...]:
    """Training samples that a range which was told leaves out."""
    places = preparation.places(samples)
    share = float(((places < 0) | (places > 1)).mean())
    if not share:
        return ()
    least, largest = samples.min(), samples.max()
    return (f"{share:.1%} of x_train is outside of --range: it is {least:g} to {largest:g}",)


def _outside(preparation, x_test, other, filled, more):
    """The warning where too many values are out of the range, or too little of it is ``filled``.

    ``more`` : the share that may be outside for the small number of training samples.
    """
    places = preparation.places(x_test)
    if preparation.by_feature:
        scaled = np.greater(preparation.largest, preparation.least).reshape(preparation.shape)
        places = places[:, scaled]
    if places.size < FEWEST:
        return ()
    slack = 0.5 / 255
    clipped = float(((places < -slack) | (places > 1 + slack)).mean())
    if clipped <= CLIPPED + more and np.ptp(places) >= FILLED * filled:
        return ()
    least, largest = x_test.min(), x_test.max()
    return (
        f"x_test seems to be in other units: it is {least:g} to {largest:g}, {other}; "
        f"{clipped:.0%} of it is clipped",
    )
