"""The pictures of a report, drawn by matplotlib: the same bytes from the same figures."""

import re

from sobolpath.golden.support.plots import COLOURS, MARKERS, Chart

from ..flow.netlist import position
from . import speeds
from .parts import UNKNOWN

GREY = "#dddddd"  # what has no colour of its own


def draw(data):
    """Name of each picture -> (format, bytes)."""
    return {name: (kind, chart.draw(data, kind)) for name, (kind, chart) in PICTURES.items()}


def _fmax(data, axes):
    result = data["result"]
    seeds = list(map(str, result["seeds"]))
    axes.set_xlim(-1, len(seeds))
    axes.bar(seeds, result["fmax_mhz"], color=COLOURS[0], width=0.6)
    axes.axhline(result["clock_mhz"], color=COLOURS[1], label="clock")
    for name, mhz in data["ceilings_mhz"].items():
        if mhz < 2 * max(result["fmax_mhz"]):
            axes.axhline(mhz, color="black", linestyle=":", label=f"{name}, data sheet")
    axes.set_xlabel("seed")
    axes.set_ylabel("MHz")
    axes.grid(axis="x", visible=False)
    axes.legend(loc="lower right", frameon=True)


def _floor(data, axes):
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Patch, Rectangle

    colors = _colors(data["placement"])
    extent, squares, tints, blocks, missing = [0, 0], [], [], {}, 0
    for line, cells in data["placement"].items():
        for kind, places in cells.items():
            for place in places:
                where = position(place)
                if where is None:
                    missing += 1
                    continue
                extent = [max(pair) for pair in zip(extent, where[:2], strict=True)]
                tint = colors.get(line, GREY)
                if kind in SMALL:
                    squares.append(Rectangle(*_small(where)))
                    tints.append(tint)
                else:
                    blocks.setdefault(where[:2], []).append((tint, kind))
    axes.add_collection(PatchCollection(squares, facecolors=tints, linewidths=0))
    for where, several in blocks.items():
        _blocks(axes, where, several)
    if missing:
        axes.text(0, 0, f"{missing:,} cells whose places have no coordinates are not shown")
    axes.set(xlim=(-1, extent[0] + 2), ylim=(-1, extent[1] + 2), aspect="equal")
    axes.set_xlabel("X")
    axes.set_ylabel("Y")
    axes.grid(visible=False)
    handles = [Patch(color=color, label=line) for line, color in colors.items()]
    handles += [Patch(color=GREY, label="others")]
    axes.figure.legend(handles=handles, loc="outside right center")


def _colors(placement):
    """Colours of the largest lines, a memory or multiplier counting as much as a tile and more."""
    sizes = {
        line: sum(len(places) * (1 if kind in SMALL else 16) for kind, places in cells.items())
        for line, cells in placement.items()
        if line != UNKNOWN
    }
    return dict(zip(sorted(sizes, key=sizes.get, reverse=True), COLOURS, strict=False))


SMALL = ("lc", "lut", "ff", "alu")  # several in a tile


def _blocks(axes, where, several):
    """The multipliers or memories of one tile, (colour, kind) each, one above the other."""
    from matplotlib.patches import Rectangle

    height = 0.9 / len(several)
    for number, (tint, kind) in enumerate(several):
        x, y = where[0], where[1] + number * height
        frame = {"facecolor": tint, "edgecolor": "black", "linewidth": 0.6}
        axes.add_patch(Rectangle((x, y), 0.9, height, **frame))
        style = {"fontsize": 5, "ha": "center", "va": "center", "clip_on": True}
        axes.text(x + 0.45, y + height / 2, kind[0].upper(), **style)


def _small(where):
    """Lower left corner, width and height of one of the cells of a tile.

    Its number within the tile goes by the letter of its slice, if any, and the digit at the end.
    """
    x, y, name = where
    piece = re.search(r"(?:SLICE([A-D])\.)?([A-Za-z]+)(\d+)$", name)
    if piece is None:
        return (x, y), 0.9, 0.9
    number = int(piece[3]) % 8
    if piece[1]:
        number = 2 * "ABCD".index(piece[1]) + number
    right = piece[2] in ("FF", "DFF")
    return (x + 0.48 * right, y + number / 8), 0.42, 0.11


def _roofline(data, axes):
    roof, weights = axes
    result, ours = data["result"], {n: m for n, m in data["models"].items() if "why" not in m}
    peak = speeds.peak(result) / 1e6
    slope = (
        result["images_together"] * result["clock_mhz"]
    )  # M multiplications/s for a weight per input
    ratios = {name: model["weights"] / model["inputs"] for name, model in ours.items()}
    end = 1.2 * max([*ratios.values(), peak / slope])
    roof.plot([0, peak / slope, end], [0, peak, peak], color="black")
    for number, (name, model) in enumerate(ours.items()):
        marker = MARKERS[number % len(MARKERS)]
        roof.scatter(ratios[name], model["macs_per_second"] / 1e6, marker=marker, label=name)
    roof.set(xlim=(0, end), ylim=(0, 1.1 * peak))
    roof.set_xlabel("weights for each input")
    roof.set_ylabel("M multiplications/s")
    if ours:
        roof.legend(loc="lower right")
    limit = 8 * result["lanes"]
    bits = [model["weight_bits_per_cycle"] for model in ours.values()]
    weights.barh(list(ours), bits, color=COLOURS[0], height=0.6)
    weights.axvline(limit, color="black", label=f"the memory's limit, {limit}")
    weights.set_xlabel("weight bits a cycle")
    weights.invert_yaxis()
    weights.grid(axis="y", visible=False)
    weights.legend(loc="lower left", frameon=True)


def _boards(data, axes):
    rates = {
        name: speeds.peak(result) / speeds.logic(result)[1] / 1e6
        for name, result in data["boards"].items()
    }
    own = data["result"]["board"]
    colors = [COLOURS[name != own] for name in rates]
    axes.barh(list(rates), list(rates.values()), color=colors, height=0.6)
    axes.set_xlabel("M multiplications/s for each logic cell")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


PICTURES = {
    "fmax": ("svg", Chart("Fmax over seeds", _fmax, (6.4, 3.6))),
    "floor": ("png", Chart("Floor plan", _floor, (8.4, 7.0))),
    "roofline": ("svg", Chart("What binds", _roofline, (9.0, 3.8), (1, 2))),
    "boards": ("svg", Chart("Multiplications for each logic cell", _boards, (6.4, 3.0))),
}
