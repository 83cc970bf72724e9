"""How weights start: a sign per path, and a magnitude, one per junction or random.

Keller & Van keirsbilck, section 3.1 to 3.3: sparse neurons differ by their connections, so their
weights may start as a constant, and a fixed sign per path balances positive and negative weights.
The signs are those of :mod:`golden.training.signs`.

**The magnitude** is sqrt(6 / (fan-in + fan-out)). The formula's glyphs are garbled in the text that
this was written from (a 6, a root, fan-in + fan-out below a bar), so this is a reading: it is the
bound of Glorot & Bengio's uniform distribution ("Understanding the difficulty of training deep
feedforward neural networks", 2010), in which the same 6 stands under the same root. With fan-in =
fan-out = F the mean square of the weights is 3 / F, near the 2 / F that carries the scale of
activations through ReLUs unchanged (He et al., "Delving deep into rectifiers", 2015). The other
reading, 6 / sqrt(fan-in + fan-out), makes it 18 / F: activations that triple with every layer.
Random magnitudes are uniform from 0 to the same bound: with random signs, Glorot & Bengio's
distribution, of mean square 1 / F. With ``norm:P`` the P-norm of the weights into every neuron is
one (section 3.3): with F of them each is F^(-1/P).
"""

import numpy as np

from ..errors import InputError, check_name
from ..topology.paths import Paths
from . import signs
from .network import Network

MAGNITUDES = ("constant", "random", "norm:P")


def _norm(magnitudes):
    """The P of ``norm:P``, ``None`` for other ``magnitudes``; ``InputError`` for unknown ones."""
    name, colon, text = str(magnitudes).partition(":")
    if name != "norm" or not colon:
        check_name("magnitudes", magnitudes, MAGNITUDES)
        return None
    try:
        power = float(text)
    except ValueError:
        power = 0.0
    if not power >= 1:
        raise InputError(f"norm: must be followed by a number of at least 1, or inf, not {text!r}")
    return power


def initialize(
    topology: Paths,
    rule: str = signs.RULES[0],
    seed: int = 0,
    magnitudes: str = MAGNITUDES[0],
) -> Network:
    """A network with biases 0, and weights with signs by ``rule`` and magnitudes by ``magnitudes``.

    Parameters
    ----------
    topology : the paths.
    rule : as of :func:`golden.training.signs.signs`; or ``"uniform"``, random signs and random
        magnitudes.
    seed : of what is random, at least 0.
    magnitudes : ``"constant"``, sqrt(6 / (fan-in + fan-out)) for each junction; ``"random"``,
        uniform between 0 and that; or ``"norm:P"``, constant for each neuron, so that the P-norm of
        the weights into it is 1, P from 1 to ``inf``. Of no matter for ``"uniform"``.

    Returns a :class:`golden.training.network.Network`. Raises ``InputError`` for an unknown rule,
    a number in it that is none, a dimension that gives neurons one sign, or unknown magnitudes.
    """
    signs.check(rule, len(topology.paths))
    signs.check_dimension(rule, topology)
    power = _norm(magnitudes)
    random, weights = np.random.default_rng(seed), []
    for junction, count in zip(topology.junctions, topology.paths, strict=True):
        bound = np.sqrt(6 / (topology.fan_in(junction) + topology.fan_out(junction)))
        if rule == "uniform":
            weights.append(random.uniform(-bound, bound, count))
            continue
        if power is not None:
            target = topology.edges(junction)[1]
            size = np.bincount(target)[target] ** (-1 / power)
        else:
            size = random.uniform(0, bound, count) if magnitudes == "random" else bound
        weights.append(size * signs.signs(rule, topology, junction, random))
    return Network(topology, weights)
