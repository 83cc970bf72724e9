"""Networks to import, built node by node."""

from itertools import pairwise

import numpy as np
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"


class Graph:
    """A chain of nodes: each takes the last one's output first."""

    def __init__(self, width, shape=None):
        self.nodes, self.constants, self.at = [], [], "x"
        self.kind = TensorProto.FLOAT
        self.input = helper.make_tensor_value_info(
            "x", TensorProto.FLOAT, ["n", *(shape or [width])]
        )

    def constant(self, values, dtype=np.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, operator, *more, domain="", **attributes):
        name = f"{operator}_{len(self.nodes)}"
        inputs = [self.at, *(m if isinstance(m, str) else self.constant(m) for m in more)]
        node = helper.make_node(
            operator, inputs, [f"{name}_out"], name, domain=domain, **attributes
        )
        self.nodes.append(node)
        self.at = f"{name}_out"
        return self

    def quant(self, scale, zero=0, bits=8, signed=0, narrow=0, rounding_mode="ROUND"):
        own = {"signed": signed, "narrow": narrow, "rounding_mode": rounding_mode}
        return self.add("Quant", scale, zero, bits, domain=QONNX, **own)

    def weights(self, values, scale, bits=8, signed=1):
        """A Quant of constant weights (n, m); the name of its output."""
        kept, self.at = self.at, self.constant(values)
        self.quant(scale, 0, bits, signed)
        name, self.at = self.at, kept
        return name

    def model(self, outputs=None):
        output = helper.make_tensor_value_info(self.at, self.kind, None)
        graph = helper.make_graph(
            self.nodes, "g", [self.input], outputs or [output], self.constants
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def save(self, path):
        path.write_bytes(self.model().SerializeToString())
        return path


def floats(widths, seed=0):
    """Random matrices (n, m) and biases (m,) of float layers."""
    random, layers = np.random.default_rng(seed), []
    for n, m in pairwise(widths):
        weights, bias = random.normal(0, 1 / np.sqrt(n), (n, m)), random.normal(0, 0.1, m)
        layers.append((weights.astype(np.float32), bias.astype(np.float32)))
    return layers


def mlp(widths, seed=0):
    """A chain of Gemm and Relu: the graph, and its matrices and biases."""
    graph, layers = Graph(widths[0]), floats(widths, seed)
    for index, (weights, bias) in enumerate(layers):
        graph.add("Gemm", weights, bias)
        if index < len(layers) - 1:
            graph.add("Relu")
    return graph, layers


def quantized(widths, seed, rounding, whole_bias=True, shift=7):
    """A QONNX chain that the engine can meet, and a function of what it gives for bytes.

    The function is of integers alone, and knows nothing of what it is held against.
    """
    random, graph = np.random.default_rng(seed), Graph(widths[0])
    graph.quant(1 / 256)
    scale, steps = 2.0**-8, []
    for index, (n, m) in enumerate(pairwise(widths)):
        integers = random.integers(-128, 128, (n, m))
        unit = 2.0**-6 * scale
        bias = random.integers(-4000, 4000, m) + (0 if whole_bias else 0.375)
        graph.add("MatMul", graph.weights(integers * 2.0**-6, 2.0**-6))
        graph.add("Add", graph.constant(bias * unit))
        last = index == len(widths) - 2
        if not last:
            graph.add("Relu").quant(unit * 2**shift, rounding_mode=rounding)
        steps.append((integers, bias, last))
        scale = unit * 2**shift

    def infer(images):
        values, results = images.astype(np.float64), []
        for integers, bias, last in steps:
            values = values @ integers + bias
            if not last:
                values = rounded(np.maximum(values, 0) / 2**shift, rounding).clip(0, 255)
            results.append(values)
        return results

    return graph, infer


def rounded(values, mode):
    """Numbers of at least 0, rounded by a mode of QONNX, by its definition."""
    whole, part = np.floor(values), values - np.floor(values)
    up = {
        "FLOOR": 0 * part > 0,
        "DOWN": 0 * part > 0,
        "CEIL": part > 0,
        "UP": part > 0,
        "HALF_UP": part >= 0.5,
        "HALF_DOWN": part > 0.5,
        "ROUND": (part > 0.5) | ((part == 0.5) & (whole % 2 == 1)),
    }[mode]
    return whole + up
