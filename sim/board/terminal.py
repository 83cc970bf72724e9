"""The server's end of a pseudo-terminal: bytes as they are, to one program after the other."""

import os
import select
import termios
import tty

LIMIT = 1 << 20  # bytes kept for a program that does not read; what comes then is lost
CHUNK = 1 << 16


class Terminal:
    """A pseudo-terminal in raw mode.

    Members ``port`` : the path that programs open; ``handle`` : to be waited for.
    Raises ``OSError`` where the system has none.
    """

    def __init__(self) -> None:
        self.handle, slave = os.openpty()
        tty.setraw(slave)  # stays while the handle is open, whoever opens and closes the port
        self.port = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.handle, False)
        self._kept = bytearray()
        self._poll = select.poll()
        self._poll.register(self.handle, select.POLLIN)
        self._open = False

    def is_open(self) -> bool:
        """Whether a program has the port open; at its end, what it did not read is forgotten."""
        ended = any(event & select.POLLHUP for _, event in self._poll.poll(0))
        if ended and self._open:
            self._forget()
        self._open = not ended
        return self._open

    def _forget(self):
        self._kept.clear()
        slave = os.open(self.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        termios.tcflush(slave, termios.TCIFLUSH)
        os.close(slave)

    def read(self) -> bytes:
        """What has been written to the port, as far as it is there."""
        try:
            return os.read(self.handle, CHUNK)
        except OSError:  # nothing, or nobody
            return b""

    def write(self, content: bytes = b"") -> bool:
        """Write to the port's reader; whether something is left for the next call."""
        self._kept += content[: LIMIT - len(self._kept)]
        try:
            while self._kept and self._open:
                del self._kept[: os.write(self.handle, self._kept)]
        except OSError:  # full: it is not read
            pass
        return bool(self._kept)

    def close(self) -> None:
        """The port is gone; whoever has it open reads its end."""
        os.close(self.handle)
