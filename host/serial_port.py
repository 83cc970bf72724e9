"""Serial ports, by pyserial, and the pseudo-terminals of simulated boards.

One program has a port at a time: it is locked. An adapter by FTDI is asked to hand on what it
received after 1 ms, not after 16.
"""

import contextlib
import errno
import os
import select
import time
from collections.abc import Callable
from typing import Any

from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol.frames import CRC_BYTES, HEADER_BYTES, MAX_LENGTH
from sobolpath.golden.support import packages

from .errors import Doubt, NoDevice, NoReply, PortBusy, Unplugged
from .links import BITS

BREAK_BITS = 30  # 20 are one; an adapter times them by its own clock
SHORTEST = 0.001  # seconds of a break: what a computer's timer can do
POLL = 0.001  # seconds
LONGEST = HEADER_BYTES + MAX_LENGTH + CRC_BYTES  # bytes of a command
SIMULATED_PACE = 60.0  # times slower than the board: a simulation of some MHz, with other work


def pyserial(part: str = "serial") -> Any:
    """The module, or a part of it. ``InputError`` where pyserial is not installed."""
    packages.module("serial", "to open a serial port", "host")
    return packages.module(part, "to open a serial port", "host")


def open_port(port: str, baud: int, name: str = "") -> "SerialLink":
    """The link of a serial port, or of a simulated board's; ``name`` is for messages.

    Raises ``NoDevice``, ``PortBusy``, ``InputError`` for a baud rate below 1.
    """
    if baud < 1:
        raise InputError(f"baud must be at least 1, not {baud}")
    if _pseudo(port):
        from sobolpath.sim.board.control import Control, control_path

        path = os.path.realpath(port)
        if control_path(path).exists():
            with contextlib.suppress(InputError):  # left behind by one that is no more
                return SimulatedLink(path, baud, name or port, Control(path))
    return SerialLink(port, baud, name or port)


class SerialLink:
    """The serial port ``port`` at ``baud``, locked for this program.

    Member ``then`` is called once it is closed, to end what is behind it.
    """

    pace = 1.0
    margin = 0.5
    quiet = 0.05  # an adapter may hold bytes back for 16 ms

    def __init__(self, port: str, baud: int, name: str) -> None:
        self.name, self.baud = name, baud
        self.then: Callable[[], object] = lambda: None
        serial = pyserial()
        self._errors = (serial.SerialException, OSError, TypeError)  # TypeError: closed meanwhile
        self._late = serial.SerialTimeoutException
        try:
            # Whoever changes a time-out of pyserial later sets the baud rate again with it.
            self._port = serial.Serial(
                port, baud, timeout=0, write_timeout=self._patience(), exclusive=True
            )
        except ValueError as error:
            raise InputError(f"{name}: baud must be one that the port can do: {error}") from None
        except serial.SerialException as error:
            raise _not_opened(name, error) from None
        self.can_break = not _pseudo(port)
        with contextlib.suppress(Exception):  # what only some systems and adapters have
            self._port.set_low_latency_mode(True)

    def now(self) -> float:
        """Seconds of the computer's clock."""
        return time.monotonic()

    def _patience(self):
        """Seconds in which the longest command goes out."""
        return self.margin + self.pace * 2 * BITS * LONGEST / self.baud

    def write(self, content: bytes) -> None:
        """Send all of it: see ``Link``."""
        try:
            self._port.write(content)
        except self._late:
            raise Doubt(
                NoReply(f"{self.name}: the port must take {len(content)} bytes, but it does not")
            ) from None
        except self._errors as error:
            raise self._gone(error) from None

    def read(self, most: int, seconds: float) -> bytes:
        """What came, after a wait for the first byte: see ``Link``."""
        end = time.monotonic() + seconds
        try:
            while True:
                part = bytes(self._port.read(most))
                left = end - time.monotonic()
                if part or left <= 0:
                    return part
                self._wait(left)
        except self._errors as error:
            raise self._gone(error) from None

    def _wait(self, seconds):
        """Until a byte is there, or for ``seconds``, or a little less."""
        if hasattr(self._port, "fileno"):
            select.select([self._port.fileno()], [], [], seconds)
        else:
            time.sleep(min(POLL, seconds))  # no file descriptor: Windows

    def send_break(self) -> None:
        """A break; what was received and not read is dropped."""
        try:
            self._port.flush()
            self._port.break_condition = True
            time.sleep(max(SHORTEST, BREAK_BITS / self.baud))
            self._port.break_condition = False
            time.sleep(2 / self.baud)
            self._port.reset_input_buffer()
        except self._errors as error:
            raise self._gone(error) from None

    def close(self) -> None:
        """Unlock and close."""
        with contextlib.suppress(*self._errors):
            self._port.close()
        then, self.then = self.then, lambda: None
        then()

    def _gone(self, error):
        return Unplugged(
            f"{self.name}: the port must stay open, but it went away ({_reason(error)}): plug it "
            "in and open it again"
        )


class SimulatedLink(SerialLink):
    """The pseudo-terminal of a simulated board: a break goes by its ``control`` channel."""

    pace = SIMULATED_PACE
    margin = 5.0  # what simulates may have to wait for its turn
    quiet = 0.02

    def __init__(self, port: str, baud: int, name: str, control: Any) -> None:
        self._control = control
        try:
            super().__init__(port, baud, name)
        except BaseException:
            control.close()
            raise
        self.can_break = True

    def send_break(self) -> None:
        """A break; what was received and not read is dropped."""
        try:
            self._control.line_break()
            self._port.reset_input_buffer()
        except (InputError, *self._errors) as error:
            raise self._gone(error) from None

    def close(self) -> None:
        """Unlock and close; the board goes on."""
        self._control.close()
        super().close()


def _pseudo(port):
    """Whether a port is a pseudo-terminal, which carries no break."""
    return os.path.realpath(port).startswith(("/dev/pts/", "/dev/ttys", "/dev/pty"))


def _reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _not_opened(name, error):
    """The error for a port that cannot be opened."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.EAGAIN, errno.EBUSY, errno.EACCES) and "lock" in text:
        return PortBusy(f"{name}: must be free, but another program has it open: close that first")
    if number == errno.EBUSY:
        return PortBusy(f"{name}: must be free, but the system says that it is in use")
    if number in (errno.EACCES, errno.EPERM) or "PermissionError" in text:
        return NoDevice(
            f"{name}: must be a port that you may open, but you may not: join the group that owns "
            f"it ('ls -l {name}' tells, mostly dialout), log in again"
        )
    return NoDevice(
        f"{name}: must be a serial port, but it cannot be opened: 'sobolpath host list' names "
        "those that are there"
    )
