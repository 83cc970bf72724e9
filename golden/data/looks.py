"""What a table of :mod:`golden.data.tables` looks like: its delimiter, its header, its cells.

Files are UTF-8 or UTF-16, lines end as they like, and a field may be quoted.
"""

import csv
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, near
from ..support import foreign

DELIMITERS = {"\t": "tabs", ";": "semicolons", ",": "commas"}
MISSING = ("", "?", "-", "na", "n/a", "nan", "null", "none", "#n/a")
TRUTH = {"false": 0.0, "true": 1.0}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE)
LOOK = 64  # lines that tell what a table looks like


@dataclass(frozen=True)
class Look:
    """What a table looks like.

    Parameters
    ----------
    delimiter : what divides columns.
    header : the names of the columns, ``None`` where the first line is a sample.
    rows : the first rows, without the header.
    comma : whether numbers have a decimal comma.
    """

    delimiter: str
    header: tuple[str, ...] | None
    rows: list[list[str]]
    comma: bool

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.header or self.rows[0])

    def name(self, place: int) -> str:
        """What a column is called in a message; the first one is at 0."""
        named = self.header[place] if self.header else ""
        return f"column {named!r}" if named else f"column {place + 1}"

    def short(self, place: int) -> str:
        """What a column is called as an option's value, as it is typed."""
        return shlex.quote((self.header[place] if self.header else "") or str(place + 1))

    def find(self, column: str, option: str) -> int:
        """The place of a column by its name or its number. Raises ``InputError``."""
        names = [name.lower() for name in self.header or ()]
        if names.count(column.strip().lower()) == 1:
            return names.index(column.strip().lower())
        if column.strip().isdecimal() and 1 <= int(column) <= self.width:
            return int(column) - 1
        known = f"one of {', '.join(self.header[:12])}, or " if self.header else ""
        raise InputError(
            f"{option} must be {known}a column's number, 1 to {self.width}, not {column!r}"
            + near(column, self.header or ())
        )

    def number(self, text: str, place: int, line: int) -> float:
        """The number of a cell. Raises ``InputError`` where it is none."""
        low = text.strip().lower()
        where, drop = f"line {line}, {self.name(place)}", f"--drop {self.short(place)}"
        if low in MISSING:
            raise InputError(
                f"{where}: a value must be there, but it is missing: fill it in, or leave out the "
                f"row, or the column ({drop})"
            )
        if low in TRUTH:
            return TRUTH[low]
        if self.comma and COMMA.fullmatch(low):
            return float(low.replace(",", "."))
        if NUMBER.fullmatch(low) and not (self.comma and "." in low):
            return float(low)
        kind = "a number with a decimal comma" if self.comma else "a number"
        raise InputError(
            f"{where}: must be {kind}, not {text.strip()[:40]!r} ({drop} leaves the column out, "
            f"--label {self.short(place)} takes it for the labels)"
        )

    def is_text(self, place: int) -> bool:
        """Whether a column has anything but numbers in the first rows."""
        cells = [row[place] for row in self.rows if len(row) == self.width]
        return any(cell.lower() not in MISSING and not _numeric(cell) for cell in cells)


def lines_of(path: str, bar: Any = None) -> Iterator[str]:
    """The lines of a file as text. Raises ``InputError`` where it is none."""
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
        wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
        if not wide and b"\0" in head:
            kind = foreign.kind(Path(path).read_bytes())
            raise InputError("must be a table as text" + (f", but it is {kind}" if kind else ""))
        with open(path, encoding="utf-16" if wide else "utf-8-sig", newline="") as file:
            for line in file:
                if bar is not None:
                    bar.update(len(line))
                yield line
    except OSError as error:
        raise InputError(f"{path}: must be a readable table: {error.strerror}") from None
    except UnicodeError:
        raise InputError("must be text in UTF-8 (of Excel: CSV UTF-8)") from None


def rows_of(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, but for empty lines, with the number of the line that they end in."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: must be a row of a table, but {error}") from None


def look_at(path: str) -> Look:
    """What the table in a file looks like, by its first rows. Raises ``InputError``."""
    lines = []
    for line in lines_of(path):
        lines.append(line)
        if len(lines) > LOOK:
            break
    if not lines:
        raise InputError("must have rows, but it is empty")
    delimiter, cells = _divided(lines)
    width = len(cells[0])
    numeric = [[_numeric(cell) for cell in row] for row in cells if len(row) == width]
    header = None
    if _is_header(cells[0], numeric):
        header, cells = tuple(cells[0]), cells[1:]
        if not cells:
            raise InputError("must have rows of samples, but has a header alone")
        low = [name.lower() for name in header]
        for name in header:
            if name and low.count(name.lower()) > 1:
                raise InputError(
                    f"line 1: columns must have different names, but {name!r} is twice"
                )
    comma = delimiter == ";" and any(COMMA.fullmatch(cell) for row in cells for cell in row)
    return Look(delimiter, header, cells, comma)


def _divided(lines):
    """The delimiter that divides lines into equally many fields, and the fields of each."""
    found = []
    for delimiter in DELIMITERS:
        rows = [[cell.strip() for cell in row] for _, row in rows_of(lines, delimiter)]
        rows = rows[: LOOK // 2] if len(lines) > LOOK else rows  # the last one may go on
        if rows and len(rows[0]) > 1:
            found.append((len({len(row) for row in rows}) > 1, -len(rows[0]), delimiter, rows))
    if not found:
        raise InputError("must have 2 columns or more, divided by commas, semicolons or tabs")
    even = [each for each in found if not each[0]]
    _, _, delimiter, rows = even[0] if even else min(found, key=lambda each: each[1])
    return delimiter, rows


def _is_header(first, numeric):
    """Whether the first row names columns: text above numbers, or numbers that count them."""
    if len(numeric) == 1:
        return not any(numeric[0])
    below = [any(column) for column in zip(*numeric[1:], strict=True)]
    text = [bool(cell) and not number for cell, number in zip(first, numeric[0], strict=True)]
    if any(name and under for name, under in zip(text, below, strict=True)):
        return True
    counted = [int(cell) for cell in first if cell.isdecimal()]
    runs = [list(range(start, start + len(counted))) for start in (0, 1)]
    return len(counted) >= max(4, len(first) - 1) and counted in runs


def _numeric(cell):
    low = cell.lower()
    return low in TRUTH or bool(NUMBER.fullmatch(low) or COMMA.fullmatch(low))
