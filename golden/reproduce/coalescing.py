"""Different edges against paths: how many weights a network has when paths may share edges.

The layers are the channels of the five convolutions of section 5.3, so an edge stands for a slice
of a kernel. All constructions have N paths in every junction, also where that is more than the
junction has edges. Sobol' dimensions are 0, 1, 2, ...; those of "omitted" are sought for dense
junctions, so one choice serves every N. A cascaded set has at most as many paths as edges, each
once, by construction: it is asked for the lesser of N and that.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..topology import sobol
from ..topology.catalogue import build
from ..topology.linear import omitted
from ..topology.paths import log2_exact
from ..topology.patterns import pseudo_random
from . import trials
from .trials import Row

NAME = "coalescing"
TITLE = "Different edges of layers of 16-32-32-64-64 neurons against paths"
SOURCE = "Keller & Van keirsbilck, Fig. 9"
DEFAULTS = {"seeds": 10}
SIZE, PANELS = (8.6, 3.8), (1, 2)
LAYERS = (16, 32, 32, 64, 64)
PATHS = tuple(2**p for p in range(6, 14))
KINDS = ("pseudo-random", "sobol", "omitted", "cascaded")
STYLES = (  # of the kinds, so that each is seen where they are the same
    {"marker": "o"},
    {"marker": "s"},
    {"marker": "D", "linestyle": "--", "markersize": 8, "fillstyle": "none"},
    {"marker": "^", "linestyle": ":", "markersize": 12, "fillstyle": "none"},
)
COLUMNS = (
    ("paths", "paths", ",d"),
    *((kind, f"edges_{kind}", ",.1f") for kind in KINDS),
    ("at most", "most", ",d"),
)


def different(ends: Sequence[ArrayLike], width: int) -> int:
    """Different edges among paths: ``ends`` are sources and targets, ``width`` the target layer."""
    source, target = ends
    return len(np.unique(np.asarray(source) * width + target))


def _sobol(dimensions, paths):
    """Different edges, over all junctions, of the first paths of these Sobol' dimensions."""
    index, total = np.arange(paths), 0
    neurons = [
        sobol.points(dimension, log2_exact(width, "width"), index)
        for dimension, width in zip(dimensions, LAYERS, strict=True)
    ]
    for junction, width in enumerate(LAYERS[1:], 1):
        total += different(neurons[junction - 1 : junction + 1], width)
    return total


def _of(topology):
    return sum(
        different(topology.edges(junction), topology.layers[junction])
        for junction in topology.junctions
    )


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each construction and number of paths: the mean of its different edges.

    The deviation is that over the seeds of the random paths, ``None`` for the others; ``most`` is
    what N paths in each junction could have.
    """
    dense, result = [n * m for n, m in pairwise(LAYERS)], []
    chosen = omitted(LAYERS, dense)[0].dimensions
    dimensions = {"sobol": range(len(LAYERS)), "omitted": chosen}
    for count in PATHS:
        few = [min(count, edges) for edges in dense]
        found = {
            "pseudo-random": [
                _of(pseudo_random(LAYERS, (count,) * len(dense), seed))
                for seed in trials.seeds(options)
            ],
            "sobol": [_sobol(range(len(LAYERS)), count)],
            "omitted": [_sobol(chosen, count)],
            "cascaded": [_of(build("cascaded", LAYERS, few))],
        }
        for kind in KINDS:
            mean, deviation = trials.spread(found[kind])
            result.append(
                {
                    "construction": kind,
                    "dimensions": " ".join(map(str, dimensions.get(kind, ()))),
                    "paths": count,
                    "edges": mean,
                    "deviation": deviation,
                    "most": sum(few),
                }
            )
    return result


def table(rows: list[Row]) -> list[Row]:
    """A row for each number of paths."""
    return [
        {
            "paths": count,
            "most": next(row["most"] for row in rows if row["paths"] == count),
            **{
                f"edges_{row['construction']}": row["edges"]
                for row in rows
                if row["paths"] == count
            },
        }
        for count in PATHS
    ]


def summary(rows: list[Row]) -> dict[str, Any]:
    """The dimensions that were found."""
    own = next(row for row in rows if row["construction"] == "omitted")
    return {"dimensions of omitted": own["dimensions"]}


def plot(rows: list[Row], axes: Any) -> None:
    """Different edges against paths; and their share of those that there could be."""
    for kind, style in zip(KINDS, STYLES, strict=True):
        own = [row for row in rows if row["construction"] == kind]
        keys = ("paths", "edges", "deviation", "most")
        paths, edges, error, most = np.array([[row[key] for row in own] for key in keys], float)
        style = {**style, "capsize": 2, "label": kind}
        axes[0].errorbar(paths, edges, error, **style)
        axes[1].errorbar(paths, 100 * edges / most, 100 * error / most, **style)
    axes[0].set_ylabel("different edges = weights")
    axes[1].set_ylabel("of those that there could be, %")
    axes[0].yaxis.set_major_formatter("{x:,.0f}")
    axes[0].legend()
    for ax in axes:
        ax.set_xscale("log", base=2)
        ax.set_xlabel("paths in each junction")
