"""The arithmetic of learning: the contract that hardware and all golden twins keep.

One image after the other, three sweeps along the paths (Keller & Van keirsbilck, section 3,
equations 2 to 4). A weight is 16 bits, its **master**, of which inference sees the high byte:

    master = 256 high + low,   high and low signed bytes,   high = (master + 128) >> 8

Forwards and backwards compute with ``high`` alone, so what is trained is what runs; only the update
touches ``low``. A bias is 25 bits, split alike: ``high`` is the bias at the scale of accumulators.
All shifts to the right round half up: ``rounded(x, s) = (x + half) >> s``.

    forward    as :mod:`golden.machine.engine`, with the high weights and biases
    output     z = logit; of the true class min(z - 1, 0), of every other one max(z, 0); 16 bits
    backward   error(x) = rounded(sum of high(i) * error(target(i)) over the paths i that begin in
               x, 5), clamped to 16 bits; 0 where the activation of x is 0 or 255
    update     master(i) -= rounded(error(target(i)) * activation(source(i)), shift of the junction)
               bias(y)   -= rounded(error(y) * 128, shift of the junction)

after which masters and biases are clamped. The whole backward sweep comes before any update.

The output's error has no exponential and no division. It is the gradient of half the squares of
what is missing: of how far the true class is below 1, and the others are above 0.

Fractions
---------
Real values are integers times a power of two. Of a master weight 13 digits are behind the point
(so 5 of its high byte, and weights end at 3.98), of an error 14 (they end at 2), of an input 8, of
a hidden activation 6 (they end at 3.98); of the learning rate 2**-rate. Everything else follows
(:meth:`Fractions.shifts`). A bias has the digits of its junction's sums, and 8 more.

No value wraps
--------------
- masters are -(2**15 - 128) to 2**15 - 129, so high is within +-127, and any low will do; biases
  are -(2**24 - 128) to 2**24 - 129, so their high part is within +-65,535; a ``float32`` holds both
  without loss;
- a forward sum is what :mod:`golden.machine.engine` proves it to be, below 2**31;
- a backward sum is at most 512 * 127 * 2**15 = 2**31 - 2**24 in magnitude: that is why at most 512
  paths may begin in a neuron of a hidden layer (:func:`check`); half of the shift is 16;
- the product of an error and an activation is at most 2**15 * 255 < 2**23 in magnitude, half of its
  shift (at most 24) is at most 2**23, and what is left is taken from a master: 25 bits hold it all;
- 128 errors are at most 2**22 in magnitude, and what is taken from a bias is held by 26 bits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..topology.paths import Paths

WEIGHT, HIGH, ERROR = 13, 5, 14  # digits behind the point: of a master, of its high byte, an error
LIMIT = 2**15 - 128  # master weights are -LIMIT to LIMIT - 1
BIAS_LIMIT = 2**24 - 128  # and biases alike
MOST = 512  # paths that begin in a neuron of a hidden layer
SLOWEST = 15  # the largest ``rate``
BIAS_INPUT = 128  # what errors are multiplied with for their biases, as with an activation


def high(master: np.ndarray) -> np.ndarray:
    """What inference sees of a master weight or bias: rounded, half up. The same dtype."""
    return (master + 128) >> 8


def low(master: np.ndarray) -> np.ndarray:
    """What only the update sees: -128 to 127. The same dtype."""
    return master - 256 * high(master)


def rounded(values: ArrayLike, shift: int) -> np.ndarray:
    """``values`` shifted right by ``shift``, rounded half up: ``int64``."""
    return (np.asarray(values, np.int64) + ((1 << shift) >> 1)) >> shift


def error16(values: ArrayLike) -> np.ndarray:
    """``values`` clamped to an error's 16 bits: ``int64``."""
    return np.clip(np.asarray(values, np.int64), -(2**15), 2**15 - 1)


