"""The float network of paths: inference and gradients.

Keller & Van keirsbilck, section 3 and Fig. 3. Path i has one weight per junction and adds
``weight[l][i] * activation(source)`` to its target; hidden activations are ReLUs, the last layer is
linear. Work and memory are linear in the paths: no matrix of all neurons by all is ever made.

Activations are stored neuron by neuron, ``float32`` (neurons, images). How the sums of a junction
are computed is in :mod:`golden.topology.wiring`: as a stack of dense blocks where it is one, which
all linear paths without repeated edges are, else by tables.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..topology.paths import Paths
from ..topology.wiring import wire

Arrays = Sequence[np.ndarray]  # one per junction
#: A vector of parameters, and views of its weights and of its biases, each per junction.
Vector = tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]
BLOCK = 128  # images at a time in inference: what is gathered for them stays near the core


class Network:
    """A network of paths with ``float32`` parameters.

    Parameters
    ----------
    topology : the paths (:class:`golden.topology.paths.Paths`: Sobol' or any other).
    weights : per junction an array (N_l,), in path order.
    biases : per junction an array (n_l,), in neuron order; 0 unless given.

    Members
    -------
    parameters : every weight (by place, junction after junction), then every bias, as one vector.
    ``InputError`` where shapes do not fit or a number is not finite.
    """

    def __init__(self, topology: Paths, weights: Arrays, biases: Arrays | None = None):
        self.topology = topology
        self.wiring = [wire(topology, junction) for junction in topology.junctions]
        self.parameters, self._weights, self._biases = self.vector()
        if biases is None:
            biases = [np.zeros(n) for n in topology.layers[1:]]
        for name, arrays, sizes in (
            ("weights", weights, topology.paths),
            ("biases", biases, topology.layers[1:]),
        ):
            if len(arrays) != len(sizes):
                raise InputError(f"{name} must be {len(sizes)} arrays, not {len(arrays)}")
            for junction, (array, size) in enumerate(zip(arrays, sizes, strict=True), 1):
                if np.shape(array) != (size,):
                    raise InputError(
                        f"{name} of junction {junction} must have shape ({size},), "
                        f"not {np.shape(array)}"
                    )
                if not np.isfinite(array).all():
                    raise InputError(
                        f"{name} of junction {junction} must be finite, not NaN or infinite"
                    )
        for own, wiring, array in zip(self._weights, self.wiring, weights, strict=True):
            own[...] = np.asarray(array)[wiring.path].reshape(own.shape)
        for own, array in zip(self._biases, biases, strict=True):
            own[:, 0] = array
        self._gathered: dict[tuple[int, int], np.ndarray] = {}

    def vector(self) -> Vector:
        """A zero vector like ``parameters``, and views of its weights and its biases.

        Each per junction; the weights' views have shape (N_l,), by place
        (:mod:`golden.topology.wiring`); the biases' have shape (n_l, 1).
        """
        topology = self.topology
        vector = np.zeros(topology.total_paths + sum(topology.layers[1:]), np.float32)
        weights, biases, start = [], [], 0
        for count in topology.paths:
            weights.append(vector[start : start + count])
            start += count
        for width in topology.layers[1:]:
            biases.append(vector[start : start + width, None])
            start += width
        return vector, weights, biases

    @property
    def weights(self) -> list[np.ndarray]:
        """Per junction the weights in path order: ``float32`` (N_l,), copies."""
        result = []
        for own, wiring in zip(self._weights, self.wiring, strict=True):
            weights = np.empty(own.size, np.float32)
            weights[wiring.path] = own.ravel()
            result.append(weights)
        return result

    @property
    def biases(self) -> list[np.ndarray]:
        """Per junction the biases in neuron order: ``float32`` (n_l,), copies."""
        return [own[:, 0].copy() for own in self._biases]

    def silence(self, first: int) -> None:
        """Set the weights and biases of the outputs from ``first`` on to 0: they are padding."""
        self._weights[-1].reshape(-1)[self.wiring[-1].places(first)] = 0
        self._biases[-1][first:] = 0

    def first(self, topology: Paths) -> "Network":
        """The network of this one's first paths: those of ``topology``, with their weights."""
        pairs = zip(self.weights, topology.paths, strict=True)
        return Network(topology, [weights[:count] for weights, count in pairs], self.biases)

    def places(self, smaller: "Network") -> list[np.ndarray]:
        """Per junction the places here of the weights of one that :meth:`first` made, by place."""
        result = []
        for whole, own in zip(self.wiring, smaller.wiring, strict=True):
            rank = np.empty(len(whole.path), np.int64)
            rank[whole.path] = np.arange(len(whole.path))
            result.append(rank[own.path])
        return result

    def positions(self, smaller: "Network") -> np.ndarray:
        """The positions in ``parameters`` of those of a network of its first paths: ``int64``."""
        starts = np.cumsum([0, *self.topology.paths])
        weights = [start + own for start, own in zip(starts, self.places(smaller), strict=False)]
        return np.concatenate([*weights, np.arange(starts[-1], self.parameters.size)])

    def lend(self, smaller: "Network", places: list[np.ndarray]) -> None:
        """Overwrite weights and biases of one that :meth:`first` made, of its :meth:`places`."""
        for whole, own, where in zip(self._weights, smaller._weights, places, strict=True):
            np.take(whole, where, out=own, mode="clip")
        for whole, own in zip(self._biases, smaller._biases, strict=True):
            own[...] = whole

    def _gather(self, junction, activations):
        """What the sums of a junction need, in a buffer that the next call reuses."""
        key = junction, activations.shape[1]
        if key not in self._gathered and len(self._gathered) >= 4 * len(self.wiring):
            self._gathered.clear()
        buffer = self._gathered.get(key)
        self._gathered[key] = self.wiring[junction - 1].gather(activations, buffer)
        return self._gathered[key]

    def forward(self, activations: np.ndarray) -> list[np.ndarray]:
        """The activations of every layer from the inputs' on, ReLU but for the last.

        ``activations`` is ``float32`` (n_0, B); the result a list of ``float32`` (n_l, B).
        """
        results = [activations]
        for junction in self.topology.junctions:
            gathered = self._gather(junction, results[-1])
            sums = self.wiring[junction - 1].sums(self._weights[junction - 1], gathered)
            sums += self._biases[junction - 1]
            if junction < len(self.wiring):
                self._activate(junction, sums)
            results.append(sums)
        return results

    def _activate(self, junction, sums):
        """Make activations of the sums of a hidden layer, in place."""
        np.maximum(sums, 0, out=sums)

    def layers(self, inputs: ArrayLike) -> list[np.ndarray]:
        """Every layer's activations, image by image.

        ``inputs`` is (B, n_0), real numbers. Returns a list: ``float32`` (B, n_l) for layers 1 to
        L, the logits last. Raises ``InputError`` for another shape.
        """
        inputs = np.asarray(inputs, np.float32)
        if inputs.ndim != 2 or inputs.shape[1] != self.topology.layers[0]:
            raise InputError(
                f"inputs must have shape (images, {self.topology.layers[0]}), not {inputs.shape}"
            )
        results = [np.empty((len(inputs), n), np.float32) for n in self.topology.layers[1:]]
        for start in range(0, len(inputs), BLOCK):
            block = np.ascontiguousarray(inputs[start : start + BLOCK].T)
            for result, layer in zip(results, self.forward(block)[1:], strict=True):
                result[start : start + BLOCK] = layer.T
        return results

    def infer(self, inputs: ArrayLike) -> np.ndarray:
        """The logits: ``float32`` (B, n_L), for ``inputs`` as in :meth:`layers`.

        Raises ``InputError`` where they are beyond ``float32``.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            logits = self.layers(inputs)[-1]
        if not np.isfinite(logits).all():
            raise InputError("logits must be finite: the weights or the inputs are too large")
        return logits

    def gradients(self, inputs: np.ndarray, labels: np.ndarray, classes: int, out: Vector) -> float:
        """Backpropagation along the paths: the mean softmax cross-entropy, and its gradients.

        ``inputs`` is ``float32`` (n_0, B), ``labels`` integers (B,) below ``classes``; outputs from
        ``classes`` on take no part. ``out`` is what :meth:`vector` returned: its vector is
        overwritten with the gradient of ``parameters``. Returns the loss, a float.
        """
        _, weight_gradients, bias_gradients = out
        activations = self.forward(inputs)
        loss, error = cross_entropy(activations[-1], labels, classes)
        for junction in reversed(self.topology.junctions):
            gathered = self._gathered[junction, inputs.shape[1]]  # as forward left it
            wiring = self.wiring[junction - 1]
            wiring.gradient(gathered, error, weight_gradients[junction - 1])
            error.sum(axis=1, keepdims=True, out=bias_gradients[junction - 1])
            if junction > 1:
                error = wiring.back(self._weights[junction - 1], error)
                error *= activations[junction - 1] > 0
        return loss


def cross_entropy(logits: np.ndarray, labels: np.ndarray, classes: int) -> tuple[float, np.ndarray]:
    """Mean softmax cross-entropy of the first ``classes`` outputs, and its gradient.

    ``logits`` is (n_L, B); the gradient has the same shape, with zeros from ``classes`` on.
    """
    images = np.arange(len(labels))
    shifted = logits[:classes] - logits[:classes].max(axis=0)
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=0)
    loss = float((np.log(total) - shifted[labels, images]).mean())
    error = np.zeros_like(logits)
    error[:classes] = exponentials / total
    error[labels, images] -= 1
    error /= len(labels)
    return loss, error
