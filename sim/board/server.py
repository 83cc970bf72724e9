"""Serves a simulated board: bytes between a pseudo-terminal and the machine, while they come."""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sobolpath.boards import load
from sobolpath.boards.gateware.port import LAMPS
from sobolpath.golden.errors import InputError

from .control import REQUESTS, control_path
from .images import boot_image
from .listener import Connection, Listener
from .machine import Machine, Setup
from .terminal import Terminal

CYCLES = 30_000  # simulated at a time: some 10 ms
AHEAD = 512  # bytes that the machine has of what was written: a break waits for no more
LOOK = 0.05  # seconds after which is looked whether a program has opened the port
LATE = 0.002  # seconds that bytes may take through a pseudo-terminal
SILENCE = 0.5  # seconds without a byte after which the board gets silence on its line


class Server:
    """A machine behind a pseudo-terminal and a control channel; a context manager.

    Parameters
    ----------
    machine : the board, which stays the caller's.

    Members
    -------
    port : the path that programs open.
    control : that of the control channel.
    seconds, core_seconds : of simulation so far; the second is the processor's time.

    Raises ``InputError`` where the system gives no pseudo-terminal or no socket.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine, self.seconds, self.core_seconds = machine, 0.0, 0.0
        try:
            self._terminal = Terminal()
        except OSError as error:
            raise InputError(f"the system must have a pseudo-terminal: {error.strerror}") from None
        self.port = self._terminal.port
        self.control = control_path(self.port)
        try:
            self._listener = Listener(self.control)
        except InputError:
            self._terminal.close()
            raise
        self._wake, self._waker = os.pipe()
        self._pending: deque[bytes | None] = deque()  # None is a break
        self._asking: list[tuple[Connection, Callable[[], bool]]] = []  # until that is so
        self._silent = 0.0  # since when nothing came
        self._quiet = True  # there was silence since then

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *exception: object) -> None:
        self._terminal.close()
        self._listener.close()
        os.close(self._wake)
        os.close(self._waker)

    def stop(self) -> None:
        """Let :meth:`serve` end; from any thread, or a signal's handler."""
        os.write(self._waker, b"x")

    def state(self) -> Mapping[str, Any]:
        """What ``Control.ask`` gives."""
        machine = self.machine
        counts = ("cycles", "sent", "received", "framing")
        return {
            **{name: getattr(machine, name) for name in counts},
            "leds": {name: getattr(machine, name) for name in LAMPS},
        }

    def serve(self) -> None:
        """Serve until :meth:`stop`. It sleeps while nothing goes on."""
        while True:
            self._feed()
            self._simulate()
            handles = self._wait()
            if self._wake in handles:
                return
            if self._terminal.handle in handles:
                self._take()
            if self._listener.handle.fileno() in handles:
                self._listener.accept()
            for connection in list(self._listener.connections.values()):
                if connection.handle.fileno() in handles:
                    self._hear(connection)

    def _wait(self):
        """The handles that have something, at once where there is work."""
        poll, connected = select.poll(), self._terminal.is_open()
        poll.register(self._wake, select.POLLIN)
        poll.register(self._listener.handle, select.POLLIN)
        for handle in self._listener.connections:
            poll.register(handle, select.POLLIN)
        left = self._terminal.write()
        if not connected and not self._pending:
            self._take()  # of a program that came and went
        if connected and len(self._pending) < 2:
            events = select.POLLIN | (select.POLLOUT if left else 0)
            poll.register(self._terminal.handle, events)
        limits = [] if connected else [LOOK]
        if self._pending or not self.machine.idle:
            limits = [0.0]
        elif not self._quiet:
            limits.append(max(0.0, self._silent + SILENCE - time.monotonic()))
        return {handle for handle, _ in poll.poll(min(limits) * 1000 if limits else None)}

    def _take(self):
        """What was written to the port; True where there was something."""
        content = self._terminal.read()
        if content:
            self._pending.append(content)
        return bool(content)

    def _hear(self, connection):
        """Carry out what a program asks."""
        try:
            for request in connection.requests():
                self._carry_out(request, connection)
        except EOFError:
            self._asking = [pair for pair in self._asking if pair[0] is not connection]
            self._listener.drop(connection)

    def _carry_out(self, request, connection):
        if request not in REQUESTS:
            names = ", ".join(REQUESTS)
            connection.answer({"error": f"request must be one of {names}, not {request!r}"})
        elif request == "break":
            while self._take() or self._late():
                pass
            self._pending.append(None)
            self._asking.append((connection, self._has_sent))
        elif request == "status":
            connection.answer(self.state())
        else:
            getattr(self.machine, request)()
            self._asking.append((connection, lambda: bool(self.machine.idle)))

    def _has_sent(self):
        return not self._pending and not self.machine.queued

    def _late(self):
        """Whether more comes that was written before."""
        poll = select.poll()
        poll.register(self._terminal.handle, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(LATE * 1000))

    def _feed(self):
        """Give the machine what it can soon send."""
        while self._pending and self.machine.queued < AHEAD:
            self._quiet = False
            content = self._pending.popleft()
            if content is None:
                self.machine.line_break()
                continue
            room = AHEAD - self.machine.queued
            self.machine.send(content[:room])
            if len(content) > room:
                self._pending.appendleft(content[room:])

    def _simulate(self):
        """Some cycles, where something goes on, and what comes of them."""
        machine, now = self.machine, time.monotonic()
        if not machine.idle:
            began = time.thread_time()
            self._terminal.write(machine.run(CYCLES))
            self._silent = time.monotonic()
            self.seconds += self._silent - now
            self.core_seconds += time.thread_time() - began
        elif not self._quiet and now >= self._silent + SILENCE:
            self._quiet = True
            machine.silence()
        waiting = []
        for connection, is_done in self._asking:
            if is_done():
                connection.answer(self.state())
            else:
                waiting.append((connection, is_done))
        self._asking = waiting


def setup(
    name: str,
    *,
    level: str = "bits",
    baud: int | None = None,
    drift: float = 0.0,
    flash: bytes | Path | str | None = None,
    model: Path | str | None = None,
) -> Setup:
    """What :func:`served` simulates, and its parameters. Raises ``InputError``."""
    board = load(name)
    image = boot_image(board, flash=flash, model=model)
    return Setup(board=board, level=level, baud=baud, drift=drift, flash=image)


@contextmanager
def served(
    name: str,
    *,
    level: str = "bits",
    baud: int | None = None,
    drift: float = 0.0,
    flash: bytes | Path | str | None = None,
    model: Path | str | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Iterator[str]:
    """Run the board called ``name`` in a thread; its port, such as ``/dev/pts/3``.

    The port is open to one program after the other, and gone at the end. Breaks go to
    ``Control(port).line_break()``.

    Parameters
    ----------
    name : one of ``sobolpath.boards.NAMES``.
    level : ``bits``, the serial line bit by bit, or ``bytes``, the host port's streams, for speed.
    baud : of the line; the board's own unless given.
    drift : per cent by which the host's bits are longer than the board's.
    flash : the boot image, or a file of it.
    model : a model whose boot image is in the flash, a file or its name.
    say : is told what takes long.

    Raises ``InputError`` for what is wrong, or where the simulator cannot be built.
    """
    what = setup(name, level=level, baud=baud, drift=drift, flash=flash, model=model)
    with Machine(what, say=say) as machine, Server(machine) as server:
        failures = []

        def run():
            try:
                server.serve()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run, name=f"sobolpath {name}", daemon=True)
        thread.start()
        try:
            yield server.port
        finally:
            server.stop()
            thread.join()
        if failures:
            raise failures[0]
