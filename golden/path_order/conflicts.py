"""Which paths the path-order engine takes: those whose blocks of P paths meet every bank once.

Neuron x of a layer of n neurons lies in bank x P // n, which is its q leading binary digits. A
block is P consecutive paths. Where it meets every bank of a layer once, P memories give or take all
of its words in one cycle. For Sobol' paths that is so in every block: the leading q x q part of a
generator matrix is triangular with a unit diagonal (Keller & Van keirsbilck, section 4.4).
Scrambling and digital shifts leave it so.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..topology.paths import Paths, log2_exact


@dataclass(frozen=True)
class Conflict:
    """Two paths of one block that meet in one bank: the first such block of a topology.

    ``junction`` from 1, ``block`` from 0, ``layer`` from 0, ``bank`` from 0, the two ``paths``.
    """

    junction: int
    block: int
    layer: int
    bank: int
    paths: tuple[int, int]

    def __str__(self):
        first, second = self.paths
        return (
            f"in block {self.block} of junction {self.junction}, paths {first} and {second} meet "
            f"in bank {self.bank} of layer {self.layer}"
        )


def first_conflict(topology: Paths, lanes: int) -> Conflict | None:
    """The first :class:`Conflict` of any paths on ``lanes`` banks, found by enumeration, or None.

    Junction after junction, block after block, source before target. The last block may be short.
    """
    for junction in topology.junctions:
        both = topology.edges(junction)
        banks = [
            np.asarray(neurons, np.int64) * lanes // topology.layers[layer]
            for layer, neurons in zip((junction - 1, junction), both, strict=True)
        ]
        found = [_first(each, lanes) for each in banks]
        some = [(block, side) for side, block in enumerate(found) if block is not None]
        if some:
            block, side = min(some)
            own = banks[side][block * lanes : (block + 1) * lanes].tolist()
            second = next(place for place, bank in enumerate(own) if bank in own[:place])
            pair = block * lanes + own.index(own[second]), block * lanes + second
            return Conflict(junction, block, junction - 1 + side, own[second], pair)
    return None


def _first(banks, lanes):
    """The first block that meets a bank twice, or None."""
    whole = len(banks) // lanes * lanes
    ordered = np.sort(banks[:whole].reshape(-1, lanes), axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if twice.any():
        return int(np.argmax(twice))
    rest = banks[whole:]
    return whole // lanes if len(np.unique(rest)) < len(rest) else None


def check(topology: Paths, lanes: int) -> None:
    """Raise ``InputError``, with the reason, unless the path-order engine takes these paths.

    A layer has a neuron for each of ``lanes`` banks, a block meets every bank once, the paths are
    linear over GF(2), and an epoch, n_l consecutive paths, meets every neuron of layer l once.
    """
    log2_exact(lanes, "lanes")
    for layer, width in enumerate(topology.layers):
        if width < lanes:
            raise InputError(
                f"layer {layer} must have at least {lanes} neurons, one per bank, not {width}: "
                "pad it"
            )
    conflict = first_conflict(topology, lanes)
    if conflict is not None:
        raise InputError(
            f"{topology.name} paths must meet every bank once in each block of {lanes}, but "
            f"{conflict}: take Sobol', scrambled or shifted paths, or the row-lane engine"
        )
    topology.check_linear()
    for junction in topology.junctions:
        for layer, neurons in zip((junction - 1, junction), topology.edges(junction), strict=True):
            width = topology.layers[layer]
            if len(np.unique(neurons[:width])) < width:
                raise InputError(
                    f"{topology.name} paths must meet every neuron of layer {layer} once in their "
                    f"first {width}, those of junction {junction} do not: take Sobol', scrambled "
                    "or shifted paths, or the row-lane engine"
                )
