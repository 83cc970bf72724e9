"""Growth during training: accuracy against work, beside training all paths, or few, from scratch.

The network has two hidden layers of 256 neurons, 128 for data of fewer than 256 inputs. *Full* has
16 paths for every input in the first two junctions, and all edges in the last; 1024-256-256-16
neurons are then the shape of the model mnist-37k. *Small* has a quarter of these paths. *Grown
twice* begins as the small one and doubles twice (:mod:`golden.training.growing`), *grown once* has
half of the paths until it doubles. Each stage of a grown network has an equal share of the work.

**Work** is counted in multiply-accumulates: one for each path and image forwards, one for the
gradient of its weight, and one for the error of its source, which the first junction does without.
The unit is one epoch of the full network. All networks are trained for the same work, to the
rounding of epochs, with a schedule of the learning rate of their own; the least work is a quarter
of ``epochs``, then a half, then all. The optimizer and what is the same for every image are not
counted, so the processor's time tells more: it is beside it.
"""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..data import DataSet
from ..topology.catalogue import build
from ..topology.paths import Paths
from ..training import growing
from ..training.initialize import initialize
from . import trials
from .trials import Row

NAME = "growing"
TITLE = "Growth during training: accuracy against the work of training"
SOURCE = "Keller & Van keirsbilck, section 6 (work to come)"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 40, "seeds": 5}
KINDS = {"full": (0, 0), "grown once": (1, 1), "grown twice": (2, 2), "small": (2, 0)}
"""By name: how often the full network's paths are halved, and how often they double again."""
PARTS = (4, 2, 1)  # of the epochs: the work
COLUMNS = (
    ("network", "network", ""),
    ("work", "work", ".2f"),
    ("epochs", "epochs", "d"),
    ("grows at", "grows_at", ""),
    ("weights", "weights", ",d"),
    ("accuracy", "accuracy", ".2%"),
    ("s.d.", "deviation", ".2%"),
    ("CPU s", "seconds", ".1f"),
)


def full(dataset: DataSet) -> Paths:
    """The topology of all paths, of dimensions that repeat no edge."""
    hidden = 256 if dataset.inputs >= 256 else 128
    layers = (dataset.inputs, hidden, hidden, trials.outputs(dataset))
    most = 16 * max(dataset.inputs, hidden)
    return build("omitted", layers, [min(most, n * m) for n, m in pairwise(layers)])


def work(topology: Paths) -> int:
    """Multiply-accumulates of training with one image once."""
    return 3 * topology.total_paths - topology.paths[0]


def plan(
    topology: Paths, budget: float, halved: int, doubled: int
) -> tuple[list[growing.Stage], int]:
    """The stages, and the epochs in all, that make the work of ``budget`` epochs of ``topology``.

    ``halved`` : how often paths are halved. ``doubled`` : 0, or as often, while it learns.
    """
    parts = growing.stages(topology, range(2, 2 + halved), 1 + halved)
    own = parts if doubled else parts[:1]
    share = budget / len(own) * work(topology)
    lengths = [max(round(share / work(stage.topology)), 1) for stage in own]
    starts = np.cumsum([1, *lengths]).tolist()
    pairs = zip(starts[:-1], own, strict=True)
    return [growing.Stage(epoch, part.topology) for epoch, part in pairs], starts[-1] - 1


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each network and work: means over the seeds."""
    dataset = trials.load(options)
    topology, result = full(dataset), []
    total = len(KINDS) * len(PARTS) * options.seeds
    with trials.progress(NAME, total) as bar:
        for name, how in KINDS.items():
            for part in PARTS:
                stages, epochs = plan(topology, options.epochs / part, *how)
                found = []
                for seed in trials.seeds(options):
                    found.append(_train(stages, epochs, dataset, seed))
                    bar.update()
                result.append(_row(name, stages, epochs, work(topology), found))
    return result


def _train(stages, epochs, dataset, seed):
    """The accuracy, and the processor's seconds."""
    networks = [initialize(stage.topology, seed=seed) for stage in stages]
    _, later = growing.course(stages, networks)
    return trials.grow(networks, later, dataset, SimpleNamespace(epochs=epochs), seed)


def _row(name, stages, epochs, unit, found):
    ends = [*(stage.epoch for stage in stages[1:]), epochs + 1]
    pairs = zip(stages, ends, strict=True)
    accuracy, deviation = trials.spread([own for own, _ in found])
    return {
        "network": name,
        "work": sum((end - own.epoch) * work(own.topology) for own, end in pairs) / unit,
        "epochs": epochs,
        "grows_at": ",".join(str(stage.epoch) for stage in stages[1:]),
        "weights": stages[-1].topology.total_paths,
        "accuracy": accuracy,
        "deviation": deviation,
        "seconds": float(np.mean([own for _, own in found])),
    }


def summary(rows: list[Row]) -> dict[str, float]:
    """Points of accuracy that growing gains on training all paths for the same work."""
    own = {(row["network"], index % len(PARTS)): row for index, row in enumerate(rows)}
    return {
        f"{name}, points above full at work {own['full', index]['work']:g}": 100
        * (own[name, index]["accuracy"] - own["full", index]["accuracy"])
        for name in KINDS
        if name != "full"
        for index in range(len(PARTS))
    }


def plot(rows: list[Row], axes: Any) -> None:
    """Accuracy against work, which is logarithmic, with deviations: a line for each network."""
    for index, name in enumerate(KINDS):
        own = [row for row in rows if row["network"] == name]
        shown = {
            key: trials.percent([row[key] for row in own]) for key in ("accuracy", "deviation")
        }
        work = [row["work"] for row in own]
        axes.errorbar(work, *shown.values(), marker="os^v"[index], capsize=3, label=name)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("work of training, epochs of the full network")
    axes.set_ylabel("accuracy on held-out samples, %")
    axes.legend(loc="lower right")
