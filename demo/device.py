"""The one place where the page meets a board: opened, given networks, asked, opened again.

The driver, ``sobolpath.host``, keeps the promise that logits are right or an error is raised. Here
its errors become :class:`Gone`, after which the port is closed; the next question opens it again,
so whoever plugs the board in again need not start anything anew.
"""

import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.model import Model
from sobolpath.golden.protocol.identity import Identity

SIMULATED = "sim:icebreaker"  # the port that needs no board


class Gone(InputError):
    """The device gave no answer; the message is the driver's, one line."""


class BoardLike(Protocol):
    """What is used of ``sobolpath.host.Board``."""

    @property
    def identity(self) -> Identity: ...

    def load(self, model: Model) -> object: ...

    def infer(self, images: np.ndarray) -> np.ndarray: ...

    def close(self) -> None: ...


def driver(port: str, baud: int | None = None) -> BoardLike:
    """The board at a port, by the driver. Raises its ``HostError``, an ``InputError``."""
    from sobolpath.host import Board

    return Board.open(port) if baud is None else Board.open(port, baud=baud)


class Device:
    """A board that networks are asked of, one question at a time, from any thread.

    Parameters
    ----------
    port : as of ``sobolpath.host.Board.open``: a serial port, or ``sim:NAME``.
    opener : opens it.
    """

    def __init__(self, port: str = SIMULATED, *, opener: Callable[[str], BoardLike] = driver):
        self.port = port
        self._opener = opener
        self._turn = threading.Lock()
        self._board: BoardLike | None = None
        self._loaded: Model | None = None

    def identity(self) -> Identity:
        """What the board says of itself. Raises :class:`Gone`."""
        return self._with(lambda board: board.identity)

    def infer(self, model: Model, images: np.ndarray) -> np.ndarray:
        """The logits of ``images``, ``uint8`` (B, n_0): ``int32`` (B, n_L). Raises :class:`Gone`.

        ``model`` is loaded unless it is what was loaded last: the same object.
        """

        def ask(board: BoardLike) -> np.ndarray:
            if self._loaded is not model:
                self._loaded = None
                board.load(model)
                self._loaded = model
            return board.infer(images)

        return self._with(ask)

    def close(self) -> None:
        """Close the port; a later question opens it again."""
        with self._turn:
            self._drop()

    def _with(self, ask: Callable[[BoardLike], Any]) -> Any:
        with self._turn:
            try:
                if self._board is None:
                    self._board = self._opener(self.port)
                return ask(self._board)
            except (InputError, OSError) as error:
                self._drop()
                raise Gone(str(error)) from error

    def _drop(self):
        board, self._board, self._loaded = self._board, None, None
        if board is not None:
            try:
                board.close()
            except (InputError, OSError):
                return  # it is gone: there is nothing to close
