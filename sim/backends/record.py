"""What every back end is given, and what it records: all values the engine writes, and when."""

from dataclasses import dataclass, fields, replace

import numpy as np

from sobolpath.golden.machine.image import MemoryImage, Space
from sobolpath.golden.machine.model import Model
from sobolpath.golden.machine.schedule import Schedule
from sobolpath.golden.path_order.schedule import PathOrderSchedule
from sobolpath.golden.topology.paths import Paths
from sobolpath.hw.engines import Config
from sobolpath.hw.path_order.config import PathOrderConfig

NEVER = 2**32 - 1  # the cycle of a write or a step that did not happen
#: What back ends read that is no port of the engine, by the names of the harness: the part and its
#: signal. They are the steps that the issuer issues, and those of the inputs that the loader takes.
ROW_LANE = {
    "LOADED_VALID": ("loader", "step.valid"),
    "LOADED_READY": ("loader", "step.ready"),
    "ISSUED": ("control.issuer", "valid"),
    "ISSUED_DISTANCE": ("control.issuer", "distance"),
    "ISSUED_ROW": ("control.issuer", "row"),
}
#: The same of the path-order engine: a step is a block, its row the number, its distance the word
#: that all banks share.
PATH_ORDER = {
    "LOADED_VALID": ("loader", "loading"),
    "LOADED_READY": ("loader", "load"),
    "ISSUED": ("addresses", "issued"),
    "ISSUED_DISTANCE": ("addresses", "word"),
    "ISSUED_ROW": ("addresses", "number"),
}


def watched(config: Config) -> dict[str, tuple[str, str]]:
    """:data:`ROW_LANE` or :data:`PATH_ORDER`."""
    return PATH_ORDER if isinstance(config, PathOrderConfig) else ROW_LANE


@dataclass(frozen=True)
class Job:
    """A network on an engine.

    Parameters
    ----------
    config : the engine.
    topology : the network's layers.
    image : the network's bytes.
    schedule : its cycles, as the config's ``schedule`` tells.
    written : what is written before it runs, (space, address, bytes) one after the other, where
        that is not the image alone.
    """

    config: Config
    topology: Paths
    image: MemoryImage
    schedule: Schedule | PathOrderSchedule
    written: tuple[tuple[Space, int, bytes], ...] | None = None

    @classmethod
    def of(cls, config: Config, model: Model) -> "Job":
        """That of a model on an engine. Raises ``InputError`` where it does not fit."""
        return cls(config, model.topology, config.image(model), config.schedule(model.topology))

    @property
    def writes(self) -> tuple[tuple[Space, int, bytes], ...]:
        """What is written before it runs: (space, address, bytes), one after the other."""
        if self.written is not None:
            return self.written
        return tuple((space, 0, content) for space, content in self.image.spaces())

    @property
    def widths(self) -> tuple[int, ...]:
        """Values of every layer, inputs first: its neurons, for each image that shares a weight.

        In the last layer, of all copies of its neurons (``golden.machine.widen``).
        """
        return tuple(width * self.config.images for width in self.schedule.wide.layers)

    @property
    def outputs(self) -> int:
        """Logits of an inference: of all its images."""
        return self.topology.layers[-1] * self.config.images

    @property
    def steps(self) -> int:
        """Steps of an inference: S, the paths of all junctions over the lanes."""
        return self.topology.total_paths // self.config.lanes

    @property
    def bases(self) -> tuple[int, ...]:
        """Where every layer but the last stands in the activation memory, in values."""
        return tuple(base * self.config.values for base in self.schedule.bases)

    @property
    def patience(self) -> int:
        """Cycles after which an inference is given up, from the end of the one before."""
        inputs, *_, outputs = self.widths
        return 2 * (inputs + self.schedule.latency + 2 * outputs) + 1000


