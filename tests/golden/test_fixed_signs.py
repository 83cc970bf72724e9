"""Fixed signs: none ever flips, in floats, with integers, in files; free training flips some."""

import numpy as np
import pytest

from sobolpath.golden import data
from sobolpath.golden.machine import model
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import loop as train_module
from sobolpath.golden.training import qat, quantize
from sobolpath.golden.training.growth import extend
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.loop import Optimizer, Recipe, train
from sobolpath.golden.training.network import Network
from sobolpath.golden.training.signs import signs

TOPOLOGY = Topology((64, 32, 16), (256, 256))
SCALE = data.INPUT_SCALE


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def negative(network):
    """The sign bit of every weight, junctions after each other, in path order."""
    return np.signbit(np.concatenate(network.weights))


def trained(digits, topology=TOPOLOGY, rule="balanced", **recipe):
    """A trained network, and its sign bits before."""
    network = initialize(topology, rule, seed=1, magnitudes=recipe.pop("magnitudes", "constant"))
    before = negative(network)
    recipe = Recipe(**{"epochs": 6, "signs": "fixed", **recipe})
    losses = train(network, digits.x_train[:600], digits.y_train[:600], 10, recipe, SCALE)
    assert losses[-1] < losses[0]
    return network, before


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"optimizer": "sgd", "rate": 0.1},
        {"decay": 0.0},
        {"batch": 600},
        {"magnitudes": "random"},
        {"rule": "parity"},
        {"rule": "random"},
        {"rule": "uniform"},
        {"rule": "dimension:7"},
        {"topology": Topology((64, 16), (64,))},
        {"topology": build("cascaded", (64, 32, 16), (256, 128))},
        {"topology": build("pseudo-random", (64, 32, 16), (256, 128))},
    ],
    ids=str,
)
def test_none_flips(digits, recipe):
    network, before = trained(digits, **recipe)
    assert np.array_equal(negative(network), before)
    assert 0 < before.sum() < before.size


