"""Quantization: the scales' contract, ranges, accuracy on real data, and the complaints."""

import numpy as np
import pytest

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import MAX_BIAS, MAX_SHIFT
from sobolpath.golden.topology.catalogue import LINEAR, TOPOLOGIES, build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import qat, quantize
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.loop import Recipe, train
from sobolpath.golden.training.network import Network

TOPOLOGY = Topology((64, 64, 32, 16), (512, 256, 256))


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def network(digits):
    network = initialize(TOPOLOGY)
    recipe = Recipe(epochs=12)
    train(network, digits.x_train, digits.y_train, digits.classes, recipe, data.INPUT_SCALE)
    return network


@pytest.fixture(scope="module")
def model(digits, network):
    return quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE, {"seed": 0})


def test_accuracy(digits, network, model):
    floats = network.infer(digits.x_test * np.float32(data.INPUT_SCALE))[:, :10].argmax(1)
    integers = engine.classify(model, engine.infer(model, digits.x_test))
    assert (floats == digits.y_test).mean() > 0.9
    assert (floats == integers).mean() > 0.98


def test_what_the_file_keeps(network, model):
    assert model.info == {"seed": 0}
    assert (model.classes, model.input_scale) == (10, data.INPUT_SCALE)
    assert model.shifts[-1] == 0
    for kept, own in zip(
        model.float_weights + model.float_biases, network.weights + network.biases, strict=True
    ):
        assert np.array_equal(kept, own)


def scales(network, model):
    """Each junction's weight scale: the least-squares fit of float weights by integers."""
    return [
        float((w * f).sum() / np.square(w.astype(np.float64)).sum())
        for w, f in zip(model.weights, network.weights, strict=True)
    ]


def test_scales_are_tied_by_the_shifts(digits, network, model):
    """s_l = u_l s_{l-1} 2**shift: the integer layers times their scales are the float layers."""
    inputs = digits.x_test * np.float32(data.INPUT_SCALE)
    step = data.INPUT_SCALE
    layers = zip(engine.layers(model, digits.x_test), network.layers(inputs), strict=True)
    units = scales(network, model)
    for (integers, floats), unit, shift in zip(layers, units, model.shifts, strict=True):
        step *= unit * 2**shift
        error = np.sqrt(np.mean((integers * step - floats) ** 2) / np.mean(floats**2))
        assert error < 0.06


def test_ranges_are_used(digits, model):
    for weights in model.weights:
        assert 64 <= np.abs(weights.astype(int)).max() <= 127
    for layer in engine.layers(model, digits.x_train)[:-1]:
        assert layer.max() > 127


def test_the_largest_weights_of_both_signs_are_the_same_number(digits):
    """A scale that saturates -w and w takes both to 127: -128 would be another weight."""
    topology = Topology((64, 16), (64,))
    weights = np.full(64, 0.5 / 127)  # one step of the smallest scale
    weights[0:4], weights[4:8] = 1.0, -1.0
    images = np.zeros((8, 64), np.uint8)
    images[:, topology.edges(1)[0][8:]] = 255  # the largest ones see nothing, the small ones all
    network = Network(topology, [weights], [np.zeros(16)])
    whole = quantize.quantize(network, images, 16, data.INPUT_SCALE).weights[0]
    assert whole.min() == -127
    assert whole.max() == 127
    assert np.array_equal(whole[:4], -whole[4:8])
    assert np.all(whole[8:] == 1)


class TestBits:
    """Fewer bits in the same int8."""

    @pytest.mark.parametrize(("bits", "least"), [(2, 0.4), (3, 0.85), (4, 0.9), (7, 0.9)])
    def test_ranges(self, digits, network, bits, least):
        few = quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE, bits=bits)
        for weights in few.weights:
            assert weights.dtype == np.int8
            assert weights.min() >= -(2 ** (bits - 1) - 1)
            assert 0 < weights.max() <= 2 ** (bits - 1) - 1
        assert few.weights[0].max() > 2 ** (bits - 1) // 2 or bits == 2
        right = engine.classify(few, engine.infer(few, digits.x_test)) == digits.y_test
        assert right.mean() > least

    def test_eight_are_what_int8_holds(self, digits, network, model):
        same = quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE, bits=8)
        for one, other in zip(same.weights, model.weights, strict=True):
            assert np.array_equal(one, other)

    @pytest.mark.parametrize("bits", [1, 9, 4.0, True])
    def test_refused(self, digits, network, bits):
        with pytest.raises(InputError, match="bits must be an integer from 2 to 8, not "):
            quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE, bits=bits)


