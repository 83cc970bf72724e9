"""Boards: one short file each over a shared top, and the command that makes bitstreams of them."""

from importlib import import_module
from typing import TYPE_CHECKING

from sobolpath.golden.errors import check_name

if TYPE_CHECKING:
    from .board import Board

NAMES = (
    "icebreaker",
    "icebreaker-1",
    "icebreaker-paper",
    "icebreaker-learn",
    "upduino",
    "hx8k",
    "ulx3s",
    "ulx3s-paper",
    "ulx3s-learn",
    "orangecrab",
    "orangecrab-85",
    "tangnano9k",
)


def load(name: str) -> "Board":
    """The :class:`boards.board.Board` called ``name``. Raises ``InputError`` with the list."""
    check_name("board", name, NAMES)
    return import_module(f"{__name__}.{name.replace('-', '_')}").BOARD
