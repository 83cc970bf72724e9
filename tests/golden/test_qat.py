"""Quantization-aware training: the engine's integers, gradients, accuracy, complaints."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, model
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import qat, quantize
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.loop import Recipe, train
from sobolpath.golden.training.network import Network

TOPOLOGY = Topology((64, 64, 32, 16), (512, 256, 256))
SCALE = data.INPUT_SCALE


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def network(digits):
    network = initialize(TOPOLOGY)
    train(network, digits.x_train, digits.y_train, 10, Recipe(epochs=12), SCALE)
    return network


def quantized(network, images, classes=10, bits=8):
    chosen = quantize.choose(network, images, classes, SCALE, bits)
    return qat.QuantizedNetwork(network, SCALE, chosen["units"], chosen["shifts"], bits)


def same(network, images):
    """Every layer's integers, and its floats by the steps, are those of the engine."""
    wanted = engine.layers(network.model(10), images)
    integers = network.integers(np.ascontiguousarray(images.T, np.float32))[1:]
    floats = network.layers(images * np.float32(SCALE))
    for own, real, step, layer in zip(integers, floats, network.steps[1:], wanted, strict=True):
        assert np.array_equal(own.T, layer)
        assert np.array_equal(real, (layer * np.float64(step)).astype(np.float32))
    assert len(integers) == len(floats) == len(wanted)
    assert len(np.unique(wanted[0])) > 50  # not all clamped: something was compared


class TestForward:
    def test_engine(self, digits, network):
        same(quantized(network, digits.x_train), digits.x_test)

    def test_start_is_what_quantize_gives(self, digits, network):
        own = quantized(network, digits.x_train).model(10, {"a": 1})
        other = quantize.quantize(network, digits.x_train, 10, SCALE)
        for name in ("weights", "biases", "float_weights", "float_biases"):
            for mine, wanted in zip(getattr(own, name), getattr(other, name), strict=True):
                assert np.array_equal(mine, wanted)
                assert mine.dtype == wanted.dtype
        assert own.shifts == other.shifts
        assert own.info == {"a": 1}

    @pytest.mark.parametrize(("bits", "limit"), [(2, 1), (4, 7)])
    def test_fewer_bits(self, digits, network, bits, limit):
        few = quantized(network, digits.x_train, bits=bits)
        same(few, digits.x_test)
        assert few.first(TOPOLOGY).bits == bits
        assert max(np.abs(weights).max() for weights in few.model(10).weights) == limit

    @pytest.mark.parametrize("name", ["scrambled", "cascaded"])
    def test_other_topologies(self, digits, name):
        paths = build(name, (64, 32, 16), (256, 128), seed=3)
        same(quantized(initialize(paths), digits.x_train), digits.x_test[:50])

    @pytest.mark.parametrize("shift", [0, 1, 8])
    def test_random_parameters_and_sums_beyond_float32(self, shift):
        """1,024 weights a neuron, saturated, and large biases: sums pass 2**24."""
        random = np.random.default_rng(shift)
        topology = Topology((1024, 16, 16), (16384, 16))
        weights = [random.normal(0, 100, n) for n in topology.paths]
        biases = [random.normal(0, 2.0**24, 16) * SCALE, random.normal(0, 9, 16)]
        network = Network(topology, weights, biases)
        own = qat.QuantizedNetwork(network, SCALE, [1.0, 1.0], [shift, 0])
        images = random.integers(0, 256, (40, 1024), np.uint8)
        wanted = engine.layers(own.model(10), images)
        integers = own.integers(np.ascontiguousarray(images.T, np.float32))[1:]
        assert all(np.array_equal(a.T, b) for a, b in zip(integers, wanted, strict=True))
        assert np.abs(own.model(10).biases[0]).max() > 2**24
        assert np.abs(own.model(10).weights[0]).max() == 127


class TestGradients:
    def test_like_the_float_network_s(self, digits, network):
        """Where steps are fine the straight-through gradient is nearly the float network's."""
        own = quantized(network, digits.x_train)
        inputs = (digits.x_train[:256].T * np.float32(SCALE)).astype(np.float32)
        gradients = []
        for each in (network, own):
            out = each.vector()
            loss = each.gradients(inputs, digits.y_train[:256], 10, out)
            gradients.append((loss, out[0].astype(np.float64)))
        (loss, wanted), (loss_qat, got) = gradients
        assert loss_qat == pytest.approx(loss, rel=0.2)
        cosine = wanted @ got / np.sqrt((wanted @ wanted) * (got @ got))
        assert cosine > 0.97

    def test_nothing_passes_a_clamped_weight(self, digits, network):
        own = quantized(network, digits.x_train)
        own.parameters[:512:2] = 1e3
        out = own.vector()
        inputs = np.ones((64, 4), np.float32)
        own.gradients(inputs, np.zeros(4, int), 10, out)
        assert not out[0][:512:2].any()


