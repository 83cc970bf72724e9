"""``sobolpath board list``: the boards, and what each one's engine is."""

from sobolpath.golden.support import options, tables
from sobolpath.golden.support.command import Outcome

from .. import NAMES, load

HELP = """\
Name the boards, with the engine that each is built with and its clock.

  sobolpath board list
"""
COLUMNS = (("board", "board", ""), ("engine", "summary", ""), ("MHz", "clock_mhz", "g"))


def arguments(parser):
    """Add the options."""
    options.json(parser)


def run(options, say):
    """Print a line for each."""
    boards = [load(name) for name in NAMES]
    rows = [facts(board) for board in boards]
    for line in tables.table(COLUMNS, rows):
        say(line)
    return Outcome({"boards": rows})


def facts(board):
    """What ``--json`` says of a board: a dictionary."""
    return {
        "board": board.name,
        "summary": board.summary,
        "lanes": board.config.lanes,
        "images_together": board.config.images,
        "clock_mhz": board.clock_hz / 1e6,
    }
