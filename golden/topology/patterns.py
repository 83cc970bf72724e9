"""Topologies to compare with: their edges are listed, not computed, and no hardware here runs them.

Sources: :func:`pseudo_random`, Keller & Van keirsbilck, Fig. 3; :func:`fixed_fan`, Dey et al.,
"Characterizing sparse connectivity patterns in neural networks" (2018), section 2; the six
constructions of Bourely, Boueri & Choromonski, "Sparse neural network topologies" (2017), section
3, where k edges leave each of n sources for m targets, and source i has the edges of source 0
rotated by i. Where that text leaves something open, the function says what is done here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import InputError
from .paths import MAX_LOG2_PATHS, Paths, check_counts


def check_integer(value: Any, name: str, low: int, high: int) -> None:
    """``InputError`` unless ``value`` is an integer from ``low`` to ``high``."""
    good = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not good or not low <= value <= high:
        raise InputError(f"{name} must be an integer from {low} to {high}, not {value!r}")


def check_sizes(
    layers: Sequence[int], paths: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """``InputError`` unless widths and path counts are integers of at least 1; as two tuples."""
    layers, paths = tuple(layers), tuple(paths)
    check_counts(layers, paths)
    for layer, width in enumerate(layers):
        check_integer(width, f"width of layer {layer}", 1, 2**MAX_LOG2_PATHS)
    for junction, count in enumerate(paths, 1):
        check_integer(count, f"paths of junction {junction}", 1, 2**MAX_LOG2_PATHS)
    return tuple(map(int, layers)), tuple(map(int, paths))


@dataclass(frozen=True, eq=False)
class Pattern(Paths):
    """A topology with listed edges. Widths and path counts may be any, and fan-ins may differ.

    Parameters
    ----------
    name : what it is called in messages and reports.
    layers : neurons of each layer, inputs first, at least 1 each.
    ends : per junction the source and the target neuron of every path: a pair of integer arrays.

    Raises ``InputError`` for a neuron that is not there, or a junction without a path.
    """

    name: str
    layers: Sequence[int]
    ends: Sequence

    def __post_init__(self):
        ends = tuple(tuple(np.array(side, np.int64) for side in pair) for pair in self.ends)
        layers, paths = check_sizes(self.layers, [len(pair[0]) for pair in ends])
        for junction, pair in enumerate(ends, 1):
            for layer, neurons in zip((junction - 1, junction), pair, strict=True):
                if neurons.shape != (paths[junction - 1],):
                    raise InputError(
                        f"junction {junction} must have as many sources as targets, "
                        f"not {len(pair[0])} and {len(pair[1])}"
                    )
                if neurons.min() < 0 or neurons.max() >= layers[layer]:
                    raise InputError(
                        f"junction {junction} must meet neurons 0 to {layers[layer] - 1} of layer "
                        f"{layer}, not {neurons.min()} to {neurons.max()}"
                    )
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "paths", paths)

    def edges(self, junction: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target neuron of every path of a junction: two ``int64`` arrays of N_l."""
        return self.ends[junction - 1]


def drand48(seed: int, count: int) -> np.ndarray:
    """The first ``count`` numbers of C's ``drand48`` after ``srand48(seed)``: ``float64``.

    X' = (0x5DEECE66D X + 0xB) mod 2^48, each number X' / 2^48. Twice as many numbers in each step:
    n steps at once are linear as well, X'' = A_n X + C_n.
    """
    mask, state = (1 << 48) - 1, ((int(seed) & 0xFFFFFFFF) << 16) + 0x330E
    factor, term = 0x5DEECE66D, 0xB
    states = np.array([(factor * state + term) & mask], np.uint64)
    while len(states) < count:  # uint64 wraps at 2^64, a multiple of 2^48
        ahead = (states * np.uint64(factor) + np.uint64(term)) & np.uint64(mask)
        states = np.concatenate([states, ahead])
        factor, term = factor * factor & mask, (factor * term + term) & mask
    return states[:count] / 2.0**48


