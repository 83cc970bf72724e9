"""The picture of ``sobolpath sim conflicts``, drawn by matplotlib if it is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sobolpath.golden.support import plots
from sobolpath.golden.support.plots import COLOURS, MARKERS

DASHES = ("-", "--", ":", "-.")


def draw(
    path: str | Path,
    results: list[dict[str, Any]],
    crossbars: Sequence[str],
    queues: Sequence[int],
) -> None:
    """Draw cycles a block by lanes, a panel a crossbar, and index bits.

    ``results`` are those of :func:`sim.conflicts.measure.measure`.
    """

    def paint(figure):
        axes = figure.subplots(1, len(crossbars) + 1, squeeze=False)[0]
        for axis in axes[1:-1]:
            axis.sharey(axes[0])
        for crossbar, axis in zip(crossbars, axes[:-1], strict=True):
            _cycles(axis, results, crossbar, queues)
        _bits(axes[-1], results)
        handles, labels = axes[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))

    plots.save(path, (3.6 * (len(crossbars) + 1), 4.2), paint)


def _style(row, **more):
    return {
        "color": COLOURS[row % len(COLOURS)],
        "marker": MARKERS[row % len(MARKERS)],
        "markersize": max(9 - 1.2 * row, 3),  # those on each other are seen
        "fillstyle": "none",
        **more,
    }


def _lanes(axis, results, title):
    lanes = [result["lanes"] for result in results]
    axis.set_xscale("log", base=2)
    axis.set_xticks(lanes, [str(count) for count in lanes])
    axis.minorticks_off()
    axis.set_xlabel("lanes and banks, P")
    axis.set_title(title)
    return lanes


def _cycles(axis, results, crossbar, queues):
    lanes = _lanes(axis, results, f"cycles a block, {crossbar} crossbar")
    for row in range(len(results[0]["patterns"])):
        for column in range(len(queues)):
            values = [r["patterns"][row][crossbar][column]["cycles_per_block"] for r in results]
            axis.plot(lanes, values, linestyle=DASHES[column % len(DASHES)], **_style(row))
    for column, depth in enumerate(queues):
        axis.plot([], [], "k", linestyle=DASHES[column % len(DASHES)], label=f"Q = {depth}")
    axis.legend(loc="upper left")
    axis.set_ylim(bottom=0)


def _bits(axis, results):
    lanes = _lanes(axis, results, "index bits a weight")
    for row, pattern in enumerate(results[0]["patterns"]):
        values = [result["patterns"][row]["index_bits_per_weight"] for result in results]
        axis.plot(lanes, values, label=pattern["name"], **_style(row))
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
