"""What a data set is: bytes and classes, how they became so, and what is odd about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..topology.paths import log2_exact
from .labels import NUMBERED, Names
from .preparation import Preparation

INPUT_SCALE = 1 / 255  # the real value of one step of an input: a network sees 0 to 1


@dataclass(frozen=True)
class DataSet:
    """Images (or any vectors) and their classes.

    Parameters
    ----------
    name : what the commands call it.
    x_train, x_test : ``uint8`` (B, n), n a power of two, the same for both. ``x_train`` may be
        empty where the samples are there for a model that is trained already.
    y_train, y_test : ``int64`` (B,), 0 to ``classes`` - 1; every class is in ``y_train``, if any.
    classes : how many classes there are, at least 2.
    groups : integers (B,), whom each training sample is of (a patient's record), where samples of
        one must not be on both sides of a split; ``None`` where any split will do.
    preparation : how samples became bytes; ``None`` where that is not known.
    labels : what the classes are called, ``None`` where those are their numbers.
    warnings : what is odd about the samples, a sentence each.
    judged : what ``x_test`` is: ``"held-out"``, never seen before a network is finished,
        ``"validation"``, set aside of the training samples to choose by, or ``"given"``, all of a
        file.
    facts : how a file was read, for people: titles, and what is said of each.
    origin : the same for a model file, so that others are read alike: what JSON can hold.

    Raises ``InputError`` where these do not hold.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    groups: np.ndarray | None = None
    preparation: Preparation | None = None
    labels: Names | None = None
    warnings: tuple[str, ...] = ()
    judged: str = "held-out"
    facts: tuple[tuple[str, str], ...] = ()
    origin: Mapping[str, Any] | None = None

    def __post_init__(self):
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.dtype != np.uint8 or x.ndim != 2 or (part == "test" and not len(x)):
                raise InputError(
                    f"{self.name}: x_{part} must be uint8 (images, inputs), not {x.dtype} {x.shape}"
                )
            log2_exact(x.shape[1], f"{self.name}: inputs of x_{part}")
            if y.dtype != np.int64 or y.shape != (len(x),):
                raise InputError(
                    f"{self.name}: y_{part} must be int64 ({len(x)},), not {y.dtype} {y.shape}"
                )
            if y.size and (y.min() < 0 or y.max() >= self.classes):
                raise InputError(
                    f"{self.name}: labels of y_{part} must be 0 to {self.classes - 1}, "
                    f"not {y.min()} to {y.max()}" + (f"; {NUMBERED}" if y.min() < 0 else "")
                )
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise InputError(
                f"{self.name}: x_train and x_test must have the same number of inputs, "
                f"not {self.x_train.shape[1]} and {self.x_test.shape[1]}"
            )
        present = np.unique(self.y_train).size
        if present == 1 and self.classes == 1:
            only = 0 if self.labels is None else self.labels[0]
            raise InputError(
                f"{self.name}: labels must be of 2 or more classes, but all are {only}"
            )
        if self.y_train.size and (self.classes < 2 or present != self.classes):
            raise InputError(
                f"{self.name}: y_train must have all of {self.classes} classes, at least 2, "
                f"not {present}; {NUMBERED}"
            )
        if self.groups is not None and self.groups.shape != self.y_train.shape:
            raise InputError(
                f"{self.name}: groups must have shape {self.y_train.shape}, one per training "
                f"image, not {self.groups.shape}"
            )

    @classmethod
    def prepared(
        cls,
        name: str,
        preparation: Preparation,
        x: tuple[np.ndarray, np.ndarray],
        y: tuple[np.ndarray, np.ndarray],
        **more: Any,
    ) -> "DataSet":
        """A data set of samples ``x`` as they come and classes ``y``, to train with and held out.

        ``more`` is the rest of the parameters. Raises ``InputError`` as the class and
        :meth:`Preparation.apply` do.
        """
        try:
            x_train, x_test = (preparation.apply(each) for each in x)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        return cls(name, x_train, y[0], x_test, y[1], preparation=preparation, **more)

    @property
    def inputs(self) -> int:
        """How many inputs an image has."""
        return self.x_train.shape[1]

    def widened(self, inputs: int) -> "DataSet":
        """The same with more inputs, a power of two: zeros behind those that are there."""
        more = [(0, 0), (0, inputs - self.inputs)]
        parts = {name: np.pad(getattr(self, name), more) for name in ("x_train", "x_test")}
        known = self.preparation
        return replace(self, **parts, preparation=known and known.widened(inputs))
