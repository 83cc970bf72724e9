"""Which samples are trained with, and which are held out: at random, every class on both sides."""

import numpy as np

from ..errors import InputError
from .labels import Names


def split(x: np.ndarray, y: np.ndarray, aside: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A stratified split: two arrays of indices, ``aside`` of them in the second."""
    from sklearn.model_selection import train_test_split  # slow to import

    indices = np.arange(len(x))
    first, second = train_test_split(indices, test_size=aside, random_state=seed, stratify=y)
    return np.asarray(first), np.asarray(second)


def split_groups(
    y: np.ndarray, groups: np.ndarray, aside: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of indices, whole groups each: at most ``aside`` samples in the second.

    Groups are taken in an order by ``seed``, those passed over that would be too many or would take
    a class's last samples away from the first. Raises ``InputError`` where none can be taken.
    """
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), y.max() + 1), np.int64)  # samples of each group and class
    np.add.at(counts, (group, y), 1)
    left, room, chosen = counts.sum(axis=0), aside, np.zeros(len(names), bool)
    present = left > 0
    for index in np.random.default_rng(seed).permutation(len(names)):
        own = counts[index]
        if own.sum() <= room and (left > own)[present].all():
            left, room, chosen[index] = left - own, room - own.sum(), True
    if not chosen.any():
        smallest = counts.sum(axis=1).min()
        raise InputError(
            f"validation images must be at least {smallest}, the smallest whole record, and leave "
            f"every class to train with, not {aside}"
        )
    return np.flatnonzero(~chosen[group]), np.flatnonzero(chosen[group])


def stratified(
    x: np.ndarray, y: np.ndarray, labels: Names | None, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the samples to train with and of those held out, every class on both sides.

    Raises ``InputError`` where a class has too few samples.
    """
    counts = np.bincount(y)
    few = np.flatnonzero(counts == 1)
    if few.size:
        name = few[0] if labels is None else labels[few[0]]
        raise InputError(
            f"every class must have 2 samples or more, so that one is held out, but {name!r} has 1 "
            "(--test FILE has held-out ones)"
        )
    classes = int((counts > 0).sum())
    aside = min(max(round(share * len(x)), classes), len(x) - classes)
    return split(x, y, aside, seed)