@dataclass(frozen=True)
class Shifts:
    """All shifts of a network at one learning rate; ``Fractions.shifts`` makes them.

    Parameters
    ----------
    forward : per junction, right, from a sum to an activation; the last is 0.
    weights : per junction, right, from error times activation to what is taken of a master weight.
    biases : per junction, right, from 128 errors to what is taken of a bias.
    logits : left, from a logit to an error.
    """

    forward: tuple[int, ...]
    weights: tuple[int, ...]
    biases: tuple[int, ...]
    logits: int

    @property
    def one(self) -> int:
        """The logit that is worth 1."""
        return 1 << ERROR - self.logits


@dataclass(frozen=True)
class Fractions:
    """Digits behind the point of ``inputs`` and of ``hidden`` activations, 0 to 8.

    Inputs must have at least as many as makes no shift negative: ``inputs + 5 >= hidden``. Raises
    ``InputError`` where one is out of range.
    """

    inputs: int = 8
    hidden: int = 6

    def __post_init__(self):
        for name in ("inputs", "hidden"):
            value = getattr(self, name)
            if not 0 <= value <= 8:
                raise InputError(f"fraction of {name} must be 0 to 8 digits, not {value!r}")
        if self.inputs + HIGH < self.hidden:
            raise InputError(
                f"fraction of inputs must be at least {self.hidden - HIGH} digits for "
                f"{self.hidden} of hidden activations, not {self.inputs}"
            )

    def of_layers(self, junctions: int) -> list[int]:
        """Digits behind the point of the activations of layers 0 to ``junctions`` - 1."""
        return [self.inputs] + [self.hidden] * (junctions - 1)

    def shifts(self, junctions: int, rate: int) -> Shifts:
        """The shifts of ``junctions`` junctions at the learning rate 2**-rate.

        Raises ``InputError`` where ``rate`` is not 0 to 15.
        """
        if not 0 <= rate <= SLOWEST:
            raise InputError(f"the rate must be 2**0 to 2**-{SLOWEST}, not 2**{-rate}")
        layers = self.of_layers(junctions)
        following = [*layers[1:], layers[-1] + HIGH]  # logits stay as they are
        return Shifts(
            forward=tuple(own + HIGH - to for own, to in zip(layers, following, strict=True)),
            weights=tuple(ERROR + own - WEIGHT + rate for own in layers),
            biases=tuple(rate + 8 - own for own in layers),
            logits=ERROR - HIGH - layers[-1],
        )


def output_errors(logits: ArrayLike, label: int, shifts: Shifts) -> np.ndarray:
    """The errors of the outputs, equation 2 without exponential: ``int64`` (n_L,), of 16 bits.

    ``logits`` : integers (n_L,); ``label`` : the true class.
    """
    logits = np.asarray(logits, np.int64)
    errors = np.maximum(logits, 0)
    errors[label] = min(int(logits[label]) - shifts.one, 0)
    return error16(errors << shifts.logits)


def bounds(masters: np.ndarray, fixed: bool) -> tuple[ArrayLike, ArrayLike]:
    """The least and the largest that master weights may become: integers, or arrays like them.

    With ``fixed`` signs (section 3.2) magnitudes stop where the sign would change: at 0, and of a
    negative weight at -1, which is 0 in inference. So the sign of every weight stands in its
    master, and needs no place of its own.
    """
    if not fixed:
        return -LIMIT, LIMIT - 1
    return np.where(masters < 0, -LIMIT, 0), np.where(masters < 0, -1, LIMIT - 1)


def clamped_biases(biases: np.ndarray) -> np.ndarray:
    """Biases within their limits."""
    return np.clip(biases, -BIAS_LIMIT, BIAS_LIMIT - 1)


def check(topology: Paths) -> None:
    """Raise ``InputError`` where an error's sum could wrap: see the module."""
    topology.check_linear()
    for junction in topology.junctions[1:]:
        if topology.fan_out(junction) > MOST:
            raise InputError(
                f"at most {MOST} paths may begin in a neuron of a hidden layer, so that no error's "
                f"sum wraps, but {topology.fan_out(junction)} of junction {junction} do"
            )
