"""The change of coordinates that makes the hardware small: neurons as (row, lane).

P = 2^q lanes work on a block of P paths at a time. In junction l, path i visits S i in the source
layer and T i in the target layer, linear over GF(2). A block is a coset of a q-dimensional space of
indices; let the columns of B be its basis. Where every layer has a basis w_l of q vectors with

    S B = w_{l-1}  and  T B = w_l  in every junction l, and w_l independent in every layer,

give neuron x = w_l lane + rest, with q digits of the rest 0, the coordinates

    lane(x) = those q digits of x, times the inverse of those rows of w_l
    row(x)  = the other digits of x xor w_l lane(x)

Then every block reads one whole row of the source layer and adds into one whole row of the target
layer, and lane t of the target takes lane t xor D of the source, D one word for all lanes. Ordered
by target row, then epoch, (source row, D) is a linear map G of the step number: the whole
connectivity.

For Sobol' paths B is the q lowest digits of the index: a block is P consecutive paths, and the q
leading digits of w_l are invertible, because a generator matrix is upper triangular with a unit
diagonal. Multiplied from the left by a lower triangular matrix (scrambling) it is so still. Where
it is not (a cascaded set's block of consecutive paths may hit one neuron P times), B is sought: the
sequences (w_0, ..., w_L) that paths make, (w_{l-1}, w_l) = (S i_l, T i_l), are a linear space too,
and q of them are drawn that stay independent in every layer.

A layer's shift s only relabels its neurons: neuron x has the coordinates of x xor s.

Several inputs in one cycle
---------------------------
A row has one freedom more: lane(x) xor N row(x), with any linear N, is as good as lane(x). A block
still reads a whole row, and D xor N source row is still linear in the step. And so is any
invertible map of a source row's digits. Where ``input_width`` = 2^w neurons of layer 0 come at a
time, both are chosen for layer 0 so that for the lowest w' digits t of the neuron's number

    row(e_t) = e_t  and  lane(e_t) = e_t.

Then neurons b to b + 2^w' - 1, b a multiple of 2^w', stand in as many lanes, and are written in one
cycle: neuron b + j in row(b) xor j and lane(b) xor j. As the first equation wants, w' is the most
digits up to w whose unit vectors have independent row digits: for Sobol' paths min(w, k_0 - q).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..topology import gf2
from ..topology.paths import Paths, log2_exact

TRIALS, CANDIDATES = 64, 256  # of the search for lane directions, before it gives up


@dataclass(frozen=True)
class LaneMaps:
    """The maps of a topology for one number of lanes.

    ``coordinates`` : per layer, neuron -> row * lanes + lane, ``uint8`` (k, k), invertible.
    ``order`` : per junction, step * lanes + target lane -> path, ``uint8`` (p, p), with
    step = target row * fan-in + epoch.
    ``at_once`` : 2^w', neurons of layer 0 that are written in one cycle.
    """

    coordinates: tuple[np.ndarray, ...]
    order: tuple[np.ndarray, ...]
    at_once: int


def _directions(topology, q):
    """The bases w_l of consecutive paths, and per junction B; ``None`` if they will not do."""
    layers = [
        [
            topology.matrix(layer, junction)[:, -q:] if q else np.zeros((k, 0), np.uint8)
            for junction in (layer, layer + 1)
            if junction in topology.junctions
        ]
        for layer, k in enumerate(_digits(topology))
    ]
    for bases in layers:
        if gf2.rank(bases[0]) < q or not np.array_equal(bases[0], bases[-1]):
            return None
    unit = [np.eye(log2_exact(n, "paths"), dtype=np.uint8) for n in topology.paths]
    return [bases[0] for bases in layers], [eye[:, len(eye) - q :] for eye in unit]


def _digits(topology):
    return [log2_exact(n, "width") for n in topology.layers]


def _sequences(topology):
    """A basis of the sequences of neurons that paths make: per layer and per junction its images.

    The unknowns are one path of every junction, where both paths that meet in a layer visit the
    same neuron.
    """
    sizes = [log2_exact(n, "paths") for n in topology.paths]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rows = []
    for junction in topology.junctions[:-1]:
        row = np.zeros((_digits(topology)[junction], starts[-1]), np.uint8)
        for of in (junction, junction + 1):
            row[:, starts[of - 1] : starts[of]] = topology.matrix(junction, of)
        rows.append(row)
    basis = gf2.nullspace(np.vstack([np.zeros((0, starts[-1]), np.uint8), *rows]))
    paths = [basis[start:stop] for start, stop in pairwise(starts)]
    neurons = [gf2.product(topology.matrix(0, 1), paths[0])]
    for junction, part in zip(topology.junctions, paths, strict=True):
        neurons.append(gf2.product(topology.matrix(junction, junction), part))
    return neurons, paths


def _search(topology, q):
    """Like :func:`_directions`, for any block that both layers of every junction map injectively.

    Deterministic. Raises ``InputError`` where none is found.
    """
    neurons, paths = _sequences(topology)
    random = np.random.default_rng(0)
    for _ in range(TRIALS):
        chosen = np.zeros((len(neurons[0][0]), 0), np.uint8)
        for _ in range(q):
            trial = random.integers(0, 2, (len(chosen), CANDIDATES), np.uint8)
            fresh = np.ones(CANDIDATES, bool)
            for images in neurons:  # not in the span of what is chosen, in any layer
                outside = gf2.nullspace(gf2.product(images, chosen).T).T
                fresh &= gf2.product(gf2.product(outside, images), trial).any(axis=0)
            if not fresh.any():
                break
            chosen = np.hstack([chosen, trial[:, [np.argmax(fresh)]]])
        else:
            return tuple(
                [gf2.product(part, chosen) for part in parts] for parts in (neurons, paths)
            )
    raise InputError(
        f"{topology.name} paths must map {2**q} lanes to {2**q} neurons in every layer at once, "
        f"but {TRIALS} searches found no such lanes: use fewer"
    )


def _coordinates(basis):
    """The map neuron -> row * lanes + lane, from a layer's basis w of q vectors: (k, k)."""
    k, eye = len(basis), np.eye(len(basis), dtype=np.uint8)
    leading = gf2.pivots(basis)
    rest = np.setdiff1d(np.arange(k), leading)
    lane = gf2.product(gf2.inverse(basis[leading]), eye[leading])
    return np.vstack([eye[rest] ^ gf2.product(basis[rest], lane), lane])


