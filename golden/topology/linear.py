"""Paths that are linear over GF(2) though no dimensions of Sobol': the hardware runs them too.

- **omitted**: Sobol' paths whose dimensions are sought so that no junction has an edge twice
  (Keller & Van keirsbilck, section 4.3). Edge (S i, T i) has as many paths as the null space of S
  over T has members, so a rank tells without enumerating. So does one for the parts that the whole
  network falls into, where null spaces of neighbouring junctions overlap: dimensions that join all
  of it are preferred.
- **scrambled**: L_l C_l in place of C_l, L_l a random lower triangular matrix with a unit diagonal
  (Matousek, "On the L2-discrepancy for anchored boxes", 1998). The leading digits are permuted as
  in a Sobol' sequence, so aligned blocks stay free of conflicts and the sequence stays progressive.
- **shifted**: a digital shift s_l is added (XOR) to every neuron of layer l. This relabels the
  neurons of a layer, no more: the network is that of the unshifted paths with neurons x and
  x xor s_l exchanged. The hardware needs biases in another order, and for inputs and outputs, which
  come in the order of their numbers, another address to begin with (``golden.machine.image``).
- **cascaded**: every component is the next Sobol' component at the index that the one before is, as
  an integer (Paulin et al., "Cascaded Sobol' sampling", 2021). As (i / N, x_i) is a (0, m, 2)-net
  for every dimension, no edge comes twice. The set depends on N: it does not grow, and a junction
  of N_l paths takes components l - 1 and l of the set of N_l points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from . import gf2, sobol
from .paths import Paths, Topology, check_counts, check_powers, log2_exact

MOST_DIMENSIONS = 1024  # of the search of omitted(): it reads one dimension after the other


@dataclass(frozen=True)
class Linear(Paths):
    """Paths by any matrices.

    Parameters
    ----------
    layers, paths : as of :class:`golden.topology.paths.Topology`.
    maps : per junction the maps from a path's number to its source and to its target neuron,
        digits MSD first: two tuples of tuples (one per digit of the neuron, MSD first) of the
        masks of the path's digits it adds up, as integers.
    name : what they are called in messages and reports.
    digital_shifts : added (XOR) to the neurons of each layer; 0 unless given.

    Raises ``InputError`` where a size is wrong, or where a neuron of a layer would be met more
    often than another.
    """

    layers: Sequence[int]
    paths: Sequence[int]
    maps: Sequence
    name: str = "linear"
    digital_shifts: Sequence[int] = ()

    linear = True

    def __post_init__(self):
        check_counts(self.layers, self.paths)
        check_powers(self.layers, self.paths)
        shifts = tuple(int(shift) for shift in self.digital_shifts) or (0,) * len(self.layers)
        if len(shifts) != len(self.layers):
            raise InputError(
                f"{len(self.layers)} layers need {len(self.layers)} digital shifts, "
                f"not {len(shifts)}"
            )
        for layer, (shift, width) in enumerate(zip(shifts, self.layers, strict=True)):
            if not 0 <= shift < width:
                raise InputError(
                    f"digital shift of layer {layer} must be 0 to {width - 1}, not {shift}"
                )
        for name in ("layers", "paths"):
            object.__setattr__(self, name, tuple(int(n) for n in getattr(self, name)))
        object.__setattr__(self, "digital_shifts", shifts)
        maps = tuple(tuple(tuple(int(m) for m in masks) for masks in pair) for pair in self.maps)
        object.__setattr__(self, "maps", maps)
        if [len(pair) for pair in maps] != [2] * len(self.paths):
            raise InputError(f"maps must be {len(self.paths)} pairs, one per junction")
        for junction in self.junctions:
            self._check(junction, junction - 1)
            self._check(junction, junction)

    def _check(self, junction: int, layer: int) -> None:
        width, count = self.layers[layer], self.paths[junction - 1]
        rows, masks = log2_exact(width, "width"), self.maps[junction - 1][layer - junction + 1]
        if len(masks) != rows or any(not 0 <= mask < count for mask in masks):
            raise InputError(
                f"map of junction {junction} to layer {layer} must be {rows} masks of 0 to "
                f"{count - 1}"
            )
        if gf2.rank(self.matrix(layer, junction)) < rows:
            raise InputError(
                f"map of junction {junction} to layer {layer} must have rank {rows}: its paths "
                f"meet only some of the {width} neurons"
            )

    def matrix(self, layer: int, junction: int) -> np.ndarray:
        """The map from a path of ``junction`` to its neuron in ``layer``, digits MSD first."""
        masks = np.array(self.maps[junction - 1][layer - junction + 1], np.int64)
        return gf2.bits(masks, log2_exact(self.paths[junction - 1], "paths"))


def of_matrices(
    name: str,
    layers: Sequence[int],
    paths: Sequence[int],
    matrix: Callable[[int, int], np.ndarray],
    digital_shifts: Sequence[int] = (),
) -> Linear:
    """The :class:`Linear` with the maps ``matrix(layer, junction)``, as bit matrices."""
    maps = [
        [gf2.integers(matrix(layer, junction)) for layer in (junction - 1, junction)]
        for junction in range(1, len(layers))
    ]
    return Linear(layers, paths, maps, name, digital_shifts)


def scrambled(
    layers: Sequence[int],
    paths: Sequence[int],
    seed: int = 0,
    dimensions: Sequence[int] = (),
) -> Linear:
    """Matrix-scrambled Sobol' paths; progressive: more paths keep the first ones."""
    plain, factors = Topology(layers, paths, dimensions), []
    for layer, width in enumerate(plain.layers):
        k = log2_exact(width, "width")
        random = np.random.default_rng([seed, layer])  # a layer's own: the paths do not matter
        lower = np.tril(random.integers(0, 2, (k, k), np.uint8), -1)
        factors.append(lower | np.eye(k, dtype=np.uint8))
    return of_matrices(
        "scrambled",
        plain.layers,
        plain.paths,
        lambda layer, junction: gf2.product(factors[layer], plain.matrix(layer, junction)),
    )


