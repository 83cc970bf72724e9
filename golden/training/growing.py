"""Growth during training: a network learns with its first paths, and gets the others on the way.

The first N Sobol' paths are the first of its first 2 N (Keller & Van keirsbilck, section 4.3), so
a network can be grown while it learns by sampling more paths: section 6 names that as work to come.
Here the number of paths doubles at the start of the epochs given. Before the last g of these
doublings a junction has its number of paths divided by 2**g, but never fewer than its fewest: as
many as its wider layer has neurons.

A doubling changes nothing that the network computes: new weights begin at 0, as in
:func:`golden.training.growth.extend`. The old ones keep the optimizer's state, the new ones begin
with none (:meth:`golden.training.loop.Optimizer.grow`), and the learning rate goes on as if nothing
had happened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..topology.paths import Paths
from . import nested
from .growth import fewest, shortened
from .loop import Successor
from .network import Network
from .signs import signs


@dataclass(frozen=True)
class Stage:
    """The paths that there are from the start of ``epoch`` on; the first epoch is 1."""

    epoch: int
    topology: Paths


def stages(
    topology: Paths, at: Sequence[int], epochs: int, kept: Sequence[int] | None = None
) -> list[Stage]:
    """What grows into ``topology`` by doublings at the start of the epochs ``at``.

    Parameters
    ----------
    topology : all paths; linear over GF(2) if there is a doubling.
    at : epochs, from 2 on, ascending; none for a network that has all paths from the start.
    epochs : of the whole training.
    kept : paths of each junction that there must be from the start; as few as can be unless given.

    Returns a :class:`Stage` for the first epoch and for each doubling. Raises ``InputError`` where
    these do not hold, and where nothing would grow at one of the doublings.
    """
    at = list(at)
    if not at:
        return [Stage(1, topology)]
    if at != sorted(set(at)) or not 2 <= at[0] <= at[-1] <= epochs:
        raise InputError(
            f"grow-at must be epochs after the first one up to the last, {epochs}, each later than "
            f"the one before, not {','.join(map(str, at))}"
        )
    if not topology.linear:
        raise InputError(
            f"grow-at must be left out for {topology.name} paths: Sobol' paths and others that are "
            "linear over GF(2) grow"
        )
    least = fewest(topology) if kept is None else kept
    pairs = list(zip(topology.paths, least, strict=True))
    most = max((count // low).bit_length() - 1 for count, low in pairs)
    if len(at) > most:
        raise InputError(
            f"grow-at must be at most {most} epochs for {_joined(topology.paths)} paths, which "
            f"begin with {_joined(least)} or more, not {len(at)}"
        )
    counts = [[max(count >> left, low) for count, low in pairs] for left in range(len(at), 0, -1)]
    smaller = [shortened(topology, each) for each in counts]
    return [Stage(*each) for each in zip([1, *at], [*smaller, topology], strict=True)]


def mean_paths(stages: Sequence[Stage], epochs: int) -> float:
    """The paths of all junctions together, as the mean over the epochs of the training."""
    ends = [*(stage.epoch for stage in stages[1:]), epochs + 1]
    pairs = zip(stages, ends, strict=True)
    return sum((end - own.epoch) * own.topology.total_paths for own, end in pairs) / epochs


def check_signs(stages: Sequence[Stage], rule: str) -> None:
    """Raise ``InputError`` where ``rule`` gives the paths there are other signs at a doubling."""
    for before, after in pairwise(stages):
        for junction, few in enumerate(before.topology.paths, 1):
            own, later = (signs(rule, stage.topology, junction) for stage in (before, after))
            if not np.array_equal(own, later[:few]):
                raise InputError(
                    "initialization must be a rule that keeps the signs of the first paths where "
                    f"paths grow and signs are fixed, such as rudin-shapiro, not {rule!r}"
                )


def course(
    stages: Sequence[Stage], networks: Sequence[Network], smallest: int | None = None
) -> tuple[nested.Nested | Network, list[Successor]]:
    """What :func:`golden.training.loop.train` trains first, and what that grows into.

    Parameters
    ----------
    stages : of :func:`stages`.
    networks : one of each stage's paths; what was trained is in the last one. Of the weights of all
        but the first the signs alone matter: they begin at 0.
    smallest : train them nested, from so many paths on (:mod:`golden.training.nested`); a network
        that does not have more is trained as it is.
    """
    *few, last = networks
    first, *others = [*(_nested_if(each, smallest) for each in few), nested.of(last, smallest)]
    for network in networks[1:]:
        network.parameters *= 0  # which leaves signs alone
    places = [larger.positions(smaller) for smaller, larger in pairwise(networks)]
    later = zip(stages[1:], others, places, strict=True)
    return first, [Successor(stage.epoch, network, where) for stage, network, where in later]


def _nested_if(network, smallest):
    more = smallest is not None and max(network.topology.paths) > smallest
    return nested.of(network, smallest if more else None)


def _joined(counts: Iterable[int]):
    return ",".join(map(str, counts))
