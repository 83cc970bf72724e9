"""``sobolpath board program``: a bitstream, and a network, onto a board."""

import shlex
import time
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.protocol import boot
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.protocol.network import pack
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from .. import NAMES, load
from ..board import Board
from ..flow import loader
from ..flow.build import alone, build
from ..flow.tools import BuildError

NETWORK = "network.bin"  # beside the bitstream

HELP = """\
Put a board's bitstream onto the board, by openFPGALoader. It is built first
where build/BOARD has none, or --seed or --seeds ask for another one.

The bitstream goes into the device itself, where it stays until the power goes.
With --flash it goes into the flash, where the device finds it at power-up. Some
boards know only that, as they are sold: the iCEBreaker, the UPduino, the HX8K
and the OrangeCrab.

--model also writes a network into the flash, behind the bitstream. At power-up
the device loads it by itself, checks it, and lights the lamp "ready", or the
lamp "error" where it is damaged; a host can load another one at any time. Where
a board cannot do that, load the network with 'sobolpath host load'.

From the box to a class: docs/on-a-board.md.

examples:
  sobolpath board program icebreaker --model mnist-12k
  sobolpath board program ulx3s --flash
  sobolpath board program icebreaker --seeds 4
  sobolpath board program icebreaker --model digits --dry-run

exit codes: 0 programmed; 1 a tool failed, or the clock of the bitstream is not
met; 2 wrong input, no such board on USB, or something is not installed
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.board(parser, NAMES)
    options.named_model(parser, "write this network too")
    options.seed(parser, None, "build, with this seed of place and route")
    options.seeds(parser, None, "build, try N seeds from --seed on, and keep the best")
    add = parser.add_argument
    add("--flash", action="store_true", help="write the bitstream into the flash")
    options.dry_run(parser, "say the commands, and do nothing")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Build where there is no bitstream, then load. Raises ``InputError``."""
    board, seeds = load(options.board), asked(options)
    image = None if options.model is None else network(board, options.model)
    folder = Path("build") / board.name
    bitstream = folder / board.family.bitstream
    flash = options.flash or not board.loader.sram
    builds = seeds is not None or not bitstream.is_file()
    result = {
        "board": board.name,
        "bitstream": str(bitstream),
        "built": builds and not options.dry_run,
        "written_to": "flash" if flash else "sram",
        "model": options.model,
        "image_bytes": None if image is None else len(image),
        "image_offset": None if image is None else board.flash,
        "commands": [shlex.join(command) for command in commands(board, folder, image, flash)],
        "programmed": not options.dry_run,
    }
    if options.dry_run:
        if builds:
            say(shlex.join(["sobolpath", "board", "build", board.name, *words(options)]))
        for command in commands(board, folder, image, flash):
            say(wrapped(command))
        return Outcome(result)
    loader.find()
    try:
        if builds:
            make(board, seeds or (1,))
        with alone(folder):
            write(board, folder, image, flash, say)
    except BuildError as error:
        return Outcome({}, (str(error),))
    return Outcome(result)


def asked(options: Namespace) -> range | None:
    """The seeds to build with; None where none was named. Raises ``InputError``."""
    seed, count = options.seed, options.seeds
    if count is not None and count < 1:
        raise InputError(f"--seeds must be at least 1, not {count}")
    if seed is not None and seed < 0:
        raise InputError(f"--seed must be 0 or more, not {seed}")
    if seed is None and count is None:
        return None
    first = 1 if seed is None else seed
    return range(first, first + (count or 1))


def words(options: Namespace) -> list[str]:
    """The options that ``sobolpath board build`` is given, as they are typed."""
    named = {"--seed": options.seed, "--seeds": options.seeds}
    return [
        word for name, value in named.items() if value is not None for word in (name, str(value))
    ]


def network(board: Board, name: str) -> bytes:
    """The boot image of a model for a board.

    Raises ``InputError`` where the model does not fit, or the board does not boot from a flash.
    """
    if board.flash is None:
        raise InputError(
            f"{board.name} does not load a network from its flash: program it without --model, "
            "then 'sobolpath host load'"
        )
    return boot.image(pack(models.load(name), Identity.of(board.config, flash=True)))


def commands(board: Board, folder: Path, image: bytes | None, flash: bool) -> list[list[str]]:
    """What is typed, in order: the image first, for the device starts anew after the bitstream."""
    found = []
    if image is not None and board.flash is not None:
        file = folder / NETWORK
        found.append(board.loader.command(file, flash=True, offset=board.flash))
    found.append(board.loader.command(folder / board.family.bitstream, flash=flash))
    return found


def wrapped(command: list[str]) -> str:
    """A command as a shell takes it, in lines of less than 80 columns."""
    lines = [""]
    for word in map(shlex.quote, command):
        if lines[-1] and len(lines[-1]) + len(word) > 76:
            lines.append("    ")
        lines[-1] += f"{' ' * bool(lines[-1].strip())}{word}"
    return " \\\n".join(lines)


def make(board: Board, seeds: Iterable[int]) -> None:
    """Build a board, the best of some seeds. Raises ``BuildError`` where its clock is not met."""
    result = build(board, seeds=seeds)
    if not result["met"]:
        Path(result["bitstream"]).unlink()  # or the next call would take it
        raise BuildError(
            f"the clock must be met: {result['clock_mhz']:.2f} MHz asked for, "
            f"{result['reached_mhz']:.2f} MHz reached; try more --seeds"
        )


def write(board: Board, folder: Path, image: bytes | None, flash: bool, say: Say) -> None:
    """Load what ``folder`` has. Raises as ``boards.flow.loader.run``."""
    bitstream = folder / board.family.bitstream
    status = bitstream.stat()
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.st_mtime))
    if image is not None:
        if board.flash is not None and status.st_size > board.flash:
            raise BuildError(
                f"the bitstream must have at most {board.flash:,} bytes, so that a network is "
                f"behind it, not {status.st_size:,} ({bitstream})"
            )
        cli.write_atomically(folder / NETWORK, image)
    for command in commands(board, folder, image, flash):
        file = Path(command[-1])
        step = "writing the network" if file.name == NETWORK else "writing the bitstream"
        loader.run(command, log=folder / f"{file.stem}.log", board=board.name, step=step)
    say(f"{board.name}: programmed")
    say(f"  bitstream  {bitstream}, made {made}: in the {'flash' if flash else 'device'}")
    if image is not None:
        say(f"  network    {len(image):,} bytes in the flash from {board.flash:#x} on")
        say("  the lamp 'ready' says that the device has loaded it")
    else:
        say("  next: sobolpath host load MODEL")
