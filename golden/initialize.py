"""How weights start: one magnitude per junction, with a sign per path.

Keller & Van keirsbilck, section 3.1 to 3.3: sparse neurons differ by their connections, so their
weights may start as a constant sqrt(6 / (fan-in + fan-out)), and a fixed sign per path balances
positive and negative weights. The paper gives even paths + and odd paths -. With random paths that
is as good as any; **with Sobol' paths it is not**. The parity of the index is a linear function of
its digits, and without duplicate edges any such function splits into digits of the source plus
digits of the target: the sign of a weight is then a sign of its source times a sign of its target,
and all neurons of a layer start with nearly the same weighted sum, up to its sign. Worse, where the
target's digits alone decide, all weights into a neuron have one sign and half of the layer never
fires: so it is for a target in dimension 0, whose leading digit is the parity of the index.

A quadratic function of the digits does not split. The Rudin-Shapiro sequence is the best known:
+ where the number of pairs of neighbouring ones in the binary index is even, - where it is odd.
It is deterministic, balanced, and needs an AND and an XOR tree. ``golden train --initialization``
and ``--validation`` compare the rules: on digits the quadratic signs train as well as random ones,
parity worse.
"""

import numpy as np

from .errors import InputError
from .network import Network

RULES = ("rudin-shapiro", "parity", "random", "uniform")


def parity(indices):
    """The number of ones in each index, modulo 2: 0 or 1, ``int64``, the same shape."""
    result = np.array(indices, dtype=np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        result ^= result >> shift
    return result & 1


def signs(rule, count, random=None):
    """The sign of the paths 0 to ``count`` - 1: ``float32`` of +1 and -1.

    ``rule`` is ``"rudin-shapiro"``, ``"parity"`` (even paths +, odd paths -) or ``"random"``, which
    draws from ``random``, a ``numpy.random.Generator``.
    """
    indices = np.arange(count)
    if rule == "rudin-shapiro":
        negative = parity(indices & (indices >> 1))
    elif rule == "parity":
        negative = indices & 1
    else:
        negative = random.integers(0, 2, count)
    return (1 - 2 * negative).astype(np.float32)


def initialize(topology, rule="rudin-shapiro", seed=0):
    """A network with biases 0 and weights by ``rule``.

    The magnitude is sqrt(6 / (fan-in + fan-out)) for each junction; ``"uniform"`` draws between
    plus and minus that. ``seed`` matters for ``"random"`` and ``"uniform"`` only. ``InputError``
    for an unknown rule.
    """
    if rule not in RULES:
        raise InputError(f"initialization must be one of {', '.join(RULES)}, not {rule!r}")
    random, weights = np.random.default_rng(seed), []
    for junction, count in zip(topology.junctions, topology.paths, strict=True):
        magnitude = np.sqrt(6 / (topology.fan_in(junction) + topology.fan_out(junction)))
        if rule == "uniform":
            weights.append(random.uniform(-magnitude, magnitude, count))
        else:
            weights.append(magnitude * signs(rule, count, random))
    return Network(topology, weights)
