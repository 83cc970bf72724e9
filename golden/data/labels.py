"""Labels as files have them, and the numbers of classes that they become."""

import numpy as np

from ..errors import InputError

#: What classes are called: the labels of a file in order, class 0 first.
Names = tuple[int | str, ...]
NUMBERED = "np.unique(labels, return_inverse=True)[1] numbers any labels from 0 on"
MOST = np.iinfo(np.int64).max


def integers(y: np.ndarray, where: str) -> np.ndarray:
    """Labels as ``int64`` (samples,), of whole numbers or truth values.

    Raises ``InputError`` where they are no such vector; ``where`` is for the message.
    """
    if y.dtype.kind not in "iub" or y.ndim != 1:
        raise InputError(
            f"{where} must be integers (samples,), not {y.dtype} {y.shape}; {_advice(y)}"
        )
    if y.size and y.max() > MOST:
        raise InputError(f"{where} must be labels from 0 on, not {y.max()}; {NUMBERED}")
    return y.astype(np.int64)


def _advice(y):
    if y.ndim == 1 and y.dtype.kind == "f":
        return "labels.astype(int) makes them so"
    if y.ndim == 2:
        return "labels.argmax(axis=1) makes them so where a column is a class"
    return NUMBERED


def _text(y):
    """Strings in place of bytes."""
    return np.char.decode(y, "utf-8", "replace") if y.dtype.kind == "S" else y


def _one_hot(y):
    """Whether every row has a single 1, and 0 elsewhere."""
    return (
        y.ndim == 2
        and y.shape[1] > 1
        and y.dtype.kind in "iubf"
        and bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
    )


def _named(y, names, where):
    """The place in ``names`` of each label of a vector. Raises ``InputError`` for another label."""
    number = {name: place for place, name in enumerate(names)}
    found = [number.get(label, -1) for label in y.tolist()]
    if -1 in found:
        other = y.tolist()[found.index(-1)]
        shown = ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")
        raise InputError(f"{where} must have labels of {shown}, not {other!r}")
    return np.array(found, np.int64)


def numbered(
    y_train: np.ndarray, y_test: np.ndarray, where: str, names: Names | None = None
) -> tuple[np.ndarray, np.ndarray, Names | None]:
    """Labels of both parts of a data set as the numbers of their classes.

    Strings become their places in the order of the alphabet, labels 1 to K 0 to K - 1, one-hot rows
    (samples, classes) the place of the 1. ``names`` are those of a model that is there already: its
    numbers count.

    Returns ``int64`` (samples,) twice, and the names of the classes, ``None`` where they are the
    numbers. Raises ``InputError`` for anything else; ``where`` is for the message.
    """
    both = [_text(np.asarray(y)) for y in (y_train, y_test)]
    titles = [f"{where}: y_train", f"{where}: y_test"]
    if all(_one_hot(y) for y in both) and both[0].shape[1] == both[1].shape[1]:
        both = [y.argmax(axis=1) for y in both]
        return both[0], both[1], names
    if not all(y.dtype.kind == "U" and y.ndim == 1 for y in both):
        both = [integers(y, title) for y, title in zip(both, titles, strict=True)]
        present = np.unique(both[0])
        if names is None and len(present) > 1 and present[0] == 1 and present[-1] == len(present):
            names = tuple(present.tolist())
    elif names is None:
        names = tuple(np.unique(both[0]).tolist())
    if names is not None:
        both = [_named(y, names, title) for y, title in zip(both, titles, strict=True)]
    return both[0], both[1], names
