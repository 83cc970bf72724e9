"""Accuracy against the connectivity of the graph: Bourely's constructions, random and Sobol' paths.

One hidden layer, as in the paper: 256 neurons for data of 256 inputs or more, else 64. Every
neuron of the inputs and of the hidden layer has k edges to the next layer (on average, where
a construction leaves it to chance), k = 1, 2, 4, 8. Connectivity is that of the whole network's
graph: the second smallest eigenvalue of its Laplacian, 0 where the graph falls into parts; the
spectral gap is the smallest that is not 0. Sobol' paths are those of dimensions 0, 1, 2 and those
of the best connectivity of :mod:`golden.reproduce.dimensions`.

Activations are ReLUs and the optimizer is Adam, not the paper's sigmoids and SGD.
"""

from itertools import pairwise

import numpy as np

from ..topology import quality
from ..topology.catalogue import build
from ..training.initialize import initialize
from . import dimensions, trials

NAME = "connectivity"
TITLE = "Accuracy and algebraic connectivity of sparse networks"
SOURCE = "Bourely et al., Fig. 5"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 30, "seeds": 5}
SIZE, PANELS = (8.6, 4.2), (1, 2)
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


def shape(dataset):
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
    return quality.network_connectivity(topology)[1]


def rows(options):
    """A row for each construction and k: means over the seeds of connectivity and accuracy."""
    dataset = trials.load(options)
    layers, result = shape(dataset), []
    with trials.progress("connectivity", len(DEGREES) * len(KINDS) * options.seeds) as bar:
        for degree in DEGREES:
            for kind, make in _topologies(layers, degree).items():
                figures, found = [], []
                for seed in trials.seeds(options):
                    topology = make(seed)
                    repeated = sum(topology.duplicates(j) for j in topology.junctions)
                    edges = topology.total_paths - repeated
                    figures.append((edges, *quality.network_connectivity(topology)))
                    network = initialize(topology, "random", seed)
                    found.append(trials.train(network, dataset, options, seed)[0])
                    bar.update()
                edges, parts, algebraic, gap = map(float, np.mean(figures, axis=0))
                accuracy, deviation = trials.spread(found)
                result.append(
                    {
                        "degree": degree,
                        "topology": kind,
                        "dimensions": " ".join(map(str, topology.dimensions)),
                        "edges": edges,
                        "parts": parts,
                        "algebraic_connectivity": algebraic,
                        "spectral_gap": gap,
                        "accuracy": accuracy,
                        "deviation": deviation,
                    }
                )
    return result


def summary(rows):
    """Rank correlations with the accuracy, over all rows and over those of each k."""
    result = {}
    for key in ("algebraic_connectivity", "spectral_gap"):
        for degree in (None, *DEGREES):
            own = [row for row in rows if degree in (None, row["degree"])]
            values = ([row[name] for row in own] for name in (key, "accuracy"))
            where = "all" if degree is None else f"k = {degree}"
            name = f"rank correlation, {key.replace('_', ' ')}, {where}"
            result[name] = trials.rank_correlation(*values)
    return result


def plot(rows, axes):
    """Connectivity against k, and accuracy against connectivity, a colour for each construction."""
    for number, kind in enumerate(KINDS):
        own = [row for row in rows if row["topology"] == kind]
        degrees, values, accuracy = (
            np.array([row[key] for row in own])
            for key in ("degree", "algebraic_connectivity", "accuracy")
        )
        mark = "osD^v<>*P"[number]
        color = f"C{number}"
        axes[0].plot(degrees, values, f"{mark}-", color=color, label=kind)
        axes[1].plot(values, 100 * accuracy, mark, color=color, label=kind)
    axes[0].set_xscale("log", base=2)
    axes[0].set_xticks(DEGREES, list(map(str, DEGREES)))
    axes[0].set_xlabel("edges from each neuron")
    axes[0].set_ylabel("algebraic connectivity")
    axes[1].set_xscale("symlog", linthresh=0.1)
    axes[1].set_xlabel("algebraic connectivity, logarithmic from 0.1 on")
    axes[1].set_ylabel("accuracy on held-out samples, %")
    axes[0].legend(fontsize=8)
