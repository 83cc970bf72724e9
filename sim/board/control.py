"""What a pseudo-terminal does not carry: breaks, the reset button, the power, the lamps.

A simulated board listens on a Unix socket beside its port, at :func:`control_path`. A request is a
line, a word; its answer is a line of JSON, which comes when the request was carried out.
"""

import json
import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError

#: What a board is asked, and what that does.
REQUESTS = {
    "break": "the line at 0 for 25 bits, behind every byte that was written before",
    "reset": "the clock's reset: as power, but memories keep their content",
    "power": "off and on: memories begin anew, and a network is read from the boot flash",
    "status": "nothing",
}
TIMEOUT = 60.0  # seconds for an answer: what was written before a break goes over the line first


def folder() -> Path:
    """The user's own folder for sockets; it need not exist."""
    place = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(place) / f"sobolpath-{os.getuid()}"


def control_path(port: str | Path) -> Path:
    """The socket beside ``port``, the path of a simulated board's pseudo-terminal."""
    return folder() / (str(port).strip("/").replace("/", "-") + ".control")


class Control:
    """The control channel of the simulated board at ``port``; a context manager.

    Parameters
    ----------
    port : the path of its pseudo-terminal, such as ``/dev/pts/3``.

    Raises ``InputError`` where no simulated board is there, or one does not answer.
    """

    def __init__(self, port: str | Path) -> None:
        self._port, path = str(port), control_path(port)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(TIMEOUT)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise InputError(
                f"{port}: must be the port of a simulated board that runs, but its control "
                f"channel {path} is not there: {error.strerror}"
            ) from None
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the board goes on."""
        self._answers.close()
        self._socket.close()

    def ask(self, request: str) -> Mapping[str, Any]:
        """Send one of ``REQUESTS``, wait until it is done, and return the board's state.

        That has ``cycles`` (simulated so far), ``leds`` (``ready``, ``busy``, ``error``: 0 or 1),
        ``sent`` and ``received`` (bytes to the board and from it).
        """
        try:
            self._socket.sendall(f"{request}\n".encode())
            answer = json.loads(self._answers.readline())
        except (OSError, ValueError):
            raise InputError(
                f"{self._port}: the simulated board must answer, but does not"
            ) from None
        if "error" in answer:
            raise InputError(answer["error"])
        return answer

    def line_break(self) -> None:
        """A break, behind all that was written to the port; done when this returns.

        What the board sent before the break can be read from the port then.
        """
        self.ask("break")

    def reset(self) -> None:
        """Reset everything but the memories' content, as a reset button does; it has booted then.

        Which network is there is forgotten.
        """
        self.ask("reset")

    def power(self) -> None:
        """Switch the board off and on; it has booted when this returns."""
        self.ask("power")

    def leds(self) -> Mapping[str, int]:
        """The lamps: ``ready``, ``busy`` and ``error``, 1 where one is lit."""
        return self.ask("status")["leds"]
