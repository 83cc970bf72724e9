"""``sobolpath board list``: the boards, and what each one's engine is."""

from sobolpath.golden.support import options
from sobolpath.golden.support.command import Outcome

from .. import NAMES, load

HELP = """\
Name the boards, with the engine that each is built with and its clock.

  sobolpath board list
"""


def arguments(parser):
    """Add the options."""
    options.json(parser)


def run(options, say):
    """Print a line for each."""
    boards = [load(name) for name in NAMES]
    for board in boards:
        say(f"{board.name:14}{board.summary}, {board.clock_hz / 1e6:g} MHz")
    return Outcome({"boards": [facts(board) for board in boards]})


def facts(board):
    """What ``--json`` says of a board: a dictionary."""
    return {
        "board": board.name,
        "summary": board.summary,
        "lanes": board.config.lanes,
        "images_together": board.config.images,
        "clock_mhz": board.clock_hz / 1e6,
    }
