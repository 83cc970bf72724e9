"""What carries the bytes: a serial port, a simulated board, or the golden twin in this process.

A link has its own clock, :meth:`Link.now`: a link without a wire need not wait for anything.
:func:`connect` makes one from what people type as ``--port``.
"""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from sobolpath.golden.errors import check_name
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.identity import Identity

from .errors import NoDevice

BITS = 10  # of a byte on the line: start, eight, stop
BAUD = 1_000_000  # unless told otherwise, here and in the boards
SIMULATED, TWIN = "sim:", "twin:"
#: Seconds without a byte after which a device answers half a command, whatever its clock.
SILENCE = 0.1
TWIN_CLOCK = 48_000_000


class Link(Protocol):
    """Bytes both ways, in order.

    Members
    -------
    name : as people type it.
    baud : bits a second, 0 where there is no line; time-outs come of it.
    pace : how many times slower than real time the device and its line may be.
    margin : seconds beside the line's own: of an adapter, of the system, of whatever else runs.
    can_break : whether :meth:`send_break` reaches the device.
    quiet : seconds without a byte after a break, that tell that nothing old comes any more.
    """

    name: str
    baud: int
    pace: float
    margin: float
    can_break: bool
    quiet: float

    def now(self) -> float:
        """Seconds, of a clock that never goes back."""
        ...

    def write(self, content: bytes) -> None:
        """Send all of it. Raises ``Doubt`` where that takes too long, ``Unplugged`` where the port
        went away.
        """
        ...

    def read(self, most: int, seconds: float) -> bytes:
        """At most so many bytes, and at least one unless none came in time. May raise
        ``Unplugged``.
        """
        ...

    def send_break(self) -> None:
        """The line at 0 for 20 bits or more, behind all that was written. May raise
        ``Unplugged``.
        """
        ...

    def close(self) -> None:
        """Give the port back; twice does no harm."""
        ...


class TwinLink:
    """A link to ``device``, the golden twin: no wire, no wait.

    Its clock runs only while someone waits for a byte that does not come.
    """

    baud = 0
    pace = 1.0
    margin = 0.5
    can_break = True
    quiet = 0.01

    def __init__(self, device: Device, name: str = "twin:") -> None:
        self.device = device
        self.name = name
        self._time = 0.0
        self._heard = 0.0  # when the device last received a byte
        self._arrived = bytearray()

    def now(self) -> float:
        """Seconds that were waited."""
        return self._time

    def write(self, content: bytes) -> None:
        """The device takes it, and answers, at once."""
        self._arrived += self.device.take(content)
        self._heard = self._time

    def read(self, most: int, seconds: float) -> bytes:
        """What is there; else the clock goes on by ``seconds``."""
        if not self._arrived:
            self._time += seconds
            if self._time - self._heard >= SILENCE:
                self._arrived += self.device.silence()
                self._heard = self._time
        part = bytes(self._arrived[:most])
        del self._arrived[:most]
        return part

    def send_break(self) -> None:
        """The device begins anew."""
        self.device.line_break()

    def close(self) -> None:
        """Nothing is held."""


def twin(name: str) -> TwinLink:
    """The golden twin of a board, or of ``tiny``, without a network. Raises ``InputError``."""
    from sobolpath.hw import engines  # the hardware's sizes alone; it needs Amaranth

    configs = {**engines.boards(), **engines.learning()}
    check_name("the board behind twin:", name, configs)
    clock = {"clock_hz": TWIN_CLOCK, "divisor": TWIN_CLOCK // BAUD}
    found = Identity.of(configs[name], **clock)
    overlap = not (found.path_order or found.learns)
    return TwinLink(Device(replace(found, overlap=overlap)), f"{TWIN}{name}")


def connect(port: str, *, baud: int = BAUD, level: str = "bytes") -> Link:
    """The link to what ``port`` names.

    Parameters
    ----------
    port : a serial port (``/dev/ttyUSB1``, ``COM3``) or the pseudo-terminal of a simulated board
        that runs, or ``sim:`` and the file that names it; ``sim:BOARD`` simulates one for as long
        as the link is open; ``twin:BOARD`` is the golden twin of a board, which answers at once.
    baud : of a serial port, and of the line of ``sim:``.
    level : of ``sim:``: ``bytes``, or ``bits`` for the serial line bit by bit.

    Raises ``NoDevice``, ``PortBusy``, or ``InputError`` for a board that is none.
    """
    from . import serial_port  # pyserial is an extra

    if port.startswith(TWIN):
        return twin(port.removeprefix(TWIN))
    if not port.startswith(SIMULATED):
        return serial_port.open_port(port, baud)
    target = port.removeprefix(SIMULATED)
    if target.startswith("/dev/"):
        return serial_port.open_port(target, baud)
    if "/" in target or Path(target).is_file():  # of sim serve --port-file
        return serial_port.open_port(_first_line(target), baud, name=port)
    from sobolpath.sim.board import served

    with contextlib.ExitStack() as stack:
        path = stack.enter_context(served(target, level=level, baud=baud))
        link = serial_port.open_port(path, baud, name=port)
        link.then = stack.pop_all().close
        return link


def _first_line(path):
    """The port that a file names. Raises ``NoDevice``."""
    try:
        return Path(path).read_text().split("\n")[0]
    except (OSError, UnicodeDecodeError):
        raise NoDevice(
            f"{SIMULATED}{path}: must be the file of 'sobolpath sim serve --port-file', but it "
            "cannot be read: does the simulation run?"
        ) from None