def _abreast(coordinates, q, width):
    """The coordinates of layer 0 for ``width`` inputs at a time, and how many it takes at once."""
    if width == 1:
        return coordinates, 1
    rows, lane = len(coordinates) - q, coordinates[len(coordinates) - q :]
    low = coordinates[:, ::-1][:, : log2_exact(width, "input_width")]  # digit t in column t
    count = max(n for n in range(low.shape[1] + 1) if gf2.rank(low[:rows, :n]) == n)
    low = low[:, :count]
    others = np.setdiff1d(np.arange(rows), gf2.pivots(low[:rows]))
    basis = np.hstack([np.eye(rows, dtype=np.uint8)[:, others], low[:rows, ::-1]])
    row = gf2.product(gf2.inverse(basis), coordinates[:rows])
    skew = np.zeros((q, rows), np.uint8)  # N
    skew[:, rows - count :] = (low[rows:] ^ np.eye(q, dtype=np.uint8)[::-1][:, :count])[:, ::-1]
    return np.vstack([row, lane ^ gf2.product(skew, row)]), 1 << count


def _order(topology, junction, coordinates, block):
    """The map step * lanes + target lane -> path, from the coordinates and B."""
    q = block.shape[1]
    target = gf2.product(coordinates, topology.matrix(junction, junction))
    rows = len(target) - q
    # An epoch is the leading digits of the path that the target does not fix, made constant in a
    # block: for Sobol' paths, the number of the run of n_l consecutive paths.
    columns = target.shape[1]
    fixed = columns - 1 - np.array(gf2.pivots(target[:, ::-1].T), np.int64)
    epoch = np.eye(columns, dtype=np.uint8)[np.setdiff1d(np.arange(columns), fixed)]
    epoch ^= gf2.product(gf2.product(epoch, block), target[rows:])
    return gf2.inverse(np.vstack([target[:rows], epoch, target[rows:]]))


def lane_maps(topology: Paths, lanes: int, input_width: int = 1) -> LaneMaps:
    """The :class:`LaneMaps` of a topology for ``lanes`` lanes, worked out once.

    ``input_width`` neurons of layer 0 come at a time; it changes nothing but that layer's
    coordinates. Raises ``InputError`` if the topology is not linear over GF(2), if a layer has
    fewer neurons than there are lanes, if no lane directions are found, or if ``input_width`` is no
    power of two, or more than the lanes.
    """
    q, key = log2_exact(lanes, "lanes"), (lanes, input_width)
    if log2_exact(input_width, "input_width") > q:
        raise InputError(f"input_width must be at most {lanes}, the lanes, not {input_width}")
    if key not in topology.lane_maps:
        topology.check_linear()
        for layer, width in enumerate(topology.layers):
            if width < lanes:
                raise InputError(
                    f"layer {layer} must have at least {lanes} neurons, one per lane, "
                    f"not {width}: pad it"
                )
        bases, blocks = _directions(topology, q) or _search(topology, q)
        coordinates = [_coordinates(basis) for basis in bases]
        order = tuple(
            _order(topology, junction, coordinates[junction], block)
            for junction, block in enumerate(blocks, 1)
        )
        coordinates[0], at_once = _abreast(coordinates[0], q, input_width)
        topology.lane_maps[key] = LaneMaps(tuple(coordinates), order, at_once)
    return topology.lane_maps[key]


