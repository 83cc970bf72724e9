"""Paths sampled from a trained network, in proportion to its weights.

Keller & Van keirsbilck, section 2.1: once the incoming weights of every neuron have one-norm 1
(:mod:`golden.training.normalize`), their magnitudes are a discrete probability density. Starting
at the outputs, a path chooses one predecessor after the other by the partition P_m = |w_1| + ... +
|w_m| of the unit interval, down to the inputs. The edges that paths have visited are kept, with the
weights they have; the others are dropped.

The factors that normalizing moves forward count: the density of an edge is |w| times its source's
factor, divided by its target's. So it does not change when a ReLU neuron is scaled and what it
feeds is scaled back. Biases are kept and have no density. Both kinds of points, ``sobol`` and
``random``, are progressive: the first N of 2N paths are the N paths.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError, check_name
from ..topology import sobol
from ..topology.paths import MAX_LOG2_PATHS
from ..topology.patterns import check_integer
from .dense import Dense
from .network import Arrays, Network
from .normalize import normalize

POINTS = ("sobol", "random")
DIGITS = sobol.MAX_COLUMNS  # of every point: binary, after the point


def check(points: str, count: int, seed: int, name: str = "paths") -> None:
    """Raise ``InputError`` unless these are a kind of points, a count of them and a seed."""
    check_name("points", points, POINTS)
    check_integer(count, name, 1, 2**MAX_LOG2_PATHS)
    check_integer(seed, "seed", 0, 2**32 - 1)


def densities(network: Network) -> list[np.ndarray]:
    """The probability of every edge of a neuron, and a sum of 1 for every neuron that has one.

    ``network`` is any :class:`golden.training.network.Network`. Returns a list, per junction
    ``float64`` (n_l, n_{l-1}), a row for each target; rows are 0 where all incoming weights are.
    """
    matrices = Dense.of(normalize(network)[0]).matrices
    result = [np.abs(matrix).astype(np.float64) for matrix in matrices]
    for density in result:
        norms = density.sum(axis=1, keepdims=True)  # 1, up to float32 rounding
        np.divide(density, norms, out=density, where=norms > 0)
    return result


def choose(density: np.ndarray, targets: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where each point falls in the partition of its target's density.

    Parameters
    ----------
    density : (n_l, n_{l-1}), a junction's of :func:`densities`.
    targets : the neurons whose density is sampled, of any shape; none with a row of 0.
    points : one for each, ``float64`` in [0, 1).

    Returns the source neurons, ``int64`` of the same shape, none of density 0.
    """
    limits = density.cumsum(axis=1)
    limits /= np.where(limits[:, -1:] > 0, limits[:, -1:], 1)  # ends in 1 exactly
    rows, width = len(density), density.shape[1]
    # One search for all: the partition of row y moved by y. A point that rounding moves to the end
    # of the interval still gets the row's last source that has a density.
    limits += np.arange(rows)[:, None]
    found = np.searchsorted(limits.ravel(), targets + points, side="right") - targets * width
    last = width - 1 - (density > 0)[:, ::-1].argmax(axis=1)
    return np.minimum(found, last[targets])


def coordinate(points: str, dimension: int, count: int, seed: int) -> np.ndarray:
    """One coordinate of the first ``count`` points: ``float64`` in [0, 1).

    ``points`` is ``"sobol"``, a component of the Sobol' sequence with a digital shift by ``seed``,
    or ``"random"``.
    """
    random = np.random.default_rng([seed, dimension])
    if points == "random":
        return random.random(count)
    shift = random.integers(0, 1 << DIGITS)
    return (sobol.points(dimension, DIGITS, np.arange(count)) ^ shift) / 2.0**DIGITS


def trace(network: Network, paths: int, seed: int = 0, points: str = "sobol") -> list[np.ndarray]:
    """How often the edges are visited by paths from the outputs to the inputs.

    Parameters
    ----------
    network : a :class:`golden.training.network.Network`, dense or not; outputs and all are chosen
        alike where they have incoming weights.
    paths : how many, 1 to 2**24.
    seed, points : of the points that choose; one of ``POINTS``.

    Returns a list, per junction ``int64`` (n_l, n_{l-1}). Each sums to ``paths``, less the paths
    that ended at a neuron without incoming weights. Raises ``InputError`` for what is out of range
    and where no output has incoming weights.
    """
    check(points, paths, seed)
    tables = densities(network)
    outputs = np.flatnonzero(tables[-1].any(axis=1))
    if not outputs.size:
        raise InputError("the network must have an output with weights that are not 0")
    start = coordinate(points, 0, paths, seed)
    alive, at = np.arange(paths), outputs[(start * len(outputs)).astype(np.int64)]
    visits = []
    for dimension, density in enumerate(reversed(tables), 1):
        goes_on = density.max(axis=1)[at] > 0
        alive, at = alive[goes_on], at[goes_on]
        source = choose(density, at, coordinate(points, dimension, paths, seed)[alive])
        codes = at * density.shape[1] + source
        visits.append(np.bincount(codes, minlength=density.size).reshape(density.shape))
        at = source
    return visits[::-1]


def keep(network: Network, masks: Arrays, rescale: bool = False) -> Dense:
    """The network with the edges of the masks alone: :class:`golden.training.dense.Dense`.

    ``masks`` : per junction (n_l, n_{l-1}), 1 where an edge is kept, else 0. ``rescale``: what is
    kept of a neuron's incoming weights is divided by the sum of its densities, so that normalized
    weights would again have one-norm 1; without, kept edges keep their weights.
    """
    dense = network if isinstance(network, Dense) else Dense.of(network)
    matrices = dense.matrices
    if rescale:
        for matrix, mask, density in zip(matrices, masks, densities(network), strict=True):
            kept = (density * mask).sum(axis=1, keepdims=True)
            np.divide(matrix, kept, out=matrix, where=kept > 0)
    return Dense(network.topology.layers, matrices, network.biases, masks)


def sample(
    network: Network, paths: int, seed: int = 0, points: str = "sobol", rescale: bool = False
) -> Dense:
    """The network of the edges that paths visit; parameters as of :func:`trace` and :func:`keep`.

    Returns :class:`golden.training.dense.Dense`; raises as :func:`trace` does.
    """
    masks = [visits > 0 for visits in trace(network, paths, seed, points)]
    return keep(network, masks, rescale)


def largest(network: Network, edges: Sequence[int], rescale: bool = False) -> Dense:
    """The network of the edges of largest density: to compare with.

    ``edges`` : how many in each junction, 1 to n_l n_{l-1}; of equals the first targets' and
    sources' come first. Returns :class:`golden.training.dense.Dense`. Raises ``InputError`` for a
    count out of range.
    """
    tables, masks = densities(network), []
    if len(edges) != len(tables):
        raise InputError(f"edges must be {len(tables)} counts, not {len(edges)}")
    for junction, (density, count) in enumerate(zip(tables, edges, strict=True), 1):
        check_integer(count, f"edges of junction {junction}", 1, density.size)
        order = np.argsort(-density, axis=None, kind="stable")
        mask = np.zeros(density.size)
        mask[order[:count]] = 1
        masks.append(mask.reshape(density.shape))
    return keep(network, masks, rescale)
