"""The integer transposed junctions: errors flow from targets to sources along the same paths.

The contract, which this file defines: errors are int16, weights the int8 of inference. Through
junction l, backwards,

    acc(x) = sum of weight(i) * error(target(i)) over the paths i that begin in x
    error(x) = clamp((acc(x) + half) >> shift, -2**15, 2**15 - 1), half = 2**shift / 2 rounded down

with an arithmetic shift. Through junction 1 the sums stay as they are, int32. No derivative of an
activation is in it: this is the transposed linear map.

No sum may wrap in 32 bits: a neuron's weights must not sum to more than ``MOST`` in magnitude. A
sum is then at most 2**15 * MOST < 2**31 - 2**23 in magnitude, and half at most 2**23.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..machine.model import MAX_SHIFT, Model
from .visits import visiting_paths

MOST = 2**16 - 2**9  # of a source neuron's weights, summed in magnitude


def check(model: Model, shifts: Sequence[int]) -> None:
    """Raise ``InputError`` unless there is a shift for each junction, and no sum can wrap.

    ``shifts`` : per junction, 0 to 24; the first is 0: the errors at the inputs are raw sums.
    """
    count = len(model.topology.paths)
    if len(shifts) != count or not all(0 <= shift <= MAX_SHIFT for shift in shifts) or shifts[0]:
        raise InputError(
            f"backward shifts must be {count} integers from 0 to {MAX_SHIFT}, the first 0, "
            f"not {tuple(shifts)}"
        )
    for junction in model.topology.junctions:
        sources = model.topology.edges(junction)[0]
        width = model.topology.layers[junction - 1]
        sums = np.bincount(sources, np.abs(model.weights[junction - 1].astype(np.int64)), width)
        if sums.max() > MOST:
            neuron = int(sums.argmax())
            paths = len(visiting_paths(model.topology, junction, junction - 1, neuron))
            raise InputError(
                f"the weights of the {paths} paths from neuron {neuron} of layer {junction - 1} "
                f"must sum to at most {MOST} in magnitude, not {int(sums.max())}: an error's sum "
                "could wrap"
            )


def requantize(sums: ArrayLike, shift: int) -> np.ndarray:
    """int sums -> ``int16`` errors: add half, shift right, clamp."""
    half = (1 << shift) >> 1
    return np.clip((np.asarray(sums, np.int64) + half) >> shift, -(2**15), 2**15 - 1).astype(
        np.int16
    )


def layers(model: Model, errors: ArrayLike, shifts: Sequence[int]) -> list[np.ndarray]:
    """The errors of every layer but the last, from the last but one to the first.

    ``errors`` : ``int16`` (B, n_L), those of the outputs. Returns a list: ``int16`` (B, n_l), last
    that of the inputs, ``int32`` (B, n_0). Raises ``InputError`` where :func:`check` does, or for
    errors of another kind.
    """
    check(model, shifts)
    errors, topology = np.asarray(errors), model.topology
    width = topology.layers[-1]
    if errors.dtype != np.int16 or errors.ndim != 2 or errors.shape[1] != width:
        raise InputError(
            f"errors must be int16 of shape (images, {width}), not {errors.dtype} of {errors.shape}"
        )
    results = []
    for junction in reversed(topology.junctions):
        sources, targets = topology.edges(junction)
        sums = np.zeros((topology.layers[junction - 1], len(errors)), np.int64)
        products = errors[:, targets].astype(np.int64) * model.weights[junction - 1]
        np.add.at(sums, sources, products.T)
        errors = (
            requantize(sums.T, shifts[junction - 1]) if junction > 1 else sums.T.astype(np.int32)
        )
        results.append(errors)
    return results
