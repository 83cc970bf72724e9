"""From what a graph does, step by step, to layers: everything elementwise goes into the weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError

from .chain import Chain, Layer, Quantizer


@dataclass(frozen=True)
class Affine:
    """``factor * x + offset``, element by element: arrays of one number, or of one for each."""

    factor: np.ndarray
    offset: np.ndarray


def chain(items: Sequence[Any], labels: tuple | None, notes: Sequence[str]) -> Chain:
    """The :class:`exchange.chain.Chain` of steps: each a ``Layer``, an ``Affine``, a ``Quantizer``,
    or the ceiling of a ReLU, a float. Raises ``InputError`` where layers do not follow.
    """
    notes = list(notes)
    layers, first = _layers(_folded(items, notes), notes)
    if len(layers[-1].bias) == 1:
        layers[-1] = _two_classes(layers[-1], notes)
    named = labels is not None and len(labels) == len(layers[-1].bias)
    return Chain(tuple(layers), first, labels if named else None, tuple(notes))


def _folded(items, notes):
    """The items with elementwise steps in the layers beside them."""
    done: list[Any] = []
    for item in items:
        before = done[-1] if done else None
        if isinstance(item, Affine) and isinstance(before, Layer):
            done[-1] = _scaled(before, item)
        elif isinstance(item, Affine) and isinstance(before, Affine):
            offset = before.offset * item.factor + item.offset
            done[-1] = Affine(before.factor * item.factor, offset)
        elif isinstance(item, Layer) and isinstance(before, Affine):
            done[-1] = _after(before, item)
        elif isinstance(item, Layer) and isinstance(before, Layer):
            bias = item.weights @ before.bias + item.bias
            done[-1] = Layer(item.weights @ before.weights, bias, name=item.name)
            notes.append(f"{before.name} and {item.name} are one layer: nothing is between them")
        elif isinstance(item, Quantizer) and isinstance(before, Affine):
            done[-1:] = _moved(before, item)
        else:
            done.append(item)
    return done


def _scaled(layer, affine):
    """A layer, and then an elementwise step."""
    factor = np.broadcast_to(affine.factor, layer.bias.shape)
    quantizer = layer.quantizer
    if quantizer is not None and (factor != 1).any():
        scale = quantizer.scale * (factor[0] if np.ptp(factor) == 0 else factor[:, None])
        quantizer = replace(quantizer, scale=scale) if (factor > 0).all() else None
    bias = layer.bias * factor + affine.offset
    return replace(layer, weights=layer.weights * factor[:, None], bias=bias, quantizer=quantizer)


def _after(affine, layer):
    """An elementwise step, and then a layer."""
    width = layer.weights.shape[1]
    factor, offset = (np.broadcast_to(a, (width,)) for a in (affine.factor, affine.offset))
    quantizer = layer.quantizer
    if quantizer is not None and (factor != 1).any():
        same = np.ptp(factor) == 0 and factor[0] > 0
        quantizer = replace(quantizer, scale=quantizer.scale * factor[0]) if same else None
    bias = layer.bias + layer.weights @ offset
    return replace(layer, weights=layer.weights * factor, bias=bias, quantizer=quantizer)


def _moved(affine, quantizer):
    """An elementwise factor before a quantizer: the same factor behind another quantizer."""
    if affine.factor.size > 1 or affine.factor[0] <= 0 or affine.offset.any():
        return [affine, quantizer]
    moved = replace(quantizer, scale=quantizer.scale / affine.factor[0])
    return [moved, Affine(affine.factor, np.zeros(1))]


def _layers(items, notes):
    """Layers with what stands between them, and the quantizer of the inputs."""
    first, layers = None, []
    for item in items:
        before = layers[-1] if layers else None
        if isinstance(item, Layer):
            if before is not None and before.ceiling is None:
                raise InputError(
                    f"{before.name} must end in a Relu, or an unsigned Quant, before {item.name}"
                )
            layers.append(replace(item, ceiling=None))
        elif isinstance(item, Quantizer) and before is None and first is None:
            first = item
        elif isinstance(item, Quantizer) and before is not None:
            layers[-1] = _quantized(before, item)
        elif isinstance(item, float) and before is not None:
            layers[-1] = replace(before, ceiling=min(item, before.ceiling or np.inf))
        else:
            where = "before the first layer" if before is None else f"behind {before.name}"
            raise InputError(
                f"what is {where} must be one scale, one offset or one Quant, which go into a layer"
            )
    if not layers:
        raise InputError("the network must have a layer: Gemm or MatMul with constant weights")
    last = layers[-1]
    if last.ceiling is not None or last.output is not None:
        notes.append(f"left out behind {last.name}, the last layer: its Relu or Quant")
    layers[-1] = replace(last, ceiling=np.inf, output=None)
    return layers, first


def _quantized(layer, quantizer):
    """A layer whose output is quantized: without a ReLU before, an unsigned quantizer is one."""
    if quantizer.zero.any():
        raise InputError(f"the output of {layer.name} must have the zero point 0")
    ceiling = np.inf if layer.ceiling is None and not quantizer.signed else layer.ceiling
    return replace(layer, ceiling=ceiling, output=quantizer)


def _two_classes(layer, notes):
    """Two classes in place of one output, whose sign tells them apart."""
    notes.append("one output became two classes: 0 where it is negative, else 1")
    quantizer = layer.quantizer
    if quantizer is not None and quantizer.scale.size > 1:
        quantizer = None
    weights = np.vstack([np.zeros_like(layer.weights), layer.weights])
    return replace(layer, weights=weights, bias=np.array([0.0, layer.bias[0]]), quantizer=quantizer)
