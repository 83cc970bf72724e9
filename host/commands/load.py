"""``sobolpath host load``: a model into a board."""

import time
from argparse import Namespace

from sobolpath.golden.machine import model as models
from sobolpath.golden.support import options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from . import shared

HELP = f"""\
Load a model into a board. The board proves by a checksum that it holds what was
sent; where it held it already, nothing is sent. It stays until the power goes.

  sobolpath host load mnist-37k --port /dev/ttyUSB1
  sobolpath host load build/mine.npz --port sim:icebreaker

{shared.PORTS}
exit codes: 0 it is there; 2 it does not fit, or the board cannot be reached
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser)
    shared.arguments(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Load and print. Raises ``HostError``, and ``InputError`` for a file that is no model."""
    models.load(options.model)  # before any board is asked
    lines: list[str] = []
    with shared.opened(options) as board:
        began = time.monotonic()
        name = shared.load(board, options.model, lines.append)
        seconds = time.monotonic() - began
        network, identity = board.network, board.identity
    assert network is not None
    sent = sum(len(content) for _, _, content in network.records)
    loaded = not lines[0].endswith("nothing was sent")
    rate = f", {sent:,} bytes in {seconds:.2f} s" if loaded else ""
    say(f"{lines[0]}{rate}; digest {identity.digest:08x}")
    return Outcome(
        {
            "port": options.port,
            "model": name,
            "loaded": loaded,
            "network_bytes": sent,
            "seconds": round(seconds, 3),
            "network_digest": f"{identity.digest:08x}",
        }
    )