@pytest.fixture(scope="module")
def trained(digits, network):
    before = network.parameters.copy()
    args = network, digits.x_train, digits.y_train, 10, Recipe(batch=32), SCALE, 4
    results = [qat.train(*args) for _ in range(2)]
    assert np.array_equal(network.parameters, before)
    return results


def test_fewer_bits_are_learnt(digits, network):
    """Ternary weights: the clamp and the straight-through gradient are those of +-1."""
    args = network, digits.x_train, digits.y_train, 10, Recipe(batch=32), SCALE, 6
    own, losses = qat.train(*args, bits=2)
    assert losses[-1] < 0.9 * losses[0]
    few = own.model(10)
    assert all(set(np.unique(weights)) <= {-1, 0, 1} for weights in few.weights)
    start = quantize.quantize(network, digits.x_train, 10, SCALE, bits=2)
    right = [
        (engine.classify(each, engine.infer(each, digits.x_test)) == digits.y_test).mean()
        for each in (start, few)
    ]
    assert right[1] > right[0] + 0.05
    own.parameters[:512] = 1.6 * own.units[0]
    out = own.vector()
    own.gradients(np.ones((64, 4), np.float32), np.zeros(4, int), 10, out)
    assert not out[0][:512].any()


class TestTrain:
    def test_deterministic(self, trained):
        (one, losses), (other, again) = trained
        assert losses == again
        assert len(losses) == 4
        assert np.array_equal(one.parameters, other.parameters)

    def test_learns_and_is_the_engine(self, digits, trained):
        own, losses = trained[0]
        assert losses[-1] < losses[0]
        same(own, digits.x_test)

    def test_integers_stay_near_floats(self, digits, trained):
        own = trained[0][0]
        floats = Network(TOPOLOGY, own.weights, own.biases)
        images, labels = digits.x_train, digits.y_train
        real = floats.infer(images * np.float32(SCALE))[:, :10].argmax(1) == labels
        whole = engine.classify(own.model(10), engine.infer(own.model(10), images)) == labels
        assert whole.mean() > 0.94
        assert abs(real.mean() - whole.mean()) <= 0.003

    def test_padding_stays_silent(self, trained):
        own = trained[0][0].model(10)
        _, target = TOPOLOGY.edges(3)
        assert not own.weights[2][target >= 10].any()
        assert not own.biases[2][10:].any()


def test_units_and_shifts_per_junction(network):
    with pytest.raises(InputError, match="units and shifts must be 3, one per junction, not 2 and"):
        qat.QuantizedNetwork(network, SCALE, [1, 1], [1, 1, 0])


class TestCommand:
    SMALL = ("train", "--data", "digits", "--layers", "64-32-16", "--paths", "256,256")

    def run(self, tmp_path, *more):
        out = [*self.SMALL, "--epochs", "4", "--out", str(tmp_path / "m.npz"), *more]
        return main(out)

    def test_result(self, tmp_path, digits):
        assert self.run(tmp_path, "--qat", "2", "--json", str(tmp_path / "r.json")) == 0
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["qat"] == 2
        assert result["loss_qat"] > 0
        loaded = model.load(tmp_path / "m.npz")
        right = engine.classify(loaded, engine.infer(loaded, digits.x_test)) == digits.y_test
        assert result["accuracy_int"] == right.mean() > 0.8

    def test_negative(self, tmp_path, capsys):
        assert self.run(tmp_path, "--qat", "-1") == 2
        assert "error: qat must be at least 0 epochs, not -1\n" in capsys.readouterr().err
        assert not (tmp_path / "m.npz").exists()

    def test_fewer_bits(self, tmp_path):
        assert self.run(tmp_path, "--bits", "3", "--qat", "1") == 0
        loaded = model.load(tmp_path / "m.npz")
        assert loaded.info["bits"] == 3
        assert max(np.abs(weights).max() for weights in loaded.weights) == 3
        assert self.run(tmp_path) == 0
        assert "bits" not in model.load(tmp_path / "m.npz").info

    def test_bits_out_of_range(self, tmp_path, capsys):
        assert self.run(tmp_path, "--bits", "9") == 2
        wanted = "error: bits must be an integer from 2 to 8, not 9\n"
        assert capsys.readouterr().err == wanted

    @pytest.mark.parametrize(("option", "wanted"), [("qat", 0), ("bits", 8)])
    def test_paths_that_hardware_cannot_run(self, capsys, option, wanted):
        more = ["--topology", "pseudo-random", "--epochs", "1", f"--{option}", "4"]
        assert main([*self.SMALL, *more]) == 2
        wanted = f"{option} must be {wanted} for pseudo-random paths, which have no integers"
        assert capsys.readouterr().err == f"error: {wanted}\n"