def pseudo_random(layers: Sequence[int], paths: Sequence[int], seed: int = 0) -> Pattern:
    """Fig. 3 of the paper: for every layer, then every path, ``(int) (drand48() * n_l)``.

    Edges may repeat and fan-ins differ. A junction has the first N_l of the longest junction's
    paths. ``seed`` is that of ``srand48``.
    """
    layers, paths = check_sizes(layers, paths)
    longest = max(paths)
    numbers = drand48(seed, len(layers) * longest).reshape(len(layers), longest)
    index = [(row * width).astype(np.int64) for row, width in zip(numbers, layers, strict=True)]
    ends = [(index[n][:count], index[n + 1][:count]) for n, count in enumerate(paths)]
    return Pattern("pseudo-random", layers, ends)


def _degree(name: str, junction: int, sources: int, targets: int, count: int) -> int:
    """k, the edges that leave each source; ``InputError`` if they are not 1 to ``targets``."""
    if count % sources or not sources <= count <= sources * targets:
        raise InputError(
            f"{name} paths of junction {junction} must be a multiple of its {sources} sources, "
            f"{sources} to {sources * targets}, not {count}"
        )
    return count // sources


def _junctions(
    name: str,
    layers: Sequence[int],
    paths: Sequence[int],
    make: Callable[[int, int, int], np.ndarray],
) -> Pattern:
    """The :class:`Pattern` whose junctions are ``make(sources, targets, k)``: target tables."""
    layers, paths = check_sizes(layers, paths)
    ends = []
    for junction, count in enumerate(paths, 1):
        n, m = layers[junction - 1 : junction + 1]
        table = make(n, m, _degree(name, junction, n, m, count))
        ends.append((np.repeat(np.arange(n), table.shape[1]), table.ravel()))
    return Pattern(name, layers, ends)


def dense(layers: Sequence[int], paths: Sequence[int] | None = None) -> Pattern:
    """Every edge once, source after source; ``paths``, where given, must say so."""
    layers, full = check_sizes(layers, [a * b for a, b in pairwise(layers)])
    if paths is not None and tuple(paths) != full:
        raise InputError(f"dense paths must be {','.join(map(str, full))}, every edge once")
    return _junctions("dense", layers, full, lambda n, m, k: np.tile(np.arange(m), (n, 1)))


