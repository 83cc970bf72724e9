"""``sobolpath host identify``: what a board is, what it holds, which models fit."""

import textwrap
from argparse import Namespace
from collections.abc import Iterator

from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.support import options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from . import shared

HELP = f"""\
Ask a board what it is: the sizes of its engine, its clock and baud rate, the
network that it holds, and which of the models that ship fit.

  sobolpath host identify --port /dev/ttyUSB1
  sobolpath host identify --port sim:icebreaker

{shared.PORTS}
exit codes: 0 it answered; 2 it did not, or it is not ours: one line says why
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    shared.arguments(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Ask and print. Raises ``HostError``."""
    with shared.opened(options) as board:
        identity, name, fits = board.identity, shared.held(board), shared.shipped_models(board)
    say(f"{'port':<11} {options.port}")
    for title, text in lines(identity, name):
        say(f"{title:<11} {text}")
    good = [each for each, why in fits.items() if why is None]
    others = [each for each, why in fits.items() if why is not None]
    for title, names in (("fit", good), ("do not fit", others)):
        if names:
            text, gap = ", ".join(names), " " * 12
            say(textwrap.fill(text, 79, initial_indent=f"{title:<12}", subsequent_indent=gap))
    result = {"port": options.port, **shared.facts(identity), "model": name, "models_fit": good}
    return Outcome(result)


def lines(identity: Identity, name: str | None) -> Iterator[tuple[str, str]]:
    """What is said of a device: (title, text); ``name`` of the model that it holds, if known."""
    kind = "path-order" if identity.path_order else "row-lane"
    images = "1 image" if identity.images == 1 else f"{identity.images} images together"
    yield "engine", f"{kind}, {identity.lanes} lanes, {images}"
    yield "clock", f"{identity.clock_hz / 1e6:g} MHz" if identity.clock_hz else "not told"
    rate = f"{identity.baud:,} baud, {identity.divisor} clock cycles a bit"
    yield "line", rate if identity.divisor else "no serial line"
    behind = "paths in a junction" if identity.path_order else "neurons behind the first layer"
    yield "at most", f"{identity.weight_words * identity.lanes:,} weights"
    yield "", f"{identity.max_neurons:,} neurons in a layer, {identity.max_outputs:,} outputs"
    yield "", f"{identity.bias_neurons:,} {behind}"
    yield "", f"{identity.program_words:,} words of program"
    flash = "none that the board boots from"
    if identity.flash:
        flash = "its boot image is bad" if identity.bad_boot else "there, the board boots from it"
    yield "flash", flash
    what = "none"
    if identity.network:
        what = f"{name or 'no model that ships'}, digest {identity.digest:08x}"
        what += f", {identity.infer_bytes:,} bytes an INFER"
    yield "network", what
    errors = [
        text
        for text, there in (
            ("a framing error", identity.framing_error),
            ("an overrun", identity.overrun),
        )
        if there
    ]
    yield "line errors", (", ".join(errors) or "none") + ", since IDENTIFY before"
