"""``sobolpath reproduce``: run a reproduction; write its CSV and its picture."""

import textwrap
import time
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

from .. import data
from ..errors import InputError, check_name
from ..reproduce import REPRODUCTIONS, chart
from ..support import cli, options, plots, tables
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..topology.patterns import check_integer

FOLDER = "build/reproduce"
HELP = """\
Run one of the papers' experiments again, at a size that takes a minute or two,
and write its figures (build/reproduce/NAME.csv) and a picture (NAME.png beside
them). The options ask for more: another data set, more epochs, more seeds.

  sobolpath reproduce edges-32
  sobolpath reproduce --list

docs/reproductions.md says what came out, and what agrees with the papers.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help=f"which one: {', '.join(REPRODUCTIONS)}")
    add("--list", action="store_true", help="name the experiments, with the papers' figures")
    options.data(parser, required=False, what=data.names())
    options.images(parser, "train with N of its images; 0 is all of them")
    add("--epochs", type=int, metavar="N", help="passes over the images")
    options.seeds(parser, None, "train N networks of each kind, one per seed")
    options.seed(parser, what="the first seed")
    options.threads(parser)
    options.csv(parser, f"{FOLDER}/NAME.csv")
    options.plot(parser, "what came out", f"{FOLDER}/NAME.png")
    options.json(parser)


def _values(module, options):
    """The module's options: ``DEFAULTS`` and what was given. ``InputError`` for what it ignores."""
    values = {"seed": options.seed}
    for name in ("data", "images", "epochs", "seeds"):
        value = getattr(options, name)
        if name in module.DEFAULTS:
            values[name] = module.DEFAULTS[name] if value is None else value
        elif value is not None:
            reads = [f"--{own}" for own in module.DEFAULTS] or ["none but --seed"]
            raise InputError(
                f"--{name} must be left out for {module.NAME}, which reads {', '.join(reads)}"
            )
    for name, least, most in (("epochs", 1, 10**6), ("seeds", 1, 1000), ("images", 0, 10**9)):
        if name in values:
            check_integer(values[name], name, least, most)
    check_integer(options.seed, "seed", 0, 2**32 - 1 - values.get("seeds", 1))
    if options.download and "data" in values:
        data.load(values["data"], download=True)
    return SimpleNamespace(**values)


def _list(say):
    wide = max(map(len, REPRODUCTIONS)) + 2
    for module in REPRODUCTIONS.values():
        say(f"{module.NAME:<{wide}}{module.SOURCE}")
        say(textwrap.indent(textwrap.fill(module.TITLE, 78 - wide), " " * wide))
    return {
        "reproductions": [
            {"name": module.NAME, "title": module.TITLE, "paper": module.SOURCE}
            for module in REPRODUCTIONS.values()
        ]
    }


def run(options: Namespace, say: Say) -> Outcome:
    """Compute, draw, write and print; the figures as a dict for ``--json``. ``InputError``."""
    if options.list:
        return Outcome(_list(say))
    if options.name is None:
        raise InputError(f"NAME must be one of {', '.join(REPRODUCTIONS)}, not left out")
    check_name("NAME", options.name, REPRODUCTIONS)
    module = REPRODUCTIONS[options.name]
    values = _values(module, options)
    table = Path(options.csv or f"{FOLDER}/{options.name}.csv")
    picture = Path(options.plot or f"{FOLDER}/{options.name}.png")
    plots.check(picture, table, options.json)
    began = time.perf_counter()
    rows = module.rows(values)
    summary = module.summary(rows) if hasattr(module, "summary") else {}
    image = chart(module).draw(rows, plots.kind_of(picture))
    cli.write_atomically(table, tables.csv_text(rows))
    cli.write_atomically(picture, image)
    say(f"{module.TITLE}\n{module.SOURCE}")
    say(textwrap.fill(", ".join(f"{k} {v}" for k, v in vars(values).items()), 79) + "\n")
    shown = module.table(rows) if hasattr(module, "table") else rows
    for line in (*tables.table(module.COLUMNS, shown), ""):
        say(line)
    for key, value in summary.items():
        say(f"{key}: {value:.3f}" if isinstance(value, float) else f"{key}: {value}")
    for path in (table, picture):
        say(f"wrote {path}")
    return Outcome(
        {
            "name": module.NAME,
            "paper": module.SOURCE,
            "options": vars(values),
            "rows": rows,
            **({"findings": summary} if summary else {}),
            "csv": str(table),
            "plot": str(picture),
            "seconds": round(time.perf_counter() - began, 3),
        }
    )
