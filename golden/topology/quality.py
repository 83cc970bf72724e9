"""Figures of a topology before any training, in a fraction of a second.

**Scatter** (Dey et al., "Characterizing sparse connectivity patterns in neural networks", 2018,
section 3.1). A junction's sources are cut into fan-in windows of neighbours, so that each target
would ideally have one edge from every window: the share of (target, window) pairs that have one is
the forward scatter. Targets in fan-out windows, seen from the sources, give the backward one. The
same for the whole network, with the products of the fan-ins and fan-outs, at most a window a
neuron. The scatter of a network is the least of all these. Where fan-ins differ their mean, rounded
to the nearest integer, is the number of windows.

**Spectral gap and algebraic connectivity** (Bourely et al., "Sparse neural network topologies",
2017, section 4.5): of the Laplacian of the graph whose vertices are neurons and whose edges count
once, the smallest eigenvalue that is not 0, and the second smallest, which is 0 if the graph falls
into parts. (The text says "largest", which no measure of connectivity is.) A junction of paths that
are linear over GF(2) falls into parts unless it is dense: the sources of a target are a coset of
one space, so two targets share all of their sources or none. Where no edge repeats the junction is
n_{l-1} n_l / N_l separate blocks, each dense: fan-in sources by fan-out targets. What counts is
that the next junction joins other neurons: judge such paths by the whole network.

**Cycles of a banked memory.** P paths at a time, in path order, read their sources from a memory of
P banks and write their targets to another; bank b holds the b-th run of n / P neurons, and serves
one access a cycle. A block of paths takes as many cycles as its busiest bank has accesses: 1 where
the block is spread evenly, as Sobol' paths are. Two paths of one neuron are two accesses.
"""

from typing import Any

import numpy as np

from ..errors import InputError
from .paths import Paths
from .patterns import check_integer

MOST_VERTICES = 4096  # of a part of the graph whose Laplacian may be factored as a dense matrix


def windows(neurons: int, count: int) -> np.ndarray:
    """The window of each of the neurons 0 to ``neurons`` - 1, ``count`` windows of neighbours."""
    return np.arange(neurons) * count // neurons


def _count(fan, neurons):
    return int(min(max(fan + 0.5, 1), neurons))


def scatter(topology: Paths, junction: int) -> tuple[float, float]:
    """Forward and backward scatter of one junction: two floats, 0 to 1."""
    source, target = topology.edges(junction)
    n, m = topology.layers[junction - 1 : junction + 1]
    result = []
    for near, width, far, other, fan in (
        (target, m, source, n, topology.fan_in(junction)),
        (source, n, target, m, topology.fan_out(junction)),
    ):
        count = _count(fan, other)
        met = np.unique(near * count + windows(other, count)[far])
        result.append(met.size / (width * count))
    return tuple(result)


def network_scatter(topology: Paths) -> tuple[float, float]:
    """Forward and backward scatter from the inputs to the outputs: two floats, 0 to 1."""
    ends = [topology.edges(junction) for junction in topology.junctions]
    fan_in = np.prod([float(topology.fan_in(junction)) for junction in topology.junctions])
    fan_out = np.prod([float(topology.fan_out(junction)) for junction in topology.junctions])
    forward = _reach(topology.layers, ends, _count(fan_in, topology.layers[0]))
    back = [(target, source) for source, target in reversed(ends)]
    backward = _reach(topology.layers[::-1], back, _count(fan_out, topology.layers[-1]))
    return forward, backward


def _reach(layers, ends, count):
    """The share of (last neuron, window of first neurons) pairs that some path connects."""
    met = 0
    for start in range(0, count, 1024):  # windows at a time, one bit each
        some = np.arange(start, min(start + 1024, count))
        bits = np.packbits(windows(layers[0], count)[:, None] == some, axis=1)
        for width, (source, target) in zip(layers[1:], ends, strict=True):
            order = np.argsort(target, kind="stable")
            neurons, first = np.unique(target[order], return_index=True)
            after = np.zeros((width, bits.shape[1]), np.uint8)
            after[neurons] = np.bitwise_or.reduceat(bits[source[order]], first, axis=0)
            bits = after
        met += int(np.bitwise_count(bits).sum())
    return met / (layers[-1] * count)


