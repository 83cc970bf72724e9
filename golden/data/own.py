"""Data of one's own: a file of samples and labels, in whatever form, as a data set.

What the file does not say follows from the training samples: the range of the numbers, the classes.
A file without held-out samples is split, every class alike, by the seed. All of that goes into the
model file (:attr:`golden.data.dataset.DataSet.origin`), so that other samples are read alike, and
the same file is split alike.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from . import labels as names_of_classes
from . import pictures, samples, scalings, splits, tables
from .background import LOOKED, background
from .dataset import DataSet
from .labels import Names, numbered, values
from .preparation import Preparation, channels_first, sizes
from .reading import HELD_OUT, Reading
from .samples import Samples

#: By the end of a file's name, what reads it: (path, reading, table before) -> Samples.
FORMATS: dict[str, Callable[[str, Reading, Mapping[str, Any] | None], Samples]] = {
    ".npz": samples.from_npz,
    ".csv": tables.from_table,
    ".tsv": tables.from_table,
}

KINDS = "a file named .npz, .csv or .tsv, or a folder of pictures"


@dataclass(frozen=True)
class Known:
    """What a model that is there already says of its samples; ``None`` where it says nothing.

    ``labels`` : of its classes; ``origin`` : of the file that it was trained on.
    """

    preparation: Preparation | None = None
    labels: Names | None = None
    origin: Mapping[str, Any] | None = None


def from_file(
    path: str, reading: Reading, scaling: str = "auto", known: Known | None = None
) -> DataSet:
    """The data set in a file, of a format in ``FORMATS``, or in a folder of pictures.

    Samples are arrays of any shape and of any real numbers, pictures with their channels first or
    last; labels are those that :mod:`golden.data.labels` knows.

    Parameters
    ----------
    path : the file.
    reading : what is told of it.
    scaling : ``"feature"``, the training samples' least of every feature becomes 0 and its largest
        255 (held-out ones are clipped); ``"common"``, those of all features together; ``"auto"``,
        by feature where samples are vectors, a table, and common elsewhere, as for images, but
        bytes (``uint8``) as they are; ``scalings.VERSION_1``, that but for tables too.
    known : of a model that is there already: its samples are prepared, and its classes numbered,
        as it says.

    Raises ``InputError`` in one line where any of that does not hold.
    """
    known = known or Known()
    try:
        return _from_file(path, reading, scaling, known)
    except InputError as error:
        text = str(error)
        told = (path, reading.test or path, "--")
        raise InputError(text if text.startswith(told) else f"{path}: {text}") from None


def _from_file(path, reading, scaling, known):
    if reading.range is not None and scaling in ("feature", "common"):
        raise InputError(f"--scaling must be left out with --range, not {scaling!r}")
    found = _read(path, reading, (known.origin or {}).get("table"))
    if reading.test is not None:
        if found.test is not None:
            raise InputError(f"--test must be left out: {path} has held-out samples of its own")
        other = _read(reading.test, reading, found.table)
        found = replace(found, test=(other.x, other.y))
    if Path(path).is_dir():
        reading = replace(reading, shape=None)  # the pictures have it
    x = _arranged(found.x, "x_train" if found.test else "x", reading, known)
    if found.test is None:
        return _one_part(path, found, x, reading, scaling, known)
    reading.leave_out(f"{path} has held-out samples of its own", "held_out")
    x_test = _arranged(found.test[0], "x_test", reading, known)
    if x_test.shape[1:] != x.shape[1:]:
        wanted, got = sizes(x.shape[1:]), sizes(x_test.shape[1:])
        raise InputError(f"x_test must have samples of {wanted} numbers as x_train, not {got}")
    _aligned(found.y, x, "y_train")
    _aligned(found.test[1], x_test, "y_test")
    y, y_test, labels = _numbered(found, found.test[1], path, known)
    own, warnings = scalings.chosen(x, x_test, reading, scaling, known.preparation)
    train, origin = own.apply(x), _origin(found, reading, known, labels, own, x)
    if reading.test is not None:
        origin["digest"] = digest(own, train, y)
    return DataSet(
        path,
        train,
        y,
        own.apply(x_test),
        y_test,
        classes=_count(y, labels, known),
        preparation=own,
        labels=labels,
        warnings=(*names_of_classes.gaps(labels), *warnings),
        facts=found.facts,
        origin=origin,
    )


def _one_part(path, found, x, reading, scaling, known):
    """The data set of samples of which none is said to be held out."""
    _aligned(found.y, x, "y")
    y, _, labels = _numbered(found, found.y[:0], path, known)
    origin, warnings, data, again = known.origin or {}, [], None, False
    if known.preparation is not None:
        data = known.preparation.apply(x)
        again = origin.get("digest") == digest(known.preparation, data, y)
    share, seed = HELD_OUT if reading.held_out is None else reading.held_out, reading.seed
    if again:
        share, seed = origin.get("held_out", 0.0), origin.get("seed", 0)
    if again and not share and not reading.judging:
        raise InputError("--test must be given as before: the model was trained on all of these")
    whole = not share if again else reading.judging
    if whole:
        train, test = np.arange(0), np.arange(len(x))
        fact = f"all {len(x):,} samples are judged"
        warnings += ["these are the samples that the model was trained on"] if again else []
    else:
        train, test = splits.stratified(x, y, labels, float(share), int(seed))
        fact = f"{len(train):,} samples to train with, {len(test):,} held out by seed {seed}"
    fitted = x[train] if len(train) else x
    own, odd = scalings.chosen(fitted, x[test], reading, scaling, known.preparation)
    data = own.apply(x) if data is None else data
    origin = {**_origin(found, reading, known, labels, own, fitted), "digest": digest(own, data, y)}
    if not whole:
        origin.update(held_out=share, seed=seed)
    return DataSet(
        path,
        data[train],
        y[train],
        data[test],
        y[test],
        classes=_count(y, labels, known),
        preparation=own,
        labels=labels,
        warnings=(*warnings, *names_of_classes.gaps(labels), *odd),
        judged="given" if whole else "held-out",
        facts=(*found.facts, ("split", fact)),
        origin=origin,
    )


def digest(preparation: Preparation, data: np.ndarray, y: np.ndarray) -> str:
    """What tells samples from others: of the bytes ``data`` that they became, and their classes."""
    own = np.ascontiguousarray(data[:, : prod(preparation.padded)])  # without more zeros behind
    return hashlib.sha256(own.tobytes() + y.astype("<i8").tobytes()).hexdigest()[:16]


def _read(path, reading, before):
    """What a file has, its columns as of the table ``before``, if there was one."""
    if not is_own(path):
        raise InputError(f"{path}: must be {KINDS}")
    folder = Path(path).is_dir()
    try:
        reader = pictures.from_folder if folder else FORMATS[Path(path).suffix.lower()]
        return reader(path, reading, before)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith((path, "--")) else f"{path}: {text}") from None


def is_own(name: str) -> bool:
    """Whether a name is that of a file, of a format in ``FORMATS``, or of a folder."""
    return Path(name).suffix.lower() in FORMATS or Path(name).is_dir()


def _arranged(x, what, reading, known):
    """Samples in the shape in which networks are trained on them."""
    if x.ndim < 2 or not x.size:
        raise InputError(f"{what} must be (samples, ...), not {x.shape}")
    if x.dtype.kind not in "buif" or not np.isfinite(x).all():
        raise InputError("inputs must be finite numbers")
    shape = reading.shape or tuple((known.origin or {}).get("shape") or ())
    if shape and x.shape[1:] != shape and prod(x.shape[1:]) != prod(shape):
        if reading.shape:
            got = sizes(x.shape[1:])
            raise InputError(f"--shape must be of the samples' {got} numbers, not {sizes(shape)}")
    elif shape:
        x = x.reshape(len(x), *shape)
    return channels_first(x) if known.preparation is None else known.preparation.arranged(x)


def _origin(found, reading, known, labels, own, x):
    """What a model file keeps of how its samples were read, and of what images are drawn on."""
    kept: dict[str, Any] = {}
    shape = reading.shape or (known.origin or {}).get("shape")
    if found.table is not None:
        kept["table"] = dict(found.table)
    if shape:
        kept["shape"] = list(shape)
    if labels is not None and labels == found.classes:
        kept["numbered"] = True
    if len(own.shape) == 2 and not own.by_feature:
        kept["background"] = background(own.places(x[:LOOKED]), 0.5)
    return kept


def _numbered(found, y_test, path, known):
    """The classes of the samples, of the held-out ones too, and what classes are called.

    The file may say what its numbers are called, and so may that which the model was trained on.
    """
    names, called = known.labels, found.classes
    by_number = values(found.y, f"{path}: y").dtype.kind == "i"
    if names is None:
        y, y_test, labels = numbered(found.y, y_test, path)
        fits = labels is None and called is not None and len(called) > y.max(initial=0)
        return y, y_test, called if fits else labels
    if by_number and called is not None and names != tuple(range(len(names))):
        numbers = numbered(found.y, y_test, path, tuple(range(len(called))))[:2]
        y, y_test = (np.array(called)[y] for y in numbers)
        return numbered(y, y_test, path, names)
    if by_number and (known.origin or {}).get("numbered"):
        return *numbered(found.y, y_test, path, tuple(range(len(names))))[:2], names
    return numbered(found.y, y_test, path, names)


def _count(y, labels, known):
    """How many classes there are."""
    return len(labels or known.labels or ()) or int(y.max(initial=-1)) + 1


def _aligned(y, x, what):
    if y.shape[:1] != (len(x),):
        raise InputError(f"{what} must be the labels of {len(x)} samples, not {y.shape}")
