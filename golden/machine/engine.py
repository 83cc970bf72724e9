"""The bit-exact integer model of the path engine; its cycles are in :mod:`golden.machine.schedule`.

The arithmetic contract, which this file defines
------------------------------------------------
Activations are uint8, weights int8, accumulators int32. In junction l

    acc(y)   = sum of weight(i) * activation(source(i)) over the paths i that end in y, + bias(y)
    act(y)   = clamp((acc(y) + half) >> shift, 0, 255), half = 2**shift / 2 rounded down

with an arithmetic shift; ReLU is the clamp. The last junction's accumulators are the logits.

No accumulator wraps: a neuron has at most 2**15 paths (N_l <= n_{l-1} n_l, with duplicate edges or
without, and widths are at most 2**15), so in any order the products sum to at most
2**15 * 255 * 128 < 2**30 in magnitude; |bias| <= 2**29 and half <= 2**23; in all less than 2**31.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..topology.wiring import wire
from .model import Model

CHUNK = 64  # images at a time: bounds the memory of the gathered activations


def requantize(accumulators: ArrayLike, shift: int) -> np.ndarray:
    """int accumulators -> uint8 activations: add half, shift right, clamp (round half up)."""
    half = (1 << shift) >> 1
    return np.clip((np.asarray(accumulators, np.int64) + half) >> shift, 0, 255).astype(np.uint8)


def check_inputs(model: Model, images: ArrayLike) -> np.ndarray:
    """``images`` as ``uint8`` (images, n_0); ``InputError`` if they are not."""
    images = np.asarray(images)
    width = model.topology.layers[0]
    if images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != width:
        raise InputError(
            f"images must be uint8 of shape (images, {width}), not {images.dtype} of {images.shape}"
        )
    return images


def layers(model: Model, images: ArrayLike) -> list[np.ndarray]:
    """Every layer's integers.

    ``images`` is ``uint8`` (B, n_0) in natural neuron order. Returns a list: for the hidden layers
    ``uint8`` (B, n_l), last the logits, ``int32`` (B, n_L).
    """
    images = check_inputs(model, images)
    wirings, tables = [], []
    for junction, weights in enumerate(model.weights, 1):
        wirings.append(wire(model.topology, junction))
        tables.append(weights[wirings[-1].path].astype(np.float64))
    results = [[] for _ in wirings]
    for start in range(0, max(len(images), 1), CHUNK):
        activations = images[start : start + CHUNK]
        for index, (wiring, table) in enumerate(zip(wirings, tables, strict=True)):
            # In floats of 53 bits, which hold each of these sums exactly: products below 2**30.
            gathered = wiring.gather(np.ascontiguousarray(activations.T, np.float64))
            sums = wiring.sums(table, gathered).T.astype(np.int32)
            accumulators = sums + model.biases[index]
            last = index == len(wirings) - 1
            activations = accumulators if last else requantize(accumulators, model.shifts[index])
            results[index].append(activations)
    return [np.concatenate(parts) for parts in results]


def infer(model: Model, images: ArrayLike) -> np.ndarray:
    """The logits: ``int32`` (B, n_L)."""
    return layers(model, images)[-1]


def classify(model: Model, logits: np.ndarray) -> np.ndarray:
    """The class of each row of logits: the largest of the first ``classes``; a tie, the first."""
    return np.argmax(logits[:, : model.classes], axis=1)
