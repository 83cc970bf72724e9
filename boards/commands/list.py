"""``sobolpath board list``: the boards, and what each one's engine is."""

from argparse import Namespace
from typing import Any

from sobolpath.golden.support import options, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from .. import NAMES, load
from ..board import Board

HELP = """\
Name the boards, with the engine that each is built with and its clock.

  sobolpath board list
"""
COLUMNS = (("board", "board", ""), ("engine", "summary", ""), ("MHz", "clock_mhz", ".0f"))


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Print a line for each."""
    boards = [load(name) for name in NAMES]
    rows = [facts(board) for board in boards]
    for line in tables.table(COLUMNS, rows):
        say(line)
    return Outcome({"boards": rows})


def facts(board: Board) -> dict[str, Any]:
    """What ``--json`` says of a board: a dictionary."""
    return {
        "board": board.name,
        "summary": board.summary,
        "lanes": board.config.lanes,
        "images_together": board.config.images,
        "clock_mhz": board.clock_hz / 1e6,
    }