def fixed_fan(layers: Sequence[int], paths: Sequence[int], seed: int = 0) -> Pattern:
    """Random edges, none twice, with the same fan-out for every source and fan-in for every target.

    Edges are dealt at random; then ends of those that repeat are exchanged with random others until
    none does. Where more than half of all edges are wanted, those left out are dealt.
    """
    random = np.random.default_rng(seed)
    layers, paths = check_sizes(layers, paths)
    ends = []
    for junction, count in enumerate(paths, 1):
        n, m = layers[junction - 1 : junction + 1]
        fan_out = _degree("fixed-fan", junction, n, m, count)
        if count % m:
            raise InputError(
                f"fixed-fan paths of junction {junction} must be a multiple of its {m} targets "
                f"as well, not {count}"
            )
        spared = 2 * fan_out > m
        codes = _deal(n, m, m - fan_out if spared else fan_out, random)
        if spared:
            codes = np.setdiff1d(np.arange(n * m), codes)
        ends.append((codes // m, codes % m))
    return Pattern("fixed-fan", layers, ends)


def _deal(n, m, fan_out, random):
    """n fan_out different edges of constant fan-in, as source * m + target, sorted."""
    source = np.repeat(np.arange(n), fan_out).tolist()
    target = random.permutation(np.arange(n * fan_out) % m).tolist()
    taken, again = set(), []
    for edge, code in enumerate(s * m + t for s, t in zip(source, target, strict=True)):
        if code in taken:
            again.append(edge)
        taken.add(code)
    loose = set(again)
    while again:
        edge, other = again[-1], int(random.integers(len(source)))
        a, b = source[edge] * m + target[other], source[other] * m + target[edge]
        if other in loose or a in taken or b in taken or a == b:
            continue
        taken.remove(source[other] * m + target[other])
        taken |= {a, b}
        target[edge], target[other] = target[other], target[edge]
        loose.discard(again.pop())
    return np.sort(np.array(source, np.int64) * m + np.array(target, np.int64))


def random_edge(layers: Sequence[int], paths: Sequence[int], seed: int = 0) -> Pattern:
    """3.1.1: each of the n m edges with probability k / m, so the count is about N_l, not exactly.

    A junction that gets no edge at all is drawn again.
    """
    random = np.random.default_rng(seed)
    layers, paths = check_sizes(layers, paths)
    ends = []
    for junction, count in enumerate(paths, 1):
        n, m = layers[junction - 1 : junction + 1]
        if count > n * m:
            raise InputError(
                f"random-edge paths of junction {junction} must be 1 to {n * m}, not {count}"
            )
        found = []
        while not found:
            for rows in _row_blocks(n, m):
                chosen = np.argwhere(random.random((len(rows), m)) < count / (n * m))
                found += [chosen + np.array([rows[0], 0])] if len(chosen) else []
        ends.append(tuple(np.concatenate(found).T))
    return Pattern("random-edge", layers, ends)


def random_regular(layers: Sequence[int], paths: Sequence[int], seed: int = 0) -> Pattern:
    """3.1.3: every source has k different targets at random; fan-ins differ."""
    random = np.random.default_rng(seed)

    def table(n, m, k):
        chosen = [
            random.random((len(rows), m)).argpartition(k - 1, axis=1)[:, :k]
            for rows in _row_blocks(n, m)
        ]
        return np.sort(np.concatenate(chosen), axis=1)

    return _junctions("random-regular", layers, paths, table)


def _row_blocks(n, m):
    """The sources 0 to n - 1 in runs, so that numbers for all m targets of a run fit in memory."""
    size = max(2**20 // m, 1)
    return [range(start, min(start + size, n)) for start in range(0, n, size)]


def _rotated(first, n, m):
    return (np.arange(n)[:, None] + np.sort(first)) % m


def random_rotating(layers: Sequence[int], paths: Sequence[int], seed: int = 0) -> Pattern:
    """3.1.2: k different targets at random for source 0, rotated."""
    random = np.random.default_rng(seed)
    return _junctions(
        "random-rotating",
        layers,
        paths,
        lambda n, m, k: _rotated(random.choice(m, k, replace=False), n, m),
    )


def regular_rotating(layers: Sequence[int], paths: Sequence[int]) -> Pattern:
    """3.2.1: targets i to i + k - 1 modulo m (the text's inequality would leave out the first)."""
    return _junctions(
        "regular-rotating", layers, paths, lambda n, m, k: _rotated(np.arange(k), n, m)
    )


def long_short(layers: Sequence[int], paths: Sequence[int]) -> Pattern:
    """3.2.2: half of the k targets in a run, the others evenly over what is left, rotated.

    The run is k // 2 rounded up; the t-th of h others lies in the middle of the t-th of h parts.
    """

    def first(m, k):
        run, h = k - k // 2, k // 2
        far = run + (2 * np.arange(h) + 1) * (m - run) // (2 * max(h, 1))
        return np.concatenate([np.arange(run), far])

    return _junctions("long-short", layers, paths, lambda n, m, k: _rotated(first(m, k), n, m))


def fibonacci(layers: Sequence[int], paths: Sequence[int]) -> Pattern:
    """3.2.3: targets 0 and the Fibonacci numbers 1, 2, 3, 5, 8, ..., k in all, rotated.

    Where the k-th number F_k of 1, 1, 2, 3, ... is m or more, all are multiplied by m / F_k and
    rounded down; a target that is taken gives way to the next free one, after m - 1 to 0. The first
    number, 1, stands for target 0.
    """

    def first(m, k):
        numbers = [1, 1]
        while len(numbers) < k:
            numbers.append(numbers[-1] + numbers[-2])
        last, places = numbers[k - 1], []
        taken = np.zeros(m, bool)
        for index, number in enumerate(numbers[:k]):
            place = (number * m // last if last >= m else number) % m if index else 0
            while taken[place]:
                place = (place + 1) % m
            taken[place] = True
            places.append(place)
        return np.array(places)

    return _junctions("fibonacci", layers, paths, lambda n, m, k: _rotated(first(m, k), n, m))
