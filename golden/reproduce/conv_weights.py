"""Weights of the paper's convolutional networks, by counting: nothing is trained.

Five convolutions of 3x3 kernels with 16, 32, 32, 64 and 64 channels (the width 1) see three
channels of an image; the last one's channels, each pooled to a number, are joined to 10 classes. A
path chooses a channel in each layer, and an edge of it is a slice of a kernel: 9 weights. The
image's channels and the classes, which are no powers of two, are joined to all of their neighbours
(section 4.3). Biases and the normalization's parameters are not counted.

Table 1 has random paths in wider networks, as many as make about the weights of the dense one.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from ..topology.paths import Paths
from ..topology.patterns import pseudo_random
from . import coalescing, trials
from .trials import Row

NAME = "conv-weights"
TITLE = "Weights of sparse convolutional networks"
SOURCE = "Keller & Van keirsbilck, Table 1, Fig. 9"
DEFAULTS = {"seeds": 10}
SIZE, PANELS = (9.0, 3.8), (1, 2)
COLOURS, KERNEL, CLASSES = 3, 9, 10  # of the image; weights of a slice; of CIFAR-10
TABLE = (  # width, random paths, the paper's sparsity
    (1.25, 4150, 0.3551),
    (1.5, 3050, 0.5512),
    (2.0, 2420, 0.7464),
    (4.0, 1950, 0.9359),
    (8.0, 1800, 0.9837),
)
COLUMNS = (
    ("source", "source", ""),
    ("width", "width", ".2f"),
    ("paths", "paths", ",d"),
    ("construction", "construction", ""),
    ("weights", "weights", ",.0f"),
    ("dense", "dense", ",d"),
    ("sparsity", "sparsity", ".2%"),
    ("paper", "paper", ".2%"),
)


def channels(width: float) -> tuple[int, ...]:
    """The channels of the five convolutions."""
    return tuple(int(width * count) for count in coalescing.LAYERS)


def ends(width: float) -> int:
    """Weights of the first and the last layer, which have every edge."""
    first, *_, last = channels(width)
    return KERNEL * COLOURS * first + last * CLASSES


def dense(width: float) -> int:
    """Weights of the network that has every edge."""
    return ends(width) + KERNEL * sum(n * m for n, m in pairwise(channels(width)))


def weights(topology: Paths, width: float = 1) -> int:
    """Weights of the network whose convolutions are joined by these paths."""
    different = sum(
        topology.paths[junction - 1] - topology.duplicates(junction)
        for junction in topology.junctions
    )
    return ends(width) + KERNEL * different


def _row(source: str, width: float, paths: int, kind: str, found: Sequence[float]) -> Row:
    mean, deviation = trials.spread(found)
    return {
        "source": source,
        "width": width,
        "paths": paths,
        "construction": kind,
        "weights": mean,
        "deviation": deviation,
        "dense": dense(width),
        "sparsity": 1 - mean / dense(width),
        "paper": None,
    }


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each number of paths and construction of Fig. 9, then for each width of Table 1.

    Weights of random paths are means over the seeds.
    """
    result = []
    for row in coalescing.rows(options):
        shown = _row("Fig. 9", 1, row["paths"], row["construction"], [row["edges"]])
        shown["weights"] = ends(1) + KERNEL * row["edges"]
        shown["deviation"] = None if row["deviation"] is None else KERNEL * row["deviation"]
        shown["sparsity"] = 1 - shown["weights"] / shown["dense"]
        result.append(shown)
    for width, paths, paper in TABLE:
        layers = channels(width)
        found = [
            weights(pseudo_random(layers, (paths,) * (len(layers) - 1), seed), width)
            for seed in trials.seeds(options)
        ]
        result.append({**_row("Table 1", width, paths, "pseudo-random", found), "paper": paper})
    return result


def table(rows: list[Row]) -> list[Row]:
    """Random paths, and of Sobol' paths those that repeat no edge."""
    return [row for row in rows if row["construction"] in ("pseudo-random", "omitted")]


def summary(rows: list[Row]) -> dict[str, float]:
    """How far the counted sparsities of Table 1 are from the paper's, in points."""
    off = [100 * abs(row["sparsity"] - row["paper"]) for row in rows if row["paper"] is not None]
    return {"largest difference to the paper's sparsities, points": max(off)}


def plot(rows: list[Row], axes: Any) -> None:
    """Weights against paths, and the sparsity of Table 1 beside the paper's."""
    style = dict(zip(coalescing.KINDS, coalescing.STYLES, strict=True))
    for kind in coalescing.KINDS:
        own = [row for row in rows if (row["source"], row["construction"]) == ("Fig. 9", kind)]
        paths, weights = ([row[key] for row in own] for key in ("paths", "weights"))
        axes[0].plot(paths, weights, label=kind, **style[kind])
    axes[0].axhline(dense(1), color="black", linestyle=":", label="dense")
    axes[0].set_xscale("log", base=2)
    axes[0].set_xlabel("paths in each junction")
    axes[0].set_ylabel("weights")
    axes[0].yaxis.set_major_formatter("{x:,.0f}")
    axes[0].legend()
    own = [row for row in rows if row["source"] == "Table 1"]
    places = range(len(own))
    for key, mark, label in (("paper", "s", "the paper"), ("sparsity", "x", "counted")):
        values = [100 * row[key] for row in own]
        axes[1].plot(places, values, mark, markersize=8, fillstyle="none", label=label)
    names = [f"{row['width']:g}\n{row['paths']:,}" for row in own]
    axes[1].set_xticks(places, names)
    axes[1].set_xlabel("width of the layers, random paths")
    axes[1].set_ylabel("sparsity, %")
    axes[1].legend()
