"""The server's end of the control channel: sockets, lines of requests, lines of answers."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError


class Connection:
    """A program that sends requests. Member ``handle`` : the socket."""

    def __init__(self, handle: socket.socket) -> None:
        self.handle = handle
        self._text = b""

    def requests(self) -> Iterator[str]:
        """The requests that have come. Raises ``EOFError`` where the program is gone."""
        try:
            content = self.handle.recv(1 << 12)
        except OSError:
            content = b""
        if not content:
            raise EOFError
        *lines, self._text = (self._text + content).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()

    def answer(self, answer: Mapping[str, Any]) -> None:
        """Send a line; a program that is gone needs none."""
        with suppress(OSError):
            self.handle.sendall(json.dumps(answer).encode() + b"\n")


class Listener:
    """The socket at ``path``, which is made, and its folder, of this user only.

    Members ``handle`` : the socket; ``connections`` : by their sockets' numbers. Raises
    ``InputError`` where it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections: dict[int, Connection] = {}
        self.handle = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # of a board that was killed: the port is ours now
            self.handle.bind(str(path))
            self.handle.listen()
        except OSError as error:
            self.handle.close()
            reason = error.strerror or error
            raise InputError(f"{path}: must be a socket that can be made, but: {reason}") from None

    def accept(self) -> None:
        """Take a program that has come."""
        handle, _ = self.handle.accept()
        self.connections[handle.fileno()] = Connection(handle)

    def drop(self, connection: Connection) -> None:
        """Forget a program that is gone."""
        del self.connections[connection.handle.fileno()]
        connection.handle.close()

    def close(self) -> None:
        """Remove the socket, and end all connections."""
        for connection in list(self.connections.values()):
            self.drop(connection)
        self.handle.close()
        self.path.unlink(missing_ok=True)
