"""What a graph computes of constants alone, so that it does not matter how a weight is stored.

Nodes are computed by ONNX's own reference, and quantizers, which must be known as such, here.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError

from .chain import ROUNDINGS, Quantizer
from .files import array, attributes, onnx, title


@dataclass(frozen=True)
class Constant:
    """An array, and the quantizer that made it, or ``None``."""

    values: np.ndarray
    quantizer: Quantizer | None = None


class Constants:
    """The constants of a model: those in the file, and those computed of them.

    ``known`` : by their names, each a :class:`Constant`.
    """

    def __init__(self, model: Any):
        self.model = model
        self.known = {tensor.name: Constant(array(tensor)) for tensor in model.graph.initializer}

    def compute(self, node: Any) -> None:
        """Enter the outputs of a node of constants alone. Raises ``InputError`` where it fails."""
        given = [self.known[name] for name in node.input if name]
        first = given[0].quantizer if given else None
        if node.op_type == "Quant":
            quantizer = self.quantizer(node)
            values = quantizer(self.values(node, 0))
            self.known[node.output[0]] = Constant(values, quantizer)
            return
        if node.op_type == "DequantizeLinear":
            self.known[node.output[0]] = self._dequantized(node)
            return
        helper, kept = onnx("helper"), None
        if node.op_type == "Transpose" and first is not None:
            turned = [np.transpose(a) if a.ndim == 2 else a for a in (first.scale, first.zero)]
            kept = replace(first, scale=turned[0], zero=turned[1])
        elif node.op_type in ("Identity", "Cast"):
            kept = first
        tensors = [onnx("numpy_helper").from_array(c.values, n) for c, n in self._named(node)]
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
        graph = helper.make_graph([node], "constant", [], outputs, tensors)
        opsets = self.model.opset_import
        try:
            whole = helper.make_model(graph, opset_imports=opsets, functions=self.model.functions)
            results = onnx("reference").ReferenceEvaluator(whole).run(None, {})
        except Exception as error:  # whatever the reference raises for what it has not got
            raise InputError(f"{title(node)} must be one that ONNX defines: {error}") from None
        for name, values in zip(node.output, results, strict=True):
            self.known[name] = Constant(np.asarray(values), kept)

    def _named(self, node):
        names = dict.fromkeys(name for name in node.input if name)
        return [(self.known[name], name) for name in names]

    def _dequantized(self, node):
        """Integers of a file times a scale."""
        integers = self.values(node, 0)
        scale = np.asarray(self.values(node, 1), np.float64)
        zero = np.asarray(self.values(node, 2) if len(node.input) > 2 else 0, np.float64)
        axis = attributes(node).get("axis", 1)
        if scale.ndim == 1 and scale.size > 1:
            shape = [1] * integers.ndim
            shape[axis] = -1
            scale, zero = (np.broadcast_to(a, scale.shape).reshape(shape) for a in (scale, zero))
        bits = 8 * integers.dtype.itemsize
        quantizer = Quantizer(scale, zero, bits, integers.dtype.kind == "i")
        return Constant((integers.astype(np.float64) - zero) * scale, quantizer)

    def values(self, node: Any, index: int) -> np.ndarray:
        """Input ``index`` of a node. Raises ``InputError`` where that is no constant."""
        found = self.known.get(node.input[index]) if index < len(node.input) else None
        if found is None:
            raise InputError(f"{title(node)} must have constants beside its input")
        return found.values

    def quantizer(self, node: Any) -> Quantizer:
        """Of a ``Quant`` node. Raises ``InputError`` where its constants are wrong."""
        scale, zero, bits = (np.asarray(self.values(node, k), np.float64) for k in range(1, 4))
        own = attributes(node)
        mode = own.get("rounding_mode", b"ROUND")
        mode = mode.decode("utf-8", "replace").upper() if isinstance(mode, bytes) else mode
        if mode not in ROUNDINGS:
            raise InputError(f"{title(node)} must round by {', '.join(ROUNDINGS)}, not {mode}")
        if bits.size != 1 or bits.ravel()[0] not in range(2, 33):
            raise InputError(f"{title(node)} must have 2 to 32 bits, not {bits.tolist()}")
        if not ((scale > 0) & np.isfinite(scale)).all():
            raise InputError(f"{title(node)} must have finite scales above 0")
        signed, narrow = bool(own.get("signed", 1)), bool(own.get("narrow", 0))
        return Quantizer(scale, zero, int(bits.ravel()[0]), signed, narrow, mode)
