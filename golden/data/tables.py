"""Tables as text: a row a sample, one column of labels, the others numbers (``.csv``, ``.tsv``).

What a table looks like is found out by its first rows: whether commas, semicolons or tabs divide
columns, whether there is a header, which column has the labels. Everything is told, and can be
asked for otherwise. Nothing is guessed of a value: what is no number is an error that names its
line and column. Rows are read one after the other, so that memory is that of the numbers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..support import cli
from .labels import WHOLE
from .looks import DELIMITERS, MISSING, NUMBER, Look, lines_of, look_at, rows_of
from .reading import Reading
from .samples import Samples

#: Columns of these names have the labels, in capitals or not, unless another one is asked for.
LABELS = ("label", "labels", "class", "target", "y", "species", "category", "outcome")
PIECE = 4096  # rows that become an array together
MOST = 2**27  # numbers that are taken: 1 GiB
COUNTED = 8  # rows from which on a column that counts them is told from one that measures
FEW = 20  # different labels that any table may have


def from_table(path: str, reading: Reading, before: Mapping[str, Any] | None = None) -> Samples:
    """What a table has.

    ``before`` : ``Samples.table`` of the one that the network was trained on: its columns are
    taken, by their names where both have a header, by their places otherwise. Raises
    ``InputError``, in one line that names line and column.
    """
    before = before if before and "features" in before else None
    look = look_at(path)
    label, features, why = _columns(look, reading, before)
    numbers, labels = _values(path, look, label, features)
    facts: list[tuple[str, str]] = [_fact(look, len(labels), label, why)]
    if before is None:
        counting = [place for place, own in zip(features, numbers.T, strict=True) if _counts(own)]
        if counting:
            kept = [place not in counting for place in features]
            features = [place for place in features if place not in counting]
            numbers = numbers[:, kept]
            names = ", ".join(map(look.name, counting))
            facts.append(("left out", f"{names}, which only counts the rows"))
        if not features:
            raise InputError("there must be a column of numbers beside that of the labels")
        distinct = len(set(labels))
        if why == "the last one" and distinct > max(FEW, len(labels) / 4):
            raise InputError(
                f"--label must say which column has the labels: {look.name(label)}, the last one, "
                f"has {distinct} different values in {len(labels)} rows"
            )
    table = {
        "header": None if look.header is None else list(look.header),
        "width": look.width,
        "features": features,
        "label": label,
    }
    return Samples(numbers, _labels(labels), table=table, facts=tuple(facts))


def _fact(look: Look, count: int, label: int, why: str) -> tuple[str, str]:
    header = "a header" if look.header else "no header"
    text = f"{count:,} rows, {look.width} columns divided by {DELIMITERS[look.delimiter]}, {header}"
    return "table", f"{text}; labels in {look.name(label)}, {why}"


def _labels(texts):
    """Labels as text, but as floats where they are numbers that are no classes."""
    array = np.array(texts)
    distinct = np.unique(array).tolist()
    numbers = all(NUMBER.fullmatch(text) for text in distinct)
    if numbers and any(not WHOLE.fullmatch(text) and float(text) % 1 for text in distinct):
        return array.astype(np.float64)
    return array


def _counts(column):
    """Whether a column counts the rows."""
    return len(column) >= COUNTED and bool((np.diff(column) == 1).all())


def _columns(look, reading, before):
    """Where the labels are, where the features are, and why the labels are there."""
    if before is not None:
        return _as_before(look, reading, before)
    dropped = {look.find(column, "--drop") for column in reading.drop}
    names = [name.lower() for name in look.header or ()]
    named = [place for place, name in enumerate(names) if name in LABELS and place not in dropped]
    texts = [place for place in range(look.width) if look.is_text(place) and place not in dropped]
    if reading.label is not None:
        label, why = look.find(reading.label, "--label"), "as --label says"
    elif len(named) == 1:
        label, why = named[0], "by its name"
    elif len(texts) == 1:
        label, why = texts[0], "the only one of text"
    else:
        left = [place for place in range(look.width) if place not in dropped]
        label, why = left[-1] if left else 0, "the last one"
    if label in dropped:
        raise InputError(f"--drop must leave {look.name(label)}, which has the labels")
    return label, [n for n in range(look.width) if n != label and n not in dropped], why


def _as_before(look, reading, before):
    """The same columns as of the table that a network was trained on."""
    header, label, features = before["header"], before["label"], before["features"]
    asked = None if reading.label is None else look.find(reading.label, "--label")
    if header and look.header and all(header[n] for n in (*features, label)):
        places = {name.lower(): place for place, name in enumerate(look.header)}
        wanted = [header[n].lower() for n in (*features, *([label] if asked is None else []))]
        missing = [name for name in wanted if name not in places]
        if missing:
            raise InputError(
                f"must have the column {missing[0]!r}, as what the network was trained on, but has "
                f"{', '.join(look.header[:12])}"
            )
        features = [places[header[n].lower()] for n in features]
        label = places[header[label].lower()] if asked is None else asked
    elif look.width != before["width"]:
        raise InputError(
            f"must have {before['width']} columns, as what the network was trained on, "
            f"not {look.width}"
        )
    elif asked is not None:
        label = asked
    return label, features, "as the network was trained"


def _values(path, look, label, features):
    """The numbers of the features, ``float64`` (rows, features), and the labels, a list of text."""
    pieces, rows, lines, labels = [], [], [], []
    known: dict[str, str] = {}  # a text of each label
    size = Path(path).stat().st_size
    with cli.progress(total=size, unit="B", unit_scale=True, desc="table", delay=1) as bar:
        table = rows_of(lines_of(path, bar), look.delimiter)
        if look.header is not None:
            next(table)
        for line, row in table:
            if len(row) != look.width:
                raise InputError(f"line {line}: must have {look.width} fields, not {len(row)}")
            text = row[label].strip()
            if text.lower() in MISSING:
                where = look.name(label)
                raise InputError(f"line {line}: the label must be there, but is missing in {where}")
            labels.append(known.setdefault(text, text))
            rows.append([row[place] for place in features])
            lines.append(line)
            if len(rows) == PIECE:
                pieces.append(_array(rows, look, features, lines))
                rows, lines = [], []
                if len(labels) * len(features) > MOST:
                    raise InputError(
                        f"must have at most {MOST:,} numbers: make a .npz file of a larger table"
                    )
    pieces.append(_array(rows, look, features, lines))
    return np.concatenate(pieces), labels


def _array(rows, look, features, lines):
    """Some rows of text as numbers."""
    try:
        if look.comma or any("_" in "".join(row) for row in rows):
            raise ValueError  # for Python 1_000 is a number
        array = np.array([list(map(float, row)) for row in rows])
        if np.isfinite(array).all():
            return array.reshape(len(rows), len(features))
    except ValueError:
        pass
    array = [
        [look.number(cell, place, line) for cell, place in zip(row, features, strict=True)]
        for row, line in zip(rows, lines, strict=True)
    ]
    array = np.array(array, np.float64).reshape(len(rows), len(features))
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        where = f"line {lines[row]}, {look.name(features[column])}"
        raise InputError(f"{where}: must be a finite number, not {rows[row][column].strip()!r}")
    return array
