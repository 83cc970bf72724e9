"""The pictures of a report, drawn by matplotlib: the same bytes from the same figures."""

import math
import re

from sobolpath.golden.support.plots import COLOURS, MARKERS, Chart

from ..flow.netlist import position
from . import speeds
from .parts import UNKNOWN

GREY = "#dddddd"  # what has no colour of its own
SIDE = 5.5  # inches that the floor plan has at least, beside its legend
MOST_TICKS = 20  # of seeds
LEAST_LETTER = 3.5  # points: smaller ones cannot be read


def draw(data: dict) -> dict[str, tuple[str, bytes]]:
    """Name of each picture -> (format, bytes)."""
    return {name: (kind, chart.draw(data, kind)) for name, (kind, chart) in PICTURES.items()}


def _fmax(data, axes):
    if len(data["result"]["seeds"]) == 1:
        _limits(data, axes)
    else:
        _seeds(data, axes)


def _limits(data, axes):
    """Of one seed: what it reached, beside what the data sheet allows the cells in use."""
    result = data["result"]
    reached = {f"place and route, seed {result['seeds'][0]}": result["fmax_mhz"][0]}
    limits = {f"{name}, data sheet": mhz for name, mhz in data["ceilings_mhz"].items()}
    every = {**reached, **limits}
    bars = axes.barh(list(every), list(every.values()), height=0.6)
    for bar, name in zip(bars, every, strict=True):
        bar.set_color(COLOURS[0] if name in reached else GREY)
    axes.bar_label(bars, fmt="%.4g", padding=3)
    axes.axvline(result["clock_mhz"], color=COLOURS[1], label=_clock(result))
    axes.set_ylim(len(every) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.set_xlabel("MHz")
    axes.grid(axis="y", visible=False)
    axes.figure.legend(loc="outside lower center")


def _seeds(data, axes):
    """Of several seeds: each one's Fmax, and what of the data sheet is near."""
    result = data["result"]
    count = len(result["seeds"])
    axes.bar(range(count), result["fmax_mhz"], color=COLOURS[0], width=0.6)
    axes.set_xlim(-1, count)
    step = math.ceil(count / MOST_TICKS)
    axes.set_xticks(range(0, count, step), map(str, result["seeds"][::step]))
    axes.axhline(result["clock_mhz"], color=COLOURS[1], label=_clock(result))
    for name, mhz in data["ceilings_mhz"].items():
        if mhz < 2 * max(result["fmax_mhz"]):
            label = f"{name}, data sheet: {mhz:g} MHz"
            axes.axhline(mhz, color="black", linestyle=":", label=label)
    axes.set_xlabel("seed")
    axes.set_ylabel("MHz")
    axes.grid(axis="x", visible=False)
    axes.figure.legend(loc="outside lower center", ncols=2)


def _clock(result):
    return f"the clock, {result['clock_mhz']:.4g} MHz"


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
    if missing:
        axes.text(0, 0, f"{missing:,} cells whose places have no coordinates are not shown")
    axes.set(xlim=(-1, extent[0] + 2), ylim=(-1, extent[1] + 2), aspect="equal")
    for where, several in blocks.items():
        _blocks(axes, where, several, SIDE * 72 / max(extent[0] + 3, extent[1] + 3))
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
    return dict(zip(sorted(sizes, key=sizes.__getitem__, reverse=True), COLOURS, strict=False))


SMALL = ("lc", "lut", "ff", "alu")  # several in a tile


def _blocks(axes, where, several, tile):
    """The multipliers or memories of one tile, (colour, kind) each, one above the other.

    ``tile`` : its side in points, at least; a letter that would be too small is left out.
    """
    from matplotlib.patches import Rectangle

    height = 0.9 / len(several)
    for number, (tint, kind) in enumerate(several):
        x, y = where[0], where[1] + number * height
        frame = {"facecolor": tint, "edgecolor": "black", "linewidth": 0.6}
        axes.add_patch(Rectangle((x, y), 0.9, height, **frame))
        size = min(7, 0.7 * height * tile)
        if size < LEAST_LETTER:
            continue
        style = {"fontsize": size, "ha": "center", "va": "center_baseline"}
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
    _roof(roof, result, ours)
    limit = 8 * result["lanes"]
    bits = [model["weight_bits_per_cycle"] for model in ours.values()]
    weights.barh(list(ours), bits, color=COLOURS[0], height=0.6)
    weights.axvline(limit, color="black")
    weights.set_xlim(0, 1.1 * limit)
    weights.set_xlabel(f"weight bits per cycle; the line is the memory's limit, {limit}")
    weights.set_ylim(max(len(ours), 4) - 0.5, -0.5)
    weights.grid(axis="y", visible=False)


def _roof(axes, result, ours):
    """Both roofs, and each model below: both axes are logarithmic."""
    peak = speeds.peak(result) / 1e6
    slope = (
        result["images_together"] * result["clock_mhz"]
    )  # M multiplications/s for a weight per cycle
    ratios = {name: speeds.weights_per_loading_cycle(model) for name, model in ours.items()}
    start = 0.5 * min([*ratios.values(), peak / slope])
    end = 2 * max([*ratios.values(), peak / slope])
    axes.plot([start, peak / slope, end], [start * slope, peak, peak], color="black")
    for number, (name, model) in enumerate(ours.items()):
        marker, rate = MARKERS[number % len(MARKERS)], model["macs_per_second"] / 1e6
        style = {"marker": marker, "facecolors": "none", "edgecolors": COLOURS[number]}
        axes.scatter(ratios[name], rate, s=40, label=name, **style)  # several may be in one place
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set(xlim=(start, end), ylim=(start * slope, 2 * peak))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    axes.set_xlabel("weights for each cycle of loading")
    axes.set_ylabel("M multiplications/s")
    if ours:
        axes.figure.legend(loc="outside lower center", ncols=len(ours))


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
    "fmax": ("svg", Chart("Fmax and the clock", _fmax, (6.4, 3.6))),
    "floor": ("png", Chart("Floor plan", _floor, (8.4, 7.0))),
    "roofline": ("svg", Chart("What binds", _roofline, (9.0, 4.2), (1, 2))),
    "boards": ("svg", Chart("Multiplications for each logic cell", _boards, (6.4, 3.0))),
}
