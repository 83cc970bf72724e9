"""Accuracy against the scatter of the network: random, Sobol', rotated and planned connections.

The shapes are the paper's: 1,024-64-16 neurons with fan-outs of 1 and 4 for 1,024 inputs, and
64-1,024-64 with 128 and 8 for 64 classes; other data has 64 hidden neurons, or as many as the fans
need, and fan-outs of 4. All networks of a data set have equally many edges, none twice.

Planned connections have low scatter on purpose: sources and targets of a junction are cut into g
groups, group a is joined to group a alone, at random with constant fans. Groups are either runs of
neighbours or every g-th neuron. Runs of sources that meet every g-th target leave a target 1 / g of
the source windows, while a source still meets windows of targets everywhere: only the forward
scatter falls. The other way round only the backward one does; with runs on both sides, both do.
A name like "1 forward / 4" is junction 1 with g = 4, the other junction random.

Windows are runs of neighbours. The paper cuts images into windows of two dimensions: "2-D" is the
least scatter with such windows of the inputs, halves of halves of the image, and plans called
"tiles" have such groups of inputs. Other data than images has neither.

Of Sobol' paths there is one for each scatter that some dimensions have
(:mod:`golden.reproduce.dimensions`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..data import DataSet
from ..topology import quality
from ..topology.catalogue import build
from ..topology.paths import Paths
from ..topology.patterns import Pattern, fixed_fan
from ..training.initialize import initialize
from . import dimensions, trials
from .trials import Row

NAME = "scatter"
TITLE = "Accuracy against scatter, networks of equally many edges"
SOURCE = "Dey et al., Fig. 7"
DEFAULTS = {"data": "digits", "images": 0, "epochs": 30, "seeds": 5}
SIZE, PANELS = (8.6, 6.0), (1, 2)
KNOWN = ("fixed-fan", "random-regular", "scrambled")
KNOWN += ("random-rotating", "regular-rotating", "long-short", "fibonacci")
IMAGES = {"digits": 8, "mnist": 32, "fashion": 32}  # the side of each
Plan = list[tuple[int, tuple[bool, bool]] | None]
"""Of each junction: groups and which sides are runs, or ``None`` where it is random."""
GROUPS = (2, 4, 8, 16)
WAYS = {"forward": (True, False), "backward": (False, True), "both": (True, True)}  # which in runs
COLUMNS = (
    ("connections", "connections", ""),
    ("S", "scatter", ".2f"),
    ("2-D", "scatter_2d", ".2f"),
    ("1 f", "s1_forward", ".2f"),
    ("1 b", "s1_backward", ".2f"),
    ("2 f", "s2_forward", ".2f"),
    ("2 b", "s2_backward", ".2f"),
    ("f", "s_forward", ".2f"),
    ("b", "s_backward", ".2f"),
    ("accuracy", "accuracy", ".2%"),
    ("s.d.", "deviation", ".2%"),
)


def shape(dataset: DataSet) -> tuple[tuple[int, int, int], tuple[int, int]]:
    """Neurons of the three layers, and the paths of the two junctions."""
    inputs, last = dataset.inputs, trials.outputs(dataset)
    hidden, fans = 64, (4, 4)
    if inputs == 1024:
        fans = (1, 4)
    elif last == 64:
        hidden, fans = 1024, (128, 8)
    return (inputs, hidden, last), (fans[0] * inputs, min(fans[1], last) * hidden)


def tiles(side: int) -> np.ndarray:
    """The pixels of an image, row after row, in an order whose runs are its tiles: ``int64``.

    The first half is the upper half of the image, its first half the left half of that, and so on
    (the digits of row and column, taken in turns).
    """
    place = np.zeros((side, side), np.int64)
    row, column = np.indices((side, side))
    for digit in range(side.bit_length() - 1):
        place |= (row >> digit & 1) << 2 * digit + 1 | (column >> digit & 1) << 2 * digit
    return np.argsort(place, axis=None)


def retiled(topology: Paths, side: int) -> Pattern:
    """The topology with its inputs in the order of :func:`tiles`, so that windows are tiles."""
    place = np.argsort(tiles(side))
    ends = [topology.edges(junction) for junction in topology.junctions]
    ends[0] = place[ends[0][0]], ends[0][1]
    return Pattern("retiled", topology.layers, ends)


def grouped(
    sources: int, targets: int, paths: int, groups: int, runs: tuple[bool, bool], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The edges of a junction whose group a of sources meets group a of targets alone.

    ``runs`` says for sources and for targets whether a group is a run of neighbours, not every
    g-th neuron. Fan-ins and fan-outs are constant. Two ``int64`` arrays (paths,).
    """
    ends: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for group in range(groups):
        few = fixed_fan(
            (sources // groups, targets // groups), (paths // groups,), seed * groups + group
        )
        widths = (sources, targets)
        for side, own, run, width in zip(ends, few.edges(1), runs, widths, strict=True):
            side.append(group * (width // groups) + own if run else own * groups + group)
    return np.concatenate(ends[0]), np.concatenate(ends[1])


def plans(
    layers: Sequence[int], paths: Sequence[int], side: int | None = None
) -> list[tuple[str, Plan, int | None]]:
    """What can be planned: name, per junction ``None`` (random) or groups and runs, and the side.

    That is the image's, where groups of inputs are tiles of it, else ``None``: ``side`` is that
    of the data's images, if it has such.
    """
    result = []
    possible = {
        junction: [
            (groups, way)
            for way in WAYS
            for groups in GROUPS
            if _fits(layers[junction - 1], layers[junction], paths[junction - 1], groups, way)
        ]
        for junction in (1, 2)
    }
    for junction, choices in possible.items():
        for groups, way in choices:
            plan: Plan = [None, None]
            plan[junction - 1] = groups, WAYS[way]
            result.append((f"{junction} {way} / {groups}", plan, None))
            if side is not None and junction == 1 and way == "forward":
                result.append((f"1 tiles / {groups}", plan, side))
    for groups, way in possible[1]:
        if (groups, way) in possible[2] and way == "both":
            result.append((f"1, 2 both / {groups}", [(groups, WAYS["both"])] * 2, None))
    return result


def _fits(sources, targets, paths, groups, way):
    """Whether groups are large enough for the fans, and the fans for the scatter to fall."""
    fan_in, fan_out = paths // targets, paths // sources
    needed = {"forward": fan_in, "backward": fan_out, "both": min(fan_in, fan_out)}[way]
    return groups <= needed and fan_in <= sources // groups and fan_out <= targets // groups


def planned(
    layers: Sequence[int],
    paths: Sequence[int],
    plan: Plan,
    seed: int,
    side: int | None = None,
) -> Pattern:
    """The :class:`golden.topology.patterns.Pattern` of one of :func:`plans`."""
    ends = []
    for junction, own in enumerate(plan, 1):
        sources, targets = layers[junction - 1 : junction + 1]
        groups, runs = own or (1, (True, True))
        first = 2 * seed + junction - 1
        ends.append(grouped(sources, targets, paths[junction - 1], groups, runs, first))
    if side is not None:
        ends[0] = tiles(side)[ends[0][0]], ends[0][1]
    return Pattern("planned", layers, ends)


def _scatters(topology):
    pairs = [quality.scatter(topology, junction) for junction in topology.junctions]
    pairs.append(quality.network_scatter(topology))
    names = [f"{name}_{way}" for name in ("s1", "s2", "s") for way in ("forward", "backward")]
    return dict(zip(names, (value for pair in pairs for value in pair), strict=True))


def _kinds(
    layers: Sequence[int], paths: Sequence[int], side: int | None
) -> dict[str, tuple[bool, Callable[[int], Paths]]]:
    """By name whether the connections are planned, and what they are: a function of the seed."""
    result: dict[str, tuple[bool, Callable[[int], Paths]]] = {
        name: (False, partial(_known, name, layers, paths)) for name in KNOWN
    }
    for topology in dimensions.choices(layers, paths, _scatter, 2):
        result[dimensions.label(topology)] = False, partial(_same, topology)
    for name, plan, of in plans(layers, paths, side):
        result[name] = True, partial(_planned, layers, paths, plan, of)
    return result


def _known(name, layers, paths, seed):
    return build(name, layers, paths, seed=seed)


def _same(topology, _seed):
    return topology


def _planned(layers, paths, plan, side, seed):
    return planned(layers, paths, plan, seed, side)


def _scatter(topology):
    return min(_scatters(topology).values())


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each kind of connections: means over the seeds of scatter and accuracy."""
    dataset = trials.load(options)
    layers, paths = shape(dataset)
    side = IMAGES.get(options.data)
    kinds = _kinds(layers, paths, side)
    result = []
    with trials.progress("scatter", len(kinds) * options.seeds) as bar:
        for name, (is_planned, make) in kinds.items():
            figures, found = [], []
            for seed in trials.seeds(options):
                topology = make(seed)
                figures.append(_scatters(topology))
                if side is not None:
                    figures[-1]["scatter_2d"] = _scatter(retiled(topology, side))
                network = initialize(topology, "random", seed)
                found.append(trials.train(network, dataset, options, seed)[0])
                bar.update()
            accuracy, deviation = trials.spread(found)
            least = [min(own[key] for key in own if key != "scatter_2d") for own in figures]
            means = {key: float(np.mean([own[key] for own in figures])) for key in figures[0]}
            result.append(
                {
                    "connections": name,
                    "planned": is_planned,
                    "edges": topology.total_paths,
                    "scatter": float(np.mean(least)),
                    "scatter_2d": None,
                    **means,
                    "accuracy": accuracy,
                    "deviation": deviation,
                }
            )
    return result


def summary(rows: list[Row]) -> dict[str, Any]:
    """Rank correlations of scatter and accuracy: of all rows, and of those planned or not.

    Then the same of the scatter with windows of two dimensions, for images.
    """
    result = {}
    for name, chosen in (
        ("all", rows),
        ("planned", [row for row in rows if row["planned"]]),
        ("others", [row for row in rows if not row["planned"]]),
    ):
        for key, of in (("scatter", ""), ("scatter_2d", "2-D windows, ")):
            if chosen[0][key] is not None:
                values = ([row[each] for row in chosen] for each in (key, "accuracy"))
                result[f"rank correlation, {of}{name}"] = trials.rank_correlation(*values)
    return result


def _group(row):
    """What kind of connections the row's are, and their colour."""
    if not row["planned"]:
        return ("Sobol' paths", "C0") if row["connections"].startswith("sobol") else ("known", "C6")
    groups = {"1": ("planned, junction 1", "C1"), "2": ("planned, junction 2", "C2")}
    return groups.get(row["connections"].split()[0], ("planned, both junctions", "C4"))


def plot(rows: list[Row], axes: Any) -> None:
    """A line for each kind of connections, by their scatter: it, and the accuracy."""
    ordered, named = sorted(rows, key=lambda row: -row["scatter"]), set()
    for place, row in enumerate(ordered):
        name, color = _group(row)
        label = None if name in named else name
        named.add(name)
        axes[0].plot(row["scatter"], place, "o", color=color, label=label)
        if row["scatter_2d"] is not None:
            axes[0].plot(row["scatter_2d"], place, "o", color=color, fillstyle="none", markersize=9)
        accuracy, error = (trials.percent(row[key]) for key in ("accuracy", "deviation"))
        axes[1].errorbar(accuracy, place, xerr=error, fmt="o", color=color, capsize=2)
    names = [row["connections"] for row in ordered]
    for ax, shown in zip(axes, (names, [""] * len(names)), strict=True):
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_yticks(range(len(rows)), shown)
    axes[0].set_xlim(0, 1.05)
    flat = any(row["scatter_2d"] is None for row in rows)
    axes[0].set_xlabel("scatter" if flat else "scatter; rings: windows of two dimensions")
    axes[1].set_xlabel("accuracy on held-out samples, %")
    axes[0].figure.legend(loc="outside lower center", ncols=5)
