"""The float network: against the paper's loop over paths, and finite differences."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.topology.patterns import Pattern
from sobolpath.golden.topology.wiring import TableWiring
from sobolpath.golden.training import network as networks
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.network import Network, cross_entropy

SHAPES = [
    ((1, 1), (1,), ()),
    ((8, 16, 4), (32, 32), ()),
    ((16, 8, 16, 8), (64, 64, 128), (4, 3, 7, 0)),
    ((128, 16), (2048,), (2, 3)),  # every edge twice
]


def random_network(seed, layers, paths, dimensions=()):
    random, topology = np.random.default_rng(seed), Topology(layers, paths, dimensions)
    weights = [random.normal(0, 0.5, n) for n in paths]
    return Network(topology, weights, [random.normal(0, 0.5, n) for n in layers[1:]])


def loop(network, image):
    """Fig. 3: an activation is passed on along a path only where it is positive (ReLU)."""
    topology, values = network.topology, [float(x) for x in image]
    for junction in topology.junctions:
        sums = network.biases[junction - 1].astype(np.float64)
        edges = zip(*topology.edges(junction), network.weights[junction - 1], strict=True)
        for source, target, weight in edges:
            if values[source] > 0 or junction == 1:
                sums[target] += float(weight) * values[source]
        values = sums.tolist()
    return values


@pytest.mark.parametrize(("layers", "paths", "dimensions"), SHAPES)
def test_inference_is_the_papers_loop(layers, paths, dimensions):
    network = random_network(0, layers, paths, dimensions)
    inputs = np.random.default_rng(1).uniform(-1, 1, (5, layers[0]))
    logits = network.infer(inputs)
    assert logits.shape == (5, layers[-1])
    assert logits.dtype == np.float32
    for image, row in zip(inputs, logits, strict=True):
        assert row == pytest.approx(loop(network, image), rel=1e-4, abs=1e-4)


def loss_of(network, inputs, labels, classes):
    """Mean cross-entropy in double precision, by dense matrices."""
    values = inputs.astype(np.float64)
    for junction in network.topology.junctions:
        dense = np.zeros((network.topology.layers[junction], len(values)))
        source, target = network.topology.edges(junction)
        np.add.at(dense, (target, source), network.weights[junction - 1].astype(np.float64))
        values = dense @ values + network.biases[junction - 1].astype(np.float64)[:, None]
        if junction < len(network.topology.paths):
            values = np.maximum(values, 0)
    values = values[:classes]
    logs = np.log(np.exp(values - values.max(0)).sum(0)) + values.max(0)
    return (logs - values[labels, np.arange(len(labels))]).mean()


@pytest.mark.parametrize(("layers", "paths", "dimensions"), SHAPES[1:])
def test_gradients_are_finite_differences(layers, paths, dimensions):
    network = random_network(2, layers, paths, dimensions)
    random, classes = np.random.default_rng(3), layers[-1] - 1
    inputs = random.uniform(0, 1, (layers[0], 7)).astype(np.float32)
    labels = random.integers(0, classes, 7)
    gradient = network.vector()
    loss = network.gradients(inputs, labels, classes, gradient)
    assert loss == pytest.approx(loss_of(network, inputs, labels, classes), rel=1e-4)
    checked = random.choice(network.parameters.size, min(150, network.parameters.size), False)
    for index in checked:
        kept, losses = network.parameters[index], []
        for value in (kept + np.float32(2**-11), kept - np.float32(2**-11)):
            network.parameters[index] = value
            losses.append(loss_of(network, inputs, labels, classes))
        network.parameters[index] = kept
        slope = (losses[0] - losses[1]) / 2**-10
        assert gradient[0][index] == pytest.approx(slope, rel=0.02, abs=2e-4), index
    assert np.count_nonzero(gradient[0]) > checked.size / 4


#: Fan-ins that differ, targets and sources without an edge, edges that repeat.
IRREGULAR = [
    Pattern("any", (5, 3, 4), [([0, 0, 1, 4, 4, 4], [0, 0, 2, 2, 0, 2]), ([2, 0, 2], [3, 1, 0])]),
    build("pseudo-random", (16, 32, 8), (100, 70), seed=2),
    build("random-edge", (16, 32, 8), (100, 70), seed=2),
]


def irregular_network(topology):
    random = np.random.default_rng(9)
    weights = [random.normal(0, 0.7, n) for n in topology.paths]
    return Network(topology, weights, [random.normal(0, 0.7, n) for n in topology.layers[1:]])


@pytest.mark.parametrize("topology", IRREGULAR)
def test_fan_ins_may_differ(topology):
    """Inference, gradients and path order, as above."""
    network = irregular_network(topology)
    random = np.random.default_rng(10)
    assert any(isinstance(wiring, TableWiring) for wiring in network.wiring)
    assert network.parameters.size == topology.total_paths + sum(topology.layers[1:])
    inputs = random.uniform(0, 1, (topology.layers[0], 7)).astype(np.float32)
    for image, row in zip(inputs.T, network.infer(inputs.T), strict=True):
        assert row == pytest.approx(loop(network, image), rel=1e-4, abs=1e-4)
    labels, gradient = random.integers(0, 3, 7), network.vector()
    loss = network.gradients(inputs, labels, 3, gradient)
    assert loss == pytest.approx(loss_of(network, inputs, labels, 3), rel=1e-4)
    for index in range(network.parameters.size):
        kept, losses = network.parameters[index], []
        for value in (kept + np.float32(2**-11), kept - np.float32(2**-11)):
            network.parameters[index] = value
            losses.append(loss_of(network, inputs, labels, 3))
        network.parameters[index] = kept
        slope = (losses[0] - losses[1]) / 2**-10
        assert gradient[0][index] == pytest.approx(slope, rel=0.02, abs=5e-4), index


def test_silence_where_fan_ins_differ():
    network = irregular_network(IRREGULAR[1])
    before = network.infer(np.ones((1, 16)))
    network.silence(5)
    after = network.infer(np.ones((1, 16)))
    assert np.array_equal(before[:, :5], after[:, :5])
    assert before[:, 5:].all()
    assert not after[:, 5:].any()


def test_padding_outputs_get_no_gradient():
    network = random_network(4, (8, 16, 16), (32, 64))
    gradient = network.vector()
    network.gradients(np.ones((8, 3), np.float32), np.array([0, 1, 2]), 10, gradient)
    padding = network.wiring[-1].places(10)
    assert len(padding) == 6 * 4
    assert np.delete(gradient[1][-1], padding).any()
    assert not gradient[1][-1][padding].any()
    assert gradient[2][-1][:10].any()
    assert not gradient[2][-1][10:].any()


def test_silence():
    network = random_network(5, (8, 16, 16), (32, 64))
    before = network.infer(np.ones((1, 8)))
    network.silence(10)
    after = network.infer(np.ones((1, 8)))
    assert np.array_equal(before[:, :10], after[:, :10])
    assert not after[:, 10:].any()


def test_parameters_keep_path_order():
    random, topology = np.random.default_rng(6), Topology((16, 64, 8), (256, 64))
    weights = [random.normal(size=n).astype(np.float32) for n in topology.paths]
    biases = [random.normal(size=n).astype(np.float32) for n in topology.layers[1:]]
    network = Network(topology, weights, biases)
    for got, expected in zip(network.weights + network.biases, weights + biases, strict=True):
        assert got.dtype == np.float32
        assert np.array_equal(got, expected)
    assert network.parameters.size == sum(topology.paths) + sum(topology.layers[1:])


@pytest.mark.parametrize("count", [0, 1, networks.BLOCK, networks.BLOCK + 3])
def test_any_number_of_images(count):
    network = random_network(7, (8, 16, 4), (32, 32))
    inputs = np.random.default_rng(8).uniform(0, 1, (count, 8))
    layers = network.layers(inputs)
    assert [layer.shape for layer in layers] == [(count, 16), (count, 4)]
    for index in range(0, count, 40):
        assert network.infer(inputs[index : index + 1])[0] == pytest.approx(
            layers[-1][index], rel=1e-5, abs=1e-6
        )


def test_cross_entropy():
    logits = np.array([[0.0, 1000.0], [0.0, -1000.0], [50.0, 50.0]], np.float32)
    loss, error = cross_entropy(logits, np.array([0, 1]), 2)
    assert loss == pytest.approx((np.log(2) + 2000) / 2)
    assert error == pytest.approx(np.array([[-0.25, 0.5], [0.25, -0.5], [0, 0]]))


class TestComplaints:
    topology = Topology((4, 8), (8,))

    def test_count(self):
        with pytest.raises(InputError, match="weights must be 1 arrays, not 2"):
            Network(self.topology, [np.zeros(8)] * 2)

    def test_shape(self):
        message = r"biases of junction 1 must have shape \(8,\), not \(4,\)"
        with pytest.raises(InputError, match=message):
            Network(self.topology, [np.zeros(8)], [np.zeros(4)])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_finite(self, bad):
        with pytest.raises(InputError, match="weights of junction 1 must be finite, not NaN"):
            Network(self.topology, [np.full(8, bad)])

    def test_inputs(self):
        message = r"inputs must have shape \(images, 4\), not \(2, 8\)"
        with pytest.raises(InputError, match=message):
            initialize(self.topology).infer(np.zeros((2, 8)))


def test_logits_beyond_float32_are_refused():
    topology = Topology((4, 4, 2), (4, 4))
    network = Network(topology, [np.full(4, 1e30), np.full(4, 1e30)])
    with pytest.raises(InputError, match="logits must be finite: the weights or the inputs"):
        network.infer(np.ones((3, 4)))
