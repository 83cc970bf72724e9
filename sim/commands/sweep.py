"""``sobolpath sweep``: a network trained many ways, every combination a cell."""

import textwrap
import time
from argparse import Namespace
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli, options, plots, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from ..sweep import cell, picture, plan, table, work, workers
from ..sweep.results import Results

HELP = """\
Train a network in many ways: every combination of what a file lists is a cell.
Each cell is what sobolpath train does with these options, the same figures to
the last digit. The file is TOML:

  [fixed]                      # options of sobolpath train, by their names
  data = "digits"
  layers = "64-64-32-16"
  epochs = 10

  [grid]                       # and those that vary, a list of values each
  topology = ["sobol", "random-regular"]
  paths = [256, [512, 256, 256], "1024,512,256"]     # 256: of every junction
  bits = [8, 4]
  seed = [0, 1, 2]
  board = ["icebreaker", "ulx3s"]     # cycles and images/s, in closed form

  sobolpath sweep examples/digits.toml --dry-run
  sobolpath sweep examples/digits.toml
  sobolpath sweep examples/digits.toml --scheduler tcp://10.0.0.1:8786

Cells that differ in their boards alone share a training. Paths that are not
linear have no integers: their cells are trained in floats, once, without bits,
qat and boards.

Each cell is written as it ends, a line of JSON in the file of results. Type
the same command again after an interruption, or with more values in the file,
and only what is not there is computed: a cell is known by its options, the
contents of its data, and the version of what computes. A cell whose input is
wrong (too few paths, say) says so in its line, the others go on, and the exit
code is 1.

With --scheduler the cells go to the workers of a Dask cluster, each with this
version of sobolpath and the same data (pip install sobolpath[cluster], there
too). What a worker that dies was at is computed by another one.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    parser.reads("file", metavar="FILE", help="the sweep, a file in TOML")
    parser.writes("--results", metavar="FILE", help="append the cells' lines (build/NAME.jsonl)")
    options.models(parser, "write each cell's model file there, by the key of its training")
    options.jobs(parser, "processes that cells are computed in at a time (one for each core)")
    what = "the Dask scheduler to send the cells to, in place of processes here"
    parser.add_argument("--scheduler", metavar="ADDRESS", help=what)
    options.dry_run(parser, "list the cells, and whether they are there; compute nothing")
    options.plot(parser, "accuracy by weights, bits and speed", "build/NAME.svg")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Compute what is not there, print, draw; all cells for ``--json``."""
    began, found = time.perf_counter(), plan.load(options.file)
    path = Path(options.results or f"build/{found.name}.jsonl")
    plot = options.plot or f"build/{found.name}.svg"
    drawn = plots.check(plot, asked=options.plot is not None)
    folder = None if options.models is None else Path(options.models)
    cli.check_writable(path, drawn, folder and folder / "model.npz", read=[options.file])
    if options.scheduler is not None and options.jobs is not None:
        raise InputError("--jobs must be left out with --scheduler: its workers compute")
    entries = work.entries(found)
    results = Results(path, found.name)
    _describe(found, entries, results, say)
    if options.dry_run:
        return Outcome(_list(found, entries, results, say))
    lost = _compute(options, found, entries, results, folder, say)
    lines = [
        {**results.lines[entry.key], "options": entry.cell.options}  # an axis may be new
        for entry in entries
        if entry.key in results.lines
    ]
    summary = {
        "sweep": found.name,
        "parameters": {name: list(values) for name, values in found.axes.items()},
        "file": str(path),
        "cells": lines,
        "accuracies": table.accuracies(found, lines),
        "boards": table.boards(found, lines),
        "plot": None if drawn is None else str(drawn),
    }
    _report(summary, say)
    if drawn is not None and summary["accuracies"]:
        cli.write_atomically(drawn, picture.picture(found, lines, plots.kind_of(drawn)))
        say(f"\npicture     {drawn}")
    wrong = [
        f"{plan.describe(line['options'])}: {line['error']}"
        for line in table.trainings(lines)
        if line["error"] is not None
    ]
    failures = (*wrong, *([] if lost is None else [lost]))
    return Outcome({**summary, "seconds": round(time.perf_counter() - began, 3)}, failures)


