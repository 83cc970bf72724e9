"""The picture of ``sobolpath sim explain``: rows and lanes, a block's crossbar, steps in order."""

from pathlib import Path

import numpy as np

from sobolpath.golden.machine.lanes import junction_matrix, neurons, path_order
from sobolpath.golden.support import plots
from sobolpath.golden.topology import gf2
from sobolpath.golden.topology.paths import Paths

LANE = (*plots.COLOURS[:6], "#555555", plots.COLOURS[8])  # white letters are read on all

# Widths and heights of the panels, in points.
WIDE, HALF, UPPER, LOWER = 600, 270, 230, 260


def draw(path: str | Path, topology: Paths, lanes: int, junction: int, step: int) -> None:
    """Draw a topology on so many lanes, and one step of a junction of it."""
    plots.save(path, (9, 8), lambda figure: _paint(figure, topology, lanes, junction, step))


def _paint(figure, topology, lanes, junction, step):
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    word = gf2.apply(
        junction_matrix(topology, junction, lanes),
        np.arange(topology.paths[junction - 1] // lanes),
    )
    reads, distances = np.divmod(word, lanes)
    here = int(reads[step]), int(distances[step]), step // topology.fan_in(junction)
    _layers(upper.subplots(), topology, lanes, {junction - 1: here[0], junction: here[2]})
    left, right = lower.subplots(1, 2, width_ratios=(1.1, 1))
    _crossbar(left, topology, lanes, junction, step, here)
    _order(right, topology, junction, (reads, distances), lanes, step)


def _colour(lane):
    return LANE[lane % len(LANE)]


def _cell(axis, x, y, text, colour, bold=False, width=0.92, size=7):
    from matplotlib.patches import Rectangle

    edge = {"linewidth": 1.6 if bold else 0.4, "edgecolor": "black"}
    axis.add_patch(Rectangle((x - width / 2, y - 0.42), width, 0.84, facecolor=colour, **edge))
    label = {"ha": "center", "va": "center", "fontsize": size, "in_layout": False}
    axis.text(x, y, text, color="white", **label)


def _size(width, height, letters):
    """The size of text in a cell of so many points, at most 7: such that it does not leave it."""
    return min(7, 0.92 * width / (0.65 * letters), 0.84 * height / 1.25)


def _bare(axis, title, across, down):
    """No frame, a title, and what is shown of x and of y, which goes down."""
    axis.set_axis_off()
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_xlim(*across)
    axis.set_ylim(*reversed(down))


def _layers(axis, topology, lanes, marked):
    """Each layer as its rows of neurons, the two rows of the step with a frame."""
    rows, across = max(topology.layers) // lanes, len(topology.layers) * (lanes + 2.5)
    letters = len(str(max(topology.layers) - 1))
    size = _size(WIDE / across, UPPER / (rows + 2), letters)
    for layer in range(len(topology.layers)):
        left = layer * (lanes + 2.5)
        grid = neurons(topology, layer, lanes)
        for row, line in enumerate(grid):
            style = {"ha": "right", "va": "center", "fontsize": size}
            axis.text(left - 0.7, row, f"row {row}", **style)
            for lane, neuron in enumerate(line):
                bold = marked.get(layer) == row
                _cell(axis, left + lane, row, str(neuron), _colour(lane), bold, size=size)
        for lane in range(lanes):
            name = f"lane {lane}" if lanes <= 4 else str(lane)
            axis.text(left + lane, -1, name, ha="center", fontsize=6)
        name = "inputs" if layer == 0 else f"layer {layer}"
        axis.text(left + (lanes - 1) / 2, -1.7, name, ha="center", fontsize=8)
    title = "The neurons of each layer in their rows and lanes; framed: those of the step below"
    _bare(axis, title, (-2, across - 2), (-2, rows))


def _crossbar(axis, topology, lanes, junction, step, here):
    """The butterfly: the source row on the left, through a stage for each bit of D, the target."""
    source, distance, target = here
    stages = lanes.bit_length() - 1
    sources, targets = (
        neurons(topology, layer, lanes)[row]
        for layer, row in ((junction - 1, source), (junction, target))
    )
    where = np.arange(lanes)  # the place of each source lane's value
    for lane in range(lanes):
        _cell(axis, 0, lane, str(sources[lane]), _colour(lane), width=0.6)
    for stage in range(stages):
        swapped = distance >> stage & 1
        for lane in range(lanes):
            ends = where[lane], where[lane] ^ (swapped << stage)
            x = 1.2 * stage + 0.4
            axis.plot([x, x + 0.8], ends, color=_colour(lane), linewidth=1.8)
            axis.plot([x + 0.8, x + 1.2], [ends[1]] * 2, color=_colour(lane), linewidth=1.8)
        where = where ^ (swapped << stage)
        text = f"digit {stage}\nof D: {swapped}\n" + ("swap" if swapped else "straight")
        axis.text(1.2 * stage + 0.8, lanes - 0.2, text, ha="center", va="top", fontsize=7)
    paths = path_order(topology, junction, lanes)[step]
    for place, lane in sorted(zip(where, range(lanes), strict=True)):
        x = 1.2 * stages + 0.75
        _cell(axis, x, place, str(targets[place]), _colour(lane), width=0.6)
        axis.text(x + 0.45, place, f"path {paths[place]}", va="center", fontsize=7)
    axis.text(0, -0.8, f"row {source}", ha="center", fontsize=7)
    axis.text(1.2 * stages + 0.75, -0.8, f"row {target}", ha="center", fontsize=7)
    title = (
        f"Step {step} of junction {junction}: one block of {lanes} paths, "
        f"D = {distance:0{max(stages, 1)}b}"
    )
    _bare(axis, title, (-0.6, 1.2 * stages + 2.2), (-1.2, lanes + 0.6))


def _order(axis, topology, junction, words, lanes, step):
    """The steps of a junction, a line for each target row: what each reads, and with which D."""
    fan_in, digits = topology.fan_in(junction), max(lanes.bit_length() - 1, 1)
    longest = len(f"{len(words[0]) - 1}: row {max(words[0])}, ") + digits
    rows = topology.layers[junction] // lanes
    size = _size(HALF / (fan_in + 1.2), LOWER / (rows + 1.2), longest)
    for number, (row, distance) in enumerate(zip(*words, strict=True)):
        y, x = divmod(number, fan_in)
        shade = "#000000" if number == step else "#777777"
        text = f"{number}: row {row}, {distance:0{digits}b}"
        _cell(axis, x, y, text, shade, number == step, size=size)
    down = min(7, LOWER / (rows + 1.2) / 1.25)
    for row in range(rows):
        axis.text(-0.6, row, f"row {row}", ha="right", va="center", fontsize=down)
    for epoch in range(fan_in):
        axis.text(epoch, -0.7, f"epoch {epoch}", ha="center", fontsize=6)
    _bare(axis, "The order of the steps: number, source row, D", (-1.2, fan_in), (-1.2, rows))
