"""The steps and the values of one simulated inference, in the terms of the network."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sobolpath.golden.machine.lanes import by_neuron, by_place, by_step, junction_matrix
from sobolpath.golden.machine.model import Model
from sobolpath.golden.topology import gf2

from ..backends.record import Job, Trace


@dataclass(frozen=True)
class Steps:
    """The steps of a junction as the hardware issued them, all ``int64`` (steps,).

    Parameters
    ----------
    junction : its number.
    cycle : of the issue, from the one in which the inference's last input was taken.
    row, epoch : the target row that the step adds into, and which of its fan-in steps it is. In an
        epoch, n_l consecutive paths, every target row is met once.
    source, distance : the source row that it reads, and D: lane t takes lane t xor D of it.
    """

    junction: int
    cycle: np.ndarray
    row: np.ndarray
    epoch: np.ndarray
    source: np.ndarray
    distance: np.ndarray


def steps_of(trace: Trace, job: Job) -> list[Steps]:
    """The :class:`Steps` of every junction of the first inference of a trace."""
    lanes, topology = job.config.lanes, job.schedule.wide
    bounds = np.cumsum([0, *topology.paths]) // lanes
    found = []
    for junction, (start, stop) in enumerate(pairwise(bounds.tolist()), 1):
        word = trace.sources[0, start:stop].astype(np.int64)
        row, epoch = np.divmod(np.arange(stop - start), topology.fan_in(junction))
        source = word // lanes - job.schedule.bases[junction - 1]
        cycle = trace.issued[0, start:stop].astype(np.int64)
        found.append(Steps(junction, cycle, row, epoch, source, word % lanes))
    return found


def wrong_steps(steps: list[Steps], job: Job) -> Iterator[str]:
    """The steps that do not read what ``golden.machine.lanes`` says, a line for each junction."""
    lanes, topology = job.config.lanes, job.schedule.wide
    for part in steps:
        numbers = np.arange(part.row.size)
        matrix = junction_matrix(topology, part.junction, lanes, job.config.input_width)
        word = gf2.apply(matrix, numbers)
        bad = np.flatnonzero(part.source * lanes + part.distance != word)
        if bad.size:
            first = bad[0]
            wanted, got = word[first], (part.source[first], part.distance[first])
            yield (
                f"junction {part.junction}: {bad.size} of {numbers.size} steps read elsewhere; the "
                f"first, {first}, must read row {wanted // lanes} with D {wanted % lanes}, not row "
                f"{got[0]} with D {got[1]}"
            )


def values_of(trace: Trace, job: Job, inputs: np.ndarray, image: int) -> list[np.ndarray]:
    """Every layer's values of one image, in natural order: what went in, was written, came out.

    ``inputs`` is ``uint8`` (images, n_0), of the inference's images; ``image`` one of them.
    """
    images, topology = job.config.images, job.schedule.wide
    ends = np.cumsum([0, *job.widths[1:]])
    layers = [inputs[image].astype(np.int64)]
    for layer, start in enumerate(ends[:-2].tolist(), 1):
        values = trace.values[0, start : start + topology.layers[layer] * images]
        own = values.reshape(-1, images)[:, image].astype(np.int64)
        layers.append(by_neuron(topology, layer, job.config.lanes, own))
    layers.append(trace.logits[0].reshape(images, -1)[image].astype(np.int64))
    return layers


def operands(
    part: Steps, job: Job, model: Model, layers: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The activations and the weights of a junction's lanes, step by step: two (steps, lanes)."""
    lanes, topology, junction = job.config.lanes, job.schedule.wide, part.junction
    width = job.config.input_width
    rows = by_place(topology, junction - 1, lanes, layers[junction - 1], width)
    read = part.source[:, None], np.arange(lanes) ^ part.distance[:, None]
    return rows[read], by_step(topology, junction, lanes, model.weights[junction - 1])


def active(model: Model, layers: list[np.ndarray]) -> list[np.ndarray]:
    """Which paths of each junction are active: ``bool`` (N_l,) each.

    A path is active if every neuron that it visits is above 0; but for the last layer's, which have
    no ReLU. Path i visits the neurons of every junction that has more than i paths.
    """
    topology = model.topology
    alive = np.ones(max(topology.paths), bool)
    for junction, count in enumerate(topology.paths, 1):
        source, target = topology.edges(junction)
        alive[:count] &= layers[junction - 1][source] > 0
        if junction < len(topology.paths):
            alive[:count] &= layers[junction][target] > 0
    return [alive[:count] for count in topology.paths]


def contributions(model: Model, layers: list[np.ndarray], output: int) -> list[np.ndarray]:
    """What each path adds to the logit of ``output``: ``float64`` (N_l,) for each junction.

    It is the path's product, as often as its target's sum is in that logit: through the weights
    and shifts behind it, 0 behind a neuron that its ReLU set to 0. Rounding, and the clamp at 255,
    are left out of account. In the last junction they are exact: those of a logit and its bias are
    the logit.
    """
    topology, found = model.topology, []
    share = np.zeros(topology.layers[-1])  # of a neuron's sum in the logit
    share[output] = 1
    for junction in reversed(topology.junctions):
        source, target = topology.edges(junction)
        weights = model.weights[junction - 1].astype(np.float64)
        found.append(layers[junction - 1][source] * weights * share[target])
        if junction > 1:
            behind = np.bincount(source, weights * share[target], topology.layers[junction - 1])
            share = behind * (layers[junction - 1] > 0) / 2.0 ** model.shifts[junction - 2]
    return found[::-1]