@dataclass(frozen=True)
class Trace:
    """The record of N inferences, each of all images that share a weight, through W values.

    Positions count the values after the inputs, layer after layer, in each by (row * lanes + lane)
    * images + image.

    Parameters
    ----------
    values : ``int32`` (N, W), what was written at the position: activations, in the last layer
        sums, each copy of a neuron its own.
    at : ``uint32`` (N, W), the cycle of that write, counted from the one in which the inference's
        last input was taken, as 0; ``NEVER`` where nothing was written.
    logits : ``int32`` (N, n_L * images), what came out: image after image, in neuron order.
    starts, ends : ``int64`` (N,), the cycles in which the last word of inputs was taken and the
        last result written, counted from the run's first.
    opens, closes, leaves : ``int64`` (N,), those in which the loader had the first and the last
        inputs, and in which the last logit left. A word is taken a cycle or more before.
    issued : ``uint32`` (N, S), the cycle in which each step was issued, counted like ``at``.
    sources : ``uint32`` (N, S), the row that the step reads, times the lanes, plus D. Rows are
        those of the activation memory, as if the inputs stood in its first half.
    finished : the inferences whose logits all came out within the job's patience, from the first
        on; fewer than N only where the engine is at fault. The next one's record is as far as it
        got.
    total : cycles simulated, from the first input's offer to the last logit's departure.
    """

    values: np.ndarray
    at: np.ndarray
    logits: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    opens: np.ndarray
    closes: np.ndarray
    leaves: np.ndarray
    issued: np.ndarray
    sources: np.ndarray
    finished: int = 0
    total: int = 0

    @classmethod
    def empty(cls, inferences: int, job: Job) -> "Trace":
        """Arrays to record into."""
        values, outputs, steps = sum(job.widths[1:]), job.outputs, job.steps
        return cls(
            values=np.zeros((inferences, values), np.int32),
            at=np.full((inferences, values), NEVER, np.uint32),
            logits=np.zeros((inferences, outputs), np.int32),
            starts=np.zeros(inferences, np.int64),
            ends=np.zeros(inferences, np.int64),
            opens=np.zeros(inferences, np.int64),
            closes=np.zeros(inferences, np.int64),
            leaves=np.zeros(inferences, np.int64),
            issued=np.full((inferences, steps), NEVER, np.uint32),
            sources=np.zeros((inferences, steps), np.uint32),
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays, in the order of :data:`ARRAYS`."""
        return tuple(getattr(self, name) for name in ARRAYS)

    def __getitem__(self, part: slice) -> "Trace":
        """The record of a slice of the inferences."""
        return replace(self, **{name: getattr(self, name)[part] for name in ARRAYS})

    def same(self, other: "Trace") -> bool:
        """Whether the other record is the same in every item."""
        pairs = zip(self.arrays, other.arrays, strict=True)
        counts = (self.finished, self.total) == (other.finished, other.total)
        return counts and all(np.array_equal(a, b) for a, b in pairs)


#: The arrays of a record, in the order in which the harness has them.
ARRAYS = tuple(field.name for field in fields(Trace) if field.type is np.ndarray)


class Stuck(RuntimeError):
    """The engine does not take the network's bytes, though it is idle: a fault of the design."""


class Cursor:
    """Which layer of which inference a write belongs to.

    The engine writes one hidden layer after the other, each with places going up, and beside them
    results, the last layer's. So the next layer, or after the last hidden one the next inference,
    begins where the place is none of this one's or does not go up; and a write that is missing or
    doubled does not shift the record of the layers behind it.

    Parameters
    ----------
    job : what runs.
    begun : inferences that were begun since the engine's reset.
    """

    def __init__(self, job: Job, begun: int) -> None:
        self._widths, self._bases, self._begun = job.widths, job.bases, begun
        self._half = job.config.mirror
        self._inference, self._layer, self._next = 0, 1, 0  # of activations
        self._resulting, self._following = 0, 0  # inference and next place of results

    def _within(self, layer, place):
        return layer < len(self._bases) and 0 <= place - self._bases[layer] < self._widths[layer]

    def _unmirrored(self, place, inference):
        return place ^ self._half * ((self._begun + inference) % 2)

    def result(self, place: int, count: int) -> tuple[int, int] | None:
        """(Inference, position in its record) of ``count`` results at ``place``, or None.

        None is outside of the last layer, and a write that is doubled.
        """
        doubled = place + 1 == self._following and count < self._widths[-1]
        if place + count > self._widths[-1] or doubled:
            return None
        self._resulting += place < self._following
        self._following = place + 1
        return self._resulting, sum(self._widths[1:-1]) + place

    def activation(self, place: int) -> tuple[int, int] | None:
        """(Inference, position in its record) of activations at ``place``, or None.

        None is outside of the network's layers, and a write that is doubled.
        """
        own = self._unmirrored(place, self._inference)
        if not self._within(self._layer, own) or own - self._bases[self._layer] < self._next:
            other = self._unmirrored(place, self._inference + 1)
            if self._within(self._layer + 1, own):
                self._layer += 1
            elif self._layer + 1 >= len(self._bases) and self._within(1, other):
                self._inference, self._layer, own = self._inference + 1, 1, other
            else:
                return None
        offset = own - self._bases[self._layer]
        self._next = offset + 1
        return self._inference, sum(self._widths[1 : self._layer]) + offset
