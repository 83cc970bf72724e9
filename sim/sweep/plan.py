"""What a sweep file asks for: its axes, and the cells that they make.

A sweep file is TOML with two tables, ``[fixed]`` and ``[grid]``. Their keys are the options of
``sobolpath train``, whatever those are, and ``board``; the parser of ``train`` reads the values. A
key of ``[fixed]`` has one value, a key of ``[grid]`` a list of them: an **axis**. Every combination
of the axes is a **cell**.
"""

import argparse
import itertools
import tomllib
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sobolpath.boards import NAMES
from sobolpath.golden.commands import shared, train
from sobolpath.golden.errors import InputError, check_name, near
from sobolpath.golden.support import cli
from sobolpath.golden.topology.catalogue import LINEAR, TOPOLOGIES
from sobolpath.golden.training import quantize

TABLES = ("fixed", "grid")
BOARD = "board"
INTEGER = ("bits", "qat", BOARD)  # what paths that have no integers go without
NAMED = {BOARD: NAMES, "topology": TOPOLOGIES}
OWN = ("help", "out", "json")  # options that name what a single training writes
KINDS = {int: "an integer", float: "a number", bool: "true or false", str: "text, or a list"}

Value = str | int | float | bool
"""A value as it is typed for ``sobolpath train``."""


@dataclass(frozen=True)
class Cell:
    """One combination of the axes.

    Parameters
    ----------
    options : name of an axis -> its value; those that do not apply are left out.
    arguments : what is typed for it behind ``sobolpath train``, but for the file of the model.
    board : the board that runs it, ``None`` where there is none.
    """

    options: dict[str, Value]
    arguments: tuple[str, ...]
    board: str | None


@dataclass(frozen=True)
class Plan:
    """A sweep: its name, that of its file; its axes, name -> values; and its cells, in order."""

    name: str
    axes: dict[str, tuple[Value, ...]]
    cells: tuple[Cell, ...]


def parser() -> cli.Parser:
    """The parser of ``sobolpath train``, which says what a cell may be made of."""
    made = cli.Parser(prog="sobolpath sweep")
    train.arguments(made)
    return made


def parse(arguments: Sequence[str]) -> Namespace:
    """The options of ``sobolpath train`` for the arguments of a cell."""
    return parser().parse_args(arguments)


def load(path: str | Path) -> Plan:
    """The sweep in a file. Raises ``InputError``, in one line that begins with the file's name."""
    try:
        content = Path(path).read_bytes().decode()
    except OSError as error:
        raise InputError(f"{path}: must be a sweep file to read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: must be a sweep file, TOML in UTF-8") from None
    try:
        tables = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: must be TOML: {error}") from None
    try:
        return _plan(Path(path).stem, tables)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _plan(name, tables):
    for table, content in tables.items():
        check_name("a table", table, TABLES)
        if not isinstance(content, dict):
            raise InputError(f"{table} must be a table, [{table}], not {content!r}")
    fixed, grid = (tables.get(table, {}) for table in TABLES)
    actions = {
        action.option_strings[-1].removeprefix("--"): action
        for action in parser()._actions
        if action.dest not in OWN
    }
    actions[BOARD] = argparse.Action((f"--{BOARD}",), BOARD)
    _check_keys(fixed, grid, actions)
    one = {key: _value(key, actions[key], value) for key, value in fixed.items()}
    axes = {key: _axis(key, actions[key], values) for key, values in grid.items()}
    cells = {}
    for values in itertools.product(*axes.values()):
        cell = _cell(one, dict(zip(axes, values, strict=True)), actions)
        known = cells.setdefault((cell.arguments, cell.board), cell)
        if known.options != cell.options:
            both = f"{describe(known.options)}, and {describe(cell.options)}"
            raise InputError(f"cells must differ, but these are the same: {both}")
    return Plan(name, axes, tuple(cells.values()))


def _check_keys(fixed, grid, actions):
    for key in (*fixed, *grid):
        if key not in actions:
            hint = near(key, actions)
            raise InputError(f"{key} must be {BOARD} or an option of sobolpath train{hint}")
        if key in fixed and key in grid:
            raise InputError(f"{key} must be in [fixed] or in [grid], not in both")
    for key, action in actions.items():
        if action.required and key not in (*fixed, *grid):
            raise InputError(f"{key} must be in [fixed] or in [grid]")


def _axis(key: str, action: argparse.Action, values: Any) -> tuple[Value, ...]:
    """The values of an axis; none twice."""
    if not isinstance(values, list):
        raise InputError(f"{key} must be a list of values in [grid], not {values!r}")
    if not values:
        raise InputError(f"{key} must have a value or more in [grid], not none")
    found = tuple(_value(key, action, value) for value in values)
    for number, value in enumerate(found):
        if value in found[:number]:
            raise InputError(f"{key} must have no value twice in [grid], as it has {value!r}")
    return found


def _value(key: str, action: argparse.Action, given: Any) -> Value:
    """A value of TOML as what is typed for the option."""
    kind: Any = bool if action.nargs == 0 else action.type or str
    value: Any = given
    if kind is str and isinstance(given, list) and {type(each) for each in given} <= {int, str}:
        value = ("-" if key == "layers" else ",").join(map(str, given))
    elif key == "paths" and type(given) is int:
        return given  # of every junction
    elif kind is float and type(given) is int:
        value = float(given)
    if type(value) is not kind:
        raise InputError(f"{key} must be {KINDS[kind]}, not {given!r}")
    if key in NAMED:
        check_name(key, value, NAMED[key])
    return value


def _cell(fixed, varied, actions):
    """The cell of these values; ``InputError`` where none of its kind could be trained."""
    values = {**fixed, **varied}
    if values.get("topology", actions["topology"].default) not in LINEAR:
        values = {key: value for key, value in values.items() if key not in INTEGER}
    shown = {key: value for key, value in varied.items() if key in values}
    if type(values["paths"]) is int:
        values["paths"] = ",".join([str(values["paths"])] * values["layers"].count("-"))
    board = values.pop(BOARD, None)
    words = []
    for key, value in values.items():
        if value is not False:
            words.append(f"--{key}" if value is True else f"--{key}={value}")
    options = parse(words)
    shared.recipe_of(options, options.seed)  # complains
    quantize.limit_of(options.bits)
    return Cell(shown, tuple(words), board)


def describe(options: Mapping[str, Value]) -> str:
    """The values of a cell's axes in words."""
    return ", ".join(f"{name} {value}" for name, value in options.items()) or "the only cell"
