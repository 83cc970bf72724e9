"""Accuracy, sparsity and time of training against paths per neuron: four hidden layers.

Hidden layers have 256 neurons as in the paper, 128 for data of fewer than 256 inputs. p paths per
neuron are p times the hidden neurons in every junction, but no more than make it dense, which the
last one soon is. The paths are Sobol', of dimensions that repeat no edge.

The time is the processor's, as the paper's on one core: the least of the seeds' means of an epoch.
It is compared with that of the dense network as matrices, whose products the BLAS library computes.
It depends on the machine, so this column is never quite the same.
"""

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..data import DataSet
from ..topology.catalogue import build
from ..topology.paths import Paths
from ..topology.patterns import dense
from ..training.dense import Dense
from ..training.initialize import initialize
from . import trials
from .trials import Row

NAME = "paths-per-neuron"
TITLE = "Accuracy, sparsity and time of training against paths per neuron"
SOURCE = "Keller & Van keirsbilck, Fig. 7"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 30, "seeds": 3}
MOST = 256  # paths per neuron
SIZE, PANELS = (9.0, 4.2), (1, 2)
COLUMNS = (
    ("network", "network", ""),
    ("per neuron", "paths_per_neuron", "d"),
    ("weights", "weights", ",d"),
    ("sparsity", "sparsity", ".1%"),
    ("accuracy", "accuracy", ".2%"),
    ("s.d.", "deviation", ".2%"),
    ("time", "relative", ".0%"),
)


def shape(dataset: DataSet) -> tuple[tuple[int, ...], list[int]]:
    """Neurons of the layers, and the numbers of paths per neuron, powers of two."""
    hidden = 256 if dataset.inputs >= 256 else 128
    least = max(dataset.inputs // hidden, 1)
    counts = [2**p for p in range(16) if least <= 2**p <= min(hidden, MOST)]
    return (dataset.inputs, *[hidden] * 4, trials.outputs(dataset)), counts


def sparse(layers: Sequence[int], per_neuron: int) -> Paths:
    """The topology of ``per_neuron`` paths for each hidden neuron."""
    paths = [min(per_neuron * layers[1], n * m) for n, m in pairwise(layers)]
    return build("omitted", layers, paths)


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each number of paths per neuron, the dense network last."""
    dataset = trials.load(options)
    layers, counts = shape(dataset)
    every, result = dense(layers), []
    with trials.progress("paths per neuron", (len(counts) + 1) * options.seeds) as bar:
        for count in counts:
            topology = sparse(layers, count)
            networks = (initialize(topology) for _ in trials.seeds(options))
            row = _row("sobol", count, topology, every)
            result.append({**row, **_train(networks, dataset, options, bar)})
        networks = (Dense.of(initialize(every, "uniform", seed)) for seed in trials.seeds(options))
        row = _row("dense", every.total_paths // sum(layers[1:-1]), every, every)
        result.append({**row, **_train(networks, dataset, options, bar)})
    for row in result:
        row["relative"] = row["seconds"] / result[-1]["seconds"]
    return result


def _row(name, per_neuron, topology, every):
    repeated = sum(topology.duplicates(junction) for junction in topology.junctions)
    return {
        "network": name,
        "paths_per_neuron": per_neuron,
        "weights": topology.total_paths,
        "sparsity": 1 - (topology.total_paths - repeated) / every.total_paths,
    }


def _train(networks, dataset, options, bar):
    """What the networks, one a seed, reach, and the seconds of an epoch."""
    found, times = [], []
    for network, seed in zip(networks, trials.seeds(options), strict=True):
        accuracy, seconds = trials.train(network, dataset, options, seed)
        found.append(accuracy)
        times.append(seconds / options.epochs)
        bar.update()
    accuracy, deviation = trials.spread(found)
    return {"accuracy": accuracy, "deviation": deviation, "seconds": min(times)}


def summary(rows: list[Row]) -> dict[str, Any]:
    """How well a line through the seconds of an epoch against the weights explains them (R^2)."""
    own = [row for row in rows if row["network"] != "dense"]
    weights, seconds = (np.array([row[key] for row in own]) for key in ("weights", "seconds"))
    slope, start = np.polyfit(weights, seconds, 1)
    rest = seconds - (slope * weights + start)
    spread = seconds - seconds.mean()
    return {
        "seconds an epoch, any paths": float(start),
        "seconds an epoch, a million paths more": float(1e6 * slope),
        "R^2 of that line": float(1 - (rest @ rest) / (spread @ spread)),
    }


def plot(rows: list[Row], axes: Any) -> None:
    """Against paths per neuron: accuracy, the dense network's a line; edges and time, in per cent.

    The right axis is logarithmic.
    """
    *own, full = rows
    x = [row["paths_per_neuron"] for row in own]
    y = {
        key: trials.percent([row[key] for row in own])
        for key in ("accuracy", "deviation", "sparsity", "relative")
    }
    axes[0].errorbar(x, y["accuracy"], y["deviation"], marker="o", capsize=2, label="paths")
    axes[0].axhline(100 * full["accuracy"], color="black", linestyle=":", label="dense")
    axes[0].set_ylabel("accuracy on held-out samples, %")
    axes[0].legend(loc="lower right")
    axes[1].plot(x, y["relative"], "v-", color="C3", label="time, dense = 100 %")
    axes[1].plot(x, 100 - y["sparsity"], "s-", color="C1", label="edges, of all: 100 % - sparsity")
    axes[1].axhline(100, color="black", linestyle=":")
    axes[1].set_yscale("log")
    axes[1].yaxis.set_major_formatter("{x:g}")
    axes[1].set_ylabel("% of the dense network")
    handles, labels = axes[1].get_legend_handles_labels()
    axes[1].figure.legend(handles, labels, loc="outside lower center", ncols=3)
    for ax in axes:
        ax.set_xscale("log", base=2)
        ax.set_xticks(x, [str(count) for count in x])
        ax.set_xlabel("paths per neuron")
