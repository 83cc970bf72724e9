"""Networks within a network: one set of weights that is good at every number of paths.

The first N Sobol' paths of a junction are Sobol' paths too (Keller & Van keirsbilck, section 4.3),
so a network holds smaller ones: those of its first N paths a junction, with the same weights,
biases and shifts. After usual training they are worth nothing: their paths learnt to be a part of
longer sums. Trained *nested*, every step goes along the mean of the gradients of all of these
networks (as Yu & Huang, "Universally slimmable networks and improved training techniques", 2019,
train networks of fewer channels), and the paths learn in the order of their numbers: the first ones
what matters most, the next ones what those leave. As sizes halve, all of them cost about twice what
the largest does.
"""

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..machine.model import Model
from ..topology.paths import Paths
from .growth import fewest, prefix
from .network import Network, Vector


def sizes(topology: Paths, smallest: int) -> list[int]:
    """Paths a junction, from ``smallest`` to the largest junction's, each twice the one before.

    Raises ``InputError`` unless ``smallest`` is a power of two below that, at least the fewest that
    a junction can have.
    """
    low, high = min(fewest(topology)), max(topology.paths)
    if not low <= smallest < high or smallest & (smallest - 1):
        raise InputError(
            f"nested networks must begin with a power of two of paths from {low} to {high // 2}, "
            f"not {smallest}"
        )
    return [smallest << step for step in range((high // smallest).bit_length())]


def cut(model: Model, count: int) -> Model:
    """The :class:`golden.machine.model.Model` of the first ``count`` paths of every junction.

    As of :func:`golden.training.growth.prefix`; all else is the model's.
    """
    topology, parts = prefix(model.topology, count), {}
    for name in ("weights", "float_weights"):
        pairs = zip(getattr(model, name), topology.paths, strict=True)
        parts[name] = tuple(array[:kept] for array, kept in pairs)
    return replace(model, topology=topology, **parts)


class Nested:
    """A network, and those of its first paths, to be trained as one.

    Parameters
    ----------
    network : :class:`golden.training.network.Network` or a subclass, its paths linear; it has the
        weights.
    smallest : paths a junction of the smallest one, as of :func:`sizes`.

    It has what :func:`golden.training.loop.train` needs of a network.
    """

    def __init__(self, network: Network, smallest: int):
        self._network, self.topology = network, network.topology
        self.parameters, self.vector = network.parameters, network.vector
        self.silence = network.silence
        parts = [prefix(self.topology, size) for size in sizes(self.topology, smallest)[:-1]]
        self._parts = [network.first(topology) for topology in parts]
        self._places = [network.places(part) for part in self._parts]
        self._gradients = [part.vector() for part in self._parts]

    def gradients(self, inputs: np.ndarray, labels: np.ndarray, classes: int, out: Vector) -> float:
        """As of :class:`golden.training.network.Network`: means over the networks."""
        loss, count = self._network.gradients(inputs, labels, classes, out), 1 + len(self._parts)
        _, weights, biases = out
        rows = zip(self._parts, self._places, self._gradients, strict=True)
        for part, places, gradients in rows:
            self._network.lend(part, places)
            loss += part.gradients(inputs, labels, classes, gradients)
            for whole, own, where in zip(weights, gradients[1], places, strict=True):
                whole[where] += own
            for whole, own in zip(biases, gradients[2], strict=True):
                whole += own
        out[0][:] /= np.float32(count)
        return loss / count


def of(network: Network, smallest: int | None) -> Network | Nested:
    """What to train: the network, or where ``smallest`` is not None, :class:`Nested`."""
    return network if smallest is None else Nested(network, smallest)
