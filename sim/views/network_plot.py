"""The network of a run as a picture: its neurons, and the active paths of one image."""

import numpy as np

from sobolpath.golden.support import plots

from .steps import active

STRONGEST = 400  # paths of a junction that are drawn
POSITIVE, NEGATIVE = plots.COLOURS[:2]


def draw(path, model, layers, title):
    """Draw the values of an image's layers (``sim.steps.values_of``); returns lines that say what.

    A line is a path of a junction; its width and strength are the product of weight and activation,
    its colour the weight's sign.
    """
    paths = list(_paths(model, layers))
    lines = [
        f"junction {junction}: {count:,} of {total:,} paths active"
        + (f", the strongest {len(products):,} drawn" if len(products) < count else "")
        for junction, total, count, (_, _, products) in paths
    ]
    plots.save(path, (9, 6), lambda figure: _paint(figure, layers, paths, title, lines))
    return lines


def _paths(model, layers):
    """Of each junction: its number, its paths, how many are active, the strongest ones."""
    for junction, alive in enumerate(active(model, layers), 1):
        source, target = model.topology.edges(junction)
        products = layers[junction - 1][source] * model.weights[junction - 1].astype(np.int64)
        kept = np.flatnonzero(alive)
        order = kept[np.argsort(-np.abs(products[kept]), kind="stable")][:STRONGEST]
        found = source[order], target[order], products[order]
        yield junction, alive.size, int(alive.sum()), found


def _paint(figure, layers, paths, title, lines):
    from matplotlib.collections import LineCollection

    axis = figure.subplots()
    heights = [-(np.arange(len(values)) + 0.5) / len(values) for values in layers]
    for junction, _, _, (source, target, products) in paths:
        ends = np.stack([heights[junction - 1][source], heights[junction][target]], axis=1)
        across = np.broadcast_to([junction - 1, junction], ends.shape)
        share = np.abs(products) / max(np.abs(products).max(initial=0), 1)
        colours = np.where(products > 0, POSITIVE, NEGATIVE)
        lines_ = np.stack([across, ends], axis=2)[::-1]  # the strongest on top
        axis.add_collection(
            LineCollection(
                lines_,
                colors=colours[::-1],
                linewidths=0.2 + 1.8 * share[::-1],
                alpha=0.1 + 0.8 * share[::-1],
            )
        )
    for layer, values in enumerate(layers):
        shown = np.clip(values / max(values.max(), 1), 0, 1)
        size = float(np.clip(2500 / len(values), 2, 40))
        axis.scatter(
            np.full(len(values), layer),
            heights[layer],
            size,
            shown,
            cmap="Greys",
            vmin=0,
            vmax=1,
            edgecolors="#555555",
            linewidths=0.3,
            zorder=3,
        )
    for number, height in enumerate(heights[-1] if len(layers[-1]) <= 32 else ()):
        text = f"{number}: {layers[-1][number]:,}"
        axis.annotate(
            text,
            (len(layers) - 1, height),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    names = ["inputs", *(f"layer {layer}" for layer in range(1, len(layers) - 1)), "logits"]
    axis.set_xticks(range(len(layers)), names)
    axis.set_yticks([])
    axis.set_ylim(-1.01, 0.01)
    axis.margins(x=0.06)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set_title("\n".join((title, *lines)), fontsize=8)
