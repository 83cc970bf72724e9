"""A network topology made of paths: which neurons every path visits.

:class:`Paths` is what every topology offers, so that any of them trains and is judged the same way;
:class:`Topology` is the one made of Sobol' paths. The others are in :mod:`golden.topology.linear`
(linear over GF(2): the hardware runs them) and :mod:`golden.topology.patterns` (to compare with),
and :mod:`golden.topology.catalogue` has them all by name.

Path i visits neuron x_l(i) of layer l: the k_l most significant digits of C_l i, with C_l the
generator matrix of the layer's Sobol' dimension (Keller & Van keirsbilck, section 4.3, equation 6).
Junction l joins layer l - 1 to layer l; its edges are those of the paths 0 to N_l - 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from . import gf2, sobol

MAX_LOG2_NEURONS = 15  # the accumulator's proof rests on it: see golden.machine.engine
MAX_LOG2_PATHS = 24


def log2_exact(value: Any, name: str) -> int:
    """The k with ``value == 2**k``; ``InputError`` if there is none."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, np.integer))
        or value < 1
        or value & (value - 1)
    ):
        nearby = (
            f"; the next is {1 << int(value).bit_length()}"
            if isinstance(value, (int, np.integer)) and value > 0
            else ""
        )
        raise InputError(f"{name} must be a power of two, not {value!r}{nearby}")
    return int(value).bit_length() - 1


def check_counts(layers: Sequence[int], paths: Sequence[int]) -> None:
    """Raise ``InputError`` unless there are 2 layers or more, and one path count a junction."""
    if len(layers) < 2:
        raise InputError(f"a network must have at least 2 layers, not {len(layers)}")
    if len(paths) != len(layers) - 1:
        raise InputError(
            f"{len(layers)} layers need {len(layers) - 1} path counts, one per junction, "
            f"not {len(paths)}"
        )


def check_powers(layers: Sequence[int], paths: Sequence[int]) -> None:
    """Raise ``InputError`` unless all are powers of two, within the ranges of :class:`Topology`."""
    for index, width in enumerate(layers):
        if log2_exact(width, f"width of layer {index}") > MAX_LOG2_NEURONS:
            raise InputError(
                f"width of layer {index} must be at most {2**MAX_LOG2_NEURONS}, not {width}"
            )
    for index, count in enumerate(paths, 1):
        source, target = layers[index - 1], layers[index]
        log2_exact(count, f"paths of junction {index}")
        low, high = max(source, target), min(source * target, 2**MAX_LOG2_PATHS)
        if not low <= count <= high:
            raise InputError(
                f"paths of junction {index} ({source} to {target} neurons) must be "
                f"{low} to {high}, not {count}"
            )


