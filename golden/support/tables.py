"""What a reproduction prints and keeps beside its picture: a table, and a CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows, dictionaries with the same keys, as CSV with a header; floats have 6 digits."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return buffer.getvalue()


def _cell(value, form):
    return "-" if value is None else format(value, form)


def table(columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows as lines: ``columns`` are (title, key, format) each; text is left-aligned.

    ``None`` is a dash.
    """
    texts = [[title for title, _, _ in columns]]
    texts += [[_cell(row[key], form) for _, key, form in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    left = [isinstance(rows[0][key], str) for _, key, _ in columns]
    lines = []
    for cells in texts:
        padded = (
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(cells, widths, left, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return lines
