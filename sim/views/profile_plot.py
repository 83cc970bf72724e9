"""The picture of ``sobolpath sim profile``: three lanes of work on one axis of cycles."""

from pathlib import Path

import numpy as np

from sobolpath.golden.machine.timeline import Timeline
from sobolpath.golden.support import plots

LANES = ("loading", "running", "reading")  # from top to bottom
SHOWN = 3  # inferences, the last ones
NARROW = 0.02  # of the axis: a bar that has no room for a letter
COLOURS = plots.COLOURS[:6]  # of the junctions, in turns
SHADES = ("#999999", "#777777", "#444444")  # of the inferences that are loaded and read


def letter(inference: int) -> str:
    """What an inference is called in a timeline: A, B, ..., Z, A, ..."""
    return chr(ord("A") + inference % 26)


def draw(path: str | Path, times: Timeline, title: str, longest: str) -> None:
    """Draw the last inferences of a ``golden.machine.timeline.Timeline``; ``longest`` names what
    binds."""
    plots.save(path, (9, 2.8), lambda figure: _paint(figure, times, title, longest))


def _paint(figure, times, title, longest):
    axis, seen = figure.subplots(), range(len(times.opens))[-SHOWN:]
    axis.set_xlim(times.opens[seen[0]], times.leaves[-1] + 1)
    for number, k in enumerate(seen):
        shade, name = SHADES[number], letter(k)
        _bar(axis, "loading", times.opens[k], times.closes[k], shade, name)
        _bar(axis, "reading", times.ends[k, -1], times.leaves[k], shade, name)
        for j, (first, last) in enumerate(zip(times.first[k], times.last[k], strict=True)):
            _bar(axis, "running", first, last, COLOURS[j % len(COLOURS)], str(j + 1))
            drains = [(last + 1, times.ends[k, j] - last)]
            axis.broken_barh(drains, (-1.4, 0.12), color=COLOURS[j % len(COLOURS)])
    ends = times.ends[list(seen)[-2:], -1]
    axis.annotate("", (ends[0], 0.62), (ends[-1], 0.62), arrowprops={"arrowstyle": "<->"})
    interval = f"interval {ends[-1] - ends[0]:,}: {longest}"
    axis.text(ends.mean(), 0.66, interval, ha="center", va="bottom")
    axis.set_yticks([0.0, -1.0, -2.0], LANES)
    axis.set_ylim(-2.5, 1.1)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.set_xlabel(
        "cycle; letters are inferences, numbers junctions, below them what they write after their "
        "last step"
    )
    axis.set_title(title, fontsize=10)
    axis.grid(axis="y", visible=False)
    axis.spines["left"].set_visible(False)


def _bar(axis, lane, first, last, colour, label):
    """A bar, and its label in it; below it where it is too narrow."""
    height, width = -LANES.index(lane), last - first + 1
    axis.broken_barh([(first, width)], (height - 0.25, 0.5), facecolors=colour, edgecolor="white")
    narrow = width < NARROW * np.ptp(axis.get_xlim())
    place, shade = (height - 0.37, "black") if narrow else (height, "white")
    where = {"ha": "center", "va": "center", "clip_on": not narrow}
    axis.text(first + width / 2, place, label, color=shade, **where)