class Paths:
    """What every topology offers; its subclasses add ``matrix``, where linear, or ``edges``.

    Members
    -------
    name : what it is called in messages and reports.
    layers, paths : neurons of each layer, inputs first; paths of each junction. Tuples of ``int``.
    digital_shifts : what is added (XOR) to the neurons of each layer after the matrix; 0 but where
        said.
    dimensions : the Sobol' dimension of each layer; empty where there is none.
    linear : whether the neurons are linear functions of the path's number over GF(2), as the
        hardware needs.
    """

    name: str
    layers: tuple[int, ...]
    paths: tuple[int, ...]
    dimensions: tuple[int, ...] = ()
    linear = False

    @property
    def digital_shifts(self) -> tuple[int, ...]:
        return (0,) * len(self.layers)

    @property
    def junctions(self) -> range:
        """The junctions' numbers: 1 to L."""
        return range(1, len(self.layers))

    @property
    def total_paths(self) -> int:
        """Paths summed over junctions: the number of weights, and of multiplications."""
        return sum(self.paths)

    def fan_in(self, junction: int) -> float:
        """Paths that end in a neuron of layer ``junction``: the mean, where neurons differ."""
        return _mean(self.paths[junction - 1], self.layers[junction])

    def fan_out(self, junction: int) -> float:
        """Paths of junction ``junction`` that start in a neuron of layer ``junction - 1``."""
        return _mean(self.paths[junction - 1], self.layers[junction - 1])

    def check_linear(self) -> None:
        """Raise ``InputError`` unless the paths are ``linear``."""
        if not self.linear:
            raise InputError(
                f"{self.name} paths are not linear over GF(2), so the hardware cannot run them: "
                "compare them in floats, and run Sobol' paths or others that are linear"
            )

    def matrix(self, layer: int, junction: int) -> np.ndarray:
        """The map from a path of ``junction`` to its neuron in ``layer``, digits MSD first.

        ``uint8`` (k_l, log2(N_l)). Raises ``InputError`` unless the paths are ``linear``.
        """
        self.check_linear()
        raise NotImplementedError(f"{type(self).__name__} must have a matrix")

    def edges(self, junction: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target neuron of every path of a junction: two ``int64`` arrays of N_l."""
        indices = np.arange(self.paths[junction - 1])
        source, target = (
            gf2.apply(self.matrix(layer, junction), indices) ^ self.digital_shifts[layer]
            for layer in (junction - 1, junction)
        )
        return source, target

    def by_target(self, junction: int) -> np.ndarray:
        """A junction's paths in the order of their targets, then their own: ``int64`` (N_l,)."""
        return np.argsort(self.edges(junction)[1], kind="stable")

    def duplicates(self, junction: int) -> int:
        """Paths of a junction whose edge an earlier path already has."""
        source, target = self.edges(junction)
        return source.size - np.unique(source * self.layers[junction] + target).size

    @cached_property
    def lane_maps(self) -> dict[tuple[int, int], Any]:
        """What :mod:`golden.machine.lanes` has worked out, by the lanes and the input width."""
        return {}


def _mean(paths: int, neurons: int) -> float:
    return paths / neurons if paths % neurons else paths // neurons


@dataclass(frozen=True)
class Topology(Paths):
    """A topology of Sobol' paths.

    Parameters
    ----------
    layers : neurons of each layer, inputs first; powers of two, at least 2 layers.
    paths : paths of each junction, one fewer than layers; powers of two with
        max(n_{l-1}, n_l) <= paths <= n_{l-1} n_l.
    dimensions : the Sobol' dimension of each layer; 0, 1, 2, ... unless given.

    Raises ``InputError`` where these do not hold. Duplicate edges are allowed: they are counted
    by :meth:`duplicates` and reported by the commands.
    """

    layers: Sequence[int]
    paths: Sequence[int]
    dimensions: Sequence[int] = ()

    linear = True

    def __post_init__(self):
        layers, paths = tuple(self.layers), tuple(self.paths)
        dimensions = tuple(self.dimensions) or tuple(range(len(layers)))
        check_counts(layers, paths)
        if len(dimensions) != len(layers):
            raise InputError(
                f"{len(layers)} layers need {len(layers)} dimensions, not {len(dimensions)}"
            )
        check_powers(layers, paths)
        for index, dimension in enumerate(dimensions):
            if isinstance(dimension, bool) or not isinstance(dimension, (int, np.integer)):
                raise InputError(
                    f"dimension of layer {index} must be an integer, not {dimension!r}"
                )
            if not 0 <= dimension <= sobol.MAX_DIMENSION:
                raise InputError(
                    f"dimension of layer {index} must be 0 to {sobol.MAX_DIMENSION}, "
                    f"not {dimension}"
                )
        object.__setattr__(self, "layers", tuple(int(n) for n in layers))
        object.__setattr__(self, "paths", tuple(int(n) for n in paths))
        object.__setattr__(self, "dimensions", tuple(int(d) for d in dimensions))

    @property
    def name(self) -> str:
        return "Sobol'"

    @cached_property
    def matrices(self) -> list[np.ndarray]:
        """Each layer's generator matrix: ``uint8`` (k_l, p), p the digits of its longest index."""
        result = []
        for layer, width in enumerate(self.layers):
            longest = max(self.paths[max(layer - 1, 0) : layer + 1])
            columns = log2_exact(longest, "paths")
            result.append(
                sobol.generator_matrix(self.dimensions[layer], log2_exact(width, "width"), columns)
            )
        return result

    def matrix(self, layer: int, junction: int) -> np.ndarray:
        """The map from a path of ``junction`` to its neuron in ``layer``, digits MSD first."""
        columns = log2_exact(self.paths[junction - 1], "paths")
        return self.matrices[layer][:, :columns][:, ::-1]
