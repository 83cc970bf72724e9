"""What every back end is given, and what it records: all values the engine writes, and when."""

from dataclasses import dataclass

import numpy as np

from golden.image import MemoryImage
from golden.paths import Topology
from hw.config import EngineConfig

NEVER = 2**32 - 1  # the cycle of a write that did not happen


@dataclass(frozen=True)
class Job:
    """A network on an engine.

    Parameters
    ----------
    config : the engine.
    topology : the network's layers.
    image : the network's bytes.
    predicted : cycles of an inference, as ``golden.engine.cycles`` tells.
    """

    config: EngineConfig
    topology: Topology
    image: MemoryImage
    predicted: int

    @property
    def patience(self):
        """Cycles after which an image is given up, from the offer of its first input."""
        inputs, *_, outputs = self.topology.layers
        return 2 * (inputs + self.predicted + 2 * outputs) + 1000


@dataclass(frozen=True)
class Trace:
    """The record of a run of B images through a network of W neurons after the inputs.

    Positions count the neurons after the inputs, layer after layer, in each by row * lanes + lane.
    Cycles are counted from the one in which the image's last input was taken, as 0.

    Parameters
    ----------
    values : ``int32`` (B, W), what was written at the position: activations, in the last layer
        sums.
    at : ``uint32`` (B, W), the cycle of that write; ``NEVER`` where nothing was written.
    logits : ``int32`` (B, n_L), what came out, in neuron order.
    cycles : ``int64`` (B,), the cycle of the last result's write.
    finished : the images whose logits all came out within the job's patience, from the first on;
        fewer than B only where the engine is at fault. The next one's record is as far as it got.
    total : cycles simulated, from the first input's offer to the last logit's departure.
    """

    values: np.ndarray
    at: np.ndarray
    logits: np.ndarray
    cycles: np.ndarray
    finished: int = 0
    total: int = 0

    @classmethod
    def empty(cls, images, topology):
        """Arrays to record into."""
        neurons, outputs = sum(topology.layers[1:]), topology.layers[-1]
        return cls(
            np.zeros((images, neurons), np.int32),
            np.full((images, neurons), NEVER, np.uint32),
            np.zeros((images, outputs), np.int32),
            np.zeros(images, np.int64),
        )

    @property
    def arrays(self):
        """The four arrays, in their order."""
        return self.values, self.at, self.logits, self.cycles

    def __getitem__(self, part):
        """The record of a slice of the images."""
        return Trace(*(array[part] for array in self.arrays), self.finished, self.total)

    def same(self, other):
        """Whether the other record is the same in every item."""
        pairs = zip(self.arrays, other.arrays, strict=True)
        counts = (self.finished, self.total) == (other.finished, other.total)
        return counts and all(np.array_equal(a, b) for a, b in pairs)


class Stuck(RuntimeError):
    """The engine does not take the network's bytes, though it is idle: a fault of the design."""


class Cursor:
    """Which layer a write of one image belongs to.

    The engine writes one layer after the other, each with places going up, and says which writes
    are results, the last layer's. So the next layer begins where the place does not go up, and a
    write that is missing or doubled does not shift the record of the layers behind it.
    """

    def __init__(self, widths):
        self._widths = list(widths)
        self._layer, self._next = 0, 0

    def position(self, place, count, result):
        """The position in the record of ``count`` values at ``place`` of a layer, or None.

        None is outside of the layer, or past the last hidden one: such a write is none of the
        network's.
        """
        last = len(self._widths) - 1
        if result:
            layer = last
        else:
            self._layer += place < self._next
            self._next, layer = place + 1, self._layer
            if layer >= last:
                return None
        inside = place + count <= self._widths[layer]
        return sum(self._widths[:layer]) + place if inside else None
