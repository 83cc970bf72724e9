"""What every back end records of the engine: all values it writes, and when."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trace:
    """The record of a run of B images through a network of W neurons after the inputs.

    Positions count the neurons after the inputs, layer after layer, in each by row * lanes + lane.
    Cycles are counted from the one in which the image's last input was taken, as 0.

    Parameters
    ----------
    values : ``int32`` (B, W), what was written at the position: activations, in the last layer
        sums.
    at : ``uint32`` (B, W), the cycle of that write; 0 where nothing was written.
    logits : ``int32`` (B, n_L), what came out, in neuron order.
    cycles : ``int64`` (B,), the cycle of the last result's write.
    total : cycles simulated, from the first input's offer to the last logit's departure.
    """

    values: np.ndarray
    at: np.ndarray
    logits: np.ndarray
    cycles: np.ndarray
    total: int

    @classmethod
    def empty(cls, images, topology):
        """Arrays to record into."""
        neurons, outputs = sum(topology.layers[1:]), topology.layers[-1]
        return cls(
            np.zeros((images, neurons), np.int32),
            np.zeros((images, neurons), np.uint32),
            np.zeros((images, outputs), np.int32),
            np.zeros(images, np.int64),
            0,
        )


class Stuck(RuntimeError):
    """The engine did not finish an image in the cycles that it may take: a fault of the design."""


class Cursor:
    """Which layer a write belongs to: the engine writes one layer after the other, each whole."""

    def __init__(self, widths):
        self._left = list(widths)
        self._base, self._written = 0, 0

    def place(self, position, count):
        """The position in the record of ``count`` values at ``position`` of the layer, or None.

        None is outside of the layer, or past the last one: such a write is none of the network's.
        """
        if not self._left or position + count > self._left[0]:
            return None
        start = self._base + position
        self._written += count
        if self._written == self._left[0]:
            self._base += self._left.pop(0)
            self._written = 0
        return start


def patience(predicted):
    """Cycles after which an image is given up."""
    return 2 * predicted + 1000
