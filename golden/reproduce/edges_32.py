"""Edges of small networks: drawn as lines, Sobol' beside random paths.

Five layers of 32 neurons at 32, 64 and 128 paths, of which each count keeps the paths of the one
before, and the two shapes of Fig. 6. The text gives Fig. 6 its inputs, outputs and latent space
only: the layers between halve or double here, and the paths are as many as make no junction more
than dense.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from ..topology.catalogue import build
from .trials import Row

NAME = "edges-32"
TITLE = "Edges of small networks, Sobol' paths and random ones"
SOURCE = "Keller & Van keirsbilck, Fig. 5 and 6"
DEFAULTS = {}
SIZE, PANELS = (8, 4), (2, 5)
SHAPES = (  # what it is called, layers, paths of every junction
    ("32 paths", (32,) * 5, 32),
    ("64 paths", (32,) * 5, 64),
    ("128 paths", (32,) * 5, 128),
    ("classifier", (32, 16, 8, 4), 32),
    ("autoencoder", (32, 16, 8, 16, 32), 64),
)
KINDS = ("sobol", "pseudo-random")
COLUMNS = (
    ("network", "network", ""),
    ("topology", "topology", ""),
    ("edges", "edges", "d"),
    ("different", "different", "d"),
    ("fan-in", "fan_in", ""),
    ("fan-out", "fan_out", ""),
)


def rows(options: SimpleNamespace) -> list[Row]:
    """Every edge: network, topology, junction, path, its source and its target."""
    result = []
    for name, layers, paths in SHAPES:
        for kind in KINDS:
            topology = build(kind, layers, (paths,) * (len(layers) - 1), seed=options.seed)
            for junction in topology.junctions:
                ends = zip(*(side.tolist() for side in topology.edges(junction)), strict=True)
                result += [
                    {
                        "network": name,
                        "topology": kind,
                        "junction": junction,
                        "path": path,
                        "source": source,
                        "target": target,
                    }
                    for path, (source, target) in enumerate(ends)
                ]
    return result


def _of(rows, network, topology):
    return [row for row in rows if (row["network"], row["topology"]) == (network, topology)]


def table(rows: list[Row]) -> list[Row]:
    """A row for each network: its edges, how many differ, and the ranges of its fans.

    A fan-in of neurons is counted in every junction, edges that repeat as often as they do.
    """
    result = []
    for name, layers, _ in SHAPES:
        for kind in KINDS:
            own = _of(rows, name, kind)
            ends = np.array([[row[key] for key in ("junction", "source", "target")] for row in own])
            fans = SimpleNamespace(fan_in=[], fan_out=[])
            for junction in range(1, len(layers)):
                _, source, target = ends[ends[:, 0] == junction].T
                fans.fan_out += np.bincount(source, minlength=layers[junction - 1]).tolist()
                fans.fan_in += np.bincount(target, minlength=layers[junction]).tolist()
            result.append(
                {
                    "network": f"{name}, {'-'.join(map(str, layers))}",
                    "topology": kind,
                    "edges": len(own),
                    "different": len(np.unique(ends, axis=0)),
                    "fan_in": _range(fans.fan_in),
                    "fan_out": _range(fans.fan_out),
                }
            )
    return result


def _range(counts):
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least}-{most}"


def plot(rows: list[Row], axes: Any) -> None:
    """Layers from left to right, neuron 0 on top, an edge as a line; Sobol' above."""
    for line, kind in zip(axes, KINDS, strict=True):
        for ax, (name, layers, _) in zip(line, SHAPES, strict=True):
            own = _of(rows, name, kind)
            places = [(np.arange(width) + 0.5) / width for width in layers]
            lines = [  # broken by NaN, so that one artist draws all of them
                (x, y)
                for row in own
                for x, y in (
                    (row["junction"] - 1, places[row["junction"] - 1][row["source"]]),
                    (row["junction"], places[row["junction"]][row["target"]]),
                    (np.nan, np.nan),
                )
            ]
            ax.plot(*zip(*lines, strict=True), color="C0", linewidth=0.4)
            for layer, heights in enumerate(places):
                ax.plot([layer] * len(heights), heights, "o", color="black", markersize=1.5)
            ax.set_title(f"{name}\n{kind}", fontsize=9)
            ax.set_ylim(1, 0)
            ax.set_axis_off()
