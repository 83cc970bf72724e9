"""What a sweep found: the mean over its seeds, and what the boards make of each network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sobolpath.golden.support import tables

from . import plan

SEED = "seed"
#: The axes that say what a board runs; all others are about training alone.
NETWORK = ("topology", "layers", "paths", "dimensions", "fit")
Line = Mapping[str, Any]
"""A cell of the results file."""

ACCURACY = (
    ("weights", "weights", ","),
    ("runs", "runs", ""),
    ("float", "accuracy_float", ".2%"),
    ("s.d.", "deviation_float", ".2f"),
    ("integer", "accuracy_int", ".2%"),
    ("s.d.", "deviation_int", ".2f"),
)
BOARDS = (
    ("board", plan.BOARD, ""),
    ("MHz", "clock_mhz", "g"),
    ("cycles/image", "cycles_per_image", ",.1f"),
    ("images/s", "images_per_second", ",.0f"),
)


def varied(found: plan.Plan, *without: str) -> list[str]:
    """The names of the axes that have several values, but for those ``without``."""
    return [name for name, values in found.axes.items() if len(values) > 1 and name not in without]


def groups(lines: Iterable[Line], names: Sequence[str]) -> dict[tuple[Any, ...], list[Line]]:
    """Lines of cells that were trained, by their values of these axes (``None`` where one does not
    apply), in order."""
    result: dict[tuple[Any, ...], list[Line]] = {}
    for line in (line for line in lines if line["error"] is None):
        key = tuple(line["options"].get(name) for name in names)
        result.setdefault(key, []).append(line)
    return result


def statistics(lines: Sequence[Line], name: str) -> tuple[float | None, float | None]:
    """Mean and standard deviation of a figure, that of a sample; ``None`` where there are none."""
    values = [line[name] for line in lines if line[name] is not None]
    if not values:
        return None, None
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def trainings(lines: Iterable[Line]) -> list[Line]:
    """One line of each training, whatever boards it has."""
    return list({line["training"]: line for line in lines}.values())


def accuracies(found: plan.Plan, lines: Iterable[Line]) -> list[dict[str, Any]]:
    """A row for each combination of the axes but seeds and boards: means, shares from 0 to 1."""
    names = varied(found, SEED, plan.BOARD)
    rows = []
    for values, own in groups(trainings(lines), names).items():
        weights = round(statistics(own, "weights")[0] or 0)
        row: dict[str, Any] = {"runs": len(own), "weights": weights}
        for kind in ("float", "int"):
            row[f"accuracy_{kind}"], row[f"deviation_{kind}"] = statistics(own, f"accuracy_{kind}")
        rows.append({"options": dict(zip(names, values, strict=True)), **row})
    return rows


def boards(found: plan.Plan, lines: Iterable[Line]) -> list[dict[str, Any]]:
    """A row for each network and board: what the closed form says."""
    names = [name for name in varied(found) if name in NETWORK]
    own = [line for line in lines if line[plan.BOARD] is not None]
    rows = []
    for values, (first, *_) in groups(own, [*names, plan.BOARD]).items():
        figures = {name: first[name] for _, name, _ in BOARDS}
        rows.append(
            {
                "options": dict(zip(names, values, strict=False)),
                **figures,
                plan.BOARD: first[plan.BOARD],
                "misfit": first["misfit"],
            }
        )
    return rows


def table(columns: Sequence[tables.Column], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows as lines: a column for each axis, then those given."""
    names = list(rows[0]["options"])
    shown = []
    for row in rows:
        axes = {name: row["options"][name] for name in names}
        percent = {
            name: None if value is None else 100 * value
            for name, value in row.items()
            if name.startswith("deviation")
        }
        shown.append({**axes, **row, **percent})
    return tables.table([*axis_columns(names), *columns], shown)


def axis_columns(names: Iterable[str]) -> list[tables.Column]:
    """A column for each axis."""
    return [(name, name, "") for name in names]
