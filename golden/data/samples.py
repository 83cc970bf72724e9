"""Samples and labels as a file of one's own has them, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from . import files
from .reading import Reading

#: Names of a ``.npz`` file's fields, as people have them: samples, and their labels.
HELD_OUT = (("x_test", "y_test"), ("test_images", "test_labels"), ("test_data", "test_labels"))
TRAINING = (
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("train_data", "train_labels"),
    ("x", "y"),
    ("data", "target"),
    ("data", "labels"),
    ("images", "labels"),
    ("images", "target"),
    ("features", "labels"),
    ("features", "target"),
    ("inputs", "targets"),
)
CLASSES = ("target_names", "class_names", "label_names", "classes")
PARTS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Samples:
    """What a file has.

    Parameters
    ----------
    x : (B, ...), real numbers.
    y : a label for each, of any kind that :mod:`golden.data.labels` knows.
    test : the same two of the held-out samples, where the file has them.
    classes : what the labels 0, 1, ... are called, ``None`` where nothing says so.
    table : of a table, how it is read, for a model file.
    facts : what is to be told of it: titles and sentences.
    """

    x: np.ndarray
    y: np.ndarray
    test: tuple[np.ndarray, np.ndarray] | None = None
    classes: tuple[str, ...] | None = None
    table: Mapping[str, Any] | None = None
    facts: tuple[tuple[str, str], ...] = ()


def from_npz(path: str, reading: Reading, before: Mapping[str, Any] | None = None) -> Samples:
    """What a ``.npz`` file has: ``x_train, y_train, x_test, y_test``, or ``x, y`` alone.

    Fields may have other names of ``TRAINING`` and ``HELD_OUT``, in capitals or not, and one of
    ``CLASSES`` what the classes are called. ``before`` is of tables. Raises ``InputError`` where
    there are none such.
    """
    if before is None:
        reading.leave_out(f"{path} has no columns", "label", "drop")
    found = {name.lower(): name for name in files.names_in(path)}
    pairs = [
        next((pair for pair in known if found.keys() >= set(pair)), None)
        for known in (TRAINING, HELD_OUT)
    ]
    some = any(name in found for pair in HELD_OUT for name in pair)
    if pairs[0] is None or (some and pairs[1] is None):
        alone = not some and not found.keys().isdisjoint("xy")
        files.read_npz(path, *("xy" if alone else PARTS))  # complains, of one that is missing
    names = next((found[name] for name in CLASSES if name in found), None)
    wanted = [found[name] for pair in pairs if pair for name in pair]
    arrays = files.read_npz(path, *wanted, *([names] if names else []))
    classes = None if names is None else _classes(path, names, arrays.pop(names))
    x, y, *test = arrays.values()
    return Samples(x, y, test=(test[0], test[1]) if test else None, classes=classes)


def _classes(path, name, array):
    """The names of classes in a field; ``None`` where it has something else."""
    array = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    if array.dtype.kind != "U" or array.ndim != 1:
        return None
    names = tuple(np.char.strip(array).tolist())
    if len(set(names)) < len(names) or "" in names:
        raise InputError(f"{path}: {name} must be different names, one a class")
    return names