def test_weights_and_biases_are_rounded(network, model):
    for whole, floats, unit in zip(
        model.weights, network.weights, scales(network, model), strict=True
    ):
        inside = np.abs(whole.astype(int)) < 127
        assert inside.mean() > 0.9
        assert np.abs(whole * unit - floats)[inside].max() < 0.6 * unit


def test_deterministic(digits, network, model):
    again = quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE)
    for first, second in zip(
        model.weights + model.biases, again.weights + again.biases, strict=True
    ):
        assert np.array_equal(first, second)
    assert model.shifts == again.shifts


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_any_magnitude(digits, network, factor):
    """Scaling one junction's parameters scales the logits; the integers stay as good."""
    weights, biases = network.weights, network.biases
    for index in range(len(biases)):
        biases[index] = biases[index] * np.float32(factor)
    weights[0] = weights[0] * np.float32(factor)
    scaled = Network(TOPOLOGY, weights, biases)
    model = quantize.quantize(scaled, digits.x_train, 10, data.INPUT_SCALE)
    floats = scaled.infer(digits.x_test * np.float32(data.INPUT_SCALE))[:, :10].argmax(1)
    integers = engine.classify(model, engine.infer(model, digits.x_test))
    assert all(0 <= shift <= MAX_SHIFT for shift in model.shifts)
    assert (floats == integers).mean() > 0.98


def test_a_dead_layer_is_legal(digits):
    """No weight, no activation: every scale fits, and the logits are the biases'."""
    zeros = [np.zeros(n) for n in TOPOLOGY.paths]
    biases = [np.zeros(64), np.full(32, -1.0), np.linspace(-1, 1, 16)]
    model = quantize.quantize(Network(TOPOLOGY, zeros, biases), digits.x_train, 16, 1 / 255)
    logits = engine.infer(model, digits.x_test[:3])
    assert np.array_equal(logits[0], model.biases[-1])
    assert np.argmax(logits[0]) == 15
    assert not any(layer.any() for layer in engine.layers(model, digits.x_test[:3])[:-1])


def test_few_images_are_enough(digits, network):
    model = quantize.quantize(network, digits.x_train[:1], 10, data.INPUT_SCALE)
    integers = engine.classify(model, engine.infer(model, digits.x_test))
    assert (integers == digits.y_test).mean() > 0.8


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["weights", "biases"])
def test_not_finite(digits, name, bad):
    network = initialize(TOPOLOGY)
    network.parameters[0 if name == "weights" else -1] = bad
    junction = 1 if name == "weights" else 3
    message = f"{name} of junction {junction} must be finite, not NaN or infinite"
    with pytest.raises(InputError, match=message):
        quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE)


@pytest.mark.parametrize("name", [name for name in TOPOLOGIES if name not in LINEAR])
def test_paths_that_hardware_cannot_run(digits, name):
    """Said at once: not when a file is made of what was found."""
    paths = (512, 512) if name == "dense" else (128, 128)
    network = initialize(build(name, (64, 8, 64), paths))
    message = (
        f"{name} paths are not linear over GF\\(2\\), so the hardware cannot run them: compare"
    )
    with pytest.raises(InputError, match=message):
        quantize.choose(network, digits.x_train, 10, data.INPUT_SCALE)
    with pytest.raises(InputError, match=message):
        quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE)
    samples = digits.x_train, digits.y_train, 10
    with pytest.raises(InputError, match=message):
        qat.train(network, *samples, Recipe(), data.INPUT_SCALE, 1)


def test_biases_beyond_the_accumulator(digits):
    weights = [np.full(n, 1e-9) for n in TOPOLOGY.paths]
    biases = [np.full(n, 1e3) for n in TOPOLOGY.layers[1:]]
    network = Network(TOPOLOGY, weights, biases)
    assert 2 * MAX_BIAS < 1e3 / (1e-9 / 127 / 255)
    with pytest.raises(InputError, match=r"biases of junction 1 must be at most 2\*\*29 steps"):
        quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE)


def test_the_search_finds_better_scales(digits, network, model, monkeypatch):
    """The integer logits, scaled to fit, are closer to the float ones than without."""

    def error(quantized):
        logits = engine.infer(quantized, digits.x_train[:500])[:, :10].ravel().astype(float)
        floats = network.infer(digits.x_train[:500] * np.float32(data.INPUT_SCALE))[:, :10].ravel()
        slope = (logits @ floats) / (logits @ logits)
        return np.mean(np.square(slope * logits - floats))

    monkeypatch.setattr(quantize, "GRID", np.array([1.0]))
    plain = quantize.quantize(network, digits.x_train, 10, data.INPUT_SCALE)
    assert error(model) < 0.95 * error(plain)
