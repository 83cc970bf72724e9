"""``sobolpath reproduce``: run a reproduction; write its CSV and its picture."""

import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

from .. import data
from ..errors import InputError, check_name
from ..reproduce import REPRODUCTIONS, chart, output
from ..support import cli, options, plots, threads
from ..support.command import Outcome
from ..topology.patterns import check_integer

FOLDER = "build/reproduce"
HELP = """\
Run one of the papers' experiments again, at a size that takes a minute or two,
and write its figures (FOLDER/NAME.csv) and a picture (FOLDER/NAME.png). The
options ask for more: another data set, more epochs, more seeds.

  sobolpath reproduce edges-32
  sobolpath reproduce --list

docs/reproductions.md says what came out, and what agrees with the papers.
"""


def arguments(parser):
    """Add the options."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help=f"which one: {', '.join(REPRODUCTIONS)}")
    add("--list", action="store_true", help="name the experiments, with the papers' figures")
    add("--data", metavar="NAME", help=data.names())
    add("--images", type=int, metavar="N", help="train with N of its images; 0 is all of them")
    add("--epochs", type=int, metavar="N", help="passes over the images")
    add("--seeds", type=int, metavar="N", help="train N networks of each kind, one per seed")
    add("--seed", type=int, default=0, metavar="N", help="the first seed (%(default)s)")
    add(
        "--format",
        default="png",
        metavar="KIND",
        help=f"format of the picture: {' or '.join(plots.FORMATS)} (%(default)s)",
    )
    threads.argument(parser)
    add(
        "--out",
        dest="folder",
        default=FOLDER,
        metavar="FOLDER",
        help="folder for the files (%(default)s)",
    )
    options.json(parser)


def _options(module, given):
    """The module's options: ``DEFAULTS`` and what was given. ``InputError`` for what it ignores."""
    values = {"seed": given.seed}
    for name in ("data", "images", "epochs", "seeds"):
        value = getattr(given, name)
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
    check_integer(given.seed, "seed", 0, 2**32 - 1 - values.get("seeds", 1))
    return SimpleNamespace(**values)


def _list():
    for module in REPRODUCTIONS.values():
        print(f"{module.NAME:<18}{module.SOURCE}")
        print(textwrap.indent(textwrap.fill(module.TITLE, 60), " " * 18))
    return {
        "reproductions": [
            {"name": module.NAME, "title": module.TITLE, "source": module.SOURCE}
            for module in REPRODUCTIONS.values()
        ]
    }


def run(given, say):
    """Compute, draw, write and print; the figures as a dict for ``--json``. ``InputError``."""
    if given.list:
        return Outcome(_list())
    if given.name is None:
        raise InputError(f"NAME must be one of {', '.join(REPRODUCTIONS)}, not left out")
    check_name("NAME", given.name, REPRODUCTIONS)
    check_name("format", given.format, plots.FORMATS)
    module, folder = REPRODUCTIONS[given.name], Path(given.folder)
    options = _options(module, given)
    files = {
        "csv": folder / f"{given.name}.csv",
        "picture": folder / f"{given.name}.{given.format}",
    }
    cli.check_writable(*files.values(), given.json)
    plots.matplotlib()  # missing is said before the work
    began = time.perf_counter()
    rows = module.rows(options)
    summary = module.summary(rows) if hasattr(module, "summary") else {}
    image = chart(module).draw(rows, given.format)
    cli.write_atomically(files["csv"], output.csv_text(rows))
    cli.write_atomically(files["picture"], image)
    print(f"{module.TITLE}\n{module.SOURCE}")
    print(textwrap.fill(", ".join(f"{k} {v}" for k, v in vars(options).items()), 79) + "\n")
    shown = module.table(rows) if hasattr(module, "table") else rows
    print("\n".join(output.table(module.COLUMNS, shown)) + "\n")
    for key, value in summary.items():
        print(f"{key}: {value:.3f}" if isinstance(value, float) else f"{key}: {value}")
    print("\n".join(f"wrote {path}" for path in files.values()))
    summary_of_run = {
        "name": module.NAME,
        "source": module.SOURCE,
        "options": vars(options),
        "rows": rows,
        **({"summary": summary} if summary else {}),
        **{kind: str(path) for kind, path in files.items()},
        "seconds": round(time.perf_counter() - began, 3),
    }
    return Outcome(summary_of_run)
