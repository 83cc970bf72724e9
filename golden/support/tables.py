"""Tables of the commands: columns as wide as they need be, lines of at most 80 characters."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 80  # characters of a line
GAP = "  "

Column = tuple[str, str, str]
"""Of a table: its title, its key in the rows, and the format of its cells."""


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows as lines, the titles first.

    Text is to the left, all else to the right; ``None`` is a dash. A table too wide for a line goes
    on below, as that of :func:`grid` does.
    """
    texts = [[title for title, _, _ in columns]]
    texts += [[cell(row[key], form) for _, key, form in columns] for row in rows]
    left = [all(isinstance(row[key], str) for row in rows) for _, key, _ in columns]
    return grid(texts, left)


def grid(texts: Sequence[Sequence[str]], left: Sequence[bool] | None = None) -> list[str]:
    """Cells, a sequence for each line and equally many in each, as lines of equal columns.

    Parameters
    ----------
    texts : the cells, as they are shown.
    left : whether a column's cells are to the left; of all but the first they are to the right,
        unless given.

    Columns beyond the 80th character go below, after an empty line, beside the first column again.
    """
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    sides = [True] + [False] * (len(widths) - 1) if left is None else left
    lines: list[str] = []
    for part in _parts(widths):
        lines += [""] * bool(lines)
        for cells in texts:
            padded = (
                cells[n].ljust(widths[n]) if sides[n] else cells[n].rjust(widths[n]) for n in part
            )
            lines.append(GAP.join(padded).rstrip())
    return lines


def _parts(widths: Sequence[int]) -> list[list[int]]:
    """The columns that stand beside each other: lists that begin with the first column."""
    parts, used = [[0]], widths[0]
    for number, width in enumerate(widths[1:], 1):
        if used + len(GAP) + width > MOST and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0]
        parts[-1].append(number)
        used += len(GAP) + width
    return parts


def cell(value: Any, form: str = "") -> str:
    """A value by its format; ``None`` is a dash."""
    return "-" if value is None else format(value, form)


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows, of the same keys, as CSV with a header; floats have 6 digits."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return buffer.getvalue()
