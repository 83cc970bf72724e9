"""A step of learning in the order of the hardware: rows of P lanes, one row of weights a cycle.

Forwards, step k = target row * fan-in + e of a junction reads the source row S(k), takes it through
the crossbar by D(k), and adds into its target row; weights stand in the order of k. S and D are
linear over GF(2) (:mod:`golden.machine.lanes`), and every source row is read by exactly fan-out
steps, which are a coset of one space. So backwards, source row after source row, all is linear
again (:func:`backward_matrix`): step s = source row * fan-out + e' takes the weights k(s), routed
by D(s), with the errors of target row k(s) // fan-in. Lane t xor D of the source sums weight times
error of target lane t: accumulators stay put, and weights come in whole rows.

The update goes forwards again: the activations go through the crossbar as in inference, the errors
of the target row stand still, and each weight is written back where it was read.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..machine import lanes as coordinates
from ..machine.engine import requantize
from ..topology import gf2
from ..topology.paths import Paths, log2_exact
from . import arithmetic
from .arithmetic import BIAS_INPUT, HIGH, Shifts
from .parameters import Parameters, Step


def backward_matrix(topology: Paths, junction: int, lanes: int) -> np.ndarray:
    """The map backward step -> weight row * lanes + D: ``uint8`` (p, p - q).

    Of 2^p paths and 2^q lanes. Weight row k = R sigma xor K e', with R a right inverse of S and K
    a basis of its kernel.
    """
    forward, q = coordinates.junction_matrix(topology, junction, lanes), log2_exact(lanes, "lanes")
    rows = len(forward) - q
    source, distance = forward[:rows], forward[rows:]
    right = gf2.solve(source, np.eye(rows, dtype=np.uint8))
    step = np.hstack([right, gf2.nullspace(source)])
    return np.vstack([step, gf2.product(distance, step)])


def _walk(matrix, steps, lanes):
    """Row and D of each step of a map, two ``int64`` (steps,)."""
    return np.divmod(gf2.apply(matrix, np.arange(steps)), lanes)


class _Junction:
    """The walks of a junction, forwards and backwards."""

    def __init__(self, topology, junction, lanes):
        steps = topology.paths[junction - 1] // lanes
        forward = coordinates.junction_matrix(topology, junction, lanes)
        self.source, self.distance = _walk(forward, steps, lanes)
        self.fan_in, self.fan_out = topology.fan_in(junction), topology.fan_out(junction)
        back = backward_matrix(topology, junction, lanes)
        self.weight, self.back_distance = _walk(back, steps, lanes)
        self.lane = np.arange(lanes)

    def forward(self, weights, activations, biases):
        sums = biases.copy()
        for k, (row, distance) in enumerate(zip(self.source, self.distance, strict=True)):
            sums[k // self.fan_in] += weights[k] * activations[row][self.lane ^ distance]
        return sums

    def backward(self, weights, errors):
        sums = np.zeros((len(self.weight) // self.fan_out, len(self.lane)), np.int64)
        for s, (k, distance) in enumerate(zip(self.weight, self.back_distance, strict=True)):
            products = weights[k] * errors[k // self.fan_in]
            sums[s // self.fan_out] += products[self.lane ^ distance]
        return sums

    def update(self, masters, activations, errors, shift, fixed):
        for k, (row, distance) in enumerate(zip(self.source, self.distance, strict=True)):
            inputs = activations[row][self.lane ^ distance]
            taken = arithmetic.rounded(errors[k // self.fan_in] * inputs, shift)
            low, high = arithmetic.bounds(masters[k], fixed)
            masters[k] = np.clip(masters[k] - taken, low, high)


def step(
    parameters: Parameters,
    image: ArrayLike,
    label: int,
    shifts: Shifts,
    lanes: int,
    *,
    fixed: bool = False,
) -> tuple[Parameters, Step]:
    """As of :func:`golden.learn.by_path.step`, with ``lanes`` lanes.

    Raises what :func:`golden.machine.lanes.lane_maps` does.
    """
    topology = parameters.topology
    junctions = [_Junction(topology, junction, lanes) for junction in topology.junctions]
    masters = [
        coordinates.by_step(topology, junction, lanes, own.astype(np.int64))
        for junction, own in enumerate(parameters.weights, 1)
    ]
    biases = [
        coordinates.by_place(topology, layer, lanes, own.astype(np.int64))
        for layer, own in enumerate(parameters.biases, 1)
    ]
    seen = [arithmetic.high(own) for own in masters]

    rows = [coordinates.by_place(topology, 0, lanes, np.asarray(image, np.int64))]
    for index, junction in enumerate(junctions):
        sums = junction.forward(seen[index], rows[-1], arithmetic.high(biases[index]))
        rows.append(requantize(sums, shifts.forward[index]).astype(np.int64))
    logits = coordinates.by_neuron(topology, len(junctions), lanes, sums)

    found = arithmetic.output_errors(logits, label, shifts)
    errors = [coordinates.by_place(topology, len(junctions), lanes, found)]
    for index in range(len(junctions) - 1, 0, -1):
        sums = junctions[index].backward(seen[index], errors[0])
        active = (rows[index] > 0) & (rows[index] < 255)
        found = arithmetic.error16(arithmetic.rounded(sums, HIGH))
        errors.insert(0, np.where(active, found, 0))

    for index, junction in enumerate(junctions):
        own = errors[index]
        junction.update(masters[index], rows[index], own, shifts.weights[index], fixed)
        taken = arithmetic.rounded(own * BIAS_INPUT, shifts.biases[index])
        biases[index] = arithmetic.clamped_biases(biases[index] - taken)

    weights = []
    for junction, own in enumerate(masters, 1):
        weights.append(np.empty(own.size, np.int64))
        weights[-1][coordinates.path_order(topology, junction, lanes)] = own

    def natural(arrays, first):
        return tuple(
            coordinates.by_neuron(topology, layer, lanes, own)
            for layer, own in enumerate(arrays, first)
        )

    learned = Parameters(topology, tuple(weights), natural(biases, 1))
    return learned, Step(natural(rows[:-1], 0), logits, natural(errors, 1))
