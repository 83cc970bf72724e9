"""Sobol' paths of other dimensions: which do a network's layers best take?

Two junctions of Sobol' paths are joined by the null spaces of their matrices, which may overlap:
then outputs hear only some of the inputs, and the network falls into parts, though no edge repeats
and every single junction is perfectly spread. A figure of the whole network tells.
"""

from collections.abc import Callable, Sequence
from itertools import permutations

from ..errors import InputError
from ..topology.catalogue import build
from ..topology.paths import Paths

FIRST = 8  # dimensions 0 to 7: 336 choices for three layers


def choices(
    layers: Sequence[int],
    paths: Sequence[int],
    score: Callable[[Paths], float],
    digits: int = 3,
) -> list[Paths]:
    """For each value of ``score(topology)``, rounded, the first dimensions that have it.

    Dimensions are different ones below ``FIRST``, in lexicographic order; those that repeat an edge
    are passed over. Returns topologies by value, the least first. Raises ``InputError`` where all
    repeat one.
    """
    found = {}
    for chosen in permutations(range(FIRST), len(layers)):
        topology = build("sobol", layers, paths, dimensions=chosen)
        if not any(topology.duplicates(junction) for junction in topology.junctions):
            found.setdefault(round(score(topology), digits), topology)
    if not found:
        raise InputError(
            f"dimensions below {FIRST} must exist that repeat no edge of {layers} neurons at "
            f"{paths} paths, but none do"
        )
    return [found[value] for value in sorted(found)]


def label(topology: Paths) -> str:
    """The topology's name and dimensions: ``"sobol 0,2,1"``."""
    return f"sobol {','.join(map(str, topology.dimensions))}"
