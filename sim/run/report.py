"""The page of a run: what its JSON says, in tables and pictures, in one HTML file."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sobolpath.golden.support import cli, page
from sobolpath.golden.support.plots import Chart

LONGEST = 12  # letters of a class's name in a picture


def write(
    path: str | Path,
    result: Mapping[str, Any],
    failures: Sequence[str],
    *,
    command: str,
    seconds: float,
) -> None:
    """Write the page of a run, all in one file.

    Parameters
    ----------
    path : the file.
    result, failures : of :func:`sim.run.measure.run`.
    command, seconds : what was typed, and how long it took.

    Raises ``InputError`` where matplotlib or jinja2 is not installed.
    """
    made = {
        "command": command,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": f"{seconds:.1f}",
        "seed of the model": result["seed"],
        **result["versions"],
    }
    title = f"{result['model']} on {result['images']:,} held-out {result['data']}"
    summary = (
        f"{result['mismatches']:,} of {result['values_compared']:,} values differ from the golden "
        f"model; accuracy of the hardware {result['accuracy']:.2%}"
    )
    sections = [*_sections(result, failures), {"title": "Made by", "rows": _items(made)}]
    cli.write_atomically(path, page.html(title, summary, sections))


def _sections(result, failures):
    yield {"title": "Verdict", "text": failures or ("Everything is as it must be.",)}
    names = {"float": "accuracy_float", "integer": "accuracy_int", "hardware": "accuracy"}
    accuracies = [(name, f"{result[key]:.2%}") for name, key in names.items()]
    yield {"title": "Accuracy", "columns": ("numbers", "right"), "rows": accuracies}
    yield {
        "title": "Classes",
        "text": ("Images by their label (rows) and by the class that the hardware says.",),
        "picture": _picture(result, "confusion matrix", _confusion, (5.2, 4.6)),
    }
    if result["margins"]:  # there are at least two classes
        yield {
            "title": "How far ahead the largest logit is",
            "text": ("Images by the binary digits of the largest logit minus the second.",),
            "picture": _picture(result, "margins", _margins),
        }
    yield {
        "title": "Cycles",
        "text": (f"Of {result['images_together']} images together, against the closed form.",),
        "columns": ("", "measured", "predicted"),
        "rows": [_cycles_row(result, name) for name in ("latency", "interval")],
        "picture": _picture(result, "cycles", _cycles, (6.4, 2.5)),
    }
    keys = ("config", "weights", "lanes", "utilization", "backend", "jobs")
    speeds = ("cycles_per_second", "cycles_per_core_second")
    rows = [(key.replace("_", " "), result[key]) for key in keys]
    rows += [(key.replace("_", " "), f"{result[key]:,.0f}") for key in speeds]
    yield {"title": "Run", "rows": rows}
    if result["first_mismatches"]:
        rows = [(one,) for one in result["first_mismatches"]]
        yield {"title": "First mismatches", "text": ("An inference each.",), "rows": rows}


def _items(facts):
    return [(name, "none" if value is None else value) for name, value in facts.items()]


def _cycles_row(result, name):
    pair = result[f"{name}_cycles"], result[f"predicted_{name}"]
    return (name, *("none" if cycles is None else f"{cycles:,}" for cycles in pair))


def _picture(result, title, plot, size=(6.4, 3.6)):
    return "svg", Chart(title, plot, size).draw(result, "svg")


def _confusion(result, axes):
    counts = result["confusion"]
    most = max(map(max, counts))
    axes.imshow(counts, cmap="Blues", vmin=0)
    for label, row in enumerate(counts):
        for said, count in enumerate(row):
            if count and len(counts) <= 16:
                color = "white" if count > most / 2 else "black"
                where = {"ha": "center", "va": "center", "fontsize": 7}
                axes.text(said, label, f"{count:,}", color=color, **where)
    if len(counts) <= 16:
        names = [name[:LONGEST] for name in result["class_names"]]
        turned = 90 if max(map(len, names)) > 3 else 0
        axes.set_xticks(range(len(counts)), names, rotation=turned)
        axes.set_yticks(range(len(counts)), names)
    axes.grid(visible=False)
    axes.set_xlabel("class said")
    axes.set_ylabel("label")


def _margins(result, axes):
    digits, *counts = zip(*result["margins"], strict=True)
    for index, (name, shares) in enumerate(zip(("right", "wrong"), counts, strict=True)):
        places = [place + (index - 0.5) * 0.4 for place in digits]
        axes.bar(places, shares, 0.4, label=name)
    axes.set_xlabel("binary digits")
    axes.set_ylabel("images")
    _legend(axes)


def _cycles(result, axes):
    for index, kind in enumerate(("{}_cycles", "predicted_{}")):
        values = [result[kind.format(name)] or 0 for name in ("interval", "latency")]
        places = [place - (index - 0.5) * 0.35 for place in range(2)]
        axes.barh(places, values, 0.35, label=("measured", "predicted")[index])
    axes.set_yticks(range(2), ("interval", "latency"))
    axes.set_xlabel("cycles")
    _legend(axes)


def _legend(axes):
    """Below the axes, so that it lies on no bar."""
    axes.figure.legend(loc="outside lower center", ncols=2)
