"""Sampled paths: probabilities, what is visited, and the network of what is kept."""

from itertools import pairwise

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import sampling
from sobolpath.golden.training.dense import Dense
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.network import Network
from sobolpath.golden.training.sampling import POINTS, densities, keep, largest, sample, trace


def random_dense(layers=(12, 9, 7, 4), seed=0):
    random = np.random.default_rng(seed)
    matrices = [random.normal(0, 1, (m, n)) for n, m in pairwise(layers)]
    return Dense(layers, matrices, [random.normal(0, 0.1, m) for m in layers[1:]])


def path_probabilities(network):
    """The probability of meeting each neuron: from the outputs down, by the densities."""
    tables, at = densities(network), np.full(network.topology.layers[-1], 1.0)
    at /= at.sum()
    result = []
    for density in reversed(tables):
        result.append(at[:, None] * density)
        at = at @ density
    return result[::-1]


def test_densities_are_weights_times_the_factor_of_their_source():
    network = Dense((2, 2, 1), [[[1, -3], [2, 0]], [[-2, 3]]])
    first, second = densities(network)
    assert first.tolist() == [[0.25, 0.75], [1, 0]]
    # The hidden factors are 4 and 2: 2 * 4 and 3 * 2 make 8 and 6 of 14.
    assert second[0] == pytest.approx([8 / 14, 6 / 14])
    sparse = initialize(Topology((16, 8), (32,)))
    assert densities(sparse)[0].sum(axis=1) == pytest.approx(np.ones(8))
    assert (densities(sparse)[0] > 0).sum() == 32


