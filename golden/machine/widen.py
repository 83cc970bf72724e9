"""A last layer of fewer neurons than lanes: each neuron in several copies that share its paths.

P lanes add into P neurons at a time, so the last layer must have as many. Where it has n = P / F,
the engine runs a *widened* network in its place: neuron y of its last layer is copy y mod F of
neuron y div F. Every path keeps its weight, its source and its target neuron, and goes to one copy
of that. A copy's sum is part of its neuron's, and integer sums are exact in any order: the reader
adds the F of them. The bias stands in copy 0; as the last junction's shift is 0, no rounding
constant is needed. A hidden layer cannot be widened so: its ReLU wants the whole sum.

The copy is a linear function of the path's number too. With T the map from a path to its target,
take the lowest columns of T that are independent, and of the other digits of the path's number the
lowest log2(F): these are the copy. For Sobol' paths T maps the lowest log2(n) digits one to one, so
P consecutive paths, a block, are F runs of n paths, and run after run goes to the next copy: block
and lanes map one to one.
"""

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..topology import gf2, linear
from ..topology.paths import Paths, log2_exact
from .model import Model


def copies(topology: Paths, lanes: int) -> int:
    """F: the copies of each neuron of the last layer that fill the lanes; 1 where it does."""
    return max(2 ** log2_exact(lanes, "lanes") // topology.layers[-1], 1)


def widened(topology: Paths, lanes: int) -> Paths:
    """The topology that an engine of ``lanes`` lanes runs: ``topology`` itself unless narrow.

    Raises ``InputError`` if the paths are not linear over GF(2), or if the last junction has fewer
    than there are lanes.
    """
    count = copies(topology, lanes)
    if count == 1:
        return topology
    topology.check_linear()
    last, fewest = len(topology.paths), topology.layers[-1] * count
    if topology.paths[-1] < fewest:
        raise InputError(
            f"paths of junction {last} must be at least {fewest}, one per lane, "
            f"not {topology.paths[-1]}"
        )

    def matrix(layer, junction):
        plain = topology.matrix(layer, junction)
        return _with_copy(plain, log2_exact(count, "copies")) if layer == last else plain

    layers, shifts = (*topology.layers[:-1], fewest), topology.digital_shifts
    shifts = (*shifts[:-1], shifts[-1] * count)
    return linear.of_matrices(topology.name, layers, topology.paths, matrix, shifts)


def _with_copy(target: np.ndarray, digits: int) -> np.ndarray:
    """The map from a path to neuron and copy, below that from a path to its target."""
    digit = target.shape[1] - 1 - np.arange(target.shape[1])  # the lowest first
    kept = digit[gf2.pivots(target[:, digit].T)]
    copy = np.setdiff1d(digit, kept)[::-1][:digits]  # the lowest of the others
    return np.vstack([target, np.eye(target.shape[1], dtype=np.uint8)[copy[::-1]]])


def widened_model(model: Model, topology: Paths) -> Model:
    """``model`` on its widened topology: the biases in copy 0, those of other copies 0."""
    if topology is model.topology:
        return model
    widened = {}
    for name in ("biases", "float_biases"):
        *hidden, narrow = getattr(model, name)
        wide = np.zeros((narrow.size, topology.layers[-1] // narrow.size), narrow.dtype)
        wide[:, 0] = narrow
        widened[name] = (*hidden, wide.ravel())
    return replace(model, topology=topology, **widened)
