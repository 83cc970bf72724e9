"""Data sets by name: ``uint8`` inputs, integer labels, one fixed split each.

A new one is a function that returns a :class:`DataSet`, entered in ``REGISTRY``.
"""

from dataclasses import dataclass, replace

import numpy as np

from .errors import InputError
from .paths import log2_exact

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

    Raises ``InputError`` where these do not hold.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int

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


def _split(x, y, held_out, seed):
    """A stratified split: two arrays of indices."""
    from sklearn.model_selection import train_test_split  # slow to import

    return train_test_split(np.arange(len(x)), test_size=held_out, random_state=seed, stratify=y)


def _digits():
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels with values 0 to 16.

    Split by ``train_test_split(test_size=360, random_state=0, stratify=labels)``: 1,437 to train
    with, 360 held out.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = pad(to_uint8(digits.images, 16)), digits.target.astype(np.int64)
    train, test = _split(x, y, 360, 0)
    return DataSet("digits", x[train], y[train], x[test], y[test], classes=10)


REGISTRY = {"digits": _digits}


def load(name):
    """The data set called ``name``. Raises ``InputError`` with the list of names otherwise."""
    if name not in REGISTRY:
        raise InputError(f"data set must be one of {', '.join(sorted(REGISTRY))}, not {name!r}")
    return REGISTRY[name]()


def validation(data, count, seed):
    """``data`` with ``count`` of its training images, stratified, in place of the held-out ones.

    What is chosen by trial (epochs, rates, ...) is chosen on these, and the held-out images stay
    unseen. Raises ``InputError`` unless both parts have room for every class.
    """
    most = len(data.x_train) - data.classes
    if not data.classes <= count <= most:
        raise InputError(f"validation images must be {data.classes} to {most}, not {count}")
    train, test = _split(data.x_train, data.y_train, count, seed)
    x, y = data.x_train, data.y_train
    return replace(data, x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])


def check_fits(data, topology, classes=None):
    """Raise ``InputError`` unless the layers have room for the inputs and the classes.

    ``classes`` are those of a model that is there already: they must be the data's.
    """
    if topology.layers[0] != data.inputs:
        raise InputError(
            f"layer 0 must have {data.inputs} neurons, one per input of {data.name}, "
            f"not {topology.layers[0]}"
        )
    if topology.layers[-1] < data.classes:
        raise InputError(
            f"layer {len(topology.layers) - 1} must have at least {data.classes} neurons, "
            f"one per class of {data.name}, not {topology.layers[-1]}"
        )
    if classes not in (None, data.classes):
        raise InputError(
            f"the model must have the {data.classes} classes of {data.name}, not {classes}"
        )
