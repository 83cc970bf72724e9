"""Quantized networks as the engine's integers: equal to the integer, or a reason why not."""

import re
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.exchange import dense, exact
from sobolpath.exchange.inputs import Inputs
from sobolpath.exchange.reader import read
from sobolpath.golden.data import Preparation
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model

from .networks import Graph, quantized

MODES = ["FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]


def bytes_of(chain):
    """Bytes that are steps of 1/256 to a chain."""
    preparation = Preparation.of_bytes((chain.widths[0],))
    return Inputs(preparation, chain.widths[0], 0.0, 1 / 256)


def planned(graph, tmp_path, low=0.0, step=1 / 256):
    chain = read(graph.save(tmp_path / "n.onnx"))
    paths = dense.topology(dense.layers(chain, bytes_of(chain).preparation.inputs))
    known = replace(bytes_of(chain), low=low, step=step)
    return chain, paths, exact.plan(chain, paths, known)


def modelled(graph, tmp_path, **more):
    chain, paths, made = planned(graph, tmp_path, **more)
    assert made.reasons == ()
    own = {"input_scale": 1 / 256, "classes": chain.widths[-1]}
    return chain, made, Model(topology=paths, **own, **made.model_parts)


@pytest.mark.parametrize("widths", [(1, 2), (12, 5, 3), (16, 32, 8), (5, 20, 9, 4)])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("whole", [True, False])
def test_every_integer(tmp_path, mode, widths, whole):
    """All layers, all roundings that are floors, whole biases and others, shifts from 0."""
    for seed, shift in enumerate((0, 1, 4, 9)):
        graph, infer = quantized(widths, seed, mode, whole, shift)
        chain, made, model = modelled(graph, tmp_path)
        images = np.random.default_rng(seed).integers(0, 256, (40, widths[0]), np.uint8)
        images[0], images[1] = 0, 255
        padded = Preparation.of_bytes((widths[0],)).apply(images)
        found = engine.layers(model, padded)
        wanted = infer(images)
        for layer, values in zip(found[:-1], wanted[:-1], strict=True):
            assert np.array_equal(layer[:, : values.shape[1]], values)
            assert not layer[:, values.shape[1] :].any()
        assert np.array_equal(found[-1][:, : widths[-1]], np.rint(wanted[-1]))
        assert (made.even, made.rounded) == ((), not whole)
        counted = exact.differences(chain, made, model, bytes_of(chain), padded)
        assert [each["differ"] for each in counted[:-1]] == [0] * (len(widths) - 2)
        assert [each["values"] for each in counted] == [40 * m for m in widths[1:]]
        assert counted[-1]["largest"] == (0 if whole else 0.375)


def test_halves_to_even_are_counted(tmp_path):
    """Every difference is a tie that the other network rounds down."""
    graph, infer = quantized((16, 32, 4), 3, "ROUND", True, 2)
    chain, made, model = modelled(graph, tmp_path)
    assert made.even == (chain.layers[0].name,)
    images = np.random.default_rng(0).integers(0, 256, (400, 16), np.uint8)
    found, wanted = engine.layers(model, images)[0], infer(images)[0]
    counted = exact.differences(chain, made, model, bytes_of(chain), images)[0]
    assert counted["differ"] == (found != wanted).sum() > 20
    assert (counted["largest"], (found - wanted).max()) == (1, 1)
    assert (wanted[found != wanted] % 2 == 0).all()


def test_without_ties_halves_to_even_are_halves_up(tmp_path):
    """Biases of three eighths of a step: no sum lies between two integers."""
    graph, _ = quantized((16, 32, 4), 3, "ROUND", False, 2)
    assert planned(graph, tmp_path)[2].even == ()


def chain_of(*, weights=0.5, output=None, inputs=None, bias=None, kind=8, relu=True, clip=None):
    """A graph of two layers, one thing of which is wrong."""
    graph = Graph(8)
    if inputs is not False:
        graph.quant(**{"scale": 1 / 256, **(inputs or {})})
    graph.add("MatMul", graph.weights(np.full((8, 4), 0.5), weights, kind))
    if bias is not None:
        graph.add("Add", graph.constant(np.full(4, bias)))
    if relu:
        graph.add("Relu" if clip is None else "Clip", *([] if clip is None else [0.0, clip]))
    if output is not False:
        graph.quant(**{"scale": 1 / 64, **(output or {})})
    return graph.add("MatMul", graph.weights(np.full((4, 2), 0.5), 0.5))


def test_what_is_right(tmp_path):
    assert planned(chain_of(), tmp_path)[2].reasons == ()
    assert planned(chain_of(inputs=False), tmp_path)[2].reasons == ()
    assert planned(chain_of(relu=False), tmp_path)[2].reasons == ()
    assert planned(chain_of(clip=4.0), tmp_path)[2].reasons == ()
    assert planned(chain_of(output={"bits": 9, "signed": 1}), tmp_path)[2].reasons == ()


SCALES = "of MatMul_2 is"
STATES = "of MatMul_2 are"
REASONS = [
    ({"weights": 0.3}, f"the scale of the weights {SCALES} no power of two"),
    ({"weights": [0.5, 0.25, 0.5, 0.5]}, f"the scale of the weights {SCALES} one per channel"),
    (
        {"weights": 2.0**-9, "kind": 16},
        "the weights of MatMul_2 must be -128 to 127, not of more bits",
    ),
    ({"output": {"scale": 0.3}}, f"the scale of the activations {SCALES} not one power of two"),
    (
        {"output": {"bits": 4}},
        f"the activations {STATES} unsigned of 4 bits, and end at 15, not at 255",
    ),
    (
        {"output": {"signed": 1}},
        f"the activations {STATES} signed of 8 bits, and end at 127, not at 255",
    ),
    (
        {"output": {"scale": 2.0**-12}},
        r"the activations of MatMul_2 must be 1 to 2\*\*24 steps of its sums each",
    ),
    ({"output": False}, "its weights or activations are floats"),
    ({"clip": 1.0}, "the Clip of MatMul_2 ends below 255 steps of its activations"),
    ({"bias": 2.0**21}, r"a bias of MatMul_2 is more than 2\*\*29 steps of its sums"),
    ({"inputs": {"scale": 0.3}}, "the scale of the inputs is not one power of two"),
    (
        {"inputs": {"signed": 1}},
        "the inputs are signed of 8 bits, and end at 127, not at 255",
    ),
    ({"inputs": {"zero": 3}}, "the inputs have a zero point that is not 0"),
    (
        {"inputs": {"rounding_mode": "FLOOR"}},
        "the inputs are rounded by FLOOR, not to the nearest even",
    ),
]


@pytest.mark.parametrize(("wrong", "reason"), REASONS)
def test_reasons(tmp_path, wrong, reason):
    made = planned(chain_of(**wrong), tmp_path)[2]
    assert len(made.reasons) == 1
    assert re.fullmatch(reason, made.reasons[0])
    assert made.model_parts == {}


@pytest.mark.parametrize(("low", "step"), [(0.0, 1 / 255), (1.0, 1 / 256)])
def test_inputs_that_are_no_power_of_two(tmp_path, low, step):
    made = planned(chain_of(inputs=False), tmp_path, low=low, step=step)[2]
    assert made.reasons[0].startswith("one step of an input is no power of two, or 0 is not the")


@pytest.mark.parametrize("low", [0.0, -0.25])
def test_the_preparation_gives_the_networks_own_inputs(tmp_path, low):
    """Samples of 0 to 16 that are LOW to 1 to the network: the bytes are what its Quant gives."""
    chain = read(chain_of(inputs={"scale": 1 / 128}).save(tmp_path / "n.onnx"))
    preparation = Preparation((8,), (0.0,), (16.0,))
    inputs = Inputs.between(preparation, 8, low, 1.0).quantized(chain)
    own = inputs.preparation
    samples = np.random.default_rng(0).uniform(0, 16, (200, 8))
    given = low + samples * (1 - low) / 16
    assert np.array_equal(own.apply(samples), chain.input.integers(given))
    assert inputs.quantized(chain).preparation == own
    assert np.array_equal(inputs.floats(own.apply(samples)), chain.input(given))
