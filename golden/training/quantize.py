"""From a trained float network to the integers of :mod:`golden.machine.engine`.

One step of a weight of junction l is worth ``u_l``, one step of an activation of layer l ``s_l``;
``s_0`` is given with the data. Accumulators then count in steps of ``u_l s_{l-1}``, so the
contract's shift ties the scales together:

    s_l = u_l * s_{l-1} * 2**shift_l

Junction after junction, ``u_l`` runs over a small grid around max|w| / 127, from saturating the
largest weights at half of their size to leaving half of the int8 range unused, and the shift over
those that put the layer's largest activation between 1/4 and 8 times the range of uint8. Kept is
the pair with the least mean squared difference, over training images, between the integer
activations times ``s_l`` and the float network's; the layers before are integers already, so later
scales see the errors of the earlier ones. For the last junction, whose accumulators are the logits,
the shift is 0 and the difference is taken over the classes.

Weights of b bits, 2 to 8, are integers from -m to m, m = 2**(b - 1) - 1, in the same ``int8``: the
hardware runs them as they are. With 8 bits m is 127; with 2 they are ternary. Below 8 bits the grid
begins at a quarter: where steps are few, it pays to saturate more weights.
"""

from typing import Any

import numpy as np

from ..data.preparation import Preparation
from ..errors import InputError
from ..machine.engine import requantize
from ..machine.model import MAX_BIAS, MAX_SHIFT, Model
from .network import BLOCK, Network

BITS = 8  # of a weight, the sign among them: what int8 holds
GRID = 2.0 ** (np.arange(-8, 9) / 8)  # weight scales to try, relative to max|w| / m
WIDE = 2.0 ** (np.arange(-16, 9) / 8)  # with fewer bits
FAR = 2.0 ** (np.arange(-40, 9) / 8)  # for weights of others, of which a few may be very large
CALIBRATION = 1024  # training images that the scales are chosen on, at most


def limit_of(bits: int) -> int:
    """The largest weight of ``bits`` bits, 2 to 8: 1 to 127. Raises ``InputError``."""
    if isinstance(bits, bool) or not isinstance(bits, int) or not 2 <= bits <= BITS:
        raise InputError(f"bits must be an integer from 2 to {BITS}, not {bits!r}")
    return 2 ** (bits - 1) - 1


def _integers(values, scale, limit):
    return np.clip(np.rint(np.asarray(values, np.float64) / scale), -limit, limit)


def _sums(wiring, weights, activations):
    """Weighted sums of integers in floats: ``activations`` (B, n) -> ``float32`` (B, n_l).

    Exact below 2**24, which is ample for choosing a scale.
    """
    table, parts = weights[wiring.path].astype(np.float32), []
    for start in range(0, len(activations), BLOCK):
        columns = np.ascontiguousarray(activations[start : start + BLOCK].T, np.float32)
        parts.append(wiring.sums(table, wiring.gather(columns)).T)
    return np.concatenate(parts)


def _shifts(largest, step):
    """The shifts to try for accumulators that count in ``step`` and mean 0 to ``largest``."""
    if not largest > 0:
        return range(1)
    exact = np.log2(largest / (255 * step))
    low, high = (int(np.clip(np.round(exact) + d, 0, MAX_SHIFT)) for d in (-3, 2))
    return range(low, high + 1)


def _candidates(weights, biases, scale, limit, grid):
    """The weight scales to try, with weights and biases in integers; the biases must be legal."""
    largest = np.abs(weights).max()
    if largest == 0:  # only biases: give them 20 bits
        largest = limit * (np.abs(biases).max() or 1.0) / (scale * 2.0**20)
    for factor in grid:
        unit = float(factor * largest / limit)
        whole = np.rint(biases.astype(np.float64) / (unit * scale))
        if np.abs(whole).max() <= MAX_BIAS:
            yield unit, _integers(weights, unit, limit), whole


def _error(values, wanted):
    return float(np.mean(np.square(values - wanted)))


