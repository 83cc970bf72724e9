"""Masked matrices: the same network as the paths, to rounding; sums where paths share an edge."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import loop
from sobolpath.golden.training.dense import Dense
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.network import Network

DISTINCT = [  # no edge twice
    Topology((1, 1), (1,)),
    Topology((8, 16, 4), (32, 32)),
    Topology((16, 8, 16, 8), (64, 64, 128), (4, 3, 7, 0)),
    build("random-regular", (12, 10, 7), (24, 30), seed=1),  # fan-ins differ
    build("dense", (5, 9, 3), (45, 27)),
]
DOUBLED = Topology((128, 16), (2048,), (2, 3))  # every edge twice


def random_network(topology, seed=0):
    random = np.random.default_rng(seed)
    weights = [random.normal(0, 0.5, n) for n in topology.paths]
    return Network(topology, weights, [random.normal(0, 0.5, n) for n in topology.layers[1:]])


def samples(topology, seed=1, images=9):
    random, classes = np.random.default_rng(seed), topology.layers[-1]
    inputs = random.uniform(-1, 1, (topology.layers[0], images)).astype(np.float32)
    return inputs, random.integers(0, classes, images), classes


@pytest.mark.parametrize("topology", [*DISTINCT, DOUBLED])
def test_logits_are_those_of_the_paths(topology):
    network = random_network(topology)
    inputs, _, _ = samples(topology, images=150)  # more than a block
    wanted = network.infer(inputs.T)
    logits = Dense.of(network).infer(inputs.T)
    assert logits.shape == (150, topology.layers[-1])
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("topology", [*DISTINCT, DOUBLED])
def test_gradients_are_those_of_the_paths(topology):
    network = random_network(topology)
    dense = Dense.of(network)
    out, wanted = dense.vector(), network.vector()
    loss = dense.gradients(*samples(topology), out)
    assert loss == pytest.approx(network.gradients(*samples(topology), wanted), rel=1e-5)
    gradient = Network(topology, [np.zeros(n) for n in topology.paths])
    gradient.parameters[...] = wanted[0]  # the paths' gradients, in path order
    for junction, weights in zip(topology.junctions, gradient.weights, strict=True):
        source, target = topology.edges(junction)
        matrix = out[1][junction - 1]
        np.testing.assert_allclose(matrix[target, source], weights, rtol=1e-4, atol=1e-6)
        outside = np.ones(matrix.shape, bool)
        outside[target, source] = False
        assert (matrix[outside] == 0).all()
        np.testing.assert_allclose(
            out[2][junction - 1], wanted[2][junction - 1], rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("optimizer", loop.OPTIMIZERS)
def test_training_is_that_of_the_paths(optimizer):
    topology = Topology((16, 32, 8), (128, 64))
    assert [topology.duplicates(j) for j in topology.junctions] == [0, 0]
    random = np.random.default_rng(2)
    images, labels = random.integers(0, 256, (96, 16)).astype(np.uint8), random.integers(0, 6, 96)
    recipe = loop.Recipe(epochs=4, batch=8, rate=0.01, optimizer=optimizer)
    network = initialize(topology)
    dense = Dense.of(network)
    assert dense.edges == [128, 64]
    losses = [loop.train(x, images, labels, 6, recipe, 1 / 255) for x in (network, dense)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert losses[1][-1] < losses[1][0]
    assert dense.edges == [128, 64]
    assert (dense.parameters != 0).sum() <= 192 + 40
    assert (dense.matrices[-1][6:] == 0).all()  # padding is silent
    assert (dense.biases[-1][6:] == 0).all()
    np.testing.assert_allclose(
        dense.infer(images / 255), network.infer(images / 255), rtol=0.01, atol=0.01
    )


def test_a_shared_edge_is_one_weight_and_trains_differently():
    network = random_network(DOUBLED)
    dense = Dense.of(network)
    assert dense.edges == [1024]
    assert dense.matrices[0].sum() == pytest.approx(network.weights[0].sum(), rel=1e-4)
    inputs, labels, classes = samples(DOUBLED)
    images = ((inputs.T + 1) * 127).astype(np.uint8)
    recipe = loop.Recipe(epochs=1, batch=9, rate=0.1, optimizer="sgd", decay=0.0)
    before = dense.matrices[0]
    for each in (network, dense):
        loop.train(each, images, labels, classes, recipe, 1 / 255)
    # One step: the sum of two equal paths moves twice as far as the one weight.
    moved = Dense.of(network).matrices[0] - before
    np.testing.assert_allclose(moved, 2 * (dense.matrices[0] - before), rtol=1e-3, atol=1e-5)
    assert np.abs(moved).max() > 1e-3


def test_without_a_mask_every_edge_is_there():
    dense = Dense((3, 2), [np.ones((2, 3))])
    assert dense.masks is None
    assert dense.edges == [6]
    assert dense.infer([[1, 2, 3]]).tolist() == [[6, 6]]
    assert Dense.of(random_network(DISTINCT[-1])).masks is None


@pytest.mark.parametrize("topology", DISTINCT)
def test_paths_of_matrices_are_the_same_network(topology):
    dense = Dense.of(random_network(topology))
    paths = dense.paths()
    assert list(paths.topology.paths) == dense.edges
    inputs = samples(topology)[0].T
    np.testing.assert_allclose(paths.infer(inputs), dense.infer(inputs), rtol=2e-5, atol=2e-5)


def test_weights_outside_the_mask_are_dropped():
    dense = Dense((2, 2), [[[1, 2], [3, 4]]], masks=[[[1, 0], [0, 1]]])
    assert dense.matrices[0].tolist() == [[1, 0], [0, 4]]
    assert dense.weights[0].tolist() == [1, 0, 0, 4]  # source after source


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"matrices": []}, "matrices must be 1 arrays, not 0"),
        (
            {"matrices": [np.ones((3, 2))]},
            r"matrices of junction 1 must have shape \(2, 3\), not \(3, 2\)",
        ),
        ({"matrices": [np.full((2, 3), np.nan)]}, "weights of junction 1 must be finite"),
        ({"biases": [np.ones(3)]}, r"biases of junction 1 must have shape \(2,\)"),
        ({"masks": [np.ones((2, 2))]}, r"masks of junction 1 must have shape \(2, 3\)"),
        ({"masks": [np.full((2, 3), 0.5)]}, "masks of junction 1 must be 0 and 1"),
        ({"layers": (3,), "matrices": []}, "at least 2 layers"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Dense(**{"layers": (3, 2), "matrices": [np.ones((2, 3))], **options})


def test_a_junction_without_an_edge_has_no_paths():
    dense = Dense((2, 2), [np.ones((2, 2))], masks=[np.zeros((2, 2))])
    with pytest.raises(InputError, match="paths of junction 1 must be an integer from 1"):
        dense.paths()
