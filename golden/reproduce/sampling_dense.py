"""Sampling a trained dense network: accuracy against the edges kept, and against samples.

A dense network of 300 and 100 hidden neurons is trained and its paths are sampled, without training
it again (:mod:`golden.training.sampling`). The edges that paths visit keep their weights, or are
rescaled so that the one-norm of each neuron's weights stays, as it does by sampling; as many of
the largest densities, rescaled too, are there to compare with. Then all weights become sums of
signs (:mod:`golden.training.ternary`), with as many samples for every neuron. The text does not
say how Fig. 2 weighs the edges that are kept, nor which LeNet it is.

Inputs that are 0 in every training sample have no edges: those would be sampled and counted for
nothing. Shares are of the edges that the network has.
"""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ..data import DataSet
from ..topology import patterns
from ..training import initialize, sampling, ternary
from ..training.dense import Dense
from ..training.evaluate import float_accuracy
from . import trials
from .trials import Row

NAME = "sampling-dense"
TITLE = "A trained dense network, sampled: accuracy of what is kept"
SOURCE = "Keller & Van keirsbilck, Fig. 2"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 20, "seeds": 3}
SIZE, PANELS = (9.6, 4.2), (1, 2)
HIDDEN = (300, 100)
PATHS = tuple(2**p for p in range(8, 21))
SAMPLES = tuple(2**p for p in range(1, 12))
EDGES = ("rescaled, sobol", "rescaled, random", "as they are", "largest")
SIGNS = ("counts, sobol", "counts, random", "ternary")
WITHIN = 0.01  # of the whole network's accuracy: what the summary counts as near it
COLUMNS = (
    ("", "kind", ""),
    ("of each", "size", ",d"),
    ("edges kept", "share", ".1%"),
    ("sobol", "sobol", ".2%"),
    ("random", "random", ".2%"),
    ("plain", "plain", ""),
    ("largest", "largest", ""),
    ("ternary", "ternary", ""),
)


def whole(dataset: DataSet, options: SimpleNamespace, seed: int) -> tuple[Dense, float]:
    """The trained dense network, and its accuracy on the held-out samples."""
    layers = (dataset.inputs, *HIDDEN, dataset.classes)
    start = Dense.of(initialize.initialize(patterns.dense(layers), "uniform", seed))
    masks = [np.ones(matrix.shape) for matrix in start.matrices]
    masks[0][:, ~dataset.x_train.any(axis=0)] = 0
    network = Dense(layers, start.matrices, masks=masks)
    return network, trials.train(network, dataset, options, seed)[0]


def by_edges(network: Dense, paths: int, seed: int) -> dict[str, Dense]:
    """What is kept of ``network`` by sampling: a network for each of ``EDGES``."""
    result = {
        f"rescaled, {points}": sampling.sample(network, paths, seed, points, rescale=True)
        for points in sampling.POINTS
    }
    masks = cast(list[np.ndarray], result["rescaled, sobol"].masks)
    counts = [int(mask.sum()) for mask in masks]
    result["as they are"] = sampling.keep(network, masks)
    result["largest"] = sampling.largest(network, counts, rescale=True)
    return result


def by_signs(network: Dense, samples: int, seed: int) -> dict[str, Dense]:
    """``network`` by sums of signs: a network for each of ``SIGNS``."""
    result = {
        f"counts, {points}": ternary.quantize(network, samples, seed, points)
        for points in sampling.POINTS
    }
    result["ternary"] = result["counts, sobol"].ternary()
    return {name: sampled.network() for name, sampled in result.items()}


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each way and number of paths or samples; ``whole`` is the network itself."""
    dataset, found = trials.load(options), {}
    sizes = [(by_edges, size) for size in PATHS] + [(by_signs, size) for size in SAMPLES]
    with trials.progress("sampling dense", (len(sizes) + 1) * options.seeds) as bar:
        for seed in trials.seeds(options):
            network, accuracy = whole(dataset, options, seed)
            found.setdefault(("whole", 0), []).append((1.0, accuracy))
            bar.update()
            for function, size in sizes:
                for way, each in function(network, size, seed).items():
                    share = sum(each.edges) / sum(network.edges)
                    found.setdefault((way, size), []).append((share, float_accuracy(each, dataset)))
                bar.update()
    result = []
    for (way, size), values in found.items():
        shares, accuracies = zip(*values, strict=True)
        mean, deviation = trials.spread(accuracies)
        result.append(
            {
                "way": way,
                "size": size,
                "share": float(np.mean(shares)),
                "accuracy": mean,
                "deviation": deviation,
            }
        )
    return result


def _of(rows, way):
    return {row["size"]: row for row in rows if row["way"] == way}


def table(rows: list[Row]) -> list[Row]:
    """A row for each number of paths, then of samples; the share is that of Sobol' points."""
    result = []
    for kind, sizes, (sobol, random), others in (
        ("paths", PATHS, EDGES[:2], {"plain": EDGES[2], "largest": EDGES[3]}),
        ("samples", SAMPLES, SIGNS[:2], {"ternary": SIGNS[2]}),
    ):
        for size in sizes:
            cells = dict.fromkeys(("plain", "largest", "ternary"), "")
            cells |= {key: f"{_of(rows, way)[size]['accuracy']:.2%}" for key, way in others.items()}
            result.append(
                {
                    "kind": kind,
                    "size": size,
                    "share": _of(rows, sobol)[size]["share"],
                    "sobol": _of(rows, sobol)[size]["accuracy"],
                    "random": _of(rows, random)[size]["accuracy"],
                    **cells,
                }
            )
    return result


def summary(rows: list[Row]) -> dict[str, Any]:
    """The whole network's accuracy; of each way that comes near the least share of edges."""
    accuracy = _of(rows, "whole")[0]["accuracy"]
    result = {"accuracy of the whole network": accuracy}
    for way in (*EDGES, *SIGNS):
        near = [
            row["share"] for row in _of(rows, way).values() if row["accuracy"] >= accuracy - WITHIN
        ]
        if near:
            result[f"share of the edges within a point of it, {way}"] = min(near)
    return result


def plot(rows: list[Row], axes: Any) -> None:
    """Accuracy against the share of edges, and against samples of a neuron; dashed: all edges."""
    for ax, ways, key in ((axes[0], EDGES, "share"), (axes[1], SIGNS, "size")):
        for way, mark in zip(ways, "oD^s", strict=False):
            fill = "none" if way.endswith("random") else "full"  # where it lies on another
            own = list(_of(rows, way).values())
            x = [100 * row[key] if key == "share" else row[key] for row in own]
            y, error = (trials.percent([row[k] for row in own]) for k in ("accuracy", "deviation"))
            ax.errorbar(
                x, y, error, marker=mark, markersize=5, fillstyle=fill, capsize=2, label=way
            )
        top = trials.percent(_of(rows, "whole")[0]["accuracy"])
        ax.axhline(top, linestyle="--", color="black", linewidth=1, label="whole network")
        ax.set_ylabel("accuracy [%]")
        ax.legend(loc="lower right")
    axes[0].set_xscale("log")
    axes[0].xaxis.set_major_formatter("{x:g}")
    axes[0].set_xlabel("edges kept [%]")
    axes[1].set_xlabel("samples of each neuron")
    axes[1].set_xscale("log", base=2)
