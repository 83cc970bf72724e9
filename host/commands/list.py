"""``sobolpath host list``: the serial ports, and what answers there."""

from argparse import Namespace
from typing import Any

from sobolpath.golden.support import options, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from ..board import Board
from ..errors import HostError
from ..links import BAUD
from ..serial_port import pyserial
from . import shared

HELP = """\
Name the serial ports of this computer, with their USB vendor and product. With
--probe each is opened and asked whether it is a board of ours; other devices
get a break and 11 bytes then.

  sobolpath host list
  sobolpath host list --probe

exit codes: 0 listed; 2 pyserial is not installed
"""
COLUMNS = (("port", "port", ""), ("USB", "usb", ""), ("what", "description", ""))
LONGEST = 50  # characters of a description


def arguments(parser: Parser) -> None:
    """Add the options."""
    what = "open each port, and say which answer as a board of ours"
    parser.add_argument("--probe", action="store_true", help=what)
    options.baud(parser, str(BAUD))
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """List and print. Raises ``InputError``."""
    found = sorted(pyserial("serial.tools.list_ports").comports(), key=lambda port: port.device)
    rows = [facts(port) for port in found]
    if not rows:
        say("no serial port is there: is the board plugged in?")
        return Outcome({"ports": rows})
    for line in tables.table(COLUMNS, rows):
        say(line)
    if options.probe:
        for row in rows:
            row["answer"] = probe(row["port"], shared.rate(options))
            say(f"{row['port']}: {row['answer']}"[:80])
    return Outcome({"ports": rows})


def facts(port: Any) -> dict[str, Any]:
    """What is said of a port of ``serial.tools.list_ports``."""
    usb = None if port.vid is None else f"{port.vid:04x}:{port.pid:04x}"
    text = str(port.description or "")[:LONGEST]
    return {"port": port.device, "usb": usb, "serial": port.serial_number, "description": text}


def probe(port: str, baud: int) -> str:
    """What answers at a port, in a line."""
    try:
        with Board.open(port, baud=baud, retries=1) as board:
            identity = board.identity
    except HostError as error:
        return str(error).removeprefix(f"{port}: ")
    engine = "path-order" if identity.path_order else "row-lane"
    return f"sobolpath, {engine}, {identity.lanes} lanes, {identity.clock_hz / 1e6:g} MHz"
