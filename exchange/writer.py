"""A model as ONNX: standard operators alone, and integers that equal the engine's.

Per junction the sources of every target's paths are gathered, (images, targets, fan-in), multiplied
by the weights and summed, all in ``int32``, which no sum leaves
(:mod:`golden.machine.engine`). Requantization is the contract's: the half is added with the bias, a
sum below 0 becomes 0, and what is left is divided by a power of two and rounded down, the same as
an arithmetic shift. Weights are stored once per path, and none for edges that are not there.
"""

import json
from typing import Any

import numpy as np

from sobolpath.golden.machine.model import Model

from .files import onnx

OPSET, IR = 17, 8  # of 2022: what runs ONNX today reads both


class _Graph:
    """Nodes and constants, as they are added; every node has one result."""

    def __init__(self):
        self.helper, self.numpy = onnx("helper"), onnx("numpy_helper")
        self.nodes, self.constants = [], []

    def constant(self, name, values):
        self.constants.append(self.numpy.from_array(np.asarray(values), name))
        return name

    def add(self, operator, inputs, result, **attributes):
        self.nodes.append(self.helper.make_node(operator, inputs, [result], result, **attributes))
        return result


def _prepare(graph, preparation, samples):
    """From samples as they come, (images, *shape), to the bytes of the input layer."""
    result = samples
    if preparation.kind != "bytes":
        least, factor = preparation.scale(255.0)
        steps = (("Sub", "least", least), ("Mul", "factor", factor))
        for operator, name, values in steps:
            result = graph.add(operator, [result, graph.constant(name, values)], f"by_{name}")
        ends = [graph.constant(name, np.float64(v)) for name, v in (("zero", 0), ("full", 255))]
        result = graph.add("Clip", [result, *ends], "clipped")
        result = graph.add("Cast", [graph.add("Round", [result], "rounded")], "bytes", to=2)
    flat = graph.constant("flat", np.array([-1, int(np.prod(preparation.shape))]))
    result = graph.add("Reshape", [result, flat], "flattened")
    behind = graph.add("Pad", [result, graph.constant("one_more", np.array([0, 0, 0, 1]))], "ended")
    places = np.full(preparation.inputs, np.prod(preparation.shape), np.int64)
    positions = preparation.positions()
    places[positions] = np.arange(len(positions))
    return graph.add("Gather", [behind, graph.constant("places", places)], "padded", axis=1)


def _junction(graph, model, junction, activations):
    """The accumulators of a junction, (images, n_l), and with the half unless it is the last."""
    topology = model.topology
    source, _ = topology.edges(junction)
    order = topology.by_target(junction)
    shape = topology.layers[junction], topology.fan_in(junction)
    index, bias = junction - 1, model.biases[junction - 1]

    def named(name):
        return f"{name}_{junction}"

    sources = graph.constant(named("sources"), source[order].reshape(shape).astype(np.int32))
    weights = graph.constant(named("weights"), model.weights[index][order].reshape(shape))
    result = graph.add("Gather", [activations, sources], named("gathered"), axis=1)
    wide = [
        graph.add("Cast", [each], named(name), to=6)  # int32
        for each, name in ((result, "activations"), (weights, "factors"))
    ]
    result = graph.add("Mul", wide, named("products"))
    axis = graph.constant(named("axis"), np.array([2]))
    result = graph.add("ReduceSum", [result, axis], named("sums"), keepdims=0)
    half = (1 << model.shifts[index]) >> 1
    added = graph.constant(named("biases"), bias + np.int32(half))
    return graph.add("Add", [result, added], named("accumulators"))


def to_onnx(model: Model, prepared: bool = True) -> Any:
    """The ``onnx.ModelProto`` of a model.

    Its inputs are ``samples``, (images, *shape), as the model's preparation takes them: ``uint8``
    where it leaves bytes as they are, else ``double``, and finite. Where the model has no
    preparation, or ``prepared`` is false, they are ``inputs``, ``uint8`` (images, n_0), as the
    engine takes them. Its outputs are ``logits``, ``int32`` (images, classes), and ``class``,
    ``int64`` (images,), the first of the largest. Raises ``InputError`` without the package onnx.
    """
    graph, helper = _Graph(), onnx("helper")
    preparation = model.preparation if prepared else None
    if preparation is None:
        result, shape, kind = "inputs", (model.topology.layers[0],), 2
    else:
        result, shape = "samples", preparation.shape
        kind = 2 if preparation.kind == "bytes" else 11
    begins = helper.make_tensor_value_info(result, kind, ["images", *shape])
    if preparation is not None:
        result = _prepare(graph, preparation, result)
    zero, full = (graph.constant(f"least_{v}", np.int32(v)) for v in (0, 255))
    for junction, shift in zip(model.topology.junctions, model.shifts, strict=True):
        result = _junction(graph, model, junction, result)
        if junction < len(model.shifts):
            result = graph.add("Max", [result, zero], f"positive_{junction}")
            step = graph.constant(f"step_{junction}", np.int32(1 << shift))
            result = graph.add("Div", [result, step], f"shifted_{junction}")
            result = graph.add("Min", [result, full], f"layer_{junction}")
    ends = [graph.constant(name, np.array([v])) for name, v in (("from", 0), ("to", model.classes))]
    graph.add("Slice", [result, *ends, graph.constant("columns", np.array([1]))], "logits")
    graph.add("ArgMax", ["logits"], "class", axis=1, keepdims=0)
    outputs = [
        helper.make_tensor_value_info("logits", 6, ["images", model.classes]),
        helper.make_tensor_value_info("class", 7, ["images"]),
    ]
    body = helper.make_graph(graph.nodes, "sobolpath", [begins], outputs, graph.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    result = helper.make_model(body, opset_imports=opsets, ir_version=IR, producer_name="sobolpath")
    labels = model.info.get("labels")
    if labels is not None:
        helper.set_model_props(result, {"labels": json.dumps(labels)})
    onnx("checker").check_model(result, full_check=True)
    return result
