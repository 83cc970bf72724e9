"""The picture of ``sobolpath sim learn``: accuracy against images seen, and against time."""

from collections.abc import Sequence
from pathlib import Path

from sobolpath.golden.support import plots

from .course import Epoch


def draw(path: str | Path, epochs: Sequence[Epoch], clock_hz: float, title: str) -> None:
    """Draw both accuracies of every epoch; the time is that of a chip at ``clock_hz``."""
    plots.save(path, (6.4, 3.6), lambda figure: _paint(figure, epochs, clock_hz, title))


def _paint(figure, epochs, clock_hz, title):
    axis = figure.subplots()
    images = [epoch.images for epoch in epochs]
    for name, values, row in (
        ("held-out images, int8", [epoch.accuracy for epoch in epochs], 0),
        ("images as they came, before they were learnt", [epoch.right for epoch in epochs], 1),
    ):
        style = {"color": plots.COLOURS[row], "marker": plots.MARKERS[row], "markersize": 4}
        axis.plot(images, [100 * value for value in values], label=name, **style)
    axis.set_xlabel("images learnt")
    axis.set_ylabel("right, %")
    axis.legend(loc="lower right")
    axis.set_title(title)
    each = epochs[-1].cycles / epochs[-1].images / clock_hz
    other = axis.secondary_xaxis(
        "top", functions=(lambda count: count * each, lambda time: time / each)
    )
    other.set_xlabel(f"seconds of a chip at {clock_hz / 1e6:g} MHz")
