"""A step of learning as a straight loop over the paths: the contract's plainest form.

In the order and with the names of Keller & Van keirsbilck, section 3: equation 1 forwards (Fig. 3),
2 at the outputs, 3 backwards and 4 for the update. Slow, in Python's integers: to compare with.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..machine.engine import requantize
from . import arithmetic
from .arithmetic import BIAS_INPUT, HIGH, Shifts
from .parameters import Parameters, Step


def step(
    parameters: Parameters, image: ArrayLike, label: int, shifts: Shifts, *, fixed: bool = False
) -> tuple[Parameters, Step]:
    """Learn one image: the new :class:`Parameters`, and what was computed on the way.

    ``image`` : ``uint8`` (n_0,); ``label`` : its class; ``fixed`` : signs stay.
    """
    topology = parameters.topology
    edges = [[ends.tolist() for ends in topology.edges(j)] for j in topology.junctions]
    weights = [own.tolist() for own in parameters.weights]
    seen = [arithmetic.high(own).tolist() for own in parameters.weights]

    # Equation 1: each path adds to its target.
    activations, sums = [np.asarray(image, np.int64)], []
    for index, (sources, targets) in enumerate(edges):
        total, a = arithmetic.high(parameters.biases[index]).tolist(), activations[-1].tolist()
        for path, (source, target) in enumerate(zip(sources, targets, strict=True)):
            total[target] += seen[index][path] * a[source]
        sums.append(np.array(total))
        activations.append(requantize(sums[-1], shifts.forward[index]).astype(np.int64))
    del activations[-1]  # logits are sums

    # Equation 2, then 3 for one junction after the other.
    errors = [arithmetic.output_errors(sums[-1], label, shifts)]
    for index in range(len(edges) - 1, 0, -1):
        total, delta = [0] * topology.layers[index], errors[0].tolist()
        for path, (source, target) in enumerate(zip(*edges[index], strict=True)):
            total[source] += seen[index][path] * delta[target]
        active = (activations[index] > 0) & (activations[index] < 255)
        found = arithmetic.error16(arithmetic.rounded(total, HIGH))
        errors.insert(0, np.where(active, found, 0))

    # Equation 4.
    biases = []
    for index, (sources, targets) in enumerate(edges):
        delta, a, shift = errors[index].tolist(), activations[index].tolist(), shifts.weights[index]
        half = (1 << shift) >> 1
        for path, (source, target) in enumerate(zip(sources, targets, strict=True)):
            weights[index][path] -= (delta[target] * a[source] + half) >> shift
        taken = arithmetic.rounded(errors[index] * BIAS_INPUT, shifts.biases[index])
        biases.append(arithmetic.clamped_biases(parameters.biases[index] - taken))
    clamped = [
        np.clip(new, *arithmetic.bounds(old, fixed))
        for new, old in zip(weights, parameters.weights, strict=True)
    ]
    learned = Parameters(topology, tuple(clamped), tuple(biases))
    return learned, Step(tuple(activations), sums[-1], tuple(errors))
