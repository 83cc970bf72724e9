"""The driver: from NumPy arrays on a computer to a path engine on a board, and back.

    from sobolpath.host import Board

    with Board.open("/dev/ttyUSB1") as board:
        board.load("mnist-37k")
        logits = board.infer(images)

docs/driver.md tells what there is, with every exception and what to do about it.
"""

from .board import Board
from .errors import (
    CannotLearn,
    Changed,
    Damaged,
    Forgotten,
    HostError,
    NoDevice,
    NoNetwork,
    NoReply,
    NotOurs,
    OtherVersion,
    PortBusy,
    Refused,
    TooBig,
    Unplugged,
)

__all__ = [
    "Board",
    "CannotLearn",
    "Changed",
    "Damaged",
    "Forgotten",
    "HostError",
    "NoDevice",
    "NoNetwork",
    "NoReply",
    "NotOurs",
    "OtherVersion",
    "PortBusy",
    "Refused",
    "TooBig",
    "Unplugged",
]