def test_after_every_step(digits, monkeypatch):
    steps, signs_met = [], []

    class Watched(Optimizer):
        def step(self, gradient, rate):
            super().step(gradient, rate)
            steps.append(self.parameters[: self.weights].copy())
            signs_met.append(self.signs)

    monkeypatch.setattr(train_module, "Optimizer", Watched)
    trained(digits, rate=0.1, epochs=2)
    assert len(steps) == 2 * -(-600 // 16)
    assert all(np.array_equal(np.signbit(weights), signs_met[0] < 0) for weights in steps)


def test_weights_reach_0_and_leave_it(digits, monkeypatch):
    """Projection stops a weight at 0, and lets it go again."""
    zeros = []

    class Watched(Optimizer):
        def step(self, gradient, rate):
            super().step(gradient, rate)
            zeros.append(self.parameters[: self.weights] == 0)

    monkeypatch.setattr(train_module, "Optimizer", Watched)
    trained(digits, epochs=10, batch=32, rate=0.05)
    zeros = np.array(zeros)
    left = (zeros[:-1] & ~zeros[1:]).any(axis=0)
    padding = 256 * 6 // 16
    assert padding + 5 < zeros[-1].sum() < 256
    assert left.sum() > 5


def test_free_training_flips_some(digits):
    network, before = trained(digits, signs="free")
    weights = np.concatenate(network.weights)
    flipped = (weights != 0) & (np.signbit(weights) != before)
    assert 10 < flipped.sum() < before.size / 2


def test_of_a_ratio_of_1_all_weights_are_magnitudes(digits):
    """Section 3.2: the network that light computes, with no negative weight."""
    network, _ = trained(digits, rule="ratio:1", rate=0.003, decay=0.0)
    assert min(weights.min() for weights in network.weights) == 0
    assert not negative(network).any()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_even_steps_beyond_0(optimizer):
    """Decay that takes more than all of a weight, and steps many times its size."""
    random = np.random.default_rng(0)
    parameters = random.normal(size=50).astype(np.float32)
    before = np.signbit(parameters)
    recipe = Recipe(optimizer=optimizer, rate=10.0, decay=0.3, signs="fixed")
    optimizer = Optimizer(recipe, parameters, weights=40)
    for _ in range(100):
        optimizer.step(random.normal(size=50).astype(np.float32), recipe.rate)
        assert np.array_equal(np.signbit(parameters[:40]), before[:40])
    assert not np.array_equal(np.signbit(parameters[40:]), before[40:])  # biases are free


def test_projected_gradient_descent():
    """SGD by the textbook: a step, then the nearest point with the signs."""
    recipe = Recipe(optimizer="sgd", rate=0.2, momentum=0.0, decay=0.0, signs="fixed")
    parameters = np.array([0.3, -0.3, 0.5, 0.0, -0.0], np.float32)
    optimizer = Optimizer(recipe, parameters, weights=5)
    expected, sign = parameters.astype(float), np.array([1, -1, 1, 1, -1])
    for gradient in np.random.default_rng(3).normal(size=(40, 5)):
        optimizer.step(gradient.astype(np.float32), recipe.rate)
        moved = expected - 0.2 * gradient
        expected = np.where(moved * sign > 0, moved, 0)
        assert parameters == pytest.approx(expected, abs=1e-5)
    assert (parameters != 0).any()


class TestIntegers:
    def check(self, quantized, before):
        """No integer has the wrong sign; how many have one at all."""
        whole = np.concatenate(quantized.weights)
        assert whole.dtype == np.int8
        assert not ((whole < 0) & ~before).any()
        assert not ((whole > 0) & before).any()
        assert np.array_equal(np.signbit(np.concatenate(quantized.float_weights)), before)
        assert (whole != 0).mean() > 0.6

    def test_quantized(self, digits):
        network, before = trained(digits)
        self.check(quantize.quantize(network, digits.x_train, 10, SCALE), before)

    def test_qat_goes_on_with_the_signs(self, digits):
        """Of those too that the floats left on 0: some leave it, on their own side."""
        network, before = trained(digits, rate=0.05)
        recipe = Recipe(signs="fixed", rate=0.1)
        samples = digits.x_train, digits.y_train, 10
        own, losses = qat.train(network, *samples, recipe, SCALE, 4)
        assert len(losses) == 4
        assert np.array_equal(negative(own), before)
        self.check(own.model(10), before)
        was, now = (np.concatenate(each.weights) for each in (network, own))
        assert ((was == 0) & (now > 0)).any()
        assert ((was == 0) & (now < 0)).any()

    def test_free_qat_flips_some(self, digits):
        network, before = trained(digits)
        recipe = Recipe(rate=0.1)
        own, _ = qat.train(network, digits.x_train, digits.y_train, 10, recipe, SCALE, 4)
        whole = np.concatenate(own.model(10).weights)
        assert (((whole < 0) & ~before) | ((whole > 0) & before)).any()

    def test_signs_of_zeros_are_in_the_file(self, digits, tmp_path):
        network, before = trained(digits)
        quantize.quantize(network, digits.x_train, 10, SCALE).save(tmp_path / "m.npz")
        loaded = model.load(tmp_path / "m.npz")
        self.check(loaded, before)
        zeros = np.concatenate(loaded.float_weights) == 0
        assert before[zeros].any()
        assert not before[zeros].all()
        again = Network(TOPOLOGY, loaded.float_weights, loaded.float_biases)
        assert np.array_equal(negative(again), before)


def test_grown_paths_begin_with_0_and_a_sign(digits):
    network, _ = trained(digits)
    larger = Topology(TOPOLOGY.layers, (512, 512))
    wanted = [signs("balanced", larger, junction) for junction in larger.junctions]
    grown = extend(network, larger, [0 * each for each in wanted])
    samples = digits.x_train[:300], digits.y_train[:300], 10
    train(grown, *samples, Recipe(epochs=2, signs="fixed"), SCALE)
    assert np.array_equal(negative(grown), np.concatenate(wanted) < 0)
    assert all(weights[256:].any() for weights in grown.weights)
