"""What each node of a graph does to the samples: a layer, a scale, a ceiling or a rounding."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError

from . import folding
from .chain import Layer, Quantizer
from .constants import Constants
from .files import attributes, title

#: Nodes that leave numbers as they are, but perhaps in another shape.
RESHAPED = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
PASSED = ("Identity", "Dropout", "Cast", *RESHAPED)
LINEAR = ("Gemm", "MatMul")
KNOWN = (
    *(*LINEAR, "Add", "Sub", "Mul", "Div", "BatchNormalization", "Relu", "Clip"),
    *("Quant", "QuantizeLinear", "DequantizeLinear"),
)


class Steps:
    """What was done to the samples so far, one node after the other.

    Parameters
    ----------
    constants : of the graph.
    value : the graph's input, as ONNX declares it.

    Members
    -------
    at : the name of the samples where the last node left them.
    sample : the axes of a sample, a tuple of sizes, 0 where the file leaves one open.
    width : how many numbers a sample has, ``None`` where that is not known yet.
    items : the steps, as :func:`exchange.folding.chain` takes them.
    """

    def __init__(self, constants: Constants, value: Any):
        self.constants, self.at = constants, value.name
        self.sample = tuple(each.dim_value for each in value.type.tensor_type.shape.dim)[1:]
        known = bool(self.sample) and all(self.sample)
        self.width = int(np.prod(self.sample)) if known else None
        self.items: list[Any] = []

    @property
    def layered(self) -> bool:
        """Whether a layer is among the steps."""
        return any(isinstance(item, Layer) for item in self.items)

    def take(self, node: Any) -> None:
        """Enter a node of ``KNOWN`` or ``PASSED`` that stands on the way of the samples.

        Raises ``InputError``, which names the node, where it does what no layer does.
        """
        if node.op_type in KNOWN:
            step: Callable = getattr(self, f"_{node.op_type.lower()}")
            step(node)
        if node.op_type in RESHAPED:
            self.sample = ()
        self.at = node.output[0]

    def _gemm(self, node):
        own = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **attributes(node)}
        if own["transA"] or node.input[0] != self.at:
            raise InputError(f"{title(node)} must multiply samples in rows by weights")
        self._matmul(node, own)
        if len(node.input) > 2 and node.input[2]:
            layer = self.items[-1]
            bias = own["beta"] * np.asarray(self.constants.values(node, 2), np.float64)
            self.items[-1] = replace(layer, bias=layer.bias + _spread(bias, layer, node))

    def _matmul(self, node, own=None):
        own = own or {"alpha": 1.0, "transB": 0}
        if node.input[0] != self.at:
            raise InputError(f"{title(node)} must multiply samples in rows by weights")
        constant = self.constants.known.get(node.input[1]) if len(node.input) > 1 else None
        if constant is None or constant.values.ndim != 2 or not constant.values.size:
            raise InputError(f"{title(node)} must have a constant matrix of weights")
        turn = (lambda a: a) if own["transB"] else (lambda a: a.T if a.ndim == 2 else a)
        weights, quantizer = turn(np.asarray(constant.values, np.float64)), constant.quantizer
        if not np.isfinite(weights).all():
            raise InputError(f"{title(node)} must have finite weights, not NaN or infinite ones")
        if quantizer is not None:
            scale, zero = turn(quantizer.scale), turn(quantizer.zero)
            quantizer = replace(quantizer, scale=own["alpha"] * scale, zero=zero)
        if self.width is not None and self.width != weights.shape[1]:
            raise InputError(
                f"{title(node)} must take the {self.width} numbers that come, "
                f"not {weights.shape[1]}"
            )
        if self.width is None and len(self.sample) > 1:
            raise InputError(f"{title(node)} must follow a Flatten: samples have several axes")
        self.width, self.sample = len(weights), ()
        bias, name = np.zeros(len(weights)), node.name or node.output[0]
        self.items.append(Layer(own["alpha"] * weights, bias, quantizer, name=name))

    def _affine(self, node, factor, offset):
        count = max(factor.size, offset.size)
        if count > 1 and self.width is None:
            self.width = count
        if count not in (1, self.width):
            raise InputError(
                f"{title(node)} must have one constant, or one for each of {self.width} numbers, "
                f"not {count}"
            )
        for values in (factor, offset):
            if not np.isfinite(values).all():
                raise InputError(f"{title(node)} must have finite constants")
        self.items.append(folding.Affine(np.ravel(factor), np.ravel(offset)))

    def _other(self, node):
        """The constant operand of a node of two, and whether it comes first."""
        index = 1 if node.input[0] == self.at else 0
        values = np.asarray(self.constants.values(node, index), np.float64)
        return self._each(values), index == 0

    def _each(self, values):
        """Constants of an axis of the samples, such as one for each channel: one for each number.

        As they are where samples have no axes any more.
        """
        shape = 1, *self.sample
        if values.size == 1 or self.width is None or len(shape) < 3 or values.ndim > len(shape):
            return values
        try:
            return np.broadcast_to(values, shape).ravel()
        except ValueError:
            return values  # which is of no size that fits

    def _add(self, node):
        self._affine(node, np.ones(1), self._other(node)[0])

    def _sub(self, node):
        values, first = self._other(node)
        self._affine(node, np.array([-1.0 if first else 1.0]), values if first else -values)

    def _mul(self, node):
        self._affine(node, self._other(node)[0], np.zeros(1))

    def _div(self, node):
        values, first = self._other(node)
        if first or not values.all():
            raise InputError(f"{title(node)} must divide by constants that are not 0")
        self._affine(node, 1 / values, np.zeros(1))

    def _batchnormalization(self, node):
        own = attributes(node)
        scale, bias, mean, variance = found = [
            np.asarray(self.constants.values(node, k), np.float64) for k in range(1, 5)
        ]
        if own.get("training_mode", 0):
            raise InputError(f"{title(node)} must be as in inference, not in training")
        if len({each.shape for each in found}) > 1 or (variance < 0).any():
            raise InputError(f"{title(node)} must have as many scales as means, variances from 0")
        behind = [1] * (len(self.sample) - 1)  # axes that have no numbers of their own
        scale, bias, mean, variance = (
            self._each(each.reshape(*each.shape, *behind)) for each in found
        )
        factor = scale / np.sqrt(variance + own.get("epsilon", 1e-5))
        self._affine(node, factor, bias - mean * factor)

    def _relu(self, node):
        self.items.append(np.inf)

    def _clip(self, node):
        own = attributes(node)
        ends = [own.get("min", -np.inf), own.get("max", np.inf)]
        for index in (1, 2):
            if len(node.input) > index and node.input[index]:
                end = self.constants.values(node, index)
                ends[index - 1] = float(end.ravel()[0]) if end.size == 1 else np.nan
        if ends[0] != 0 or not ends[1] > 0:
            raise InputError(f"{title(node)} must clip from 0 to a number above, not {ends}")
        self.items.append(float(ends[1]))

    def _quant(self, node):
        self.items.append(self.constants.quantizer(node))

    def _quantizelinear(self, node):
        scale = np.asarray(self.constants.values(node, 1), np.float64)
        zero = self.constants.values(node, 2) if len(node.input) > 2 else np.uint8(0)
        kind = np.asarray(zero).dtype
        quantizer = Quantizer(
            scale, np.asarray(zero, np.float64), 8 * kind.itemsize, kind == "int8"
        )
        self.items.append(quantizer)

    def _dequantizelinear(self, node):
        before = self.items[-1] if self.items else None
        if not isinstance(before, Quantizer):
            raise InputError(f"{title(node)} must follow a QuantizeLinear")
        zero = self.constants.values(node, 2) if len(node.input) > 2 else 0
        same = np.array_equal(self.constants.values(node, 1), before.scale)
        if not (same and np.array_equal(zero, before.zero)):
            raise InputError(
                f"{title(node)} must have the scale and the zero point of its QuantizeLinear"
            )


def _spread(values, layer, node):
    if values.size not in (1, len(layer.bias)):
        raise InputError(
            f"{title(node)} must have a bias of {len(layer.bias)} numbers, not {values.size}"
        )
    return np.broadcast_to(values.ravel(), layer.bias.shape)
