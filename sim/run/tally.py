"""What came of a run, batch by batch: tallies that add up, in whatever processes they were made."""

from collections import Counter
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model

LISTED = 20  # mismatches that are kept, the first ones


@dataclass(frozen=True)
class Mismatch:
    """One neuron whose value is not the golden one.

    ``got`` is None where nothing was written; ``cycle``, that of the write, is None there too, and
    for a logit that was written well but came out wrong. ``copy`` tells which part of the neuron's
    sum it is, where there are several (``golden.machine.widen``).
    """

    image: int
    layer: int
    neuron: int
    expected: int
    got: int | None
    cycle: int | None
    copy: int | None = None

    def __str__(self):
        if self.got is None:
            got = "nothing"
        elif self.cycle is None:
            got = f"{self.got} at the output"
        else:
            got = f"{self.got} in cycle {self.cycle}"
        where = f"image {self.image}, layer {self.layer}, neuron {self.neuron}"
        where += "" if self.copy is None else f", copy {self.copy}"
        return f"{where}: expected {self.expected}, got {got}"


@dataclass
class Tally:
    """What was found in some images that follow each other.

    Parameters
    ----------
    compared : images compared, those that pad the last inference among them.
    values : values compared; ``mismatches`` of them are wrong.
    listed : of the first ``LISTED`` inferences with a mismatch the first :class:`Mismatch`.
    latencies : how often each number of cycles was seen, of inferences that found the engine idle.
    intervals : the same, of cycles between one inference and the next of the same batch. The first
        interval of a batch is left out: before it, the engine had nothing to do.
    images : those that went through, without padding.
    right : how many were classified right, by ``"accuracy"`` (of the hardware),
        ``"accuracy_float"`` and ``"accuracy_int"``.
    confusion : images by (label, class that the hardware says).
    margins : images by (whether the hardware is right, binary digits of how far its largest logit
        is ahead of the second).
    cycles : simulated; ``seconds``, of processor time, for them, golden model and comparison.
    hung : what to say of an inference that did not finish, or None.
    """

    compared: int = 0
    values: int = 0
    mismatches: int = 0
    listed: list = field(default_factory=list)
    latencies: Counter = field(default_factory=Counter)
    intervals: Counter = field(default_factory=Counter)
    images: int = 0
    right: Counter = field(default_factory=Counter)
    confusion: Counter = field(default_factory=Counter)
    margins: Counter = field(default_factory=Counter)
    cycles: int = 0
    seconds: float = 0.0
    hung: str | None = None

    @property
    def first(self) -> Mismatch | None:
        """The first mismatch, or None."""
        return self.listed[0] if self.listed else None

    def judge(self, model: Model, labels: np.ndarray, outputs: dict[str, np.ndarray]) -> None:
        """Count the classes of some images: ``labels`` (B,), ``outputs`` (B, n_L) by accuracy."""
        self.images += len(labels)
        for name, logits in outputs.items():
            self.right[name] += int((engine.classify(model, logits) == labels).sum())
        logits = outputs["accuracy"][:, : model.classes].astype(np.int64)
        said = engine.classify(model, logits)
        self.confusion.update(zip(labels.tolist(), said.tolist(), strict=True))
        if model.classes > 1:
            ahead = np.diff(np.sort(logits, axis=1)[:, -2:], axis=1)[:, 0].tolist()
            digits = (margin.bit_length() for margin in ahead)
            self.margins.update(zip((said == labels).tolist(), digits, strict=True))

    def add(self, later: "Tally") -> None:
        """Add the tally of the images that follow, numbered from 0."""
        moved = (replace(one, image=one.image + self.compared) for one in later.listed)
        self.listed = [*self.listed, *moved][:LISTED]
        self.hung = self.hung or later.hung
        for name in (one.name for one in fields(self) if one.name not in ("listed", "hung")):
            own, more = getattr(self, name), getattr(later, name)
            if isinstance(own, Counter):
                own.update(more)
            else:
                setattr(self, name, own + more)

    def to_json(self) -> dict[str, Any]:
        """Everything as a dictionary of what JSON can hold."""
        content = {one.name: getattr(self, one.name) for one in fields(self)}
        content["listed"] = [asdict(one) for one in self.listed]
        return {
            name: sorted(value.items()) if isinstance(value, Counter) else value
            for name, value in content.items()
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Tally":
        """The tally of :meth:`to_json`, after JSON has made lists of its tuples."""
        tally = cls(**content)
        tally.listed = [Mismatch(**one) for one in tally.listed]
        for name in (one.name for one in fields(cls) if one.default_factory is Counter):
            pairs = [(_hashable(key), count) for key, count in getattr(tally, name)]
            setattr(tally, name, Counter(dict(pairs)))
        return tally


def _hashable(key):
    return tuple(key) if isinstance(key, list) else key
