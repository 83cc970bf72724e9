"""Sums of signs: their mean is the network, Sobol' counts are within one, ternary is ternary."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import ternary
from sobolpath.golden.training.dense import Dense
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.normalize import normalize
from sobolpath.golden.training.sampling import POINTS, densities
from sobolpath.golden.training.ternary import quantize


def random_dense(layers=(12, 9, 4), seed=0):
    random = np.random.default_rng(seed)
    matrices = [random.normal(0, 1, (layers[j + 1], n)) for j, n in enumerate(layers[:-1])]
    return Dense(layers, matrices, [random.normal(0, 0.1, m) for m in layers[1:]])


def normal(network):
    """The normalized network's matrices, the last with the factors of the logits."""
    other, factors = normalize(network)
    *hidden, last = Dense.of(other).matrices
    return [*hidden, last * factors[:, None]]


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("samples", [1, 5])
def test_the_mean_over_seeds_is_the_weight(points, samples):
    network, seeds = random_dense(), 400
    wanted = normal(network)
    means = [np.zeros(matrix.shape) for matrix in wanted]
    for seed in range(seeds):
        sampled = quantize(network, samples, seed, points).network()
        for mean, matrix in zip(means, sampled.matrices, strict=True):
            mean += matrix / seeds
    for mean, exact in zip(means, wanted, strict=True):
        scale = np.abs(exact).sum(axis=1, keepdims=True)  # of one sample
        density = np.abs(exact) / scale
        deviation = scale * np.sqrt(density * (1 - density) / (samples * seeds))
        assert (np.abs(mean - exact) <= 5 * deviation + 1e-6).all()
        assert (np.abs(mean - exact) > 0.01 * deviation).any()


@pytest.mark.parametrize("points", POINTS)
def test_every_neuron_has_its_samples_and_its_signs(points):
    network = random_dense()
    sampled = quantize(network, 100, 2, points)
    for count, matrix in zip(sampled.counts, network.matrices, strict=True):
        assert count.dtype == np.int32
        assert (np.abs(count).sum(axis=1) == 100).all()
        assert (count * np.sign(matrix) >= 0).all()
    assert (sampled.scales[0] == 0.01).all()
    np.testing.assert_allclose(sampled.scales[1], normalize(network)[1] / 100)
    assert sampled.edges == [np.count_nonzero(count) for count in sampled.counts]


@pytest.mark.parametrize("samples", [1, 16, 256])
def test_sobol_counts_are_the_density_rounded_up_or_down(samples):
    network = random_dense()
    for count, density in zip(
        quantize(network, samples, 3).counts, densities(network), strict=True
    ):
        assert (np.abs(np.abs(count) - samples * density) < 1 + 1e-6).all()


def test_sobol_errs_less_than_random():
    network = random_dense((64, 32, 8))
    inputs = np.random.default_rng(0).uniform(0, 1, (50, 64))
    errors = {
        points: [
            np.abs(quantize(network, 64, s, points).network().infer(inputs) - network.infer(inputs))
            for s in range(10)
        ]
        for points in POINTS
    }
    assert np.mean(errors["sobol"]) < 0.7 * np.mean(errors["random"])


@pytest.mark.parametrize("points", POINTS)
def test_many_samples_are_the_network(points):
    network = random_dense()
    inputs = np.random.default_rng(1).uniform(0, 1, (20, 12))
    logits = quantize(network, 1 << 17, 0, points).network().infer(inputs)
    np.testing.assert_allclose(logits, network.infer(inputs), atol=0.15)
    assert np.abs(network.infer(inputs)).max() > 3


@pytest.mark.parametrize("points", POINTS)
def test_samples_are_deterministic_and_progressive_in_pieces(points, monkeypatch):
    network = random_dense()
    few, more = (quantize(network, n, 4, points) for n in (40, 80))
    other = quantize(network, 40, 5, points)
    monkeypatch.setattr(ternary, "AT_ONCE", 30)  # three samples at a time
    pieces = quantize(network, 40, 4, points)
    for a, b, c in zip(few.counts, pieces.counts, more.counts, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (np.abs(a) <= np.abs(c)).all()
    assert any((a != b).any() for a, b in zip(few.counts, other.counts, strict=True))


def test_ternary_weights_are_ternary_and_keep_the_norm():
    sampled = quantize(random_dense(), 64)
    cut = sampled.ternary()
    assert sampled.bits == [max(int(np.abs(c).max()).bit_length() + 1, 2) for c in sampled.counts]
    assert max(sampled.bits) > 2
    assert cut.bits == [2, 2]
    assert cut.edges == sampled.edges
    for one, other in zip(sampled.network().matrices, cut.network().matrices, strict=True):
        norms = [np.abs(matrix).sum(axis=1) for matrix in (one, other)]
        np.testing.assert_allclose(norms[1], norms[0], rtol=1e-5)
        assert all(len(np.unique(np.abs(row[row != 0]))) == 1 for row in other)


def test_few_sobol_samples_are_ternary_at_once():
    random = np.random.default_rng(0)
    network = Dense((32, 4), [random.uniform(0.9, 1.1, (4, 32)) * random.choice([-1, 1], (4, 32))])
    sampled = quantize(network, 16)
    assert sampled.bits == [2]
    assert sampled.edges == [64]
    cut = sampled.ternary()
    np.testing.assert_array_equal(cut.counts[0], sampled.counts[0])
    np.testing.assert_array_equal(cut.scales[0], sampled.scales[0])


def test_a_network_of_paths_keeps_within_its_edges_and_dead_neurons_their_bias():
    network = initialize(Topology((16, 8), (32,)))
    count = quantize(network, 64).counts[0]
    assert (count != 0).sum() <= 32
    dead = Dense((2, 2), [[[0, 0], [1, -1]]], [[3, 0]])
    sampled = quantize(dead, 2)
    assert sampled.counts[0].tolist() == [[0, 0], [1, -1]]
    assert sampled.ternary().network().infer([[5, 1]]).tolist() == [[3, 4]]
    assert quantize(Dense((1, 1), [[[-2.0]]]), 1).network().infer([[3]]).tolist() == [[-6]]


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (0, {}, "samples must be an integer from 1 to 16777216, not 0"),
        (2**24 + 1, {}, "samples must be an integer from 1 to 16777216"),
        (1, {"seed": -1}, "seed must be an integer from 0 to 4294967295, not -1"),
        (1, {"points": "x"}, "points must be one of sobol, random, not 'x'"),
    ],
)
def test_what_is_out_of_range_is_refused(samples, options, message):
    with pytest.raises(InputError, match=message):
        quantize(random_dense(), samples, **options)
