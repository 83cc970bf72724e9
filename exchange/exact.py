"""A quantized network as the engine's integers, without quantizing it again.

The contract of :mod:`golden.machine.engine` is met exactly where scales are powers of two, one per
tensor, weights fit int8 and activations are unsigned of 8 bits. With a = log2 of the ratio of the
scales, an activation is ``round((sum + b) / 2**a)`` of an integer sum and a bias b that need not be
whole, and any rounding that goes down, up, or to the nearest with halves up or down is a floor:

    floor((sum + b) / 2**a)           = (sum + floor(b)) >> a
    ceil((sum + b) / 2**a)            = (sum + ceil(b) + 2**a - 1) >> a
    nearest, halves up                = floor((sum + b + 2**a / 2) / 2**a)
    nearest, halves down              = ceil((sum + b - 2**a / 2) / 2**a)

so that the bias takes up the difference to the half that the engine adds. Below 0 all of them end
at the ReLU. Halves to even are no floor: where a sum lies exactly between two integers, the engine
rounds up and the other network perhaps down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sobolpath.golden.data import Preparation
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import MAX_BIAS, MAX_SHIFT, Model
from sobolpath.golden.topology.paths import Paths

from . import dense
from .chain import Chain, Layer, Quantizer

UP = ("HALF_UP", "ROUND", "HALF_EVEN")
EVEN = ("ROUND", "HALF_EVEN")
DOWN = ("FLOOR", "DOWN", "ROUND_TO_ZERO")


@dataclass(frozen=True)
class Plan:
    """The integers of a chain.

    Parameters
    ----------
    model_parts : what a :class:`golden.machine.model.Model` is made of; empty if there are reasons.
    reasons : why the integers cannot be the chain's own, a sentence each.
    even : names of the layers that round halves to even.
    rounded : whether the last bias is not whole, and was rounded.
    scales : the value of one step of each layer's activations; of the last, of its sums.
    """

    model_parts: dict[str, Any]
    reasons: Sequence[str]
    even: Sequence[str]
    rounded: bool
    scales: Sequence[float]


def input_preparation(chain: Chain, preparation: Preparation, low: Any, high: Any) -> Preparation:
    """The preparation that gives the chain's own 8-bit inputs, where it quantizes them so.

    ``low``, ``high`` : what the least and the largest number of ``preparation`` are to the chain.
    """
    quantizer = chain.input
    if quantizer is None or _misfit(quantizer) is not None:
        return preparation
    least, largest = np.array(preparation.least), np.array(preparation.largest)
    unit = (np.broadcast_to(high, least.shape) - low) / np.where(
        largest > least, largest - least, 1
    )
    top = 255 * float(quantizer.scale.ravel()[0])
    ends = (least - low / unit, least + (top - low) / unit)
    begin, end = (tuple(np.ravel(each).tolist()) for each in ends)
    return Preparation(preparation.shape, begin, end, preparation.inputs)


def plan(chain: Chain, paths: Paths, positions: np.ndarray, low: Any, step: Any) -> Plan:
    """The :class:`Plan` of a quantized ``chain`` on dense ``paths``.

    ``low``, ``step`` : what byte 0 and one step of a byte are to the chain, where it does not
    quantize its inputs itself. ``positions`` : the input that each number of a sample becomes.
    """
    reasons: list[str] = []
    if not chain.quantized:
        reasons.append("its weights or activations are floats")
    scale = None if reasons else _input_scale(chain, low, step, reasons)
    if scale is None or reasons:
        return Plan({}, tuple(reasons), (), False, ())
    parts = {"weights": [], "biases": [], "shifts": []}
    scales, even, rounded = [], [], False
    for layer in chain.layers:
        last = layer is chain.layers[-1]
        unit = _weights(layer, parts, reasons) * scale
        bias = layer.bias / unit
        scale, shift = unit, 0
        if last:
            rounded = bool((bias != np.rint(bias)).any())
            whole = np.rint(bias)
        elif layer.output is not None:
            shift = _shift(layer, unit, reasons)
            whole = _offset(bias, shift, layer.output.rounding) - ((1 << shift) >> 1)
            if layer.output.rounding in EVEN and _ties(bias, shift):
                even.append(layer.name)
            scale = float(layer.output.scale.ravel()[0])
        if np.abs(whole).max() > MAX_BIAS:
            reasons.append(f"a bias of {layer.name} is more than 2**29 steps of its sums")
        parts["biases"].append(whole)
        parts["shifts"].append(shift)
        scales.append(scale)
        if reasons:
            break
    if reasons:
        return Plan({}, tuple(reasons), (), False, ())
    return Plan(_parts(chain, paths, positions, parts), (), tuple(even), rounded, tuple(scales))


def _parts(chain, paths, positions, parts):
    """Weights in path order and biases of padded layers, as a model has them."""
    whole = Chain(
        [Layer(w, layer.bias) for w, layer in zip(parts["weights"], chain.layers, strict=True)]
    )
    integers = dense.along(paths, dense.matrices(whole, paths.layers, positions))
    floats = dense.along(paths, dense.matrices(chain, paths.layers, positions))
    biases = [
        np.pad(each, (0, width - len(each)))
        for each, width in zip(parts["biases"], paths.layers[1:], strict=True)
    ]
    return {
        "weights": tuple(each.astype(np.int8) for each in integers),
        "biases": tuple(each.astype(np.int32) for each in biases),
        "shifts": tuple(parts["shifts"]),
        "float_weights": tuple(each.astype(np.float32) for each in floats),
        "float_biases": tuple(
            each.astype(np.float32) for each in dense.biases(chain, tuple(paths.layers))
        ),
    }


def _power(values):
    """The one power of two that ``values`` are, else ``None``."""
    value = float(np.ravel(values)[0])
    same = bool((np.ravel(values) == value).all()) and value > 0
    return value if same and np.frexp(value)[0] == 0.5 else None


def _misfit(quantizer: Quantizer) -> str | None:
    """Why integers of a quantizer are no activations of the engine, or ``None``."""
    if quantizer.zero.any():
        return "have a zero point that is not 0"
    if quantizer.largest != 255:
        kind = "signed" if quantizer.signed else "unsigned"
        return f"are {kind} of {quantizer.bits} bits, and end at {quantizer.largest}, not at 255"
    return None


def _input_scale(chain, low, step, reasons):
    quantizer = chain.input
    if quantizer is None:
        scale = _power(step) if not np.any(low) else None
        if scale is None:
            reasons.append(
                "one step of an input is no power of two, or 0 is not the least: --inputs 0,"
                "0.99609375 are 255 steps of 1/256"
            )
        return scale
    misfit = _misfit(quantizer)
    scale = _power(quantizer.scale)
    if misfit is not None:
        reasons.append(f"the inputs {misfit}")
    elif scale is None:
        reasons.append("the scale of the inputs is not one power of two")
    elif quantizer.rounding not in EVEN:
        reasons.append(f"the inputs are rounded by {quantizer.rounding}, not to the nearest even")
    return scale


def _weights(layer, parts, reasons):
    """Enter the integers of the weights; the value of a step, 1 where there is a reason."""
    quantizer = layer.quantizer
    scale = _power(quantizer.scale)
    if scale is None:
        kind = "one per channel" if quantizer.scale.size > 1 else "no power of two"
        reasons.append(f"the scale of the weights of {layer.name} is {kind}")
        return 1.0
    integers = layer.weights / scale
    if quantizer.zero.any() or (integers != np.rint(integers)).any():
        reasons.append(f"the weights of {layer.name} have a zero point that is not 0")
    elif integers.min() < -128 or integers.max() > 127:
        reasons.append(f"the weights of {layer.name} must be -128 to 127, not of more bits")
    parts["weights"].append(integers)
    return scale


def _shift(layer, unit, reasons):
    """The shift that takes sums to activations; 0 where there is a reason why none does."""
    misfit, scale = _misfit(layer.output), _power(layer.output.scale)
    if misfit is not None:
        reasons.append(f"the activations of {layer.name} {misfit}")
    elif scale is None:
        reasons.append(f"the scale of the activations of {layer.name} is not one power of two")
    elif layer.ceiling < 255 * scale:
        reasons.append(f"the Clip of {layer.name} ends below 255 steps of its activations")
    else:
        shift = int(np.log2(scale / unit))
        if 0 <= shift <= MAX_SHIFT:
            return shift
        reasons.append(
            f"the activations of {layer.name} must be 1 to 2**{MAX_SHIFT} steps of its sums each"
        )
    return 0


def _ties(bias, shift):
    """Whether a whole sum and the bias can lie exactly between two multiples of 2**shift."""
    return bool((bias + 2.0**shift / 2 == np.rint(bias + 2.0**shift / 2)).any())


def _offset(bias, shift, rounding):
    """What is added to a sum before it is shifted right, so that it is rounded as asked."""
    step = 2.0**shift
    if rounding in UP:
        return np.floor(bias + step / 2)
    if rounding in DOWN:
        return np.floor(bias)
    return np.ceil(bias - (step / 2 if rounding == "HALF_DOWN" else 0)) + step - 1


def differences(
    chain: Chain, made: Plan, model: Model, inputs: np.ndarray, images: np.ndarray
) -> list[dict[str, Any]]:
    """How the integers of a model and the chain's own differ, layer by layer.

    ``inputs`` (B, n) are the chain's, ``images`` ``uint8`` (B, n_0) the same as the engine's. Each
    entry: ``name``, ``values`` in all, ``differ``, and ``largest``, the largest difference in
    steps. A difference in one layer is carried into those behind it.
    """
    result = []
    both = zip(chain.activations(inputs), engine.layers(model, images), made.scales, strict=True)
    for layer, (wanted, found, scale) in zip(chain.layers, both, strict=True):
        distance = np.abs(wanted / scale - found[:, : wanted.shape[1]])
        differ = int((distance > 0).sum())
        largest = float(distance.max(initial=0))
        result.append(
            {"name": layer.name, "values": distance.size, "differ": differ, "largest": largest}
        )
    return result
