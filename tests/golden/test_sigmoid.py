"""Networks of sigmoids: gradients against differences, steps against Nesterov's rule by hand."""

import numpy as np
import pytest

from sobolpath.golden.topology import patterns
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training.sigmoid import Recipe, Sigmoid, train


def double(network):
    """The same network in ``float64``, for differences."""
    network.weights = [each.astype(np.float64) for each in network.weights]
    network.biases = [each.astype(np.float64) for each in network.biases]
    network._full = [each.astype(np.float64) for each in network._full]
    return network


def test_gradients_are_those_of_the_mean_squared_error():
    rng = np.random.default_rng(1)
    network = double(Sigmoid(build("fixed-fan", (8, 6, 4), (24, 12), seed=2), 3))
    inputs, wanted = rng.random((5, 8)), np.eye(4)[rng.integers(0, 4, 5)]
    weights, biases = network.gradients(inputs, wanted)
    for parameters, gradients in ((network.weights, weights), (network.biases, biases)):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            assert parameter.shape == gradient.shape
            for place in range(parameter.size):
                errors = []
                for step in (1e-6, -2e-6):
                    parameter[place] += step
                    errors.append(((network.outputs(inputs) - wanted) ** 2).mean())
                parameter[place] += 1e-6
                assert gradient[place] == pytest.approx((errors[0] - errors[1]) / 2e-6, abs=1e-8)


def test_start_is_glorots():
    """Variance 2 / (fan-in + fan-out) of the dense layer, whatever the edges are; biases 0."""
    network = Sigmoid(patterns.dense((300, 200)), 1)
    assert network.weights[0].std() == pytest.approx(np.sqrt(2 / 500), rel=0.02)
    topology = build("fixed-fan", (300, 200), (3000,))
    few, again = Sigmoid(topology, 1), Sigmoid(topology, 1)
    assert few.weights[0].std() == pytest.approx(np.sqrt(2 / 500), rel=0.1)
    assert not few.biases[0].any()
    assert np.array_equal(few.weights[0], again.weights[0])
    assert not np.array_equal(few.weights[0], Sigmoid(topology, 2).weights[0])


def test_edges_that_repeat_are_one():
    topology = patterns.Pattern("p", (2, 2), [(np.array([1, 0, 1]), np.array([0, 1, 0]))])
    network = Sigmoid(topology, 0)
    assert [side.tolist() for side in network.ends[0]] == [[0, 1], [1, 0]]
    assert network.weights[0].size == 2
    sums = np.array([network.weights[0][1], 0]), np.array([0, network.weights[0][0]])
    for source, wanted in ((1, sums[0]), (0, sums[1])):
        found = network.outputs(np.eye(2, dtype=np.float32)[[source]])[0]
        assert found == pytest.approx(1 / (1 + np.exp(-wanted)))


def test_nesterov():
    """Two steps of one weight: v = m v - r g, then w += m v - r g."""
    network = Sigmoid(patterns.dense((1, 1)), 0)
    inputs, labels = np.ones((1, 1), np.float32), np.zeros(1, int)
    w, b = float(network.weights[0][0]), 0.0
    v = u = 0.0
    for _ in range(2):
        out = 1 / (1 + np.exp(-w - b))
        g = 2 * (out - 1) * out * (1 - out)
        v, u = 0.9 * v - 0.5 * g, 0.9 * u - 0.5 * g
        w, b = w + 0.9 * v - 0.5 * g, b + 0.9 * u - 0.5 * g
    assert list(train(network, inputs, labels, Recipe(epochs=2, rate=0.5))) == [1, 2]
    assert network.weights[0][0] == pytest.approx(w, rel=1e-5)
    assert network.biases[0][0] == pytest.approx(b, rel=1e-5)


def test_learns_and_repeats():
    """Which of two inputs is larger: nearly all, the same numbers each time."""
    rng = np.random.default_rng(4)
    inputs = rng.random((512, 2)).astype(np.float32)
    labels = inputs.argmax(axis=1)
    found = []
    for _ in range(2):
        network = Sigmoid(patterns.dense((2, 8, 2)), 5)
        for _ in train(network, inputs, labels, Recipe(epochs=60, rate=0.5, seed=5)):
            pass
        found.append(network.weights[0])
        assert network.accuracy(inputs, labels) > 0.97
    assert np.array_equal(*found)
