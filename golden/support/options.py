"""Options that several commands have: the same name, the same meaning, the same words of help.

A command takes from here whatever option is here. Only what it alone has it adds itself. Each
function adds to the :class:`golden.support.cli.Parser` that it is given.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .cli import Parser

DOWNLOAD = "fetch mnist or fashion from OpenML where it is not found"


def _shown(default: object) -> str:
    """The end of a help text: the default, where there is one."""
    return "" if default is None else " (%(default)s)"


def _number(parser: Parser, name: str, default: int | None, what: str, metavar: str = "N") -> None:
    help_text = what + _shown(default)
    parser.add_argument(f"--{name}", type=int, default=default, metavar=metavar, help=help_text)


def json(parser: Parser) -> None:
    """``--json FILE``: the results as JSON."""
    parser.writes("--json", metavar="FILE", help="write the results as JSON; - is standard output")


def csv(parser: Parser, default: str | Path | None = None) -> None:
    """``--csv FILE``: the table as CSV."""
    shown = "" if default is None else f" ({default})"
    parser.writes("--csv", metavar="FILE", help=f"write the table as CSV{shown}")


def plot(parser: Parser, what: str, default: str | Path | None = None) -> None:
    """``--plot FILE``: the picture of ``what``, ``default`` where none is named."""
    shown = "" if default is None else f" ({default})"
    parser.writes("--plot", metavar="FILE", help=f"draw {what}, .svg or .png{shown}")


def out(parser: Parser, what: str, *short: str, required: bool = True) -> None:
    """``--out FILE``, and its ``short`` names: the one file that the command is there to make."""
    parser.writes(*short, "--out", required=required, metavar="FILE", help=what)


def model(parser: Parser, default: str | None = None, **settings: Any) -> None:
    """MODEL, the network; it may be left out where there is a ``default``.

    ``settings`` go to ``add_argument``.
    """
    what = f"a model file (.npz), or a model that ships by its name{_shown(default)}"
    if default is not None:
        settings = {"nargs": "?", "default": default, **settings}
    parser.reads("model", **{"metavar": "MODEL", "help": what, **settings})


def named_model(parser: Parser, what: str) -> None:
    """``--model MODEL``, where a command can do without."""
    parser.reads("--model", metavar="MODEL", help=f"{what}: a file, or the name of one that ships")


def models(parser: Parser, what: str, default: str | Path | None = None) -> None:
    """``--models FOLDER``: where model files are."""
    parser.add_argument("--models", metavar="FOLDER", default=default, help=what)


def port(parser: Parser, default: str | None = None) -> None:
    """``--port PORT``: where a board is, required where there is no ``default``."""
    what = f"the serial port of the board, or sim:NAME, simulated{_shown(default)}"
    parser.add_argument(
        "--port", default=default, required=default is None, metavar="PORT", help=what
    )


def board(parser: Parser, names: Iterable[str]) -> None:
    """BOARD, one of ``names``."""
    parser.add_argument("board", metavar="BOARD", help="one of: " + ", ".join(names))


def baud(parser: Parser, default: str) -> None:
    """``--baud N``: the speed of a serial line; ``default`` says what it is otherwise."""
    _number(parser, "baud", None, f"speed of the serial line in bits a second ({default})")


def data(
    parser: Parser,
    default: str | None = None,
    *,
    required: bool = True,
    what: str = "the data set, see 'sobolpath train --help'",
) -> None:
    """``--data NAME``, required where there is no ``default``, and ``--download``."""
    required = required and default is None
    settings = {"default": default, "required": required, "metavar": "NAME"}
    parser.reads("--data", help=what + _shown(default), **settings)
    parser.add_argument("--download", action="store_true", help=DOWNLOAD)


def label(parser: Parser) -> None:
    """``--label COLUMN``: of a table that ``--data`` names, where its labels are."""
    what = "the column of a table that has the labels, by name or by number from 1 on"
    parser.add_argument("--label", metavar="COLUMN", help=what)


def limit(
    parser: Parser, default: int | None = None, what: str = "take only the first N held-out images"
) -> None:
    """``--limit N``: fewer held-out images."""
    _number(parser, "limit", default, what)


def config(parser: Parser, names: Iterable[str], default: str | None = "icebreaker") -> None:
    """``--config NAME``: the engine, one of ``names``; required where ``default`` is ``None``."""
    parser.add_argument(
        "--config",
        default=default,
        required=default is None,
        metavar="NAME",
        help=f"the engine: {', '.join(names)}{_shown(default)}",
    )


def engine(parser: Parser, names: Iterable[str], default: str = "row-lane") -> None:
    """``--engine NAME``: which of the engines, one of ``names``."""
    what = f"the kind of engine: {', '.join(names)}{_shown(default)}"
    parser.add_argument("--engine", default=default, metavar="NAME", help=what)


def fit(parser: Parser) -> None:
    """``--fit NAME``: a board or configuration that the network is padded for."""
    what = "pad the network to what this board or configuration needs"
    parser.add_argument("--fit", metavar="NAME", help=what)


def backend(parser: Parser, names: Iterable[str]) -> None:
    """``--backend NAME``: what simulates the engine, one of ``names`` or ``auto``."""
    what = f"what simulates: {', '.join(('auto', *names))} (%(default)s)"
    parser.add_argument("--backend", default="auto", metavar="NAME", help=what)


def jobs(parser: Parser, what: str) -> None:
    """``--jobs N``: what is done in so many processes at a time."""
    _number(parser, "jobs", None, what)


def dry_run(parser: Parser, what: str) -> None:
    """``--dry-run``: tell what would be done."""
    parser.add_argument("--dry-run", action="store_true", help=what)


def threads(parser: Parser) -> None:
    """``--threads N``, which ``sobolpath`` hands to :func:`golden.support.threads.limit`."""
    _number(parser, "threads", 1, "threads of NumPy; paths need no more than 1")


def seed(
    parser: Parser, default: int | None = 0, what: str = "the seed of all that is random"
) -> None:
    """``--seed N``: of what is random."""
    _number(parser, "seed", default, what)


def seeds(parser: Parser, default: int | None, what: str) -> None:
    """``--seeds N``: how many seeds, from the first on."""
    _number(parser, "seeds", default, what)


def batches(parser: Parser, default: int) -> None:
    """``--batches N``: how many steps of training each time is of."""
    _number(parser, "batches", default, "steps that are timed together")


def repeats(parser: Parser, default: int, what: str) -> None:
    """``--repeats N``: how often each is timed."""
    _number(parser, "repeats", default, what)


def layers(parser: Parser, default: str | None = None, *, required: bool = True) -> None:
    """``--layers N-N-...``: neurons of the layers; ``required`` where there is no ``default``."""
    what = "neurons per layer, such as 64-128-128-16" if default is None else "neurons per layer"
    parser.add_argument(
        "--layers",
        default=default,
        required=required and default is None,
        metavar="N-N-...",
        help=what + _shown(default),
    )


def paths(
    parser: Parser,
    default: str | None = None,
    what: str = "paths per junction",
    *,
    required: bool = True,
) -> None:
    """``--paths N,N,...``: of each junction; ``required`` where there is no ``default``."""
    parser.add_argument(
        "--paths",
        default=default,
        required=required and default is None,
        metavar="N,N,...",
        help=(f"{what}, such as 2048,2048,1024" if default is None else what) + _shown(default),
    )


def sizes(parser: Parser, default: str | None, what: str) -> None:
    """``--sizes N,N,...``: several networks, with so many paths in every junction."""
    parser.add_argument("--sizes", default=default, metavar="N,N,...", help=what + _shown(default))


def dimensions(parser: Parser) -> None:
    """``--dimensions D,D,...``: the Sobol' dimension of each layer."""
    what = "Sobol' dimension per layer, where there is one (0,1,2,...)"
    parser.add_argument("--dimensions", metavar="D,D,...", help=what)


def topology(parser: Parser) -> None:
    """``--topology NAME``: which paths."""
    what = "which paths, see 'sobolpath quality --help' (%(default)s)"
    parser.add_argument("--topology", default="sobol", metavar="NAME", help=what)


def topologies(parser: Parser, default: str, what: str) -> None:
    """``--topologies NAME,...``: which paths are compared."""
    parser.add_argument("--topologies", default=default, metavar="NAME,...", help=what)


def junction(parser: Parser, default: int | None, what: str) -> None:
    """``--junction L``: one of the junctions, from 1 on."""
    _number(parser, "junction", default, what, "L")


def clock(parser: Parser, what: str) -> None:
    """``--clock MHZ``: the clock of the engine."""
    parser.add_argument("--clock", type=float, metavar="MHZ", help=what)


def images(parser: Parser, what: str) -> None:
    """``--images N``: fewer images to train with."""
    _number(parser, "images", None, what)


def halve(parser: Parser, what: str) -> None:
    """``--halve N``: epochs after which a rate is halved."""
    _number(parser, "halve", None, what)