def connectivity(
    vertices: int, edges: tuple[np.ndarray, np.ndarray]
) -> tuple[int, float | None, float | None]:
    """Parts, algebraic connectivity and spectral gap of an undirected graph: an int, two floats.

    ``edges`` are two arrays of vertices 0 to ``vertices`` - 1; those that repeat count once. The
    gap of a graph without an edge is 0. ``None`` stands for what could not be found: a part of more
    than 4,096 vertices on which the iterations do not converge.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes = np.unique(np.minimum(*edges) * vertices + np.maximum(*edges))
    one, other = codes // vertices, codes % vertices
    graph = coo_array((np.ones(codes.size), (one, other)), shape=(vertices, vertices))
    parts, part = connected_components(graph, directed=False)
    sizes = np.bincount(part, minlength=parts)
    order = np.argsort(part, kind="stable")
    place = np.empty(vertices, np.int64)  # of a vertex within its part
    place[order] = np.arange(vertices) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    owner = part[one]
    edge_order = np.argsort(owner, kind="stable")
    limits = np.searchsorted(owner[edge_order], np.arange(parts + 1))
    gaps = []
    for index, size in enumerate(sizes):
        if size > 1:
            own = edge_order[limits[index] : limits[index + 1]]
            gaps.append(_fiedler(size, place[one[own]], place[other[own]]))
    gap = None if None in gaps else min(gaps, default=0.0)
    return int(parts), (gap if parts == 1 else 0.0), gap


def _fiedler(size, one, other):
    """The second smallest eigenvalue of the Laplacian of a connected graph of ``size`` vertices.

    ``size`` is added to the eigenvalue 0 of the constant vector, which no other exceeds; the
    smallest is then found by Lanczos iterations. Where they are slow (long thin graphs), the
    matrix, now positive definite, is factored and its inverse iterated: ``None`` if too large.
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    degrees = np.bincount(one, minlength=size) + np.bincount(other, minlength=size)
    edge = coo_array((-np.ones(one.size), (one, other)), shape=(size, size)).tocsr()
    if size < 64:
        laplacian = edge.toarray()
        return float(np.linalg.eigvalsh(laplacian + laplacian.T + np.diag(degrees))[1])
    adjacency, start = edge + edge.T, np.random.default_rng(0).normal(size=size)

    def lanczos(product, which, **options):
        # SciPy's __new__ hides the parameters of __init__ from a type checker.
        operator = LinearOperator((size, size), product, dtype=np.float64)  # pyright: ignore
        return float(
            eigsh(operator, 1, which=which, v0=start, return_eigenvectors=False, **options)[0]
        )

    try:
        return lanczos(
            lambda x: degrees * x.ravel() + adjacency @ x.ravel() + x.sum(),
            "SA",
            ncv=48,
            tol=1e-9,
            maxiter=40,
        )
    except ArpackNoConvergence:
        if size > MOST_VERTICES:
            return None
    factor = cho_factor(adjacency.toarray() + np.diag(degrees) + 1.0, check_finite=False)
    return 1 / lanczos(lambda x: cho_solve(factor, x, check_finite=False), "LM")


def network_connectivity(topology: Paths) -> tuple[int, float | None, float | None]:
    """:func:`connectivity` of the whole network: every neuron of every layer is a vertex."""
    first = np.cumsum([0, *topology.layers])
    ends = [topology.edges(junction) for junction in topology.junctions]
    source, target = (
        np.concatenate([pair[side] + first[layer + side] for layer, pair in enumerate(ends)])
        for side in (0, 1)
    )
    return connectivity(int(first[-1]), (source, target))


def bank_cycles(neurons: np.ndarray, width: int, lanes: int) -> np.ndarray:
    """Cycles of each block of ``lanes`` accesses to ``width`` neurons in ``lanes`` banks.

    ``neurons`` are those of the accesses in order; the last block may be short. ``int64``
    (blocks,).
    """
    blocks = -(-neurons.size // lanes)
    bank = neurons * lanes // width
    accesses = np.arange(neurons.size) // lanes * lanes + bank
    return np.bincount(accesses, minlength=blocks * lanes).reshape(blocks, lanes).max(axis=1)


def stalls(topology: Paths, junction: int, lanes: int) -> dict[str, float]:
    """A junction in path order on P banks: ``reads``, ``writes`` and ``both`` in cycles a block.

    ``both`` is where a block waits for the slower of the two; ``stalled`` the cycles beyond one a
    block. A dict of floats and an ``int``. Raises ``InputError`` for fewer neurons than banks.
    """
    check_integer(lanes, "lanes", 1, 2**15)
    cycles = []
    for layer, neurons in zip((junction - 1, junction), topology.edges(junction), strict=True):
        width = topology.layers[layer]
        if width < lanes:
            raise InputError(
                f"layer {layer} must have at least {lanes} neurons, one per bank, not {width}: "
                "use fewer lanes"
            )
        cycles.append(bank_cycles(neurons, width, lanes))
    both = np.maximum(*cycles)
    return {
        "reads": float(cycles[0].mean()),
        "writes": float(cycles[1].mean()),
        "both": float(both.mean()),
        "stalled": int(both.sum() - both.size),
    }


def _spread(neurons, width):
    counts = np.bincount(neurons, minlength=width)
    return {
        "least": int(counts.min()),
        "mean": float(counts.mean()),
        "most": int(counts.max()),
        "deviation": float(counts.std()),
    }


def measure(topology: Paths, lanes: int = 8) -> dict[str, Any]:
    """Every figure: a dict of plain numbers, ``junctions`` a list and ``network`` the whole.

    Raises what :func:`stalls` does.
    """
    junctions = []
    for junction in topology.junctions:
        n, m = topology.layers[junction - 1 : junction + 1]
        source, target = topology.edges(junction)
        forward, backward = scatter(topology, junction)
        banks = stalls(topology, junction, lanes)
        parts, algebraic, gap = connectivity(n + m, (source, target + n))
        junctions.append(
            {
                "weights": topology.paths[junction - 1],
                "repeated": int(topology.duplicates(junction)),
                "fan_in": _spread(target, m),
                "fan_out": _spread(source, n),
                "scatter_forward": forward,
                "scatter_backward": backward,
                "parts": parts,
                "algebraic_connectivity": algebraic,
                "spectral_gap": gap,
                **banks,
            }
        )
    forward, backward = network_scatter(topology)
    parts, algebraic, gap = network_connectivity(topology)
    each = [figures[f"scatter_{way}"] for figures in junctions for way in ("forward", "backward")]
    return {
        "lanes": lanes,
        "junctions": junctions,
        "network": {
            "weights": topology.total_paths,
            "repeated": sum(figures["repeated"] for figures in junctions),
            "scatter_forward": forward,
            "scatter_backward": backward,
            "scatter": min(*each, forward, backward),
            "parts": parts,
            "algebraic_connectivity": algebraic,
            "spectral_gap": gap,
            "stalled": sum(figures["stalled"] for figures in junctions),
        },
    }