def test_scaling_a_hidden_neuron_changes_no_density():
    network = random_dense()
    matrices = network.matrices
    matrices[0][3] *= 50
    matrices[1][:, 3] /= 50
    scaled = Dense(network.topology.layers, matrices)
    for one, other in zip(densities(network), densities(scaled), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_points_fall_where_the_partition_says():
    density = np.array([[0, 0.25, 0, 0.75, 0], [0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0.5]])
    targets = np.array([0, 0, 0, 0, 2, 2, 2])
    points = np.array([0, 0.2499, 0.25, 1 - 2**-53, 0, 0.5, 1 - 2**-53])
    assert sampling.choose(density, targets, points).tolist() == [1, 1, 3, 3, 0, 4, 4]


@pytest.mark.parametrize("points", POINTS)
def test_visits_are_in_proportion_to_the_densities(points):
    network, paths = random_dense(), 1 << 16
    for visits, wanted in zip(
        trace(network, paths, 3, points), path_probabilities(network), strict=True
    ):
        assert visits.sum() == paths
        assert visits.shape == wanted.shape
        error = np.abs(visits / paths - wanted).max()
        assert error < (6 * np.sqrt(0.25 / paths) if points == "random" else 1e-3)


def test_paths_are_connected():
    visits = trace(random_dense(), 257, 1)
    for before, after in pairwise(visits):
        np.testing.assert_array_equal(before.sum(axis=1), after.sum(axis=0))


def test_sobol_paths_start_evenly():
    assert trace(random_dense(), 64)[-1].sum(axis=1).tolist() == [16] * 4


@pytest.mark.parametrize("points", POINTS)
def test_paths_are_deterministic_and_progressive(points):
    network = random_dense()
    few, same, more = (trace(network, n, 5, points) for n in (50, 50, 100))
    other = trace(network, 50, 6, points)
    assert all((a == b).all() for a, b in zip(few, same, strict=True))
    assert all((a <= b).all() for a, b in zip(few, more, strict=True))
    assert any((a != b).any() for a, b in zip(few, other, strict=True))


@pytest.mark.parametrize("points", POINTS)
def test_one_path_is_one_edge_a_junction(points):
    sampled = sample(random_dense(), 1, 0, points)
    assert sampled.edges == [1, 1, 1]
    tiny = Dense((1, 1), [[[-2.0]]])
    assert [visits.tolist() for visits in trace(tiny, 1, 0, points)] == [[[1]]]
    assert sample(tiny, 1, 0, points).infer([[3]]).tolist() == [[-6]]


def test_kept_edges_keep_their_weights():
    network = random_dense()
    sampled, visits = sample(network, 40), trace(network, 40)
    assert sampled.edges == [(v > 0).sum() for v in visits]
    assert sampled.edges[0] < 12 * 9
    for matrix, own, visited in zip(sampled.matrices, network.matrices, visits, strict=True):
        np.testing.assert_array_equal(matrix, np.where(visited > 0, own, 0))
    np.testing.assert_array_equal(sampled.biases[0], network.biases[0])
    assert list(sampled.paths().topology.paths) == sampled.edges  # and trains on as paths


def test_rescaled_weights_keep_their_norm():
    network = random_dense()
    sampled = sample(network, 200, rescale=True)
    before, after = (sampling.normalize(x)[1] for x in (network, sampled))
    np.testing.assert_allclose(after, before, rtol=1e-5)  # the factors of the logits
    assert sampled.edges == sample(network, 200).edges


def test_with_every_edge_it_is_the_network():
    network = random_dense((6, 5, 3))
    inputs = np.random.default_rng(1).uniform(0, 1, (8, 6))
    for rescale in (False, True):
        whole = sample(network, 1 << 15, rescale=rescale)
        assert whole.edges == [30, 15]
        np.testing.assert_allclose(whole.infer(inputs), network.infer(inputs), rtol=1e-4, atol=1e-5)


def test_paths_end_where_no_weight_comes_in():
    network = Dense((2, 2, 2), [[[0, 0], [1, 1]], [[1, 1], [0, 0]]], [[1, 0], [0, 0]])
    first, second = trace(network, 100)
    assert second[0].sum() == 100  # never the output without weights
    assert first[0].sum() == 0
    assert first[1].sum() == second[0, 1]
    assert second[0, 1] / 100 == pytest.approx(2 / 3, abs=0.03)  # factors: 1 (bias alone) and 2
    assert sample(network, 100).edges == [2, 2]


def test_a_sparse_network_of_paths_is_sampled_within_its_edges():
    network = initialize(Topology((16, 8, 4), (32, 16)))
    sampled = sample(network, 64)
    source, target = network.topology.edges(1)
    allowed = np.zeros((8, 16))
    allowed[target, source] = 1
    assert (sampled.masks[0] <= allowed).all()
    assert 0 < sampled.edges[0] <= 32


def test_the_largest_are_kept():
    network = Dense((3, 2), [[[1, -5, 2], [1, 1, 2]]])
    assert largest(network, [2]).matrices[0].tolist() == [[0, -5, 0], [0, 0, 2]]
    assert largest(network, [6]).edges == [6]
    scaled = largest(network, [2], rescale=True).matrices[0]
    np.testing.assert_allclose(scaled, [[0, -8, 0], [0, 0, 4]], rtol=1e-6)


def test_what_cannot_be_sampled_is_refused():
    network = random_dense()
    dead = Network(network.topology, [np.zeros(n) for n in network.topology.paths])
    for call, message in (
        (lambda: trace(network, 0), r"paths must be an integer from 1 to 16777216, not 0"),
        (lambda: trace(network, 2**24 + 1), "paths must be an integer from 1 to 16777216"),
        (lambda: trace(network, 1, -1), "seed must be an integer from 0 to 4294967295, not -1"),
        (lambda: trace(network, 1, 0, "halton"), "points must be one of sobol, random, not 'hal"),
        (lambda: trace(dead, 1), "must have an output with weights that are not 0"),
        (lambda: largest(network, [1]), "edges must be 3 counts, not 1"),
        (
            lambda: largest(network, [1, 64, 1]),
            "edges of junction 2 must be an integer from 1 to 63",
        ),
        (lambda: keep(network, [np.ones((9, 12))]), "masks must be 3 arrays, not 1"),
    ):
        with pytest.raises(InputError, match=message):
            call()
