"""Normalized neurons: one-norms of 1, the same function, neurons without weights, complaints."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.network import Network
from sobolpath.golden.training.normalize import normalize


def random_network(topology, seed=0, scale=1.0):
    """Weights and biases of no special size, an eighth of the weights 0."""
    random = np.random.default_rng(seed)
    weights = [random.normal(0, scale, n) * (random.random(n) > 1 / 8) for n in topology.paths]
    return Network(topology, weights, [random.normal(0, scale, n) for n in topology.layers[1:]])


def exact(network, inputs):
    """The logits in ``float64``, (B, n_L), edge by edge."""
    layer = inputs.astype(np.float64)
    for junction in network.topology.junctions:
        source, target = network.topology.edges(junction)
        sums = np.tile(network.biases[junction - 1].astype(np.float64), (len(inputs), 1))
        np.add.at(sums.T, target, (layer[:, source] * network.weights[junction - 1]).T)
        layer = np.maximum(sums, 0) if junction < len(network.weights) else sums
    return layer


def norms(network):
    """The one-norm of every neuron's incoming weights, per junction an array (n_l,)."""
    topology = network.topology
    return [
        np.bincount(topology.edges(j)[1], np.abs(network.weights[j - 1]), topology.layers[j])
        for j in topology.junctions
    ]


SHAPES = [((2, 1), (2,)), ((1, 1, 1), (1, 1)), ((64, 128, 128, 16), (2048, 2048, 1024))]
CASES = [Topology(*shape) for shape in SHAPES] + [
    build(name, (64, 32, 16), (256, 128), seed=4) for name in ("cascaded", "pseudo-random")
]


@pytest.mark.parametrize("topology", CASES, ids=lambda t: f"{t.name}-{t.layers}")
@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_same_function(topology, scale):
    network = random_network(topology, seed=1, scale=scale)
    before = network.parameters.copy()
    normalized, factors = normalize(network)
    inputs = np.random.default_rng(1).uniform(0, 1, (200, topology.layers[0]))
    wanted = exact(network, inputs)
    assert np.ptp(wanted) > 0
    got = exact(normalized, inputs) * factors
    assert got == pytest.approx(wanted, rel=1e-4, abs=1e-5 * np.abs(wanted).max())
    assert np.array_equal(network.parameters, before)
    assert (factors > 0).all()


@pytest.mark.parametrize("topology", CASES, ids=lambda t: f"{t.name}-{t.layers}")
def test_densities(topology):
    """Every neuron's norm is 1, or 0 where it was; signs and the order of magnitudes stay."""
    network = random_network(topology)
    normalized, _ = normalize(network)
    for junction, (was, now) in enumerate(zip(norms(network), norms(normalized), strict=True)):
        assert now == pytest.approx((was > 0).astype(float), abs=1e-5)
        assert np.array_equal(
            np.signbit(network.weights[junction]), np.signbit(normalized.weights[junction])
        )


def test_by_hand():
    """1-1-1 neurons: f = 2, then 2 * 3; biases 5 / 2 and 7 / 6."""
    network = Network(Topology((1, 1, 1), (1, 1)), [[-2.0], [3.0]], [[5.0], [7.0]])
    normalized, factors = normalize(network)
    assert [w.tolist() for w in normalized.weights] == [[-1.0], [1.0]]
    assert [b.tolist() for b in normalized.biases] == [[2.5], [np.float32(7 / 6)]]
    assert factors.tolist() == [6.0]


def test_twice_is_once():
    once, factors = normalize(random_network(CASES[2]))
    again, ones = normalize(once)
    assert again.parameters == pytest.approx(once.parameters, rel=1e-5)
    assert ones == pytest.approx(np.ones(16), rel=1e-5)
    assert np.ptp(factors) > 1


def test_constant_magnitudes_become_one_over_fan_in():
    """Section 3.3: a constant makes the norm known from the number of edges."""
    normalized, _ = normalize(initialize(CASES[2]))
    for junction in CASES[2].junctions:
        size = np.abs(normalized.weights[junction - 1])
        assert size == pytest.approx(np.full(size.size, 1 / CASES[2].fan_in(junction)))


def test_neurons_without_weights():
    """All 0, and none at all: the bias stays, and goes on as it was."""
    topology = build("pseudo-random", (16, 64, 16), (64, 64), seed=0)
    fan_in = np.bincount(topology.edges(1)[1], minlength=64)
    network = random_network(topology)
    weights = network.weights
    silent = topology.edges(1)[1] % 2 == 0
    weights[0][silent] = 0
    network = Network(topology, weights, network.biases)
    normalized, factors = normalize(network)
    no_edge = np.flatnonzero(fan_in == 0)
    assert len(no_edge) > 5
    for neurons in (no_edge, np.arange(0, 64, 2)):
        assert np.array_equal(normalized.biases[0][neurons], network.biases[0][neurons])
    inputs = np.random.default_rng(1).uniform(0, 1, (50, 16))
    wanted = exact(network, inputs)
    assert exact(normalized, inputs) * factors == pytest.approx(wanted, abs=1e-4)


def test_signs_of_zeros_stay():
    network = Network(Topology((2, 1), (2,)), [[-0.0, 4.0]])
    (weights,) = normalize(network)[0].weights
    assert np.signbit(weights).tolist() == [True, False]
    assert weights.tolist() == [0, 1]


def test_beyond_float32():
    network = Network(Topology((1, 1), (1,)), [[1e-30]], [[1e30]])
    with pytest.raises(InputError, match="biases of junction 1 must be finite, not NaN or inf"):
        normalize(network)
