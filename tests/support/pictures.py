"""What is wrong with a matplotlib picture: letters that are cut, legends that lie on something."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def drawn(monkeypatch):
    """The figures that are saved from now on: a list that grows."""
    figures, save = [], Figure.savefig

    def keep(figure, *arguments, **options):
        save(figure, *arguments, **options)
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def _box(artist):
    return artist.get_window_extent()


def _within(inner, outer, slack=1.5):
    return (
        inner.x0 >= outer.x0 - slack
        and inner.y0 >= outer.y0 - slack
        and inner.x1 <= outer.x1 + slack
        and inner.y1 <= outer.y1 + slack
    )


def _bars(axes):
    boxes = [_box(patch) for patch in axes.patches if isinstance(patch, Rectangle)]
    for collection in axes.collections:  # of broken_barh
        if type(collection).__name__ == "PolyCollection":
            paths = collection.get_paths()
            boxes += [path.get_extents(collection.get_transform()) for path in paths]
    return [box for box in boxes if box.width > 0 and box.height > 0]


def _points(axes):
    for line in axes.lines:
        if line.get_marker() not in ("", "None", None):
            yield from line.get_transform().transform(line.get_xydata())


def _texts(figure):
    """The texts that are drawn, but those that are clipped on purpose."""
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title]
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label]
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                ticks = axis.get_major_ticks()
                places = axis.get_majorticklocs()
                texts += [
                    tick.label1
                    for tick, place in zip(ticks, places, strict=False)
                    if low <= place <= high
                ]
    return [
        text
        for text in texts
        if text.get_visible()
        and text.get_text().strip()
        and not (text.get_clip_on() and text.get_clip_box())
    ]


def faults(figure):
    """A line for each fault of a figure that was drawn.

    Text must lie in the picture; where its middle lies in a bar, in the bar. Legends must lie on
    no bar and on no marked point.
    """
    figure.draw_without_rendering()  # places, for dots of the screen
    found = []
    for text in _texts(figure):
        if not _within(_box(text), figure.bbox):
            found.append(f"{text.get_text()!r} leaves the picture")
    for axes in figure.axes:
        bars = _bars(axes)
        for text in axes.texts:
            box = _box(text)
            middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            around = [bar for bar in bars if bar.contains(*middle)]
            if text.get_text() and around and not any(_within(box, bar, 0) for bar in around):
                found.append(f"{text.get_text()!r} leaves its bar")
        for legend in [*figure.legends, *filter(None, [axes.get_legend()])]:
            box = _box(legend)
            if any(box.overlaps(bar) for bar in bars):
                found.append("a legend lies on a bar")
            if any(box.contains(*point) for point in _points(axes)):
                found.append("a legend lies on a point")
    return found
