"""A run as a picture: the paths that speak for the class and against it, and why it was chosen."""

from pathlib import Path

import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.support import plots

from .steps import active, contributions

STRONGEST = 400  # active paths of a junction that are drawn
TELLING = 100  # of these, drawn in colour: those that change the class's logit most
RAISES, LOWERS = plots.COLOURS[:2]
GREY = "#cccccc"
MOST_CLASSES = 32  # that have room for a line each


def draw(path: str | Path, model: Model, layers: list[np.ndarray], title: str) -> list[str]:
    """Draw the values of an image's layers (``sim.views.steps.values_of``); lines that say what.

    Lines between neurons are active paths. Those that change the logit of the class most are blue
    where they raise it and orange where they lower it, the thicker the more. Bars on the right are
    what the active paths of the last junction add to each class's logit, and take from it.
    """
    paths = list(_paths(model, layers))
    lines = [
        f"junction {junction}: {count:,} of {total:,} paths active"
        + (f", the strongest {len(products):,} drawn" if len(products) < count else "")
        for junction, total, count, (_, _, products) in paths
    ]
    said = int(engine.classify(model, layers[-1][None])[0])
    sums = _sums(model, layers)

    def paint(figure):
        left, right = figure.subplots(1, 2, width_ratios=(2.2, 1))
        _network(left, model, layers, paths, said)
        _reason(right, model, layers[-1][: model.classes], sums, said)
        figure.suptitle(title, fontsize=10)

    plots.save(path, (11, 6.4), paint)
    return [*lines, _words(model, layers[-1][: model.classes], sums, said)]


def network(model: Model, layers: list[np.ndarray]) -> bytes:
    """The network alone, without the bars, as SVG: narrow enough for a telephone."""
    paths, said = list(_paths(model, layers)), int(engine.classify(model, layers[-1][None])[0])

    def paint(figure):
        _network(figure.subplots(), model, layers, paths, said)

    return plots.draw("svg", (5.2, 5.4), paint)


def _paths(model, layers):
    """Of each junction: its number, its paths, how many are active, the strongest ones."""
    for junction, alive in enumerate(active(model, layers), 1):
        source, target = model.topology.edges(junction)
        products = layers[junction - 1][source] * model.weights[junction - 1].astype(np.int64)
        kept = np.flatnonzero(alive)
        order = kept[np.argsort(-np.abs(products[kept]), kind="stable")][:STRONGEST]
        found = source[order], target[order], products[order]
        yield junction, alive.size, int(alive.sum()), found


def _sums(model, layers):
    """What raises and what lowers each class's logit, and its bias: ``int64`` (3, classes)."""
    source, target = model.topology.edges(len(model.topology.paths))
    products = layers[-2][source] * model.weights[-1].astype(np.int64)
    result = np.zeros((2, model.topology.layers[-1]), np.int64)
    np.add.at(result[0], target, np.maximum(products, 0))
    np.add.at(result[1], target, np.minimum(products, 0))
    return np.vstack([result, model.biases[-1]])[:, : model.classes]


def _words(model, logits, sums, said):
    """Why the class was chosen, as a line."""
    up, down, bias = (int(value) for value in sums[:, said])
    others = np.delete(np.arange(len(logits)), said)
    sign = "-" if bias < 0 else "+"
    text = f"class {model.called(said)}: {up:,} - {-down:,} {sign} {abs(bias):,} (bias)"
    text += f" = {int(logits[said]):,}"
    if others.size:
        second = others[np.argmax(logits[others])]
        text += f"; next is class {model.called(second)} with {int(logits[second]):,}"
    return text


def _heights(layers, classes):
    """Where the neurons of each layer stand; of the last one the classes alone."""
    widths = [*map(len, layers[:-1]), classes]
    return [-(np.arange(width) + 0.5) / width for width in widths]


