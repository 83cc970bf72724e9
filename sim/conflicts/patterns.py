"""The paths that ``sobolpath sim conflicts`` compares: their banks in order, their index bits.

**Order.** Sobol' paths and the other linear ones, and the paper's pseudo-random ones, come in path
order. Patterns that are lists of edges (Dey et al., "Characterizing sparse connectivity patterns in
neural networks", 2018) have no order, so each gets the best that it allows:

- **fixed-fan**: P targets at a time, one in each bank, and one edge of each in a block; the edges
  of a target come at random. No write conflicts, and no target needs to be stored.
- **scheduled**: the same edges in an order, worked out beforehand, in which no block conflicts. A
  constant fan-in and fan-out give each of the P source and P target banks N / P edges; such a
  bipartite multigraph falls into N / P perfect matchings (König), each a block.

**Index bits** are what must be stored for the connectivity of a junction of N_l = 2^p_l paths from
n_{l-1} = 2^k_{l-1} to n_l = 2^k_l neurons, q = log2 P; where n is no power of two, log2 n is
rounded up.

- linear paths: the two generator matrices, (k_{l-1} + k_l) p_l once, nothing for a path. (The
  engine in ``hw`` needs less: its matrix is :func:`golden.machine.lanes.junction_matrix`.)
- pseudo-random: source and target of every path, k_{l-1} + k_l.
- fixed-fan: its source, k_{l-1}.
- scheduled: its source and the row of its target, k_{l-1} + k_l - q; the lane is the target's bank.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sobolpath.golden.errors import InputError, check_name
from sobolpath.golden.topology import catalogue
from sobolpath.golden.topology.paths import Paths, log2_exact
from sobolpath.golden.topology.quality import bank_cycles

#: name -> what it is; the first ones are linear over GF(2)
PATTERNS = {
    **{name: catalogue.TOPOLOGIES[name][2] for name in catalogue.LINEAR},
    "pseudo-random": "paths drawn by drand48 (the paper's Fig. 3)",
    "fixed-fan": "random, fixed fan-in and fan-out (Dey), P targets at a time",
    "scheduled": "the edges of fixed-fan in an order free of conflicts",
}


@dataclass(frozen=True)
class Stream:
    """A junction as the machine of :mod:`sim.conflicts.banks` meets it.

    Parameters
    ----------
    sources, targets : the bank of each path's source and target neuron, ``int64`` (N_l,), in order.
    lanes : P.
    index_bits : bits stored for the connectivity of the junction.
    """

    sources: np.ndarray
    targets: np.ndarray
    lanes: int
    index_bits: int

    @property
    def blocks(self) -> int:
        """Blocks of P paths, the last one perhaps short: the cycles without any conflict."""
        return -(-self.sources.size // self.lanes)

    @property
    def lockstep(self) -> int:
        """Cycles without queues: a block takes those of its busiest bank, then the next begins."""
        reads, writes = (
            bank_cycles(side, self.lanes, self.lanes) for side in (self.sources, self.targets)
        )
        return int(np.maximum(reads, writes).sum())

    @property
    def least(self) -> int:
        """Cycles that no queue and no crossbar can go below, in this order or any other."""
        busiest = [np.bincount(side).max() for side in (self.sources, self.targets)]
        return int(max(self.blocks, *busiest))


def build(name: str, layers: Sequence[int], paths: Sequence[int], *, seed: int = 0) -> Paths:
    """The topology of a pattern, a :class:`golden.topology.paths.Paths`.

    Raises ``InputError`` for an unknown name, and what the topology itself finds wrong.
    """
    check_name("topology", name, PATTERNS)
    return catalogue.build("fixed-fan" if name == "scheduled" else name, layers, paths, seed=seed)


def stream(name: str, topology: Paths, junction: int, lanes: int, *, seed: int = 0) -> Stream:
    """The :class:`Stream` of a junction of the topology that :func:`build` makes of ``name``.

    ``seed`` draws the order of a target's edges in fixed-fan. Raises ``InputError`` where a layer
    has no neuron for every bank, and where fixed-fan targets or edges do not divide as they must.
    """
    sides = topology.edges(junction)
    widths = topology.layers[junction - 1 : junction + 1]
    for layer, width in zip((junction - 1, junction), widths, strict=True):
        if width < lanes:
            raise InputError(
                f"layer {layer} must have at least {lanes} neurons, one per bank, not {width}: "
                "use fewer lanes"
            )
    source_bits, target_bits = (int(width - 1).bit_length() for width in widths)
    count = topology.paths[junction - 1]
    bits = count * (source_bits + target_bits)
    if topology.linear:
        bits = (source_bits + target_bits) * log2_exact(count, "paths")
    order = slice(None)
    if name in ("fixed-fan", "scheduled"):
        for layer, width in zip((junction - 1, junction), widths, strict=True):
            if width % lanes:
                raise InputError(
                    f"layer {layer} must be a multiple of the {lanes} lanes for {name} paths, "
                    f"not {width}"
                )
    if name == "fixed-fan":
        order, bits = _by_targets(sides[1], widths[1], lanes, (seed, junction)), count * source_bits
    sources, targets = (
        side[order] * lanes // width for side, width in zip(sides, widths, strict=True)
    )
    if name == "scheduled":
        order = schedule(sources, targets, lanes)
        sources, targets = sources[order], targets[order]
        bits = count * (source_bits + (widths[1] // lanes - 1).bit_length())
    return Stream(sources, targets, lanes, bits)


def _by_targets(target, width, lanes, seed):
    """The order of paths of constant fan-in that takes a row of targets, one a bank, at a time."""
    shuffled = np.random.default_rng(seed).permutation(target.size)
    by_target = shuffled[np.argsort(target[shuffled], kind="stable")]
    rows = width // lanes  # neuron bank * rows + row
    return by_target.reshape(lanes, rows, -1).transpose(1, 2, 0).ravel()


def schedule(sources: np.ndarray, targets: np.ndarray, lanes: int) -> np.ndarray:
    """An order of paths in which every block of ``lanes`` meets every bank once: ``int64`` (N,).

    ``sources`` and ``targets`` are banks, each met equally often, a power of two times. The paths
    are halved again and again so that both halves meet every bank equally often: two paths that
    follow each other in a source bank go into different halves, and so do two in a target bank.
    Such pairs join the paths in even cycles, which are told apart by the least path of every
    second one. Raises ``InputError`` where the banks are not met so.
    """
    count = sources.size
    for banks in (sources, targets):
        if not np.array_equal(np.bincount(banks, minlength=lanes) * lanes, np.full(lanes, count)):
            raise InputError("scheduled paths must meet every bank equally often")
    levels = log2_exact(count // lanes, "scheduled paths over lanes")
    group = np.zeros(count, np.int64)
    for _ in range(levels):
        before, beside = _partners(group * lanes + sources), _partners(group * lanes + targets)
        step, least = before[beside], np.arange(count)
        for _ in range(int(count).bit_length()):
            least, step = np.minimum(least, least[step]), step[step]
        group = 2 * group + (least < least[before])
    return np.lexsort((targets, group))


def _partners(place):
    """Of each path the other one of its pair, where paths at a place are paired as they follow."""
    pairs = np.argsort(place, kind="stable").reshape(-1, 2)
    partner = np.empty(place.size, np.int64)
    partner[pairs] = pairs[:, ::-1]
    return partner
