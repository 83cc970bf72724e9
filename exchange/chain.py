"""A network of others as a chain of dense layers, and what it computes, in ``float64``."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

#: By the name of the rounding mode in QONNX, what it does to numbers.
ROUNDINGS = {
    "ROUND": np.rint,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": lambda x: np.copysign(np.ceil(np.abs(x)), x),
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    "HALF_DOWN": lambda x: np.copysign(np.ceil(np.abs(x) - 0.5), x),
}
#: Other names of the same.
ROUNDINGS["ROUND_TO_ZERO"] = ROUNDINGS["DOWN"]
ROUNDINGS["HALF_EVEN"] = ROUNDINGS["ROUND"]


@dataclass(frozen=True)
class Quantizer:
    """A ``Quant`` node of QONNX: numbers become integers times a scale.

    Parameters
    ----------
    scale : the value of one step, above 0: an array of one number, or one that broadcasts.
    zero : the integer that stands for 0, an array like it.
    bits : of the integers, 2 to 32.
    signed, narrow : their range: from -2**(bits - 1), one more where ``narrow``, or from 0.
    rounding : of ``ROUNDINGS``.
    """

    scale: np.ndarray
    zero: np.ndarray
    bits: int
    signed: bool
    narrow: bool = False
    rounding: str = "ROUND"

    @property
    def least(self) -> int:
        """The least integer."""
        return -(2 ** (self.bits - 1)) + self.narrow if self.signed else 0

    @property
    def largest(self) -> int:
        """The largest integer."""
        return 2 ** (self.bits - 1) - 1 if self.signed else 2**self.bits - 1 - self.narrow

    def integers(self, values: np.ndarray) -> np.ndarray:
        """The integers of ``values``: ``float64``, whole, within the range."""
        scaled = np.asarray(values, np.float64) / self.scale + self.zero
        return ROUNDINGS[self.rounding](np.clip(scaled, self.least, self.largest))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """``values`` rounded: integers times the scale."""
        return (self.integers(values) - self.zero) * self.scale


@dataclass(frozen=True)
class Layer:
    """A dense layer: sums, a bias, and where it is not the last a ReLU.

    Parameters
    ----------
    weights : ``float64`` (m, n), rounded already where ``quantizer`` is given.
    bias : ``float64`` (m,).
    quantizer : of the weights; ``None`` where they are floats.
    ceiling : the largest output, ``inf`` where there is none.
    output : the quantizer of the output, or ``None``.
    name : of its node, for messages.
    """

    weights: np.ndarray
    bias: np.ndarray
    quantizer: Quantizer | None = None
    ceiling: float = np.inf
    output: Quantizer | None = None
    name: str = ""


@dataclass(frozen=True)
class Chain:
    """Layers one after the other.

    Parameters
    ----------
    layers : the first takes the inputs, the last gives the logits.
    input : the quantizer of the inputs, or ``None``.
    labels : what the classes are called, where the file tells.
    notes : what was left out or changed on reading, a sentence each.
    """

    layers: Sequence[Layer]
    input: Quantizer | None = None
    labels: tuple | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs, and the neurons of each layer."""
        return (self.layers[0].weights.shape[1], *(len(layer.bias) for layer in self.layers))

    @property
    def weights(self) -> int:
        """How many weights there are."""
        return sum(layer.weights.size for layer in self.layers)

    @property
    def quantized(self) -> bool:
        """Whether all weights, and all activations between layers, come from quantizers."""
        inner = all(layer.output is not None for layer in self.layers[:-1])
        return inner and all(layer.quantizer is not None for layer in self.layers)

    def activations(self, inputs: np.ndarray) -> list[np.ndarray]:
        """The output of every layer, ``float64`` (B, m), for inputs (B, n)."""
        values, results = np.asarray(inputs, np.float64), []
        if self.input is not None:
            values = self.input(values)
        for layer in self.layers:
            values = values @ layer.weights.T + layer.bias
            if layer is not self.layers[-1]:
                values = np.clip(values, 0, layer.ceiling)
                if layer.output is not None:
                    values = layer.output(values)
            results.append(values)
        return results
