"""Networks of sigmoids, trained by squared errors and Nesterov's momentum.

The hardware runs no such network: it is the recipe of Bourely, Boueri & Choromonski, "Sparse neural
network topologies" (2017), section 4.1, so that what they say of topologies can be tried as they
tried it: a sigmoid at every neuron, the outputs as well, the mean of the squared errors over the
outputs, Glorot's Gaussian start with the fans of dense layers, batches of 32, a rate of 0.01,
a momentum of 0.9, 50 epochs. The text leaves biases and the order of the samples open: biases start
at 0 and are trained, the order is a new one in every epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..topology.paths import Paths


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; ``seed`` decides its start and the order of the samples."""

    epochs: int = 50
    batch: int = 32
    rate: float = 0.01
    momentum: float = 0.9
    seed: int = 0


class Sigmoid:
    """A network of sigmoids with the edges of a topology, ``float32``.

    Parameters
    ----------
    topology : a :class:`golden.topology.paths.Paths`. Paths of the same edge are one weight.
    seed : of the start.

    Members
    -------
    weights : per junction, one number for each different edge, ordered by source, then target.
    biases : per junction (n_l,).
    """

    def __init__(self, topology: Paths, seed: int = 0) -> None:
        random = np.random.default_rng([seed, 0])
        self.ends: list[tuple[np.ndarray, np.ndarray]] = []
        self.weights: list[np.ndarray] = []
        self.biases: list[np.ndarray] = []
        self._full: list[np.ndarray] = []
        for junction, (n, m) in enumerate(pairwise(topology.layers), 1):
            source, target = topology.edges(junction)
            edge = np.unique(source * m + target)
            start = random.normal(0, np.sqrt(2 / (n + m)), (n, m)).astype(np.float32)
            self.ends.append((edge // m, edge % m))
            self.weights.append(start[self.ends[-1]])
            self.biases.append(np.zeros(m, np.float32))
            self._full.append(np.zeros((n, m), np.float32))

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """The outputs, 0 to 1, of ``float32`` inputs (samples, n_0): (samples, n_L)."""
        return self._forward(inputs)[-1]

    def accuracy(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        """The share of the samples whose largest output is that of the label."""
        return float((self.outputs(inputs).argmax(axis=1) == labels).mean())

    def gradients(
        self, inputs: np.ndarray, wanted: np.ndarray
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Those of the mean squared error by weights and by biases, in the shapes of these."""
        layers = self._forward(inputs)
        delta = (layers[-1] - wanted) * np.float32(2 / wanted.size)
        weights, biases = [], []
        for junction in range(len(self.weights))[::-1]:
            delta *= layers[junction + 1] * (1 - layers[junction + 1])
            weights.append((layers[junction].T @ delta)[self.ends[junction]])
            biases.append(delta.sum(axis=0))
            if junction:
                delta = delta @ self._full[junction].T
        return weights[::-1], biases[::-1]

    def _forward(self, inputs: np.ndarray) -> list[np.ndarray]:
        layers = [inputs]
        for full, ends, weights, bias in zip(
            self._full, self.ends, self.weights, self.biases, strict=True
        ):
            full[ends] = weights
            sums = layers[-1] @ full
            sums += bias
            layers.append(1 / (1 + np.exp(-sums)))
        return layers


def train(
    network: Sigmoid, inputs: np.ndarray, labels: np.ndarray, recipe: Recipe
) -> Iterator[int]:
    """Train in place, and yield the number of each epoch when it is done.

    ``inputs`` are ``float32`` (samples, n_0), ``labels`` integers below the number of outputs. The
    velocity v of a parameter w with the gradient g becomes momentum v - rate g, and w changes by
    momentum v - rate g with the new v.
    """
    random = np.random.default_rng([recipe.seed, 1])
    wanted = np.eye(len(network.biases[-1]), dtype=np.float32)[labels]
    rate, momentum = np.float32(recipe.rate), np.float32(recipe.momentum)
    parameters = [*network.weights, *network.biases]
    velocities = [np.zeros_like(each) for each in parameters]
    for epoch in range(1, recipe.epochs + 1):
        order = random.permutation(len(inputs))
        for first in range(0, len(order), recipe.batch):
            chosen = order[first : first + recipe.batch]
            weights, biases = network.gradients(inputs[chosen], wanted[chosen])
            for parameter, velocity, gradient in zip(
                parameters, velocities, [*weights, *biases], strict=True
            ):
                gradient *= rate
                velocity *= momentum
                velocity -= gradient
                parameter += momentum * velocity - gradient
        yield epoch
