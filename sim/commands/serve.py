"""``sobolpath sim serve``: a whole board, simulated, behind a port that serial programs open."""

import signal
import textwrap
import threading
from argparse import Namespace
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sobolpath.boards import NAMES
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from ..board.machine import LEVELS, Machine, Setup
from ..board.server import Server, setup

HELP = """\
Simulate a whole board: serial line, host port, engine, boot flash and lamps.
It stands behind a pseudo-terminal, which is a serial port that any program can
open, one after the other. It runs until Ctrl-C, and sleeps while nothing goes
on.

  sobolpath sim serve icebreaker
  sobolpath sim serve icebreaker --level bytes --port-file build/port
  sobolpath sim serve ulx3s --drift 2.5 --baud 3000000

--level bits simulates the line bit by bit, --level bytes the host port alone,
which is faster. A pseudo-terminal carries no breaks: they go over a socket
beside it (docs/simulation.md), which the driver does by itself where the port
is named sim:PORT. --port-file gets the port's path, and the socket's in a
second line, once the board runs; it is removed at the end.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.board(parser, NAMES)
    parser.writes("--port-file", metavar="FILE", help="write the port's path, for other programs")
    what = f"what is simulated of the line: {' or '.join(LEVELS)} (%(default)s)"
    parser.add_argument("--level", default="bits", metavar="LEVEL", help=what)
    options.baud(parser, "the board's own")
    what = "the host's bits are so much longer than the board's (%(default)g)"
    parser.add_argument("--drift", type=float, default=0.0, metavar="PERCENT", help=what)
    parser.reads("--flash-file", metavar="FILE", help="the boot image in the board's flash")
    options.named_model(parser, "what the boot flash holds")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Serve until a signal; what was done, for ``--json``."""
    what = setup(
        options.board,
        level=options.level,
        baud=options.baud,
        drift=options.drift,
        flash=options.flash_file,
        model=options.model,
    )
    with ExitStack() as during:
        machine = during.enter_context(Machine(what, say=say))
        server = during.enter_context(Server(machine))
        during.enter_context(_ended_by_signals(server))
        if options.port_file is not None:
            cli.write_atomically(options.port_file, f"{server.port}\n{server.control}\n")
            during.callback(Path(options.port_file).unlink, missing_ok=True)
        for line in _lines(what, server):
            say(line)
        server.serve()
        result = summary(what, server)
    say(
        f"ended     {result['sent']:,} bytes to the board, {result['received']:,} from it, in "
        f"{result['cycles']:,} cycles"
    )
    if result["cycles_per_second"]:
        say(
            f"          at {result['cycles_per_second']:,.0f} cycles/s, "
            f"{result['cycles_per_core_second']:,.0f} a core's second"
        )
    return Outcome(result)


def _lines(what: Setup, server: Server) -> list[str]:
    """The lines that a person reads at the start."""
    board, level = what.board, "the host port's bytes"
    if what.level == "bits":
        rate = what.clock_hz / what.divisor
        level = f"bits of {what.divisor} cycles, {rate:,.0f} baud, 8N1"
    head = textwrap.wrap(f"board     {board.summary}", 80, subsequent_indent=" " * 10)
    return [
        *head,
        f"clock     {what.clock_hz / 1e6:g} MHz on the board, here some millions of cycles/s",
        f"level     {level}",
        f"port      {server.port}",
        f"try       sobolpath host identify --port sim:{server.port}",
        "          Ctrl-C ends it",
    ]


def summary(what: Setup, server: Server) -> dict[str, Any]:
    """The results for JSON."""
    machine = server.machine
    return {
        "board": what.board.name,
        "level": what.level,
        "port": server.port,
        "clock_hz": what.clock_hz,
        "divisor": what.divisor,
        "drift_percent": what.drift,
        "cycles": machine.cycles,
        "sent": machine.sent,
        "received": machine.received,
        "seconds": server.seconds,
        "cycles_per_second": machine.cycles / server.seconds if server.seconds else None,
        "cycles_per_core_second": machine.cycles / server.core_seconds if server.seconds else None,
    }


@contextmanager
def _ended_by_signals(server):
    """While this lasts, Ctrl-C and a SIGTERM let the server end."""
    if threading.current_thread() is not threading.main_thread():  # has no say in signals
        yield
        return
    names = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(name, lambda *_: server.stop()) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
