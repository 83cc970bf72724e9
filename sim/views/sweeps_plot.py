"""The picture of ``sobolpath sim explain --learn``: three sweeps through one junction.

A panel for each: on the left all steps in their order, on the right one of them in its lanes. The
sources are above, the targets below, and the weights between; arrows are the way that values go.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sobolpath.golden.learn.schedule import Sweep
from sobolpath.golden.machine.lanes import neurons, path_order
from sobolpath.golden.support import plots
from sobolpath.golden.topology.paths import Paths

from .sweeps import Walk, walks


@dataclass(frozen=True)
class Kind:
    """What a box holds: its name, the colour of its edge and arrows, and that of its inside."""

    name: str
    edge: str
    fill: str


ACTIVATIONS = Kind("activations", plots.COLOURS[0], "#d9eaf7")
ERRORS = Kind("errors", plots.COLOURS[1], "#fbe3d3")
SUMS = Kind("sums", plots.COLOURS[2], "#d3efe5")
NEW = Kind("new errors", SUMS.edge, SUMS.fill)
WEIGHTS = Kind("weights", "#333333", "#ececec")
PLAIN = Kind("crossbar", "#999999", "#ffffff")


@dataclass(frozen=True)
class Panel:
    """A sweep in words: what is above and below the weights, and what stays there."""

    title: str
    source: Kind
    target: Kind
    stays: str
    does: str


PANELS = {
    Sweep.FORWARD: Panel(
        "Forward: activations go through the crossbar, and sums stay at the targets",
        *(ACTIVATIONS, SUMS),
        *("adds up {}", "sum += weight \u00d7 activation"),
    ),
    Sweep.BACKWARD: Panel(
        "Backward: weights go through the crossbar with errors, and sums stay at the sources",
        *(NEW, ERRORS),
        *("adds up {}", "sum += weight \u00d7 error"),
    ),
    Sweep.UPDATE: Panel(
        "Update: errors stay, activations go through the crossbar, and weights are written back",
        *(ACTIVATIONS, ERRORS),
        *("stays for {}", "weight \u2212= rate \u00d7 error \u00d7 activation"),
    ),
}
SIZE = 9.2, 9.6
WIDE, HIGH = 600, 200  # of a panel, in points
SOURCE, CROSSBAR, WEIGHT, TARGET, BELOW = 0.0, 2.15, 3.2, 5.2, 6.35  # down a panel
LEFT, GAP, ROOM = 2.1, 1.9, 0.9  # beside the steps: labels, what lies before the lanes, the end
TALL, FLAT = 1.1, 0.76  # heights of boxes
FEW = 8  # steps that have room for words


def draw(path: str | Path, topology: Paths, lanes: int, junction: int, weights: int) -> None:
    """Draw the sweeps through a junction, and in lanes the step with this row of weights."""
    plots.save(path, SIZE, lambda figure: _paint(figure, topology, lanes, junction, weights))


def _paint(figure, topology, lanes, junction, weights):
    found = walks(topology, junction, lanes)
    for axis, walk in zip(figure.subplots(len(found), 1), found, strict=True):
        _Painter(axis, topology, lanes, junction, walk).paint(weights)


class _Painter:
    """Paints the panel of one sweep."""

    def __init__(self, axis, topology: Paths, lanes: int, junction: int, walk: Walk):
        self.axis, self.topology, self.lanes, self.walk = axis, topology, lanes, walk
        self.junction, self.panel = junction, PANELS[walk.sweep]
        self.steps = len(walk.weights)
        self.row = "row " if self.steps <= FEW else ""
        self.across = LEFT + self.steps + GAP + lanes + ROOM
        self.down = BELOW + 1.8

    def paint(self, weights):
        axis, step = self.axis, self.walk.step_of(weights)
        axis.set_axis_off()
        axis.set_title(self.panel.title, fontsize=9.5, loc="left", fontweight="bold")
        axis.set_xlim(-0.6 - LEFT, self.across - 0.6 - LEFT)
        axis.set_ylim(BELOW + 0.5, -1.3)
        self._labels()
        self._layers()
        for number in range(self.steps):
            self._step(number, number == step)
        self._in_lanes(step)

    def _box(self, x, y, width, height, text, kind, *, bold=False):
        from matplotlib.patches import Rectangle

        style = {"facecolor": kind.fill, "edgecolor": kind.edge, "linewidth": 2 if bold else 1}
        corner = x - width / 2, y - height / 2
        self.axis.add_patch(Rectangle(corner, width, height, zorder=3, **style))
        lines = text.splitlines()
        wide = 0.9 * width * WIDE / self.across / ((0.76 if bold else 0.68) * max(map(len, lines)))
        size = min(7.5, wide, 0.8 * height * HIGH / self.down / len(lines))
        label = {"ha": "center", "va": "center", "fontsize": size, "in_layout": False}
        label["fontweight"] = "bold" if bold else "normal"
        self.axis.text(x, y, text, zorder=4, linespacing=1.05, **label)

    def _arrow(self, ends, kind, bold, bend=0.0):
        begin, end = ends
        style = {"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "shrinkA": 0, "shrinkB": 0}
        style |= {"color": kind.edge, "linewidth": 1.9 if bold else 0.9}
        style |= {"alpha": 1 if bold else 0.6, "connectionstyle": f"arc3,rad={bend}"}
        self.axis.annotate("", end, begin, arrowprops=style, zorder=2)

    def _label(self, x, y, text, colour="#333333", **style):
        self.axis.text(x, y, text, color=colour, **{"va": "center", "fontsize": 7.5, **style})

    def _labels(self):
        """What stands in each row of boxes."""
        before, behind = self.junction - 1, self.junction
        inputs = "inputs" if before == 0 else f"of layer {before}"
        for y, text, colour in (
            (SOURCE, f"{self.panel.source.name}\n{inputs}", self.panel.source.edge),
            (CROSSBAR, "crossbar, D", "#333333"),
            (WEIGHT, "weights" if self.row else "weights, row", WEIGHTS.edge),
            (TARGET, f"{self.panel.target.name}\nof layer {behind}", self.panel.target.edge),
            (BELOW, "step", "#333333"),
        ):
            self._label(-0.75, y, text, colour, ha="right")

    def _layers(self):
        """The rows of both layers: those that stay above or below their steps, the others apart."""
        backward, turns = self.walk.sweep == Sweep.BACKWARD, self.walk.turns
        for y, kind, layer, stays in (
            (SOURCE, self.panel.source, self.junction - 1, backward),
            (TARGET, self.panel.target, self.junction, not backward),
        ):
            rows = self.topology.layers[layer] // self.lanes
            for row in range(rows):
                x = (row + 0.5) * self.steps / rows - 0.5
                if stays:
                    many = "1 step" if turns == 1 else f"{turns} steps"
                    words = f"row {row}\n{self.panel.stays.format(many)}"
                    words = words if self.steps <= FEW * max(turns, 2) / 2 else f"row {row}"
                    self._box(x, y, turns - 0.14, TALL, words, kind)
                else:
                    self._box(x, y, min(1.3, self.steps / rows - 0.1), FLAT, f"row {row}", kind)

    def _from(self, rows, number, layer):
        """Where at a row's box the line of a step begins: its steps side by side."""
        row = rows[number]
        same = np.flatnonzero(rows == row)
        count = self.topology.layers[layer] // self.lanes
        middle = (row + 0.5) * self.steps / count - 0.5
        span = min(0.9, self.steps / count - 0.3)
        place = int(np.flatnonzero(same == number)[0])
        return middle + span * ((place + 0.5) / len(same) - 0.5)

    def _step(self, number, bold):
        """One step: its row of weights, D, and what goes where."""
        walk, panel = self.walk, self.panel
        digits = max(self.lanes.bit_length() - 1, 1)
        self._box(number, CROSSBAR, 0.56, 0.6, f"{walk.distances[number]:0{digits}b}", PLAIN)
        self._box(
            number, WEIGHT, 0.68, FLAT, f"{self.row}{walk.weights[number]}", WEIGHTS, bold=bold
        )
        style = {"ha": "center", "fontweight": "bold" if bold else "normal"}
        self._label(number, BELOW, str(number), **style)
        over, under = WEIGHT - FLAT / 2, WEIGHT + FLAT / 2
        if walk.sweep == Sweep.BACKWARD:
            begin = self._from(walk.targets, number, self.junction), TARGET - FLAT / 2
            self._arrow((begin, (number, under)), panel.target, bold)
            self._arrow(((number, over), (number, CROSSBAR + 0.3)), panel.target, bold)
            end = number, SOURCE + TALL / 2
            self._arrow(((number, CROSSBAR - 0.3), end), panel.source, bold)
            return
        begin = self._from(walk.sources, number, self.junction - 1), SOURCE + FLAT / 2
        self._arrow((begin, (number, CROSSBAR - 0.3)), panel.source, bold)
        self._arrow(((number, CROSSBAR + 0.3), (number, over)), panel.source, bold)
        ends = [(number, under), (number, TARGET - TALL / 2)]
        if walk.sweep == Sweep.UPDATE:
            ends.reverse()
            self._back(number, 0.34, bold)
        self._arrow(ends, panel.target, bold)

    def _back(self, x, half, bold):
        """That weights are written back where they were read."""
        ends = (x + half, WEIGHT + 0.2), (x + half, WEIGHT - 0.24)
        self._arrow(ends, WEIGHTS, bold, bend=1.3)

    def _in_lanes(self, step):
        """One step in its lanes: neurons of both rows, and the paths of the weights between."""
        walk, panel, lanes = self.walk, self.panel, self.lanes
        first, distance = self.steps + GAP, int(walk.distances[step])
        row = int(walk.weights[step])
        paths = path_order(self.topology, self.junction, lanes)[row]
        rows = int(walk.sources[step]), int(walk.targets[step])
        source, target = (
            neurons(self.topology, self.junction - 1 + side, lanes)[rows[side]] for side in (0, 1)
        )
        for y, number in ((SOURCE, rows[0]), (WEIGHT, row), (TARGET, rows[1])):
            self._label(first - 0.6, y, f"row {number}", ha="right")
        over, under = WEIGHT - FLAT / 2, WEIGHT + FLAT / 2
        for lane in range(lanes):
            x, other = first + lane, first + (lane ^ distance)
            self._label(x, -0.95, f"lane {lane}" if lanes <= 4 else str(lane), ha="center")
            self._box(x, SOURCE, 0.7, FLAT, str(source[lane]), panel.source)
            self._box(x, WEIGHT, 0.7, FLAT, f"w{paths[lane]}", WEIGHTS)
            self._box(x, TARGET, 0.7, FLAT, str(target[lane]), panel.target)
            cross = [(other, SOURCE + FLAT / 2), (x, over)]
            straight = [(x, under), (x, TARGET - FLAT / 2)]
            if walk.sweep == Sweep.BACKWARD:
                cross.reverse()
            if walk.sweep != Sweep.FORWARD:
                straight.reverse()
            if walk.sweep == Sweep.UPDATE:
                self._back(x, 0.35, bold=False)
            self._arrow(cross, panel.source, True)
            self._arrow(straight, panel.target, True)
        middle = first + (lanes - 1) / 2
        self._label(middle, BELOW, f"step {step}: {panel.does}", ha="center", fontweight="bold")
