"""Weights as sums of signs: a trained network quantized by sampling, without training it again.

Keller & Van keirsbilck, section 2.1, and their slides "Structural Sparsity" (2019), "Ternarization
by simulating discrete probability densities": with incoming weights of one-norm 1
(:mod:`golden.training.normalize`) a neuron's sum is an expectation, and N samples of its density
estimate it by additions and subtractions alone,

    sum over k of w_k a_k  ~  1/N * sum over i of sign(w_j(i)) a_j(i),

where j(i) is the edge whose part of the partition of [0, 1) the point x_i falls into.

Every sample is a connection of weight +1 or -1. Samples of the same edge add up to one integer, so
the quantized weight is sign(w) * count / N: its mean over the points is w exactly, for every kind
of points. An edge of density d is counted floor(N d) or ceil(N d) times by N = 2**k Sobol' points,
so weights are in -1, 0, +1 where no density is above 1/N. Beyond that, :meth:`Sampled.ternary`
cuts the counts off at 1: weights stay ternary, but their mean is no longer w.
"""

from dataclasses import dataclass

import numpy as np

from ..topology import sobol
from .dense import Dense
from .network import Network
from .normalize import normalize
from .sampling import DIGITS, check, choose, densities

AT_ONCE = 2**21  # samples: bounds the memory


@dataclass(frozen=True, eq=False)
class Sampled:
    """A network of integer weights.

    Members
    -------
    layers : neurons of each layer, inputs first.
    counts : per junction ``int32`` (n_l, n_{l-1}): sign(w) times how often the edge was chosen.
    scales : per junction ``float64`` (n_l,): what one count is worth to each neuron. As it is
        sampled, 1 / samples in the hidden layers, and times the factor of the logit in the last.
    biases : per junction ``float32`` (n_l,), not quantized.
    """

    layers: tuple[int, ...]
    counts: list[np.ndarray]
    scales: list[np.ndarray]
    biases: list[np.ndarray]

    @property
    def bits(self) -> list[int]:
        """Bits of the signed integers of each junction, with the sign: a list; ternary is 2."""
        return [int(np.abs(count).max()).bit_length() + 1 for count in self.counts]

    @property
    def edges(self) -> list[int]:
        """Weights of each junction that are not 0: a list."""
        return [int(np.count_nonzero(count)) for count in self.counts]

    def network(self) -> Dense:
        """The floats that these integers stand for: :class:`golden.training.dense.Dense` with
        masks."""
        matrices = [c * s[:, None] for c, s in zip(self.counts, self.scales, strict=True)]
        return Dense(self.layers, matrices, self.biases, [c != 0 for c in self.counts])

    def ternary(self) -> "Sampled":
        """The same with every count cut off at -1 and +1, and each neuron's one-norm kept.

        A neuron's scale becomes its one-norm divided by the number of its edges. Where no count is
        above 1 nothing changes.
        """
        signs = [np.sign(count) for count in self.counts]
        scales = []
        for count, sign, scale in zip(self.counts, signs, self.scales, strict=True):
            norms, edges = np.abs(count).sum(axis=1), np.abs(sign).sum(axis=1)
            scales.append(scale * norms / np.maximum(edges, 1))
        return Sampled(self.layers, signs, scales, self.biases)


def quantize(network: Network, samples: int, seed: int = 0, points: str = "sobol") -> Sampled:
    """Every neuron's incoming weights by ``samples`` samples of their density.

    Parameters
    ----------
    network : a :class:`golden.training.network.Network`, dense or not. It stays as it is.
    samples : of each neuron, 1 to 2**24; time and memory grow with samples times neurons.
    seed, points : of the points; ``"sobol"`` is the van der Corput sequence, shifted (XOR) by a
        word of its own for every neuron, ``"random"`` are independent. Progressive: the first
        N of 2N samples are the N samples.

    Returns :class:`Sampled`. A neuron whose incoming weights are all 0 keeps its bias. Raises
    ``InputError`` for what is out of range.
    """
    check(points, samples, seed, "samples")
    normal, factors = normalize(network)
    tables, counts, last = densities(network), [], len(network.topology.paths)
    for junction, (matrix, density) in enumerate(
        zip(Dense.of(normal).matrices, tables, strict=True), 1
    ):
        random = np.random.default_rng([seed, junction])
        counts.append((np.sign(matrix) * _count(density, samples, points, random)).astype(np.int32))
    scales = [
        (factors if junction == last else np.ones(width)) / samples
        for junction, width in enumerate(network.topology.layers[1:], 1)
    ]
    biases = normal.biases
    biases[-1] = network.biases[-1]  # as the logits: not normalized
    return Sampled(network.topology.layers, counts, scales, biases)


def _count(density, samples, points, random):
    """How often the samples choose each edge: ``int64`` like ``density``."""
    alive, count = np.flatnonzero(density.any(axis=1)), np.zeros(density.size, np.int64)
    shifts = random.integers(0, 1 << DIGITS, len(alive))[:, None]
    step = max(AT_ONCE // max(len(alive), 1), 1)
    for start in range(0, samples, step):
        indices = np.arange(start, min(start + step, samples))
        if points == "sobol":
            x = (sobol.points(0, DIGITS, indices) ^ shifts) / 2.0**DIGITS
        else:
            x = random.random((len(indices), len(alive))).T
        targets = np.broadcast_to(alive[:, None], x.shape)
        codes = targets * density.shape[1] + choose(density, targets, x)
        count += np.bincount(codes.ravel(), minlength=density.size)
    return count.reshape(density.shape)
