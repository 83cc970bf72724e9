"""How weights start: a sign per path, and a magnitude, one per junction or random.

Keller & Van keirsbilck, section 3.1 to 3.3: sparse neurons differ by their connections, so their
weights may start as a constant, and a fixed sign per path balances positive and negative weights.

**The magnitude** is sqrt(6 / (fan-in + fan-out)). The formula's glyphs are garbled in the text that
this was written from (a 6, a root, fan-in + fan-out below a bar), so this is a reading: it is the
bound of Glorot & Bengio's uniform distribution ("Understanding the difficulty of training deep
feedforward neural networks", 2010), in which the same 6 stands under the same root. With fan-in =
fan-out = F the mean square of the weights is 3 / F, near the 2 / F that carries the scale of
activations through ReLUs unchanged (He et al., "Delving deep into rectifiers", 2015). The other
reading, 6 / sqrt(fan-in + fan-out), makes it 18 / F: activations that triple with every layer.
Random magnitudes are uniform from 0 to the same bound: with random signs, Glorot & Bengio's
distribution, of mean square 1 / F.

**The signs.** The paper gives even paths + and odd paths -. With random paths that is as good as
any; **with Sobol' paths it is not**. The parity of the index is a linear function of its digits,
and without duplicate edges any such function splits into digits of the source plus digits of the
target: the sign of a weight is then a sign of its source times a sign of its target, and all
neurons of a layer start with nearly the same weighted sum, up to its sign. Worse, where the
target's digits alone decide, all weights into a neuron have one sign and half of the layer never
fires: so it is for a target in dimension 0, whose leading digit is the parity of the index.

A quadratic function of the digits does not split. The Rudin-Shapiro sequence is the best known:
+ where the number of pairs of neighbouring ones in the binary index is even, - where it is odd.
It is deterministic, balanced, and needs an AND and an XOR tree. ``sobolpath train
--initialization`` and ``--validation`` compare the rules: on digits the quadratic signs train as
well as random ones, parity worse.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, check_name
from ..topology import sobol
from ..topology.paths import Paths
from .network import Network

RULES = ("rudin-shapiro", "parity", "halves", "ratio:R", "dimension:D", "random", "uniform")
MAGNITUDES = ("constant", "random")


def parity(indices: ArrayLike) -> np.ndarray:
    """The number of ones in each index, modulo 2: 0 or 1, ``int64``, the same shape."""
    result = np.array(indices, dtype=np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        result ^= result >> shift
    return result & 1


def _check(rule):
    """Raise ``InputError`` unless ``rule`` is one of ``RULES``, with a good number for R or D."""
    name, colon, text = str(rule).partition(":")
    kind = {"ratio": float, "dimension": int}.get(name) if colon else None
    if kind is None:
        check_name("initialization", rule, RULES)
        return
    most = 1 if kind is float else sobol.MAX_DIMENSION
    try:
        good = 0 <= kind(text) <= most
    except ValueError:
        good = False
    if not good:
        what = "a number" if kind is float else "an integer"
        raise InputError(f"{name}: must be followed by {what} from 0 to {most}, not {text!r}")


def signs(rule: str, count: int, random: np.random.Generator | None = None) -> np.ndarray:
    """The sign of the paths 0 to ``count`` - 1: ``float32`` of +1 and -1.

    ``rule`` is ``"rudin-shapiro"``; ``"parity"``, even paths +, odd paths -; ``"halves"``, the
    first half +; ``"ratio:R"``, the first R of all +, 0 to 1, rounded to whole paths;
    ``"dimension:D"``, + where component D of the Sobol' sequence is below 1/2 (D best none of a
    layer); or ``"random"``, which draws from ``random``, seeded with 0 unless given. Sources:
    sections 3.2 and 4.3.
    """
    indices, (name, _, number) = np.arange(count), rule.partition(":")
    if name == "rudin-shapiro":
        negative = parity(indices & (indices >> 1))
    elif name == "parity":
        negative = indices & 1
    elif name == "halves":
        negative = indices >= count / 2
    elif name == "ratio":
        negative = indices >= round(float(number) * count)
    elif name == "dimension":
        negative = sobol.points(int(number), 1, indices)
    else:
        random = np.random.default_rng(0) if random is None else random
        negative = random.integers(0, 2, count)
    return (1 - 2 * negative.astype(np.int64)).astype(np.float32)


def initialize(
    topology: Paths, rule: str = "rudin-shapiro", seed: int = 0, magnitudes: str = "constant"
) -> Network:
    """A network with biases 0, and weights with signs by ``rule`` and magnitudes by ``magnitudes``.

    Parameters
    ----------
    topology : the paths.
    rule : as of :func:`signs`; or ``"uniform"``, random signs and random magnitudes.
    seed : of what is random, at least 0.
    magnitudes : ``"constant"``, sqrt(6 / (fan-in + fan-out)) for each junction, or ``"random"``,
        uniform between 0 and that. Of no matter for ``"uniform"``.

    Returns a :class:`golden.training.network.Network`. Raises ``InputError`` for an unknown rule,
    a number in it that is none, or unknown magnitudes.
    """
    _check(rule)
    check_name("magnitudes", magnitudes, MAGNITUDES)
    random, weights = np.random.default_rng(seed), []
    for junction, count in zip(topology.junctions, topology.paths, strict=True):
        bound = np.sqrt(6 / (topology.fan_in(junction) + topology.fan_out(junction)))
        if rule == "uniform":
            weights.append(random.uniform(-bound, bound, count))
            continue
        size = random.uniform(0, bound, count) if magnitudes == "random" else bound
        weights.append(size * signs(rule, count, random))
    return Network(topology, weights)
