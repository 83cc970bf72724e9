"""An ONNX or QONNX file read as a :class:`exchange.chain.Chain` of dense layers.

What hangs on constants alone is computed (:mod:`exchange.constants`). The other nodes are followed
from the input on, one after the other. Elementwise scales and offsets, and batch normalization, are
folded into the layers beside them. What follows the logits (softmax, the choice of the class) is
left out, and said.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError

from . import folding
from .chain import Chain
from .constants import Constants
from .files import attributes, load, title
from .nodes import KNOWN, LINEAR, PASSED, Steps

#: Nodes that make classes or probabilities of logits.
ENDING = ("Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "Normalizer", "ZipMap", "TopK", "Hardmax")
WANTED = (
    "Gemm, MatMul, Add, Sub, Mul, Div, Relu, Clip, Quant, QuantizeLinear, BatchNormalization or "
    "Flatten"
)


def read(path: str | Path) -> Chain:
    """Read a file. Raises ``InputError``, in one line that names the node, where it is no chain."""
    model = load(path)
    try:
        return _Reader(model).chain()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


class _Reader:
    """Follows one graph."""

    def __init__(self, model: Any):
        self.graph = model.graph
        self.constants = Constants(model)
        inputs = [each for each in self.graph.input if each.name not in self.constants.known]
        if len(inputs) != 1:
            raise InputError(f"the network must have one input, not {len(inputs)}")
        self.steps = Steps(self.constants, inputs[0])
        self.shapes, self.notes = set(), []
        self.ended, self.dropped, self.labels = set(), [], None

    def chain(self) -> Chain:
        for node in self.graph.node:
            self._follow(node)
        if self.dropped:
            self.notes.append(f"left out behind the logits: {', '.join(self.dropped)}")
        return folding.chain(self.steps.items, self.labels, self.notes)

    def _follow(self, node):
        inputs = [name for name in node.input if name]
        live = [name for name in inputs if name == self.steps.at]
        if any(name in self.ended for name in inputs):
            if node.op_type in (*LINEAR, "Quant", "Conv", "Relu"):
                raise InputError(
                    f"{title(node)} must not come behind {self.dropped[0]}, which ends a network"
                )
            self._drop(node)
        elif live and node.op_type == "Shape":
            self.shapes.update(node.output)
        elif live:
            if len(live) > 1:
                raise InputError(
                    f"{title(node)} must use {self.steps.at} once: a chain has no branches"
                )
            self._step(node)
        elif any(name in self.shapes for name in inputs):
            self.shapes.update(node.output)
        elif all(name in self.constants.known for name in inputs):
            self.constants.compute(node)
        else:
            raise InputError(
                f"{title(node)} must follow the node before it: a chain has no branches"
            )

    def _drop(self, node):
        self.dropped.append(node.op_type)
        self.ended.update(node.output)
        if node.op_type == "ArrayFeatureExtractor":
            names = self.constants.known.get(node.input[0])
            if names is not None:
                self.labels = tuple(_label(each) for each in names.values.ravel())

    def _step(self, node):
        """A node on the way of the samples."""
        kind, name = node.op_type, title(node)
        if kind in ENDING and self.steps.layered:
            self._drop(node)
        elif kind == "Transpose":
            raise InputError(f"{name} must not reorder samples: export the network without it")
        elif kind not in (*KNOWN, *PASSED):
            raise InputError(f"{name} must be {WANTED}: other networks are no chains of layers")
        elif kind == "Cast" and attributes(node)["to"] not in (1, 10, 11, 16):
            if not self.steps.layered:
                raise InputError(f"{name} must be to floats, not integers")
            self._drop(node)
        else:
            self.steps.take(node)


def _label(value):
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode() if isinstance(value, bytes) else value
