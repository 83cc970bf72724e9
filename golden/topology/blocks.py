"""A junction as dense blocks: the neurons whose sources are the same belong together.

The paths of a junction that is linear over GF(2) and repeats no edge are disjoint dense blocks: the
sources of a target are a coset of one space, so two targets have all their sources in common or
none. With n sources, m targets and N paths there are n m / N blocks of N / m sources and N / n
targets each. A sum over paths is then three steps, all of them linear in the paths: gather the
sources block by block, multiply a stack of small matrices, put the targets in order. That is what
:mod:`golden.topology.wiring` does.

The construction looks at the edges alone, so any junction that has the form is found: a dense one
is one block, whatever made it.
"""

from dataclasses import dataclass

import numpy as np

from .paths import Paths


@dataclass(frozen=True)
class Blocks:
    """The blocks of a junction; all of them have as many sources, and as many targets.

    Members
    -------
    source : ``int64`` (blocks, sources), the source neurons of each block, ascending.
    target : ``int64`` (blocks, targets), the target neurons of each block, ascending.
    path : ``int64`` (N_l,), the path at each place, where places go through the blocks, of each
        through its targets, and of each through its sources: weights ``w[path]`` of shape
        (blocks, targets, sources) are the stack of matrices.
    """

    source: np.ndarray
    target: np.ndarray
    path: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Blocks, targets of each, sources of each."""
        return (*self.target.shape, self.source.shape[1])


def blocks(topology: Paths, junction: int) -> Blocks | None:
    """The blocks of a junction, or ``None`` where it is not made of equal, disjoint, dense blocks.

    It is not where edges repeat, where fan-ins differ, or where two targets share some sources and
    not others, as random paths do.
    """
    source, target = topology.edges(junction)
    n, m = topology.layers[junction - 1 : junction + 1]
    count = topology.paths[junction - 1]
    if count % m or count % n or n * m % count:
        return None
    fan_in, fan_out, many = count // m, count // n, n * m // count
    order = np.lexsort((source, target))
    if not np.array_equal(target[order], np.repeat(np.arange(m), fan_in)):
        return None
    table = source[order].reshape(m, fan_in)
    if (np.diff(table, axis=1) == 0).any():
        return None
    rows = np.argsort(table[:, 0], kind="stable").reshape(many, fan_out)
    own = table[rows[:, 0]]
    if (table[rows] != own[:, None, :]).any() or len(np.unique(own)) != n:
        return None
    path = order.reshape(m, fan_in)[rows].ravel()
    return Blocks(source=own, target=rows, path=path)
