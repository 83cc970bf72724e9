"""Accuracy against the connectivity of the graph: Bourely's constructions, random and Sobol' paths.

One hidden layer, as in the paper: 256 neurons for data of 256 inputs or more, else 64. Every
neuron of the inputs and of the hidden layer has k edges to the next layer (on average, where
a construction leaves it to chance), k = 1, 2, 4, 8. Connectivity is that of the whole network's
graph: the second smallest eigenvalue of its Laplacian, 0 where the graph falls into parts; the
spectral gap is the smallest that is not 0. Sobol' paths are those of dimensions 0, 1, 2 and those
of the best connectivity of :mod:`golden.reproduce.dimensions`.

Activations are ReLUs and the optimizer is Adam, as for all networks here; the paper's sigmoids and
its optimizer are those of :mod:`golden.reproduce.connectivity_sigmoid`.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..data import DataSet
from ..support.plots import MARKERS
from ..topology import quality
from ..topology.catalogue import build
from ..topology.paths import Paths
from ..training.initialize import initialize
from . import dimensions, trials
from .trials import Row

NAME = "connectivity"
TITLE = "Accuracy and algebraic connectivity of sparse networks"
SOURCE = "Bourely et al., Fig. 5"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 30, "seeds": 5}
SIZE, PANELS = (10.4, 4.2), (1, 3)
DEGREES = (1, 2, 4, 8)
KINDS = (
    "random-edge",
    "random-rotating",
    "random-regular",
    "regular-rotating",
    "long-short",
    "fibonacci",
    "pseudo-random",
    "sobol",
    "sobol, best",
)
COLUMNS = (
    ("k", "degree", "d"),
    ("topology", "topology", ""),
    ("edges", "edges", ",.0f"),
    ("parts", "parts", ".1f"),
    ("connectivity", "algebraic_connectivity", ".4f"),
    ("gap", "spectral_gap", ".4f"),
    ("accuracy", "accuracy", ".2%"),
    ("s.d.", "deviation", ".2%"),
)


def shape(dataset: DataSet) -> tuple[int, int, int]:
    """Neurons of the three layers."""
    return (dataset.inputs, 256 if dataset.inputs >= 256 else 64, trials.outputs(dataset))


def _topologies(layers, degree):
    """What each of ``KINDS`` is: a function of the seed."""
    paths = [min(degree * n, n * m) for n, m in pairwise(layers)]
    best = dimensions.choices(layers, paths, _algebraic)[-1]
    return {
        kind: (lambda seed: best)
        if kind == "sobol, best"
        else (lambda seed, kind=kind: build(kind, layers, paths, seed=seed))
        for kind in KINDS
    }


def _algebraic(topology):
    found = quality.network_connectivity(topology)[1]
    return 0.0 if found is None else found


def row(degree: int, kind: str, graphs: Sequence[Paths], accuracies: Sequence[float]) -> Row:
    """The means over the seeds: what the graphs of a construction are, and what they reach."""
    figures = []
    for graph in graphs:
        edges = sum(
            count - graph.duplicates(junction) for junction, count in enumerate(graph.paths, 1)
        )
        figures.append((edges, *quality.network_connectivity(graph)))
    edges, parts, algebraic, gap = map(float, np.mean(figures, axis=0))
    accuracy, deviation = trials.spread(accuracies)
    return {
        "degree": degree,
        "topology": kind,
        "dimensions": " ".join(map(str, graphs[-1].dimensions)),
        "edges": edges,
        "parts": parts,
        "algebraic_connectivity": algebraic,
        "spectral_gap": gap,
        "accuracy": accuracy,
        "deviation": deviation,
    }


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each construction and k: means over the seeds of connectivity and accuracy."""
    dataset = trials.load(options)
    layers, result = shape(dataset), []
    with trials.progress("connectivity", len(DEGREES) * len(KINDS) * options.seeds) as bar:
        for degree in DEGREES:
            for kind, make in _topologies(layers, degree).items():
                graphs, found = [], []
                for seed in trials.seeds(options):
                    graphs.append(make(seed))
                    network = initialize(graphs[-1], "random", seed)
                    found.append(trials.train(network, dataset, options, seed)[0])
                    bar.update()
                result.append(row(degree, kind, graphs, found))
    return result


def summary(rows: list[Row]) -> dict[str, Any]:
    """Rank correlations with the accuracy, over all rows and over those of each k."""
    result = {}
    for key in ("algebraic_connectivity", "spectral_gap"):
        for degree in (None, *sorted({row["degree"] for row in rows})):
            own = [row for row in rows if degree in (None, row["degree"])]
            values = ([row[name] for row in own] for name in (key, "accuracy"))
            where = "all" if degree is None else f"k = {degree}"
            name = f"rank correlation, {key.replace('_', ' ')}, {where}"
            result[name] = trials.rank_correlation(*values)
    return result


def plot(rows: list[Row], axes: Any) -> None:
    """Connectivity and accuracy of each construction, and one against the other; by k.

    A construction has a line of its own in the first two panels. Networks that are the same, as
    those of some constructions are for small k, lie on each other in the last.
    """
    kinds = list(dict.fromkeys(row["topology"] for row in rows))
    degrees = sorted({row["degree"] for row in rows})
    for number, degree in enumerate(degrees):
        own = [row for row in rows if row["degree"] == degree]
        style = {
            "color": f"C{number}",
            "marker": MARKERS[number],
            "linestyle": "",
            "markersize": 7 - number,
            "fillstyle": "none",
        }
        places = [kinds.index(row["topology"]) for row in own]
        values = [row["algebraic_connectivity"] for row in own]
        accuracy, error = (
            trials.percent([row[key] for row in own]) for key in ("accuracy", "deviation")
        )
        axes[0].plot(values, places, **style, label=f"k = {degree}")
        axes[1].errorbar(accuracy, places, xerr=error, capsize=2, **style)
        axes[2].errorbar(values, accuracy, error, capsize=2, **style)
    for ax in axes[:2]:
        ax.set_ylim(len(kinds) - 0.5, -0.5)
        ax.set_yticks(range(len(kinds)), kinds if ax is axes[0] else [""] * len(kinds))
    for ax in (axes[0], axes[2]):
        ax.set_xscale("symlog", linthresh=0.1)
        ax.set_xlim(left=-0.02)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_xlabel("algebraic connectivity, linear up to 0.1")
    axes[1].set_xlabel("accuracy on held-out samples, %")
    axes[2].set_ylabel("accuracy, %")
    axes[0].figure.legend(loc="outside lower center", ncols=len(degrees))
