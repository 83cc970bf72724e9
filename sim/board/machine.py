"""A compiled board: bytes in, cycles on, bytes out."""

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sobolpath.boards import board as boards
from sobolpath.boards.board import Board
from sobolpath.boards.gateware.core import Core
from sobolpath.boards.gateware.port import Port
from sobolpath.boards.gateware.simulated import Simulated
from sobolpath.golden.errors import InputError
from sobolpath.hw.engines import component

from ..backends import designs, library

HARNESS = Path(__file__).with_name("board.cpp")
# What a board is made of, read with the modules: see sim.backends.designs.
PACKAGES = (*designs.PACKAGES, "golden/learn", "golden/protocol", "boards/gateware")
SOURCES = designs.sources(PACKAGES)
OWN = Path(__file__).read_text() + Path(boards.__file__).read_text()
LEVELS = ("bits", "bytes")
FAILED = 2**32 - 1  # what board_run returns then
BREAK = 256  # among the codes that are sent: below it, bytes
SILENCE = 1 << 16  # cycles: many more than a running board may be without a byte
CAPACITY = 1 << 16  # bytes that a call may give


class _State(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("cycles", "sent", "received", "framing")),
        ("queued", ctypes.c_uint32),
        *((name, ctypes.c_uint8) for name in ("idle", "ready", "busy", "error")),
    ]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is simulated.

    Parameters
    ----------
    board : which board.
    level : ``bits`` or ``bytes``.
    baud : of the line; the board's own where it is None.
    drift : per cent by which the host's bits are longer than the board's.
    flash : the bytes of the boot image.

    ``clock_hz`` and ``divisor`` (cycles a bit) follow. Raises ``InputError`` for another level, a
    rate that the clock cannot make, or a drift of 10 per cent or more.
    """

    board: Board
    level: str = "bits"
    baud: int | None = None
    drift: float = 0.0
    flash: bytes = b""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise InputError(f"level must be one of {', '.join(LEVELS)}, not {self.level!r}")
        if not -10 < self.drift < 10:
            raise InputError(f"drift must be between -10 and 10 per cent, not {self.drift}")
        _ = self._line

    @functools.cached_property
    def _line(self):
        board, baud = self.board, self.board.baud if self.baud is None else self.baud
        platform = board.new_platform()
        settings, divisor = board.timing(platform=platform, clock_hz=board.clock_hz, baud=baud)
        return settings.output_hz, divisor

    @property
    def clock_hz(self) -> float:
        """The clock of the board in hertz."""
        return self._line[0]

    @property
    def divisor(self) -> int:
        """Clock cycles a bit."""
        return self._line[1]

    @property
    def silence(self) -> int:
        """Cycles without a byte after which the board has had silence, a power of two.

        A board on a desk waits for 50 ms; these are fewer, since here no time passes in which
        nothing is simulated, and always more than those of some bytes.
        """
        return max(SILENCE, 1 << (64 * self.divisor).bit_length())

    def design(self) -> designs.Design:
        """What is compiled: nothing that ``drift`` or ``flash`` changes."""

        def make():
            design = (Core if self.level == "bits" else Port)(
                engine=component(self.board.config),
                divisor=self.divisor,
                clock_hz=self.clock_hz,
                boot=self.board.boot(self.clock_hz),
                silence=self.silence,
            )
            return Simulated(design=design)

        made_of = self.level, self.divisor, self.clock_hz, self.silence
        return designs.Design(
            name="board",
            make=make,
            made_of=(SOURCES, OWN, self.board.config, self.board.flash, *made_of),
            harness=HARNESS,
            definitions=[f"-DLINE={int(self.level == 'bits')}"],
        )


class Machine:
    """A board that runs; a context manager.

    Parameters
    ----------
    setup : what runs: a board that has booted.
    folder, say : where libraries are kept, and who is told; see ``sim.backends.library.build``.

    Members, all as of the last :meth:`run`: ``cycles``, ``sent`` and ``received`` (bytes to the
    board and from it), ``framing`` (bytes from it without a stop bit), ``queued`` (what is still to
    be sent), ``idle`` (nothing goes on), ``ready``, ``busy``, ``error`` (the lamps).

    Raises ``InputError`` where the library cannot be built or loaded.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        folder: Path | str | None = None,
        say: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.setup = setup
        made = library.compiled(setup.design(), folder=folder, say=say)
        self._library = library.opened(made)
        handle, count, wait = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
        for name, result, *arguments in (
            ("error", ctypes.c_char_p),
            ("open", handle, ctypes.c_char_p, count, count, wait),
            ("close", None, handle),
            ("send", None, handle, handle, count),
            ("reset", None, handle),
            ("wait", None, handle, wait),
            ("run", count, handle, wait, handle, count, ctypes.POINTER(_State)),
        ):
            function = getattr(self._library, f"board_{name}")
            function.restype, function.argtypes = result, arguments
        self._bytes = np.zeros(CAPACITY, np.uint8)
        self._state = _State()
        self._open()
        while not self.idle:  # it boots
            self.run(1 << 16)

    def _open(self):
        bit = round(self.setup.divisor * (1 + self.setup.drift / 100) * 65536)
        flash = self.setup.flash
        first = self.setup.board.flash or 0
        self._board = self._library.board_open(flash, len(flash), first, bit)
        if self._board is None:
            raise self._failure()
        self.run(0)

    def _failure(self):
        reason = self._library.board_error().decode(errors="replace")
        return InputError(f"the compiled simulator failed: {reason}")

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *exception: object) -> None:
        self._library.board_close(self._board)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._state, name)

    def send(self, content: bytes) -> None:
        """Queue bytes behind what is queued."""
        self._send(np.frombuffer(content, np.uint8).astype(np.uint16))

    def line_break(self) -> None:
        """Queue a break: the line at 0 for 25 bits, then at 1 for two."""
        self._send(np.array([BREAK], np.uint16))

    def _send(self, codes):
        self._library.board_send(self._board, codes.ctypes.data, len(codes))
        self.run(0)

    def run(self, cycles: int) -> bytes:
        """Simulate up to ``cycles`` cycles; what the board sent.

        Ends before where nothing goes on any more, or where bytes came and no more follow at once.
        """
        count = self._library.board_run(
            self._board, cycles, self._bytes.ctypes.data, CAPACITY, self._state
        )
        if count == FAILED:
            raise self._failure()
        return self._bytes[:count].tobytes()

    def silence(self) -> None:
        """Let the next runs go on until a board that waits for silence has had it."""
        self._library.board_wait(self._board, 2 * self.setup.silence)
        self.run(0)

    def reset(self) -> None:
        """The clock's reset, two cycles long: memories keep their content, and the board boots."""
        self._library.board_reset(self._board)
        self.run(0)

    def power(self) -> None:
        """Off and on: memories begin anew, cycles at 0, and the board boots."""
        self._library.board_close(self._board)
        self._open()
