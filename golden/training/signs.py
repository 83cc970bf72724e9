"""The signs that weights start with, by rules, and whether they are balanced at every neuron.

Keller & Van keirsbilck, section 3.2 and 4.3: a sign per path, and as many + as - at each neuron, so
that the weights of a neuron sum to zero. Whether a rule does that follows from algebra. Let the
paths of a junction meet target T i and source S i (matrices over GF(2), linear paths).

- **A linear rule** gives path i the sign of a sum of its digits, a row s: ``parity``, the last
  digit; ``halves``, the first; ``dimension:D``, the first row of that generator matrix. Where s is
  independent of the rows of T, every neuron of the target layer is balanced. Where it is a sum of
  them, *every* one has a single sign. There is nothing in between, and the same holds for S and the
  weights that leave a neuron. That D is the dimension of neither layer is not enough: what counts
  are the rows, cut to the junction's digits. Without repeated edges a linear sign is besides a sign
  of the source times a sign of the target, and all neurons of a layer start with nearly the same
  weighted sum, up to its sign.
- **A quadratic rule** does not split like that. The Rudin-Shapiro sequence is the best known: +
  where the number of pairs of neighbouring ones in the binary index is even, - where it is odd.
  **It is not balanced per neuron**: of 2,048 paths 1,056 are +, and there are neurons of one sign.
  A quadratic rule is balanced at all targets exactly if some v with T v = 0 turns every sign
  (q(i xor v) = q(i) xor 1 for all i): the sum over a neuron's paths is 0 only if the linear part
  of q does not vanish where its bilinear form does, within the null space of T.
- ``balanced`` is built from that: v is the least path other than 0 that meets target 0 as well, u
  the least that meets source 0. Paths that differ by v or by u get opposite signs, by that every
  neuron's weights sum to zero, those that enter it and those that leave it; which of them is +, the
  Rudin-Shapiro sequence says of what is left of the index. More paths keep the signs of the first.
  An edge that repeats never gets both signs by it: it would be no edge. Listed edges, which have no
  matrices, are dealt at random: half of every neuron's incoming edges +, of an odd number one more
  of either.
- ``ratio:R`` is balanced at a neuron only by chance, but for R = 0.5, which is ``halves``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, check_name
from ..topology import gf2, sobol
from ..topology.paths import Paths, log2_exact

RULES = (
    "balanced",
    "rudin-shapiro",
    "parity",
    "halves",
    "ratio:R",
    "dimension:D",
    "random",
    "uniform",
)


def parity(indices: ArrayLike) -> np.ndarray:
    """The number of ones in each index, modulo 2: 0 or 1, ``int64``, the same shape."""
    result = np.array(indices, dtype=np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        result ^= result >> shift
    return result & 1


def check(rule: str, junctions: int) -> None:
    """Raise ``InputError`` unless ``rule`` is one of ``RULES``, with good numbers for R or D.

    R is one number, or one for each of the ``junctions`` joined by ``,``.
    """
    name, colon, text = str(rule).partition(":")
    if not colon or name not in ("ratio", "dimension"):
        check_name("initialization", rule, RULES)
    elif name == "dimension":
        if not _within(text, int, sobol.MAX_DIMENSION):
            raise InputError(
                f"dimension: must be followed by an integer from 0 to {sobol.MAX_DIMENSION}, "
                f"not {text!r}"
            )
    else:
        numbers = text.split(",")
        if len(numbers) not in (1, junctions) or not all(_within(n, float, 1) for n in numbers):
            several = f", or {junctions} of them joined by ','" if junctions > 1 else ""
            raise InputError(
                f"ratio: must be followed by a number from 0 to 1{several}, not {text!r}"
            )


def _within(text, kind, most):
    try:
        return 0 <= kind(text) <= most
    except ValueError:
        return False


def signs(
    rule: str, topology: Paths, junction: int, random: np.random.Generator | None = None
) -> np.ndarray:
    """The signs of the paths of a junction: ``float32`` (N_l,) of +1 and -1.

    ``rule`` is one that :func:`check` takes: ``"balanced"`` and ``"rudin-shapiro"``, see above;
    ``"parity"``, even paths +, odd paths -; ``"halves"``, the first half +; ``"ratio:R"``, the
    first R of all +, rounded to whole paths, with an R for each junction if there are several;
    ``"dimension:D"``, + where component D of the Sobol' sequence is below 1/2; ``"random"`` and
    ``"uniform"`` draw from ``random``, seeded with 0 unless given. Sources: sections 3.2 and 4.3.
    """
    count = topology.paths[junction - 1]
    indices, (name, _, numbers) = np.arange(count), rule.partition(":")
    random = np.random.default_rng(0) if random is None else random
    if name == "balanced" and topology.linear:
        negative = _balanced(topology, junction)
    elif name == "balanced":
        negative = _dealt(topology.edges(junction)[1], random)
    elif name == "rudin-shapiro":
        negative = parity(indices & (indices >> 1))
    elif name == "parity":
        negative = indices & 1
    elif name == "halves":
        negative = indices >= count / 2
    elif name == "ratio":
        each = [float(number) for number in numbers.split(",")]
        negative = indices >= round(each[junction - 1 if len(each) > 1 else 0] * count)
    elif name == "dimension":
        negative = sobol.points(int(numbers), 1, indices)
    else:
        negative = random.integers(0, 2, count)
    return (1 - 2 * negative.astype(np.int64)).astype(np.float32)


def _least(matrix, other):
    """The least i other than 0 that ``matrix`` maps to 0 and ``other`` does not, or ``None``."""
    members = gf2.echelon(gf2.nullspace(matrix).T)
    moved = np.flatnonzero(gf2.product(other, members.T).any(axis=0))
    return int(gf2.integers(members[moved[-1]])) if moved.size else None


def _balanced(topology, junction):
    """Which paths are -, 0 or 1: see the module's text.

    u and v are eliminated one after the other: the highest digit of each is cleared by adding it,
    which turns the sign, and taken out of the index.
    """
    source, target = (topology.matrix(layer, junction) for layer in (junction - 1, junction))
    turns = [_least(target, source), _least(source, target)]
    steps = []  # what is added, its highest digit, whether that turns the sign
    for turn in (turn for turn in turns if turn is not None):
        added, turned = turn, 1
        for step, digit, sign in steps:
            if added >> digit & 1:
                added, turned = added ^ step, turned ^ sign
        steps.append((added, added.bit_length() - 1, turned))
    left, negative = np.arange(topology.paths[junction - 1]), 0
    for step, digit, sign in steps:
        has = left >> digit & 1
        left = np.where(has, left ^ step, left)
        negative = negative ^ (has & sign)
    for digit in sorted((digit for _, digit, _ in steps), reverse=True):
        left = (left >> digit + 1 << digit) | (left & (1 << digit) - 1)
    return negative ^ parity(left & (left >> 1))


def _dealt(target, random):
    """Which edges are -, at random: of the edges of every target half, to rounding."""
    order = np.lexsort((random.random(target.size), target))
    counts = np.bincount(target)
    place = np.arange(target.size) - np.repeat(np.cumsum(counts) - counts, counts)
    negative = np.empty(target.size, np.int64)
    negative[order] = (place + np.repeat(random.integers(0, 2, counts.size), counts)) & 1
    return negative


def balance(topology: Paths, weights: Sequence[np.ndarray]) -> list[dict[str, dict[str, int]]]:
    """What the signs of the weights are at every neuron, per junction: ``into`` and ``out_of`` it.

    ``weights`` : per junction (N_l,), of which the sign bit counts. Each entry is a dict: ``sum``,
    the largest sum of a neuron's signs without its own sign, 0 where all are balanced; ``single``,
    the neurons of two edges or more whose signs are all the same.
    """
    result = []
    for junction, values in zip(topology.junctions, weights, strict=True):
        sign = np.where(np.signbit(values), -1.0, 1.0)
        source, target = topology.edges(junction)
        result.append({"into": _balance(target, sign), "out_of": _balance(source, sign)})
    return result


def _balance(neuron, sign):
    sums, edges = np.abs(np.bincount(neuron, sign)), np.bincount(neuron)
    return {"sum": int(sums.max()), "single": int(((sums == edges) & (edges > 1)).sum())}


def describe(found: Sequence[dict[str, Any]]) -> str:
    """What :func:`balance` found, in words."""
    into, out_of = (max(each[way]["sum"] for each in found) for way in ("into", "out_of"))
    if not into and not out_of:
        return "as many + as - at every neuron, in and out"
    surplus = f"at most {into} more of either" if into else "as many + as -"
    return f"into a neuron {surplus}, out of one at most {out_of} more"


def single(topology: Paths, found: Sequence[dict[str, Any]]) -> str | None:
    """The first junction where neurons have incoming weights of one sign, in words, or ``None``."""
    for junction, each in enumerate(found, 1):
        count = each["into"]["single"]
        if count:
            return (
                f"all weights into {count} of {topology.layers[junction]} neurons of layer "
                f"{junction} start with one sign"
            )
    return None


def balancing(topology: Paths, above: int = -1) -> int | None:
    """The least dimension whose sign balances all neurons of linear paths; ``None`` if none does.

    It is sought among the 64 that follow ``above``. Neurons of a single edge are left out.
    """
    candidates = range(above + 1, min(above + 65, sobol.MAX_DIMENSION + 1))
    return next((d for d in candidates if _dependent(d, topology) is None), None)


def check_dimension(rule: str, topology: Paths) -> None:
    """Raise ``InputError`` where ``dimension:D`` gives all neurons of a linear layer one sign.

    That is a fault and no choice: neurons of nothing but negative weights never fire. The message
    names a dimension that balances all neurons, if one of the next 64 does.
    """
    name, _, number = rule.partition(":")
    if name != "dimension" or not topology.linear:
        return
    bad = _dependent(int(number), topology, targets=True)
    if bad is not None:
        better = balancing(topology, int(number))
        hint = "" if better is None else f"; dimension:{better} balances all"
        raise InputError(
            f"{rule} must not give the neurons of layer {bad} incoming weights of one sign "
            f"each{hint}"
        )


def _dependent(dimension, topology, targets=False):
    """The first layer that a dimension's sign gives one sign each, of fans above 1, or ``None``.

    ``targets`` : look at incoming weights alone.
    """
    for junction in topology.junctions:
        digits = log2_exact(topology.paths[junction - 1], "paths")
        row = sobol.generator_matrix(dimension, 1, digits)[:, ::-1]
        for layer in (junction,) if targets else (junction - 1, junction):
            maps = topology.matrix(layer, junction)
            if len(maps) < digits and gf2.rank(np.vstack([maps, row])) == len(maps):
                return layer
    return None
