"""Random networks that learn, and what two steps of learning must agree in."""

from itertools import pairwise

import numpy as np

from sobolpath.golden.learn.arithmetic import BIAS_LIMIT, LIMIT, Fractions
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.topology.paths import Topology


def random_topology(rng, *, least=2, most=5, junctions=3):
    """Sobol' paths in random dimensions, of at most ``junctions`` junctions, 2^least neurons up."""
    digits = rng.integers(least, most + 1, rng.integers(1, junctions + 1) + 1)
    counts = [1 << int(rng.integers(max(pair), sum(pair) + 1)) for pair in pairwise(digits)]
    return Topology([1 << int(k) for k in digits], counts, rng.permutation(30)[: len(digits)])


def random_parameters(rng, topology, *, reach=LIMIT):
    """Masters of -reach to reach - 1, and biases in proportion."""
    offsets = min(BIAS_LIMIT, 64 * reach)
    return Parameters(
        topology,
        tuple(rng.integers(-reach, reach, count) for count in topology.paths),
        tuple(rng.integers(-offsets, offsets, n) for n in topology.layers[1:]),
    )


def random_case(rng, **sizes):
    """A topology, its parameters, shifts, and whether signs are fixed: all ranges are met."""
    topology = random_topology(rng, **sizes)
    reach = int(rng.choice([300, 3000, LIMIT]))
    fractions = Fractions(8, int(rng.integers(4, 9)))
    shifts = fractions.shifts(len(topology.paths), int(rng.integers(0, 8)))
    return random_parameters(rng, topology, reach=reach), shifts, bool(rng.integers(2))


def random_sample(rng, topology):
    """An image and a label; some images are all 0 or all 255."""
    image = rng.integers(0, 256, topology.layers[0]).astype(np.uint8)
    if rng.random() < 0.1:
        image[:] = 255 * rng.integers(2)
    return image, int(rng.integers(topology.layers[-1]))


def same_parameters(one, other):
    """Assert that the masters are equal; how many were compared."""
    pairs = zip(one.weights + one.biases, other.weights + other.biases, strict=True)
    return sum(_same(*pair) for pair in pairs)


def same_step(one, other):
    """Assert that two steps computed the same; how many values were compared."""
    first, second = ((*each.activations, each.logits, *each.errors) for each in (one, other))
    return sum(_same(*pair) for pair in zip(first, second, strict=True))


def _same(one, other):
    assert np.array_equal(one, other)
    return one.size
