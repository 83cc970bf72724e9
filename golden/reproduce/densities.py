"""Densities of Dey's networks, by counting the edges of patterns with their fan-outs.

The connected layers are those of section 2.2, where each neuron of a layer has a fixed number of
edges to the next one: "CIFAR10 + 2" are the two junctions behind the convolutions. Edges are
drawn at random with constant fan-ins, and different ones are counted.
"""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from ..topology.patterns import fixed_fan
from .trials import Row

NAME = "densities"
TITLE = "Densities of networks by the fan-outs of their junctions"
SOURCE = "Dey et al., Table 1"
DEFAULTS: dict[str, Any] = {}
SIZE = (7.6, 4.6)
TABLE = (  # network, neurons, fan-outs and the paper's percentages: of each junction, of all
    ("CIFAR10 + 2", (4096, 512, 16), (1, 1), (0.2, 6.3), 0.22),
    ("CIFAR10 + 2", (4096, 512, 16), (1, 8), (0.2, 50), 0.39),
    ("CIFAR100 + 2", (4096, 512, 128), (1, 1), (0.2, 0.8), 0.21),
    ("CIFAR100 + 2", (4096, 512, 128), (1, 8), (0.2, 6.3), 0.38),
    ("CIFAR100 + 2", (4096, 512, 128), (1, 32), (0.2, 25), 0.95),
    ("CIFAR10 + 3", (4096, 512, 256, 16), (1, 1, 1), (0.2, 0.4, 6.3), 0.22),
    ("CIFAR10 + 3", (4096, 512, 256, 16), (1, 1, 8), (0.2, 0.4, 50), 0.3),
    ("CIFAR10 + 3", (4096, 512, 256, 16), (1, 2, 16), (0.2, 0.8, 100), 0.41),
    ("CIFAR100 + 3", (4096, 512, 256, 128), (1, 1, 1), (0.2, 0.4, 0.8), 0.22),
    ("CIFAR100 + 3", (4096, 512, 256, 128), (1, 1, 16), (0.2, 0.4, 13), 0.39),
    ("CIFAR100 + 3", (4096, 512, 256, 128), (1, 2, 32), (0.2, 0.8, 25), 0.59),
    ("MNIST + 2", (3136, 784, 10), (1, 5), (0.1, 50), 0.29),
    ("MNIST + 2", (3136, 784, 10), (4, 10), (0.5, 100), 0.83),
    ("MNIST + 2", (3136, 784, 10), (16, 10), (2, 100), 2.35),
    ("MNIST", (784, 224, 10), (4, 10), (1.79, 100), 3.02),
    ("MNIST", (784, 224, 10), (112, 10), (50, 100), 50.63),
    ("Morse", (64, 1024, 64), (512, 32), (50, 50), 50),
)
COLUMNS = (
    ("network", "network", ""),
    ("fan-outs", "fan_outs", ""),
    ("edges", "edges", ",d"),
    ("dense", "dense", ",d"),
    ("of junctions, %", "junctions", ""),
    ("all", "density", ".2%"),
    ("paper", "paper", ".2%"),
)


def rows(options: SimpleNamespace) -> list[Row]:
    """A row for each network of the table: different edges, and their share of all."""
    result = []
    for name, layers, fans, parts, paper in TABLE:
        paths = [width * fan for width, fan in zip(layers, fans, strict=False)]
        topology = fixed_fan(layers, paths, options.seed)
        edges = [count - topology.duplicates(junction) for junction, count in enumerate(paths, 1)]
        most = [n * m for n, m in pairwise(layers)]
        shares = [100 * one / all_ for one, all_ in zip(edges, most, strict=True)]
        result.append(
            {
                "network": name,
                "layers": "-".join(map(str, layers)),
                "fan_outs": ",".join(map(str, fans)),
                "edges": sum(edges),
                "dense": sum(most),
                "junctions": ", ".join(f"{share:.3g}" for share in shares),
                "junctions_paper": ", ".join(f"{share:g}" for share in parts),
                "density": sum(edges) / sum(most),
                "paper": paper / 100,
            }
        )
    return result


def summary(rows: list[Row]) -> dict[str, float]:
    """The largest difference to the paper's densities, in points; it has two decimals."""
    off = [100 * abs(row["density"] - row["paper"]) for row in rows]
    return {"largest difference to the paper's densities, points": max(off)}


def plot(rows: list[Row], axes: Any) -> None:
    """A line for each network: its density as counted, and the paper's around it."""
    places = range(len(rows))
    paper, counted = ([100 * row[key] for row in rows] for key in ("paper", "density"))
    axes.plot(paper, places, "s", markersize=9, fillstyle="none", label="the paper")
    axes.plot(counted, places, "x", label="counted")
    axes.set_yticks(places, [f"{row['network']}, fan-outs {row['fan_outs']}" for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("density, %")
    axes.legend(loc="upper right")
