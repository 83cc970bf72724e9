"""What the commands for a board share: its port, what it is, and which model it runs."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine import shipped
from sobolpath.golden.machine.model import Model
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.support import cli, options

from ..board import Board
from ..errors import NoNetwork
from ..links import BAUD

PORTS = """\
PORT is a serial port (/dev/ttyUSB1), or sim:BOARD, which simulates the board
for as long as the command runs, or twin:BOARD: the golden model in its place.
"""


def arguments(parser: cli.Parser) -> None:
    """Add ``--port`` and ``--baud``."""
    options.port(parser)
    options.baud(parser, str(BAUD))


def rate(options: Namespace) -> int:
    """Bits a second, ``--baud`` or what the boards have."""
    return BAUD if options.baud is None else options.baud


def opened(options: Namespace) -> Board:
    """The board at ``--port``. Raises what ``Board.open`` does."""
    return Board.open(options.port, baud=rate(options))


def fits(board: Board, model: Model) -> str | None:
    """Why a model does not fit the board; ``None`` where it does."""
    try:
        board.pack(model)
    except InputError as error:
        return str(error).removeprefix("too big for this device: ")
    return None


def shipped_models(board: Board) -> dict[str, str | None]:
    """Each model that ships, with why it does not fit the board, or ``None``."""
    return {name: fits(board, models.load(name)) for name in shipped.names()}


def held(board: Board) -> str | None:
    """The name of the shipped model that the board holds, by its digest; ``None`` for another."""
    identity = board.identity
    if not identity.network:
        return None
    for name in shipped.names():
        model = models.load(name)
        if fits(board, model) is None and board.pack(model).digest == identity.digest:
            return name
    return None


def load(board: Board, name: str | Path | None, say: Any) -> str:
    """Have the board hold a model, ``--model`` or what it holds already; its name is returned.

    Raises ``NoNetwork`` where neither is known, and as ``Board.load`` does.
    """
    if name is None:
        name = held(board)
        if name is None:
            raise NoNetwork(
                "the board must hold a model that ships, or --model must say which to load: "
                + (
                    "it holds another"
                    if board.identity.network
                    else "it holds none, see 'sobolpath zoo'"
                )
            )
    with cli.progress(total=0, unit="B", unit_scale=True, desc="load", leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        sent = board.load(name, progress=progress)
    say(f"{name}: " + ("loaded" if sent else "already there, nothing was sent"))
    return str(name)


def facts(identity: Identity) -> dict[str, Any]:
    """What ``--json`` says of a device."""
    return {
        "kind": "path-order" if identity.path_order else "row-lane",
        "lanes": identity.lanes,
        "images_together": identity.images,
        "clock_mhz": identity.clock_hz / 1e6,
        "baud": identity.baud,
        "max_neurons": identity.max_neurons,
        "max_weights": identity.weight_words * identity.lanes,
        "max_biases": identity.bias_neurons,
        "max_outputs": identity.max_outputs,
        "program_words": identity.program_words,
        "overlap": identity.overlap,
        "boot_flash": identity.flash,
        "bad_boot": identity.bad_boot,
        "network_there": identity.network,
        "infer_bytes": identity.infer_bytes,
        "network_digest": f"{identity.digest:08x}",
        "framing_error": identity.framing_error,
        "overrun": identity.overrun,
    }
