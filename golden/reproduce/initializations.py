"""How weights start, side by side: dense networks, random paths, Sobol' paths, fixed signs.

The paper's table is of a convolutional network; this is the same comparison of a network of
neurons. Weights have the magnitude of :mod:`golden.training.initialize` but where the start is
"uniform", or names a norm: then the 1-norm or the 2-norm of the weights into every neuron is one
(section 3.3). Signs: "positive", +; "alternating", + for even source neurons, - for odd ones;
"random"; and by rules of :mod:`golden.training.signs`: "along path", + for even paths, - for odd
ones, in every junction ("parity" there); "halves", + for the first half of the paths, and
"dimension", by the least dimension that balances all neurons of the Sobol' paths, the two of
section 4.3; "rudin-shapiro"; "balanced", what this project takes for Sobol' paths. "90% sparse"
leaves a random 10% of the dense network's weights other than 0 at the start; all of them are
trained.

The networks have two hidden layers, twice as wide as the data has inputs but of 256 neurons at
most; the sparse ones 16 paths per hidden neuron, and half of all edges in the last junction.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from ..data import DataSet
from ..topology.catalogue import build
from ..topology.paths import Paths
from ..topology.patterns import dense
from ..training.dense import Dense
from ..training.initialize import initialize
from ..training.network import Network
from ..training.signs import balancing
from . import trials
from .trials import Row

NAME = "initializations"
TITLE = "How weights start: accuracy on held-out samples"
SOURCE = "Keller & Van keirsbilck, Table 2"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 30, "seeds": 5}
SIZE, PANELS = (8.6, 8.0), (1, 2)
RULES = {  # of golden.training.signs; "alternating" and "dimension" are found out below
    "uniform": "uniform",
    "positive": "ratio:1",
    "random sign": "random",
    "along path": "parity",
    "halves": "halves",
    "rudin-shapiro": "rudin-shapiro",
    "balanced": "balanced",
}
MAGNITUDES = {"1-norm": "norm:1", "2-norm": "norm:2"}
FREE = (
    "uniform",
    "positive",
    "alternating",
    "random sign",
    "along path",
    "halves",
    "dimension",
    "rudin-shapiro",
    "balanced",
    "balanced, 1-norm",
    "balanced, 2-norm",
)
FIXED = ("alternating", "random sign", "along path", "halves", "dimension", "balanced")
STARTS = (  # network, start, signs
    ("dense", "uniform", "free"),
    ("dense", "positive", "free"),
    ("dense", "alternating", "free"),
    ("dense", "random sign", "free"),
    ("dense", "random sign, 90% sparse", "free"),
    *((name, start, "free") for name in ("random paths", "sobol paths") for start in FREE),
    *((name, start, "fixed") for name in ("random paths", "sobol paths") for start in FIXED),
)
COLUMNS = (
    ("network", "network", ""),
    ("start", "start", ""),
    ("signs", "signs", ""),
    ("weights", "weights", ",d"),
    ("accuracy", "accuracy", ".2%"),
    ("s.d.", "deviation", ".2%"),
)


def shape(dataset: DataSet) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Neurons of the layers, and the paths of the junctions of the sparse networks."""
    hidden = min(2 * dataset.inputs, 256)
    last = trials.outputs(dataset)
    return (dataset.inputs, hidden, hidden, last), (
        16 * hidden,
        16 * hidden,
        min(16 * hidden, hidden * last) // 2,
    )


def start(topology: Paths, name: str, seed: int) -> Network:
    """The :class:`golden.training.network.Network` whose weights start as ``name`` says."""
    base, _, rest = name.partition(", ")
    if base == "alternating":
        network = initialize(topology, "ratio:1")
        weights = [
            size * (1 - 2 * (topology.edges(junction)[0] & 1))
            for junction, size in zip(topology.junctions, network.weights, strict=True)
        ]
        return Network(topology, weights)
    rule = _dimension(topology) if base == "dimension" else RULES[base]
    network = initialize(topology, rule, seed, MAGNITUDES.get(rest, "constant"))
    if rest in ("", *MAGNITUDES):
        return network
    random = np.random.default_rng([seed, 1])
    kept = [random.random(size.shape) < 0.1 for size in network.weights]
    return Network(topology, [w * k for w, k in zip(network.weights, kept, strict=True)])


def _dimension(topology):
    """The rule of the dimension that balances the Sobol' paths of the same sizes."""
    return f"dimension:{balancing(build('omitted', topology.layers, topology.paths))}"


def _topology(name, layers, paths, seed):
    if name == "dense":
        return dense(layers)
    kind = {"random paths": "pseudo-random", "sobol paths": "omitted"}[name]
    return build(kind, layers, paths, seed=seed)


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each start: mean and deviation of the accuracy over the seeds."""
    dataset = trials.load(options)
    layers, paths = shape(dataset)
    result = []
    with trials.progress("initializations", len(STARTS) * options.seeds) as bar:
        for name, first, signs in STARTS:
            found = []
            for seed in trials.seeds(options):
                topology = _topology(name, layers, paths, seed)
                network = start(topology, first, seed)
                if name == "dense":
                    network = Dense.of(network)
                found.append(trials.train(network, dataset, options, seed, signs=signs)[0])
                bar.update()
            accuracy, deviation = trials.spread(found)
            result.append(
                {
                    "network": name,
                    "start": first,
                    "signs": signs,
                    "weights": topology.total_paths,
                    "accuracy": accuracy,
                    "deviation": deviation,
                }
            )
    return result


def plot(rows: list[Row], axes: Any) -> None:
    """A dot for each start, with its deviation; networks have a colour each, fixed signs squares.

    On the right the best five points once more: what is worse is not there.
    """
    colors = {"dense": "C6", "random paths": "C1", "sobol paths": "C0"}
    names = [
        f"{row['network']}, {row['start']}" + (", fixed" if row["signs"] == "fixed" else "")
        for row in rows
    ]
    for ax in axes:
        for place, row in enumerate(rows):
            ax.errorbar(
                trials.percent(row["accuracy"]),
                place,
                xerr=trials.percent(row["deviation"]),
                fmt="s" if row["signs"] == "fixed" else "o",
                color=colors[row["network"]],
                capsize=2,
            )
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlabel("accuracy, %")
    best = 100 * max(row["accuracy"] for row in rows)
    axes[1].set_xlim(best - 5, best + 1)
    axes[1].set_title("the best five points once more", fontsize=9)
    axes[0].set_yticks(range(len(rows)), names)
    axes[1].set_yticks(range(len(rows)), [""] * len(rows))
