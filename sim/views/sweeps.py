"""The three sweeps of learning through one junction, step by step, as the program walks them."""

from dataclasses import dataclass

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.schedule import Machine, Sweep, plan
from sobolpath.golden.machine.lanes import neurons, path_order
from sobolpath.golden.topology import gf2
from sobolpath.golden.topology.paths import Paths


@dataclass(frozen=True)
class Walk:
    """The steps of one sweep through a junction: an entry for each step, in their order.

    Parameters
    ----------
    sweep : which one it is.
    weights, sources, targets : the row of weights that is read, and the rows of the layers before
        and behind the junction that it meets.
    distances : D of the crossbar.
    turns : steps, one after the other, that have the same row of targets; backwards, of sources.
    """

    sweep: Sweep
    weights: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    distances: np.ndarray
    turns: int

    def step_of(self, weights: int) -> int:
        """The step that reads this row of weights."""
        return int(np.flatnonzero(self.weights == weights)[0])


def walks(topology: Paths, junction: int, lanes: int) -> list[Walk]:
    """The three walks through a junction, which is not the first one.

    Raises ``InputError`` for the first junction, through which no errors go backwards, and where
    the topology does not fit.
    """
    if junction == 1:
        raise InputError("--junction must be 2 or more: no error goes back through the first one")
    fan_in, found = topology.fan_in(junction), []
    for block in plan(topology, Machine(lanes=lanes)).blocks:
        if block.junction != junction:
            continue
        step = np.arange(topology.paths[junction - 1] // lanes)
        row, distance = np.divmod(gf2.apply(block.addresses, step), lanes)
        own = step // block.turns
        rows = (row, own, row // fan_in) if block.sweep == Sweep.BACKWARD else (step, row, own)
        found.append(Walk(block.sweep, *rows, distance, block.turns))
    return found


def check_walks(topology: Paths, junction: int, lanes: int) -> int:
    """Compare every edge that the sweeps meet with the paths'; how many edges.

    Raises ``ArithmeticError`` where they differ, or where a row of weights is not met once.
    """
    order, lane = path_order(topology, junction, lanes), np.arange(lanes)
    places = [neurons(topology, layer, lanes) for layer in (junction - 1, junction)]
    wanted, compared = topology.edges(junction), 0
    for walk in walks(topology, junction, lanes):
        name = f"junction {junction}, {walk.sweep.name.lower()}"
        if sorted(walk.weights) != list(range(len(order))):
            raise ArithmeticError(f"{name}: each row of weights must be met once")
        source = places[0][walk.sources[:, None], lane ^ walk.distances[:, None]]
        target, path = places[1][walk.targets], order[walk.weights]
        if not (
            np.array_equal(source, wanted[0][path]) and np.array_equal(target, wanted[1][path])
        ):
            raise ArithmeticError(f"{name}: rows, lanes and D must be the paths' edges")
        compared += path.size
    return compared
