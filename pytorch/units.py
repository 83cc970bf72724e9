"""What the steps of weights are worth: checked, and found for a model, whose file does not tell.

A unit u of a junction is right where each float f of it, divided by u, rounds to the integer q of
its path: where f / (q + 1/2) <= u <= f / (q - 1/2) for the magnitudes. What all paths allow is an
interval; clamped integers bound it on one side.
"""

from collections.abc import Sequence

import numpy as np

from ..golden.errors import InputError
from ..golden.machine.model import MAX_BIAS, MAX_SHIFT, Model


def checked(
    count: int, input_scale: float, units: Sequence[float], shifts: Sequence[int], least: int
) -> tuple[list[float], list[int]]:
    """The input's scale and the units as floats, and the shifts; ``InputError`` for wrong ones.

    ``count`` junctions; the others are those of ``QuantizedPathNetwork``.
    """
    shifts = [int(shift) for shift in shifts]
    if len(units) != count or len(shifts) != count:
        raise InputError(
            f"units and shifts must be {count}, one per junction, "
            f"not {len(units)} and {len(shifts)}"
        )
    scales = [float(scale) for scale in (input_scale, *units)]
    if not all(np.isfinite(scale) and scale > 0 for scale in scales):
        raise InputError(f"input_scale and units must be finite and above 0, not {scales}")
    if not all(0 <= shift <= MAX_SHIFT for shift in shifts) or shifts[-1]:
        raise InputError(f"shifts must be integers from 0 to {MAX_SHIFT}, the last 0, not {shifts}")
    if least not in (-127, -128):
        raise InputError(f"least must be -127 or -128, not {least!r}")
    return scales, shifts


def unit(floats: np.ndarray, integers: np.ndarray) -> float | None:
    """The middle of the interval for ``floats`` and ``integers`` (N_l,).

    ``None`` where it is empty, or where all integers are 0 and nothing bounds it from above.
    """
    f, q = np.abs(floats.astype(np.float64)), np.abs(integers.astype(np.float64))
    inside, above = q < 127, q > 0
    low = (f[inside] / (q[inside] + 0.5)).max(initial=0)
    high = (f[above] / (q[above] - 0.5)).min(initial=np.inf)
    return float((low + high) / 2) if low < high < np.inf else None


def latent(model: Model, junction: int, step: float) -> tuple[float, np.ndarray, np.ndarray]:
    """A junction's unit, and floats that round to its integers: weights (N_l,), biases (n_l,).

    ``step`` is what one step of its sources is worth. The floats are the model's wherever these
    round to the integers, else the integers times what they count: ``float64``.
    """
    weights, biases = model.weights[junction - 1], model.biases[junction - 1]
    floats, offsets = model.float_weights[junction - 1], model.float_biases[junction - 1]
    own = unit(floats, weights)
    if own is None:  # a power of two, which no bias is rounded by
        own = 2.0 ** np.ceil(np.log2(float(np.abs(floats).max() or 1.0) / 127))
    return own, _chosen(floats, weights, own, 127), _chosen(offsets, biases, own * step, MAX_BIAS)


def _chosen(floats, integers, unit, most):
    floats = floats.astype(np.float64)
    found = np.clip(np.rint(floats / unit), -most, most)
    return np.where(found == integers, floats, integers * unit)
