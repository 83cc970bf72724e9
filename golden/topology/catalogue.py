"""Every topology by name: ``build("cascaded", (64, 32, 16), (256, 256), seed=0)``."""

from collections.abc import Sequence

from ..errors import InputError, check_name
from . import linear, patterns
from .paths import Paths, Topology


def _omitted(layers: Sequence[int], paths: Sequence[int]) -> Topology:
    return linear.omitted(layers, paths)[0]


# name: (function, what it takes besides layers and paths, what it is). The first ones are linear
# over GF(2), so the hardware runs them.
TOPOLOGIES = {
    "sobol": (Topology, ("dimensions",), "Sobol' paths"),
    "omitted": (_omitted, (), "Sobol' paths, dimensions sought that repeat no edge"),
    "scrambled": (linear.scrambled, ("dimensions", "seed"), "matrix-scrambled Sobol' paths"),
    "shifted": (linear.shifted, ("dimensions", "seed"), "digitally shifted Sobol' paths"),
    "cascaded": (linear.cascaded, ("dimensions",), "cascaded Sobol' points, no edge twice"),
    "pseudo-random": (patterns.pseudo_random, ("seed",), "paths drawn by drand48"),
    "fixed-fan": (patterns.fixed_fan, ("seed",), "random, fixed fan-in and fan-out (Dey)"),
    "random-edge": (patterns.random_edge, ("seed",), "every edge by chance (Bourely)"),
    "random-rotating": (patterns.random_rotating, ("seed",), "random, rotated (Bourely)"),
    "random-regular": (patterns.random_regular, ("seed",), "random, fixed fan-out (Bourely)"),
    "regular-rotating": (patterns.regular_rotating, (), "neighbours, rotated (Bourely)"),
    "long-short": (patterns.long_short, (), "neighbours and far ones, rotated (Bourely)"),
    "fibonacci": (patterns.fibonacci, (), "Fibonacci numbers, rotated (Bourely)"),
    "dense": (patterns.dense, (), "every edge once"),
}
LINEAR = ("sobol", "omitted", "scrambled", "shifted", "cascaded")


def build(
    name: str,
    layers: Sequence[int],
    paths: Sequence[int],
    *,
    seed: int = 0,
    dimensions: Sequence[int] | None = None,
) -> Paths:
    """The topology called ``name``, a :class:`golden.topology.paths.Paths`.

    ``seed`` matters to the random ones; ``dimensions`` (of Sobol', per layer) may be given where
    they are not sought. Raises ``InputError`` for an unknown name, dimensions where there are none,
    and what the topology itself finds wrong.
    """
    check_name("topology", name, TOPOLOGIES)
    function, takes, _ = TOPOLOGIES[name]
    patterns.check_integer(seed, "seed", 0, 2**32 - 1)
    if dimensions is not None and "dimensions" not in takes:
        users = [n for n, (_, options, _) in TOPOLOGIES.items() if "dimensions" in options]
        raise InputError(f"dimensions must be left out for {name}: {', '.join(users)} have them")
    options = {"seed": seed, "dimensions": dimensions or ()}
    return function(tuple(layers), tuple(paths), **{name: options[name] for name in takes})