def coordinate_map(topology: Paths, layer: int, lanes: int, input_width: int = 1) -> np.ndarray:
    """The map neuron -> row * lanes + lane of a layer: ``uint8`` (k, k), invertible.

    Where the layer has a digital shift, it is the map of neuron xor shift. Raises what
    :func:`lane_maps` does.
    """
    return lane_maps(topology, lanes, input_width).coordinates[layer]


def places(topology: Paths, layer: int, lanes: int, input_width: int = 1) -> np.ndarray:
    """Where each neuron of a layer stands: row * lanes + lane, ``int64`` (n_l,)."""
    neurons = np.arange(topology.layers[layer]) ^ topology.digital_shifts[layer]
    return gf2.apply(coordinate_map(topology, layer, lanes, input_width), neurons)


def neurons(topology: Paths, layer: int, lanes: int, input_width: int = 1) -> np.ndarray:
    """The neuron that stands in each row and lane of a layer: ``int64`` (n_l / P, P)."""
    return np.argsort(places(topology, layer, lanes, input_width)).reshape(-1, lanes)  # the inverse


def by_place(
    topology: Paths, layer: int, lanes: int, values: np.ndarray, input_width: int = 1
) -> np.ndarray:
    """The values of a layer's neurons, in natural order (n_l,), by row and lane: (n_l / P, P)."""
    return values[neurons(topology, layer, lanes, input_width)]


def by_neuron(topology: Paths, layer: int, lanes: int, values: np.ndarray) -> np.ndarray:
    """The way back from :func:`by_place`: values by row and lane, (n_l / P, P), become (n_l,)."""
    return values.ravel()[places(topology, layer, lanes)]


def by_step(topology: Paths, junction: int, lanes: int, weights: np.ndarray) -> np.ndarray:
    """The weights of a junction's paths, (N_l,), by step and target lane: (N_l / P, P)."""
    return weights[path_order(topology, junction, lanes)]


def junction_matrix(topology: Paths, junction: int, lanes: int, input_width: int = 1) -> np.ndarray:
    """G of a junction: the map step -> source row * lanes + D, ``uint8`` (k_{l-1}, p_l - q)."""
    maps, q = lane_maps(topology, lanes, input_width), log2_exact(lanes, "lanes")
    order = maps.order[junction - 1]
    first = order[:, : len(order) - q]  # the path of target lane 0, whose source lane is D
    source = gf2.product(maps.coordinates[junction - 1], topology.matrix(junction - 1, junction))
    return gf2.product(source, first)


def path_order(topology: Paths, junction: int, lanes: int) -> np.ndarray:
    """Which path's weight stands in step s, lane t: ``int64`` (N_l / P, P)."""
    order = lane_maps(topology, lanes).order[junction - 1]
    return gf2.apply(order, np.arange(topology.paths[junction - 1]).reshape(-1, lanes))


def edges(
    topology: Paths, junction: int, lanes: int, input_width: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Source and target neuron in the order the hardware meets them: two ``int64`` (N_l / P, P)."""
    q, steps = log2_exact(lanes, "lanes"), np.arange(topology.paths[junction - 1] // lanes)
    word = gf2.apply(junction_matrix(topology, junction, lanes, input_width), steps)[:, None]
    lane = np.arange(lanes)
    source = (word >> q) * lanes + (lane ^ (word % lanes))
    target = steps[:, None] // topology.fan_in(junction) * lanes + lane
    sources, targets = (
        gf2.apply(gf2.inverse(coordinate_map(topology, layer, lanes, input_width)), place)
        ^ topology.digital_shifts[layer]
        for layer, place in ((junction - 1, source), (junction, target))
    )
    return sources, targets


def check(topology: Paths, lanes: int, input_width: int = 1) -> int:
    """Prove by enumeration that rows, lanes and G give exactly the edges of the paths.

    And that the inputs of one cycle stand where they are written. Returns the number of edges
    compared. Raises ``InputError`` if the lanes do not fit the topology, ``ArithmeticError`` if the
    two differ.
    """
    at_once = lane_maps(topology, lanes, input_width).at_once  # complains where there is none
    row, lane = np.divmod(places(topology, 0, lanes, input_width).reshape(-1, at_once), lanes)
    if not all(np.array_equal(part, part[:, :1] ^ np.arange(at_once)) for part in (row, lane)):
        raise ArithmeticError(f"layer 0: {at_once} neurons in a row must stand in as many lanes")
    for junction in topology.junctions:
        source, target = topology.edges(junction)
        order = path_order(topology, junction, lanes)
        if not np.array_equal(np.sort(order, axis=None), np.arange(source.size)):
            raise ArithmeticError(f"junction {junction}: the steps must meet every path once")
        mapped = edges(topology, junction, lanes, input_width)
        if not (
            np.array_equal(mapped[0], source[order]) and np.array_equal(mapped[1], target[order])
        ):
            raise ArithmeticError(
                f"junction {junction}: rows and lanes must enumerate the paths' edges"
            )
    return topology.total_paths
