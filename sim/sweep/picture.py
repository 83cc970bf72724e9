"""The picture of a sweep: accuracy by weights, by bits, by images a second."""

from collections.abc import Callable, Sequence
from typing import Any

from sobolpath.golden.support.plots import COLOURS, MARKERS, draw

from . import plan, table

SIZE = 4.6, 4.2  # of a panel, in inches
LEGEND = 12  # entries at most


def panels(found: plan.Plan, lines: Sequence[table.Line]) -> list[Callable[[Any], None]]:
    """What is worth a panel: a function each, which fills a pair of axes."""
    done = [line for line in lines if line["error"] is None]
    bits = len(found.axes.get("bits", ())) > 1
    weights = len({line["weights"] for line in done}) > 1
    chosen: list[Callable[[Any], None]] = []
    if weights or not bits:
        chosen.append(lambda axes: _lines(axes, found, done, "weights", ("layers", "paths")))
    if bits:
        chosen.append(lambda axes: _lines(axes, found, done, "bits", ("bits",)))
    if any(line["images_per_second"] for line in done):
        chosen.append(lambda axes: _boards(axes, found, done))
    return chosen


def picture(found: plan.Plan, lines: Sequence[table.Line], kind: str) -> bytes:
    """The bytes of the picture, of ``kind`` svg or png."""
    chosen = panels(found, lines)

    def paint(figure):
        row = figure.subplots(1, len(chosen), squeeze=False, sharey=True)[0]
        row[0].set_ylabel("accuracy (%)")
        for fill, axes in zip(chosen, row, strict=True):
            fill(axes)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=7)
        figure.suptitle(found.name, fontsize=10)

    return draw(kind, (SIZE[0] * len(chosen), SIZE[1]), paint)


def _accuracy(lines):
    """Mean and deviation in percent, of the integers where there are some."""
    kind = "accuracy_int" if lines[0]["accuracy_int"] is not None else "accuracy_float"
    mean, deviation = table.statistics(lines, kind)
    return 100 * (mean or 0), 100 * (deviation or 0)


def _x(lines, name):
    return lines[0][name] if name == "weights" else lines[0]["options"].get(name)


def _series(found, lines, without):
    """The lines of the cells by what tells curves apart, with a name for each."""
    names = table.varied(found, table.SEED, plan.BOARD, *without)
    for number, (values, own) in enumerate(table.groups(lines, names).items()):
        pairs = zip(names, values, strict=True)
        words = [
            str(value) if name == "topology" else f"{name} {value}"
            for name, value in pairs
            if value is not None
        ]
        style = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "label": ", ".join(words) if number < LEGEND else None,
        }
        yield own, style


def _lines(axes, found, lines, name, without):
    """A curve for each kind of network, its accuracy by weights or by bits."""
    for own, style in _series(found, table.trainings(lines), without):
        points = {}
        for line in own:
            points.setdefault(_x([line], name), []).append(line)
        points = {x: cells for x, cells in points.items() if x is not None}
        if not points:
            continue
        at = sorted(points)
        means, deviations = zip(*(_accuracy(points[x]) for x in at), strict=True)
        axes.errorbar(at, means, deviations, capsize=2, **style)
    if name == "weights":
        _octaves(axes)
    axes.set_xlabel("weights" if name == "weights" else "bits of a weight")


def _boards(axes, found, lines):
    """A point for each network on each board, its accuracy by the images it takes a second."""
    names = sorted({line[plan.BOARD] for line in lines if line["images_per_second"]})
    others = table.varied(found, table.SEED, plan.BOARD)
    for number, board in enumerate(names):
        own = [line for line in lines if line[plan.BOARD] == board and line["images_per_second"]]
        points = [
            (group[0]["images_per_second"], _accuracy(group)[0])
            for group in table.groups(own, others).values()
        ]
        style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        axes.plot(*zip(*points, strict=True), linestyle="none", label=board, **style)
    _octaves(axes)
    axes.set_xlabel("images per second, on a board")


def _octaves(axes):
    """A logarithmic scale, with whole numbers."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