def _network(axis, model, layers, paths, said):
    from matplotlib.lines import Line2D

    heights = _heights(layers, model.classes)
    for (junction, _, _, (source, target, products)), adds in zip(
        paths, contributions(model, layers, said), strict=True
    ):
        share = np.abs(products) / max(np.abs(products).max(initial=0), 1)
        ends = heights[junction - 1], heights[junction]
        kept = target < len(ends[1])  # of the last layer there are the classes alone
        edges = source[kept], target[kept]
        _lines(axis, junction, ends, edges, GREY, 0.2 + 0.8 * share[kept])
        telling = np.flatnonzero(adds)
        telling = telling[np.argsort(-np.abs(adds[telling]), kind="stable")][:TELLING][::-1]
        share = np.abs(adds[telling]) / np.abs(adds).max(initial=1e-9)
        colours = np.where(adds[telling] > 0, RAISES, LOWERS)
        edges = model.topology.edges(junction)
        _lines(axis, junction, ends, [side[telling] for side in edges], colours, 0.3 + 2 * share)
    for layer, values in enumerate(layers):
        values = values[: len(heights[layer])]
        _neurons(axis, layer, heights[layer], values, said if layer == len(layers) - 1 else None)
    names = ["inputs", *(f"layer {layer}" for layer in range(1, len(layers) - 1)), "classes"]
    axis.set_xticks(range(len(layers)), names)
    axis.tick_params(length=0)
    axis.set_yticks([])
    axis.set_ylim(-1.01, 0.01)
    axis.margins(x=0.04)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    handles = [
        Line2D(
            [],
            [],
            color=RAISES,
            linewidth=2,
            label=f"raises the logit of class {model.called(said)}",
        ),
        Line2D([], [], color=LOWERS, linewidth=2, label="lowers it"),
        Line2D([], [], color=GREY, label="other active paths"),
        Line2D([], [], color="#333333", marker="o", linewidth=0, label="neuron, darker if larger"),
    ]
    axis.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=2)


def _lines(axis, junction, heights, ends, colours, widths):
    """A line for each pair of neurons, the last on top."""
    from matplotlib.collections import LineCollection

    y = np.stack([height[side] for height, side in zip(heights, ends, strict=True)], axis=1)
    x = np.broadcast_to([junction - 1, junction], y.shape)
    axis.add_collection(
        LineCollection(list(np.stack([x, y], axis=2)), colors=colours, linewidths=widths, alpha=0.7)
    )


def _neurons(axis, layer, heights, values, said):
    """Dots, the darker the larger; the class that was said has a blue one."""
    shown = np.clip(values / max(values.max(), 1), 0, 1)
    colours = [RAISES if neuron == said else str(1 - grey) for neuron, grey in enumerate(shown)]
    size = float(np.clip(2500 / len(values), 2, 40))
    style = {"edgecolors": "#555555", "linewidths": 0.3, "zorder": 3}
    axis.scatter(np.full(len(values), layer), heights, size, colours, **style)


def _reason(axis, model, logits, sums, said):
    """The logits of the classes, and what they are made of."""
    classes = np.arange(len(logits))
    if len(classes) > MOST_CLASSES:
        classes = np.sort(np.argsort(-logits, kind="stable")[:MOST_CLASSES])
    places = -(np.arange(len(classes)) + 0.5) / len(classes)
    up, down, bias = sums[:, classes]
    thick = 0.5 / len(classes)
    axis.barh(places, up, thick, color=RAISES, label="paths that raise it")
    axis.barh(places, down, thick, color=LOWERS, label="paths that lower it")
    axis.plot(bias, places, "|", color="#555555", markersize=7, label="bias")
    axis.plot(
        logits[classes], places, "D", color="black", markersize=4, label="logit: all of these"
    )
    axis.axvline(0, color="black", linewidth=0.8)
    style = {"textcoords": "offset points", "va": "center", "fontsize": 8}
    across = axis.get_yaxis_transform()
    for place, number in zip(places, classes, strict=True):
        weight = "bold" if number == said else "normal"
        text = f"{int(logits[number]):,}"
        axis.annotate(text, (1, place), (4, 0), xycoords=across, fontweight=weight, **style)
    own = places[list(classes).index(said)]
    axis.axhline(own, color=RAISES, alpha=0.15, linewidth=14, zorder=0)
    axis.set_yticks(places, [f"class {model.called(number)}" for number in classes])
    axis.set_ylim(-1.01, 0.01)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.xaxis.set_major_locator(_few_ticks())
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.set_title(f"The largest logit is that of class {model.called(said)}", fontsize=9)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=2)


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5)
