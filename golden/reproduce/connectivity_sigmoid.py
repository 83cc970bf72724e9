"""Accuracy against the connectivity of the graph, by the paper's own recipe.

Bourely's six constructions with a hidden layer of 100 neurons, the smallest of the paper's, trained
as :mod:`golden.training.sigmoid` says: sigmoids, squared errors, Nesterov's momentum, batches of
32, and 50 epochs of MNIST, whose images have no border here: 784-100-10 neurons. k edges leave
every input, and every hidden neuron, which has at most one to each output. A dense network comes
last; its edges are no choice of a construction, so the correlations are without it.

Fewer images or epochs make fewer steps, and at this rate a network learns slowly: by default the
digits, 64-100-10 neurons, are seen 500 times.
"""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..data import DataSet
from ..topology.catalogue import build
from ..training import sigmoid
from . import connectivity, trials
from .trials import Row

NAME = "connectivity-sigmoid"
TITLE = "Accuracy and algebraic connectivity, networks of sigmoids"
SOURCE = "Bourely et al., Fig. 5, their recipe"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 500, "seeds": 1}
SIZE, PANELS = connectivity.SIZE, connectivity.PANELS
COLUMNS = connectivity.COLUMNS
HIDDEN = 100
DEGREES = (2, 4, 8, 16)
KINDS = connectivity.KINDS[:6]
BORDER = {1024: (32, 2)}  # inputs: side of the image, and the border that was added to it


def inputs(samples: np.ndarray) -> np.ndarray:
    """``uint8`` samples as ``float32``, 0 to 1, without the border of MNIST's images."""
    side, border = BORDER.get(samples.shape[1], (0, 0))
    if border:
        inner = slice(border, side - border)
        samples = samples.reshape(-1, side, side)[:, inner, inner].reshape(len(samples), -1)
    return samples.astype(np.float32) / np.float32(255)


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each construction and k: means over the seeds; the dense network last."""
    dataset = trials.load(options)
    samples = inputs(dataset.x_train), inputs(dataset.x_test)
    layers = (samples[0].shape[1], HIDDEN, dataset.classes)
    plans = [(degree, kind) for degree in DEGREES for kind in KINDS]
    result = []
    with trials.progress(NAME, (len(plans) + 1) * options.seeds) as bar:
        for degree, kind in [*plans, (max(layers[1:]), "dense")]:
            paths = [min(degree, m) * n for n, m in pairwise(layers)]
            graphs, found = [], []
            for seed in trials.seeds(options):
                graphs.append(build(kind, layers, paths, seed=seed))
                found.append(_accuracy(graphs[-1], dataset, samples, options, seed))
                bar.update()
            result.append(connectivity.row(degree, kind, graphs, found))
    return result


def _accuracy(
    graph: Any,
    dataset: DataSet,
    samples: tuple[np.ndarray, np.ndarray],
    options: SimpleNamespace,
    seed: int,
) -> float:
    network = sigmoid.Sigmoid(graph, seed)
    recipe = sigmoid.Recipe(epochs=options.epochs, seed=seed)
    for _ in sigmoid.train(network, samples[0], dataset.y_train, recipe):
        pass
    return network.accuracy(samples[1], dataset.y_test)


def summary(rows: list[Row]) -> dict[str, float]:
    """Rank correlations with the accuracy, over all constructions and over those of each k."""
    return connectivity.summary([row for row in rows if row["topology"] != "dense"])


def plot(rows: list[Row], axes: Any) -> None:
    """As :func:`golden.reproduce.connectivity.plot`; the dense network's accuracy is a line."""
    connectivity.plot(rows[:-1], axes)
    top = float(trials.percent(rows[-1]["accuracy"]))
    axes[1].axvline(top, color="black", linestyle="--", linewidth=1)
    axes[2].axhline(top, color="black", linestyle="--", linewidth=1)
    axes[2].set_title("dashed: the dense network", fontsize=9)
