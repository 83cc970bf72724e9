"""The change of coordinates that makes the hardware small: neurons as (row, lane).

P = 2^q lanes work on P aligned paths, a block, at a time. Path bP + j of a layer visits
A(b) xor T(j) with A(b) = C bP and T(j) = C j, and the q leading digits of T(j) are a bijection
of j, because C is upper triangular with a unit diagonal. Give neuron x the coordinates

    lane(x) = the j whose T(j) has the q leading digits of x
    row(x)  = the other digits of x xor T(lane(x))

Then every block reads one whole row of the source layer and adds into one whole row of the target
layer, and lane t of the target takes lane t xor D of the source, D one word for all lanes. Ordered
by target row, then epoch, (source row, D) is a linear map G of the step number: the whole
connectivity.
"""

import numpy as np

from . import gf2
from .errors import InputError
from .paths import log2_exact


def _low(width, count):
    """The selection of the ``count`` least significant of ``width`` digits."""
    return np.eye(width, dtype=np.uint8)[width - count :]


def coordinate_map(topology, layer, lanes):
    """The map neuron -> row * lanes + lane of a layer: ``uint8`` (k, k), invertible.

    Raises ``InputError`` if the layer has fewer neurons than there are lanes.
    """
    q, k = log2_exact(lanes, "lanes"), log2_exact(topology.layers[layer], "width")
    if k < q:
        raise InputError(
            f"layer {layer} must have at least {lanes} neurons, one per lane, not {2**k}: pad it"
        )
    junction = max(layer, 1)
    within = topology.matrix(layer, junction)[:, -q:] if q else np.zeros((k, 0), np.uint8)
    lane = gf2.product(gf2.inverse(within[:q]), np.eye(k, dtype=np.uint8)[:q])
    row = _low(k, k - q) ^ gf2.product(within[q:], lane)
    return np.vstack([row, lane])


def _blocks(topology, layer, junction, lanes):
    """The map block -> row * lanes + (lane of the block's path 0) of a layer."""
    q = log2_exact(lanes, "lanes")
    columns = topology.matrix(layer, junction)
    return gf2.product(coordinate_map(topology, layer, lanes), columns[:, : columns.shape[1] - q])


def block_order(topology, junction, lanes):
    """The map step -> block of a junction, with step = target row * fan-in + epoch."""
    q, k = log2_exact(lanes, "lanes"), log2_exact(topology.layers[junction], "width")
    blocks = _blocks(topology, junction, junction, lanes)
    rows, digits = k - q, blocks.shape[1]
    epoch = np.eye(digits, dtype=np.uint8)[: digits - rows]  # a block's number is (epoch, rest)
    return gf2.inverse(np.vstack([blocks[:rows], epoch]))


def junction_matrix(topology, junction, lanes):
    """G of a junction: the map step -> source row * lanes + D, ``uint8`` (k_{l-1}, p_l - q)."""
    q = log2_exact(lanes, "lanes")
    source = _blocks(topology, junction - 1, junction, lanes)
    target = _blocks(topology, junction, junction, lanes)
    if q:
        source[-q:] ^= target[-q:]
    return gf2.product(source, block_order(topology, junction, lanes))


def path_order(topology, junction, lanes):
    """Which path's weight stands in step s, lane t: ``int64`` (N_l / P, P)."""
    steps = np.arange(topology.paths[junction - 1] // lanes)
    block = gf2.apply(block_order(topology, junction, lanes), steps)
    offset = gf2.apply(_blocks(topology, junction, junction, lanes), block) % lanes
    return block[:, None] * lanes + (np.arange(lanes) ^ offset[:, None])


def edges(topology, junction, lanes):
    """Source and target neuron in the order the hardware meets them: two ``int64`` (N_l / P, P)."""
    q, steps = log2_exact(lanes, "lanes"), np.arange(topology.paths[junction - 1] // lanes)
    word = gf2.apply(junction_matrix(topology, junction, lanes), steps)[:, None]
    lane = np.arange(lanes)
    source = (word >> q) * lanes + (lane ^ (word % lanes))
    target = steps[:, None] // topology.fan_in(junction) * lanes + lane
    return (
        gf2.apply(gf2.inverse(coordinate_map(topology, junction - 1, lanes)), source),
        gf2.apply(gf2.inverse(coordinate_map(topology, junction, lanes)), target),
    )


def check(topology, lanes):
    """Prove by enumeration that rows, lanes and G give exactly the edges of the paths.

    Returns the number of edges compared. Raises ``InputError`` if the lanes do not fit the
    topology, ``ArithmeticError`` if the two differ.
    """
    log2_exact(lanes, "lanes")
    for junction in topology.junctions:
        source, target = topology.edges(junction)
        order = path_order(topology, junction, lanes)
        if not np.array_equal(np.sort(order, axis=None), np.arange(source.size)):
            raise ArithmeticError(f"junction {junction}: the steps must meet every path once")
        mapped = edges(topology, junction, lanes)
        if not (
            np.array_equal(mapped[0], source[order]) and np.array_equal(mapped[1], target[order])
        ):
            raise ArithmeticError(
                f"junction {junction}: rows and lanes must enumerate the paths' edges"
            )
    return topology.total_paths