def _junction(wiring, weights, biases, activations, scale, wanted, last, limit, grid):
    """The best (error, weight scale, shift, weights, biases, next activations) of a junction.

    ``activations`` are integers (B, n_{l-1}) worth ``scale`` each, ``wanted`` the float network's
    activations (B, n_l), of the last junction those of the classes only; ``limit`` is the largest
    integer of a weight.
    """
    best = None
    for unit, whole, offsets in _candidates(weights, biases, scale, limit, grid):
        sums = _sums(wiring, whole, activations) + offsets
        for shift in range(1) if last else _shifts(wanted.max(), unit * scale):
            if last:
                result = sums
                error = _error(sums[:, : wanted.shape[1]] * (unit * scale), wanted)
            else:
                result = requantize(np.rint(sums), shift)
                error = _error(result * (unit * scale * 2.0**shift), wanted)
            if best is None or error < best[0]:
                best = error, unit, shift, whole, offsets, result
    return best


def choose(
    network: Network,
    images: np.ndarray,
    classes: int,
    scale: float,
    bits: int = BITS,
    grid: np.ndarray | None = None,
) -> dict[str, list[Any]]:
    """The integers of a trained network, and what their steps are worth.

    Parameters
    ----------
    network : :class:`golden.training.network.Network`, trained.
    images : ``uint8`` (B, n_0), training images to calibrate on; the first 1,024 are used.
    classes : how many outputs are classes.
    scale : the real value of one step of an input, as in training.
    bits : of a weight, 2 to 8, its sign among them.
    grid : the weight scales to try; by ``bits`` unless given.

    Returns a dictionary of lists, an entry per junction: ``weights``, ``int8`` (N_l,); ``biases``,
    ``int32`` (n_l,); ``shifts``; ``units``, the real value of one step of a weight. Raises
    ``InputError`` where the paths are not linear over GF(2), as the hardware needs, a number is not
    finite, or a bias too large beside its junction's weights for the accumulator.
    """
    network.topology.check_linear()
    limit = limit_of(bits)
    grid = (GRID if bits == BITS else WIDE) if grid is None else grid
    weights, biases = network.weights, network.biases
    for name, arrays in (("weights", weights), ("biases", biases)):
        for junction, array in enumerate(arrays, 1):
            if not np.isfinite(array).all():
                raise InputError(
                    f"{name} of junction {junction} must be finite, not NaN or infinite: "
                    "train with a lower rate"
                )
    activations, step = images[:CALIBRATION], float(scale)
    wanted = network.layers(activations * np.float32(scale))
    wanted[-1] = wanted[-1][:, :classes]
    result = {"weights": [], "biases": [], "shifts": [], "units": []}
    for junction in network.topology.junctions:
        index, last = junction - 1, junction == len(weights)
        best = _junction(
            network.wiring[index],
            weights[index],
            biases[index],
            activations,
            step,
            wanted[index],
            last,
            limit,
            grid,
        )
        if best is None:
            raise InputError(
                f"biases of junction {junction} must be at most 2**29 steps of its accumulator, "
                f"but {np.abs(biases[index]).max():g} is more beside weights of at most "
                f"{np.abs(weights[index]).max():g}: train with a lower rate"
            )
        _, unit, shift, whole, offsets, activations = best
        step *= unit * 2.0**shift
        result["weights"].append(whole.astype(np.int8))
        result["biases"].append(offsets.astype(np.int32))
        result["shifts"].append(shift)
        result["units"].append(unit)
    return result


def quantize(
    network: Network,
    images: np.ndarray,
    classes: int,
    scale: float,
    info: dict[str, Any] | None = None,
    preparation: Preparation | None = None,
    bits: int = BITS,
    grid: np.ndarray | None = None,
) -> Model:
    """Quantize a trained network: a :class:`golden.machine.model.Model`, ``info`` its facts.

    ``preparation`` is that of the images; the other arguments and the errors are those of
    :func:`choose`.
    """
    chosen = choose(network, images, classes, scale, bits, grid)
    return Model(
        topology=network.topology,
        float_weights=tuple(network.weights),
        float_biases=tuple(network.biases),
        input_scale=float(scale),
        classes=classes,
        info=dict(info or {}),
        preparation=preparation,
        **{name: tuple(chosen[name]) for name in ("weights", "biases", "shifts")},
    )
