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

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import MAX_BIAS, MAX_SHIFT, Model
from sobolpath.golden.topology.paths import Paths

from . import dense
from .chain import Chain
from .inputs import Inputs, misfit

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


def plan(chain: Chain, paths: Paths, inputs: Inputs) -> Plan:
    """The :class:`Plan` of a quantized ``chain`` on dense ``paths``."""
    reasons: list[str] = []
    if not chain.quantized:
        reasons.append("its weights or activations are floats")
    scale = None if reasons else _input_scale(chain, inputs, reasons)
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
    return Plan(_parts(chain, paths, inputs, parts), (), tuple(even), rounded, tuple(scales))


def _parts(chain, paths, inputs, parts):
    """Weights in path order and biases of padded layers, as a model has them."""
    integers, floats = (
        dense.along(paths, dense.matrices(weights, paths.layers, inputs.places))
        for weights in (parts["weights"], [layer.weights for layer in chain.layers])
    )
    biases, offsets = (
        dense.biases(each, paths.layers)
        for each in (parts["biases"], [layer.bias for layer in chain.layers])
    )
    return {
        "weights": tuple(each.astype(np.int8) for each in integers),
        "biases": tuple(each.astype(np.int32) for each in biases),
        "shifts": tuple(parts["shifts"]),
        "float_weights": tuple(each.astype(np.float32) for each in floats),
        "float_biases": tuple(each.astype(np.float32) for each in offsets),
    }


def _power(values):
    """The one power of two that ``values`` are, else ``None``."""
    value = float(np.ravel(values)[0])
    same = bool((np.ravel(values) == value).all()) and value > 0
    return value if same and np.frexp(value)[0] == 0.5 else None


def _input_scale(chain, inputs, reasons):
    """The value of one step of a byte to the chain; ``None`` or a reason where there is none."""
    quantizer = chain.input
    if quantizer is None:
        scale = _power(inputs.step) if not np.any(inputs.low) else None
        if scale is None:
            reasons.append(
                "one step of an input is no power of two, or 0 is not the least: --inputs 0,"
                "0.99609375 are 255 steps of 1/256"
            )
        return scale
    wrong, scale = misfit(quantizer), _power(quantizer.scale)
    if wrong is not None:
        reasons.append(f"the inputs {wrong}")
    elif scale is None:
        reasons.append("the scale of the inputs is not one power of two")
    elif np.any(inputs.low) or np.any(inputs.step != scale):
        reasons.append("its own inputs are no bytes of these samples")
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
    wrong, scale = misfit(layer.output), _power(layer.output.scale)
    if wrong is not None:
        reasons.append(f"the activations of {layer.name} {wrong}")
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
    chain: Chain, made: Plan, model: Model, inputs: Inputs, images: np.ndarray
) -> list[dict[str, Any]]:
    """How the integers of a model and the chain's own differ, layer by layer.

    ``images`` : ``uint8`` (B, n_0), as the engine takes them. Each entry: ``name``, ``values`` in
    all, ``differ``, and ``largest``, the largest difference in steps. A difference in one layer is
    carried into those behind it.
    """
    result, wanted = [], chain.activations(inputs.floats(images))
    both = zip(wanted, engine.layers(model, images), made.scales, strict=True)
    for layer, (values, found, scale) in zip(chain.layers, both, strict=True):
        distance = np.abs(values / scale - found[:, : values.shape[1]])
        differ = int((distance > 0).sum())
        largest = float(distance.max(initial=0))
        result.append(
            {"name": layer.name, "values": distance.size, "differ": differ, "largest": largest}
        )
    return result
