"""What is to be done of a sweep: its cells with their keys, and the tasks of those not there."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sobolpath.golden.support import cli
from sobolpath.golden.topology.catalogue import LINEAR

from . import plan
from .cell import ON_BOARD, Done, Task, task_of


@dataclass(frozen=True)
class Entry:
    """A cell as the file of results knows it.

    Parameters
    ----------
    cell : its options. task : its training, without boards.
    training, key : the keys of the training and of the cell.
    """

    cell: plan.Cell
    task: Task
    training: str
    key: str


def entries(found: plan.Plan) -> list[Entry]:
    """The cells of a sweep with their keys, in order.

    Raises ``InputError`` where data or a model that they need cannot be read.
    """
    tasks, result = {}, []
    for each in cli.progress(found.cells, desc="cells", unit="cell", delay=2):
        if each.arguments not in tasks:
            task = task_of(each.arguments)
            tasks[each.arguments] = task, task.key
        task, key = tasks[each.arguments]
        own = key if each.board is None else f"{key}-{each.board}"
        result.append(Entry(each, task, key, own))
    return result


def missing(
    found: Iterable[Entry], lines: Mapping[str, Any], whole: bool
) -> list[tuple[Task, list[Entry]]]:
    """The tasks of the cells that have no line, each with its cells.

    ``whole`` : whether their models are wanted.
    """
    cells: dict[str, list[Entry]] = {}
    for entry in found:
        if entry.key not in lines:
            cells.setdefault(entry.training, []).append(entry)
    tasks = []
    for own in cells.values():
        boards = tuple(entry.cell.board for entry in own if entry.cell.board is not None)
        tasks.append((replace(own[0].task, boards=boards, whole=whole), own))
    return tasks


def line(sweep: str, entry: Entry, done: Done, model: str | None) -> dict[str, Any]:
    """The line of a cell, a dictionary; ``model`` is the file where that was written."""
    own = entry.cell
    nothing: dict[str, Any] = dict.fromkeys(ON_BOARD)
    return {
        "sweep": sweep,
        "key": entry.key,
        "options": own.options,
        "typed": typed(entry),
        "training": entry.training,
        **done.figures,
        plan.BOARD: own.board,
        **(nothing if own.board is None else done.boards[own.board]),
        "model": model,
        "versions": entry.task.versions,
    }


def typed(entry: Entry) -> str:
    """What is typed to train the network of a cell alone."""
    words = ["sobolpath", "train", *entry.task.arguments]
    if plan.parse(entry.task.arguments).topology in LINEAR:
        words.append(f"--out=build/{entry.training}.npz")
    return shlex.join(words)
