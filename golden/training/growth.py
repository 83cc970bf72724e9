"""Progressive growth: more paths for a network that is there, which keeps those it has.

The Sobol' sequence is progressive: its first N points are the first N of its first 2 N (Keller &
Van keirsbilck, section 4.3), and so are scrambled and shifted ones, and the linear maps of the
hardware only gain a column. A cascaded set, a random pattern or a rotated one with more edges is
another one: it cannot be grown into.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..topology import linear
from ..topology.paths import Paths, Topology, log2_exact
from .network import Arrays, Network


def check_extends(topology: Paths, larger: Paths) -> None:
    """Raise ``InputError`` unless the first paths of ``larger`` are those of ``topology``."""
    if tuple(larger.layers) != tuple(topology.layers):
        raise InputError(
            f"a network grows in paths, not in neurons: layers must be {topology.layers}, "
            f"not {larger.layers}"
        )
    for junction, count in zip(topology.junctions, topology.paths, strict=True):
        if larger.paths[junction - 1] < count:
            raise InputError(
                f"paths of junction {junction} must be at least the {count} there are, "
                f"not {larger.paths[junction - 1]}"
            )
        for ends, kept in zip(larger.edges(junction), topology.edges(junction), strict=True):
            if not np.array_equal(ends[:count], kept):
                raise InputError(
                    f"the first {count} paths of junction {junction} must stay as they are, but "
                    f"{larger.name} paths change them: grow Sobol' paths of the same dimensions, "
                    "or scrambled or shifted ones of the same seed"
                )


def extend(network: Network, topology: Paths, weights: Arrays | None = None) -> Network:
    """``network`` on ``topology``, which has more paths: the first ones keep their weights.

    Biases stay. New paths begin with the weights in ``weights``, per junction one for each path of
    ``topology`` in path order (those of paths that are there already are not read), or with 0:
    then the network computes what it did, and training moves on from there. Returns a new
    :class:`golden.training.network.Network`. Raises ``InputError`` where :func:`check_extends`
    does.
    """
    check_extends(network.topology, topology)
    if weights is None:
        weights = [np.zeros(count, np.float32) for count in topology.paths]
    grown = [np.array(values, np.float32) for values in weights]
    for values, kept in zip(grown, network.weights, strict=True):
        values[: len(kept)] = kept
    return Network(topology, grown, network.biases)


def fewest(topology: Paths) -> tuple[int, ...]:
    """The fewest paths that each junction can have: as many as its wider layer has neurons."""
    return tuple(max(topology.layers[j - 1 : j + 1]) for j in topology.junctions)


def prefix(topology: Paths, count: int) -> Paths:
    """The first ``count`` paths of every junction of ``topology``, linear over GF(2), as one.

    A junction keeps at least as many as its wider layer has neurons, and at most all. Raises
    ``InputError`` where the paths are not linear, or those that are left do not meet all neurons.
    """
    pairs = zip(fewest(topology), topology.paths, strict=True)
    return shortened(topology, [min(max(count, least), most) for least, most in pairs])


def shortened(topology: Paths, counts: Sequence[int]) -> Paths:
    """The first paths of ``topology``, as of :func:`prefix`: ``counts``, one for each junction.

    Powers of two, each within what its junction can have.
    """
    topology.check_linear()
    if not isinstance(topology, Topology):
        return linear.of_matrices(
            topology.name,
            topology.layers,
            counts,
            lambda layer, junction: topology.matrix(layer, junction)[
                :, -log2_exact(counts[junction - 1], "paths") :
            ],
            topology.digital_shifts,
        )
    first = Topology(topology.layers, counts, topology.dimensions)
    pairs = zip([counts[0], *counts], [*counts, counts[-1]], strict=True)  # of each layer
    first.__dict__["matrices"] = [  # the cached property: those of a model's file, if it has some
        matrix[:, : log2_exact(max(pair), "paths")]
        for matrix, pair in zip(topology.matrices, pairs, strict=True)
    ]
    return first
