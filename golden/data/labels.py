"""Labels as files have them, and the numbers of classes that they become."""

import re
from collections.abc import Sequence

import numpy as np

from ..errors import InputError

#: What classes are called: the labels of a file in order, class 0 first.
Names = tuple[int | str, ...]
NUMBERED = "np.unique(labels, return_inverse=True)[1] numbers any labels from 0 on"
MOST = np.iinfo(np.int64).max
SHOWN = 8  # names in a message
#: A whole number as it is written: 7 and 7.0, but not 007, which is a name.
WHOLE = re.compile(r"(0|-?[1-9][0-9]{0,17})(\.0*)?")


def integers(y: np.ndarray, where: str) -> np.ndarray:
    """Labels as ``int64`` (samples,), of whole numbers or truth values.

    Raises ``InputError`` where they are no such vector; ``where`` is for the message.
    """
    if y.dtype.kind not in "iub" or y.ndim != 1:
        raise InputError(f"{where} must be integers (samples,), not {y.dtype} {y.shape}")
    if y.size and y.max() > MOST:
        raise InputError(f"{where} must be labels of at most {MOST}, not {y.max()}")
    return y.astype(np.int64)


def values(y: np.ndarray, where: str) -> np.ndarray:
    """Labels of any kind as a label for each sample: ``int64`` or strings, (samples,).

    One-hot rows (samples, classes) become the place of their 1. Whole numbers become integers,
    whether they are integers of any width, floats, truth values or text; a column (samples, 1)
    becomes a vector. Raises ``InputError`` for anything else; ``where`` is for the message.
    """
    y = np.char.decode(y, "utf-8", "replace") if y.dtype.kind == "S" else y
    if one_hot(y):
        return y.argmax(axis=1)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.dtype.kind not in "iubfU" or y.ndim != 1:
        raise InputError(
            f"{where} must be a label for each sample, or one-hot rows, not {y.dtype} {y.shape}"
        )
    if y.dtype.kind == "U":
        return _text(np.char.strip(y), where)
    if y.dtype.kind == "f":
        y = y.astype(np.float64)
        missing = np.flatnonzero(np.isnan(y))
        if missing.size:
            raise InputError(f"{where}: the label of sample {missing[0]} must be there, not nan")
        other = y[y != np.rint(y)]
        if other.size or (np.abs(y) > 2.0**62).any():
            shown = other[0] if other.size else y[np.abs(y).argmax()]
            raise InputError(f"{where} must be classes: whole numbers or text, not {shown:g}")
        return y.astype(np.int64)
    return integers(y, where)


def one_hot(y: np.ndarray) -> bool:
    """Whether every row has a single 1, and 0 elsewhere."""
    return (
        y.ndim == 2
        and y.shape[1] > 1
        and y.dtype.kind in "iubf"
        and bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
    )


def _text(y, where):
    """Strings as they are, but as integers where all are whole numbers."""
    missing = np.flatnonzero(y == "")
    if missing.size:
        raise InputError(f"{where}: the label of sample {missing[0]} must be there, not empty")
    distinct, places = np.unique(y, return_inverse=True)
    found = [WHOLE.fullmatch(label) for label in distinct.tolist()]
    if not all(found):
        return y
    return np.array([int(match[1]) for match in found if match], np.int64)[places]


def names_of(y: np.ndarray) -> Names | None:
    """The different labels of :func:`values` in order; ``None`` where they are 0, 1, 2, ..."""
    distinct = np.unique(y).tolist()
    return None if distinct == list(range(len(distinct))) else tuple(distinct)


def listed(names: Sequence[int | str]) -> str:
    """The first names, for a message."""
    return ", ".join(map(str, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")


def gaps(names: Names | None) -> tuple[str, ...]:
    """A warning where classes are numbered from 0 or 1, and a few of the numbers are missing."""
    if not names or not all(isinstance(name, int) for name in names):
        return ()
    numbers = [int(name) for name in names]
    if numbers[0] not in (0, 1) or numbers[-1] >= 2 * len(numbers):
        return ()
    missing = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    if not missing:
        return ()
    return (
        f"no training sample has the label {listed(missing)}, of {numbers[0]} to {numbers[-1]}",
    )


def places(y: np.ndarray, names: Names, where: str) -> np.ndarray:
    """The class of each label of :func:`values`, its place in ``names``: ``int64`` (samples,).

    What is the same when it is written is the same label. Raises ``InputError`` for another one.
    """
    number = {str(name): place for place, name in enumerate(names)}
    distinct, inverse = np.unique(y, return_inverse=True)
    found = [number.get(str(label), -1) for label in distinct.tolist()]
    if -1 in found:
        other = distinct.tolist()[found.index(-1)]
        raise InputError(f"{where} must have labels of {listed(names)}, not {other!r}")
    return np.array(found, np.int64)[inverse]


def numbered(
    y_train: np.ndarray, y_test: np.ndarray, where: str, names: Names | None = None
) -> tuple[np.ndarray, np.ndarray, Names | None]:
    """Labels of both parts of a data set, as of :func:`values`, as the numbers of their classes.

    Numbers and strings become their places in the order of numbers or of the alphabet: 1 to K are
    the classes 0 to K - 1, and -1 and 1 are 0 and 1. One-hot rows are numbered as they are.
    ``names`` are those of a model that is there already: its numbers count.

    Returns ``int64`` (samples,) twice, and the names of the classes, ``None`` where they are the
    numbers. Raises ``InputError`` for anything else; ``where`` is for the message.
    """
    known, widths = [], []
    for y, part in zip((y_train, y_test), ("y_train", "y_test"), strict=True):
        y = np.asarray(y)
        known.append(values(y, f"{where}: {part}"))
        widths.append(y.shape[1] if one_hot(y) else 0)
    columns = max(widths)
    if names is None and not columns:
        names = names_of(known[0])
    count = columns or int(known[0].max(initial=-1)) + 1 if names is None else 0
    numbers = tuple(range(count)) if names is None else names
    found = []
    for y, width, part in zip(known, widths, ("y_train", "y_test"), strict=True):
        if width not in (0, len(numbers)):
            raise InputError(
                f"{where}: {part} must have {len(numbers)} columns, one a class, not {width}"
            )
        found.append(y if width else places(y, numbers, f"{where}: {part}"))
    return found[0], found[1], None if names == tuple(range(len(numbers))) else names