def shifted(
    layers: Sequence[int],
    paths: Sequence[int],
    seed: int = 0,
    dimensions: Sequence[int] = (),
    digital_shifts: Sequence[int] = (),
) -> Linear:
    """Digitally shifted Sobol' paths: every layer by ``seed``, or by ``digital_shifts``."""
    plain = Topology(layers, paths, dimensions)
    if not digital_shifts:
        random = np.random.default_rng(seed)
        digital_shifts = [int(random.integers(n)) for n in plain.layers]
    return of_matrices("shifted", plain.layers, plain.paths, plain.matrix, digital_shifts)


def cascaded(layers: Sequence[int], paths: Sequence[int], dimensions: Sequence[int] = ()) -> Linear:
    """The cascaded construction: no edge comes twice, in any junction."""
    plain = Topology(layers, paths, dimensions)
    components = {}
    for junction, count in zip(plain.junctions, plain.paths, strict=True):
        digits = log2_exact(count, "paths")
        component = np.eye(digits, dtype=np.uint8)  # the index itself, MSD first
        for layer in range(junction + 1):
            generator = sobol.generator_matrix(plain.dimensions[layer], digits, digits)
            component = gf2.product(generator[:, ::-1], component)
            components[layer, junction] = component[: log2_exact(plain.layers[layer], "width")]
    return of_matrices("cascaded", plain.layers, plain.paths, lambda *which: components[which])


def coalescing(topology: Paths, junction: int) -> int:
    """Paths of a linear junction whose edge an earlier path has: N_l - 2**rank, not enumerated."""
    both = [topology.matrix(layer, junction) for layer in (junction - 1, junction)]
    return topology.paths[junction - 1] - 2 ** gf2.rank(np.vstack(both))


def parts(topology: Paths) -> int:
    """Connected parts of the graph of all neurons and edges of linear paths, not enumerated: 2**q.

    The neurons of a part in one layer are a coset of a space, the same for all parts. An edge
    adds a column of its junction's two maps, the one above the other, to the neurons of all layers
    together, sum k_l digits: q are the digits that no edge changes, sum k_l less the rank.
    """
    widths = [log2_exact(width, "width") for width in topology.layers]
    rows = np.cumsum([0, *widths])
    columns = np.cumsum([0, *(log2_exact(count, "paths") for count in topology.paths)])
    maps = np.zeros((rows[-1], columns[-1]), np.uint8)
    for junction in topology.junctions:
        for layer in (junction - 1, junction):
            own = slice(rows[layer], rows[layer + 1]), slice(*columns[junction - 1 : junction + 1])
            maps[own] = topology.matrix(layer, junction)
    return 2 ** (sum(widths) - gf2.rank(maps))


def fewest_parts(layers: Sequence[int], paths: Sequence[int]) -> int:
    """The least that :func:`parts` can be: a junction joins at most as many parts as its fan-in."""
    free = log2_exact(layers[0], "width")
    for width, count in zip(layers[1:], paths, strict=True):
        free -= log2_exact(count, "paths") - log2_exact(width, "width")
    return 2 ** max(free, 0)


def omitted(
    layers: Sequence[int], paths: Sequence[int], first: int = 0
) -> tuple[Topology, list[int]]:
    """Sobol' paths without coalescing edges, and the dimensions that were passed over.

    Layer 0 has dimension ``first``; every further layer has the least dimension above the last
    layer's that makes no edge of its junction come twice. Where such a network falls into more
    parts than it must, the dimensions are sought again, and every layer takes the least that also
    joins as many parts of the layers up to it as can be: 64-64-16 neurons with 256 and 256 paths
    have dimensions 0, 1, 2 by the first rule, four parts that exchange nothing, and 0, 1, 3 by the
    second, one part. Of a search that fails, the network of fewest parts is returned.

    Returns (:class:`Topology`, the omitted dimensions as a list). Raises ``InputError`` where 1,024
    dimensions in a row will not do. Takes milliseconds for the models that ship.
    """
    Topology(layers, paths)  # complains about sizes
    plain = _omitted(layers, paths, first, joined=False)
    if parts(plain[0]) == fewest_parts(layers, paths):
        return plain
    again = _omitted(layers, paths, first, joined=True)
    return min(plain, again, key=lambda found: parts(found[0]))


def _omitted(
    layers: Sequence[int], paths: Sequence[int], first: int, joined: bool
) -> tuple[Topology, list[int]]:
    """One search of :func:`omitted`: dimensions that repeat no edge, or ``joined`` as well."""
    dimensions = [first]
    for junction in range(1, len(layers)):
        up_to = layers[: junction + 1], paths[:junction]
        least, best = fewest_parts(*up_to), None
        above = range(dimensions[-1] + 1, dimensions[-1] + 1 + MOST_DIMENSIONS)
        for dimension in above:
            topology = Topology(*up_to, [*dimensions, dimension])
            if coalescing(topology, junction):
                continue
            found = parts(topology) if joined else least, dimension
            best = found if best is None else min(best, found)
            if found[0] == least:
                break
        if best is None:
            raise InputError(
                f"a dimension without coalescing edges must exist for layer {junction}, but none "
                f"of {above[0]} to {above[-1]} is: choose fewer paths"
            )
        dimensions.append(best[1])
    skipped = sorted(set(range(first, dimensions[-1])) - set(dimensions))
    return Topology(layers, paths, dimensions), skipped
