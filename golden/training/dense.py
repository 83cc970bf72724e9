"""The same network as matrices: a weight matrix times a mask of 0 and 1 for each junction.

This is how a sparse network is trained where no path is known of: the matrices are full, the mask
takes out of them, and out of their gradients, what is no edge. It is here to compare with
:class:`golden.training.network.Network` in results and in time, and as the dense network that
:mod:`golden.training.sampling` samples. Without a mask it is the dense network itself.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..topology import patterns
from .network import Arrays, Network, Vector, cross_entropy


class Dense(Network):
    """A network of dense junctions, ``float32``, masked or not. ``golden.training.loop`` trains it.

    Parameters
    ----------
    layers : neurons of each layer, inputs first.
    matrices : per junction the weights, (n_l, n_{l-1}), a row for each target.
    biases : per junction (n_l,); 0 unless given.
    masks : per junction (n_l, n_{l-1}), 1 where there is an edge, else 0; every edge unless given.
        Weights without an edge are set to 0.

    Members
    -------
    masks : ``float32`` arrays, or ``None`` where every edge is there.

    All else is as for ``Network``; ``topology`` is :func:`golden.topology.patterns.dense`, so
    ``weights`` are in its order, source after source, and all of them are in ``parameters``.
    ``InputError`` where shapes do not fit, a number is not finite, or a mask has other numbers
    than 0 and 1.
    """

    def __init__(
        self,
        layers: Sequence[int],
        matrices: Arrays,
        biases: Arrays | None = None,
        masks: Arrays | None = None,
    ):
        topology = patterns.dense(layers)
        shapes = [(m, n) for n, m in pairwise(topology.layers)]
        _check("matrices", matrices, shapes)
        super().__init__(topology, [np.asarray(matrix).T.ravel() for matrix in matrices], biases)
        self.masks = None
        if masks is not None:
            _check("masks", masks, shapes)
            for junction, mask in enumerate(masks, 1):
                if not np.isin(mask, (0, 1)).all():
                    raise InputError(f"masks of junction {junction} must be 0 and 1")
            self.masks = [np.array(mask, np.float32) for mask in masks]
            for own, mask in zip(self._weights, self.masks, strict=True):
                own *= mask

    @classmethod
    def of(cls, network: Network) -> "Dense":
        """The network of paths ``network`` as masked matrices; without masks if it has every edge.

        Paths that share an edge become one weight, their sum: the logits stay the same, but not
        the training, where a step moves each such path and so the sum several times as far.
        """
        topology, matrices, masks = network.topology, [], []
        for junction, weights in zip(topology.junctions, network.weights, strict=True):
            source, target = topology.edges(junction)
            n, m = topology.layers[junction - 1 : junction + 1]
            matrices.append(np.zeros((m, n), np.float32))
            np.add.at(matrices[-1], (target, source), weights)
            masks.append(np.zeros((m, n), np.float32))
            masks[-1][target, source] = 1
        full = all(mask.all() for mask in masks)
        return cls(topology.layers, matrices, network.biases, None if full else masks)

    def paths(self) -> Network:
        """The edges as a :class:`golden.training.network.Network` of paths, source after source.

        Raises ``InputError`` where a junction has no edge.
        """
        if self.masks is None:
            return Network(self.topology, self.weights, self.biases)
        ends = [np.nonzero(mask.T) for mask in self.masks]
        weights = [own.T[pair].copy() for own, pair in zip(self._weights, ends, strict=True)]
        pattern = patterns.Pattern("masked", self.topology.layers, tuple(ends))
        return Network(pattern, weights, self.biases)

    def vector(self) -> Vector:
        """As of ``Network``, but the views of weights are matrices, (n_l, n_{l-1})."""
        vector, weights, biases = super().vector()
        shapes = [(m, n) for n, m in pairwise(self.topology.layers)]
        views = [own.reshape(shape) for own, shape in zip(weights, shapes, strict=True)]
        return vector, views, biases

    @property
    def matrices(self) -> list[np.ndarray]:
        """Per junction the weights: ``float32`` (n_l, n_{l-1}), copies."""
        return [own.copy() for own in self._masked()]

    @property
    def edges(self) -> list[int]:
        """Edges of each junction: a list of integers."""
        return [
            own.size if self.masks is None else int(self.masks[junction].sum())
            for junction, own in enumerate(self._weights)
        ]

    def _masked(self):
        if self.masks is None:
            return self._weights
        return [own * mask for own, mask in zip(self._weights, self.masks, strict=True)]

    def forward(self, activations: np.ndarray) -> list[np.ndarray]:
        """As :meth:`golden.training.network.Network.forward`, by matrix products."""
        return self._forward(activations, self._masked())

    def _forward(self, activations, matrices):
        results = [activations]
        for junction, (matrix, bias) in enumerate(zip(matrices, self._biases, strict=True), 1):
            sums = matrix @ results[-1]
            sums += bias
            if junction < len(matrices):
                np.maximum(sums, 0, out=sums)
            results.append(sums)
        return results

    def gradients(self, inputs: np.ndarray, labels: np.ndarray, classes: int, out: Vector) -> float:
        """As :meth:`golden.training.network.Network.gradients`; 0 where the mask is."""
        _, weight_gradients, bias_gradients = out
        matrices = self._masked()
        activations = self._forward(inputs, matrices)
        loss, error = cross_entropy(activations[-1], labels, classes)
        for junction in reversed(self.topology.junctions):
            gradient = weight_gradients[junction - 1]
            np.matmul(error, activations[junction - 1].T, out=gradient)
            if self.masks is not None:
                gradient *= self.masks[junction - 1]
            error.sum(axis=1, keepdims=True, out=bias_gradients[junction - 1])
            if junction > 1:
                error = matrices[junction - 1].T @ error
                error *= activations[junction - 1] > 0
        return loss


def _check(name, arrays, shapes):
    if len(arrays) != len(shapes):
        raise InputError(f"{name} must be {len(shapes)} arrays, not {len(arrays)}")
    for junction, (array, shape) in enumerate(zip(arrays, shapes, strict=True), 1):
        if np.shape(array) != shape:
            raise InputError(
                f"{name} of junction {junction} must have shape {shape}, not {np.shape(array)}"
            )