def _describe(found, entries, results, say):
    axes = " x ".join(f"{name} {len(values)}" for name, values in found.axes.items())
    there = sum(entry.key in results.lines for entry in entries)
    others = len(results.lines) - there
    _tell("sweep", f"{found.name}, {axes or 'no axis'}: {len(entries)} cells", say)
    _tell("results", f"{results.path}, {there} of {len(entries)} cells are there", say)
    if others:
        _tell("", f"and {others} with other options, data or versions, which stay", say)
    if results.torn:
        _tell("", "and a line that was torn, which is computed again", say)


def _tell(title, text, say):
    """A line with a title, in 80 columns; a path that is longer stays whole."""
    begin, rest = f"{title:<12}", " " * 12
    lines = textwrap.TextWrapper(80, begin, rest, break_long_words=False, break_on_hyphens=False)
    say(lines.fill(text))


def _list(found, entries, results, say):
    """Tell the state of every cell; that for ``--json``."""
    rows = []
    for entry in entries:
        line = results.lines.get(entry.key)
        state = "to do" if line is None else "there" if line["error"] is None else "failed"
        rows.append({"options": entry.cell.options, "state": state, "key": entry.key})
    columns = [*table.axis_columns(found.axes), ("state", "state", "")]
    empty = dict.fromkeys(found.axes)
    say("")
    for line in tables.table(columns, [{**empty, **row["options"], **row} for row in rows]):
        say(line)
    return {"sweep": found.name, "file": str(results.path), "cells": rows}


def _compute(options, found, entries, results, folder, say):
    """Compute the cells that have no line; what went wrong, where not all came, a line."""
    tasks = work.missing(entries, results.lines, folder is not None)
    if not tasks:
        return None
    address = options.scheduler
    hands = workers.Local(options.jobs) if address is None else workers.Cluster(address)
    _tell("trainings", f"{len(tasks)}, by {hands}", say)
    bar = cli.progress(
        total=len(entries),
        initial=len(entries) - sum(len(own) for _, own in tasks),
        desc="sweep",
        unit="cell",
    )
    try:
        with results.writing() as append, bar:
            for number, done in hands.compute([task for task, _ in tasks]):
                own = tasks[number][1]
                model = _keep(folder, own[0].training, done)
                for entry in own:
                    append(work.line(found.name, entry, done, model))
                bar.update(len(own))
    except cell.Differs as error:
        raise InputError(f"what computes must be as it is here, but {error}") from None
    except workers.Lost as error:
        return f"{error}: {_kept(entries, results)}"
    except KeyboardInterrupt:
        say(_kept(entries, results))
        raise
    return None


def _kept(entries, results):
    there = sum(entry.key in results.lines for entry in entries)
    return f"{there} of {len(entries)} cells are in {results.path}; the same command goes on"


def _keep(folder, key, done):
    """Write the model of a task where it is wanted; the name of its file."""
    if folder is None or done.model is None:
        return None
    path = folder / f"{key}.npz"
    cli.write_atomically(path, done.model)
    return str(path)


def _report(summary, say):
    """Tell the means, and what the boards do."""
    for name, columns in (("accuracies", table.ACCURACY), ("boards", table.BOARDS)):
        if rows := summary[name]:
            say("")
            for line in table.table(columns, rows):
                say(line)
    for reason in dict.fromkeys(row["misfit"] for row in summary["boards"] if row["misfit"]):
        names = dict.fromkeys(row["board"] for row in summary["boards"] if row["misfit"] == reason)
        _tell("fits not", f"{', '.join(names)}: {reason}", say)
