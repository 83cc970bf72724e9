"""How a network begins to learn: from constant magnitudes."""

import math

import numpy as np

from ..errors import InputError
from ..training.network import Network
from .arithmetic import SLOWEST, Fractions
from .parameters import Parameters

FRACTIONS = Fractions()
RATE = 5  # the first learning rate is 2**-5 unless given
SHARE = 3 / 8  # of the magnitudes that float training starts with: chosen on validation images


def begin(network: Network, classes: int, *, fixed: bool = False) -> Parameters:
    """The masters of a new float network, whose magnitudes are taken 3/8 as large.

    Outputs beyond ``classes`` are silent. ``fixed`` : signs stay.
    """
    smaller = [own * np.float32(SHARE) for own in network.weights]
    return resume(Network(network.topology, smaller, network.biases), classes, fixed=fixed)


def resume(network: Network, classes: int, *, fixed: bool = False) -> Parameters:
    """The masters of a network as it is, but for outputs beyond ``classes``."""
    network.silence(classes)
    return Parameters.of_network(network, FRACTIONS, fixed=fixed)


def digits_of(rate: float) -> int:
    """The d with ``rate`` = 2**-d. Raises ``InputError`` where it is no such rate."""
    digits = -math.log2(rate) if isinstance(rate, int | float) and 0 < rate < math.inf else -1
    if digits not in range(SLOWEST + 1):
        raise InputError(
            f"rate must be a power of two from 2**-{SLOWEST} to 1 where integers learn, "
            f"not {rate!r}: try {2.0**-RATE}"
        )
    return int(digits)
