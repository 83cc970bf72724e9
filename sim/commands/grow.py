"""``sobolpath sim grow``: one file of weights with more and more of its paths, on one engine."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.image import Space
from sobolpath.golden.path_order import image
from sobolpath.golden.support import cli, options, plots, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.golden.topology.paths import Paths
from sobolpath.golden.training import nested
from sobolpath.golden.training.growth import prefix
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import DEFAULT, ENGINES, named
from sobolpath.hw.path_order.config import PathOrderConfig

from ..run.batches import BACKENDS
from ..run.measure import held_out, make_job, measure

HELP = """\
Run the first N paths of a model, for N from 512 on, each as a network of its
own. The file of weights, the biases, the shifts and the engine are the same;
only the memory image says how far each junction goes. Every value is compared
with the golden model, as in sim run. The exit code is 1 if anything differs.

The path-order engine holds its weights in path order, so it grows by what is
appended: each size is written on top of the one before, the new weights and
one number. The other engine's rows change: its network is written anew.

  sobolpath sim grow
  sobolpath sim grow --engine path-order
  sobolpath sim grow mnist-37k --data mnist --sizes 4096,16384
  sobolpath sim grow build/mine.npz --data digits --plot build/mine.svg

This needs a model that was trained for it: sobolpath train --nested 512.
A junction has at least as many paths as its wider layer has neurons, and at
most as many as the file has.
"""
MODEL, DATA = "digits-nested", "digits"
SMALLEST = 512
COLUMNS = (
    ("paths", "size", ","),
    ("weights", "weights", ","),
    ("bytes", "bytes_written", ","),
    ("accuracy", "accuracy", ".2%"),
    ("float", "accuracy_float", ".2%"),
    ("latency", "latency_cycles", ","),
    ("interval", "interval_cycles", ","),
    ("busy", "utilization", ".1%"),
    ("wrong", "mismatches", ","),
)
TITLE = "One file of weights, cut to its first N paths a junction"


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser, MODEL)
    options.data(parser, DATA)
    options.sizes(parser, None, "paths per junction, powers of two (512 to all)")
    options.limit(parser)
    options.engine(parser, ENGINES)
    options.config(parser, CONFIGS)
    options.backend(parser, BACKENDS)
    options.jobs(parser, "processes that share the images (as many as help)")
    options.csv(parser)
    options.plot(parser, "accuracy by cycles")
    options.json(parser)


def counts(topology: Paths, text: str | None) -> list[int]:
    """The numbers of paths to run: those of the option, or from 512 on. Raises ``InputError``."""
    most = max(topology.paths)
    if text is None:
        low = min(max(topology.layers[j - 1 : j + 1]) for j in topology.junctions)
        low = max(low, min(SMALLEST, most // 2))
        return nested.sizes(topology, low) if low < most else [most]
    found = cli.integers(text, ",", "--sizes")
    for count in found:
        if not 1 <= count <= most or count & (count - 1):
            raise InputError(f"--sizes must be powers of two from 1 to {most}, not {count}")
    return sorted(set(found))


def grow(
    model: models.Model,
    images: np.ndarray,
    labels: np.ndarray,
    numbers: Sequence[int],
    *,
    config: str,
    engine: str = DEFAULT,
    **how: Any,
) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each number of paths, a dictionary, and what is wrong, lines.

    ``how`` : as of :func:`sim.run.measure.measure`. Raises ``InputError`` as that does.
    """
    rows, failures, written = [], [], ()
    for before, count in zip([None, *numbers], numbers, strict=False):
        small = nested.cut(model, count)
        job = make_job(config, small, engine)
        more = job.writes
        if isinstance(job.config, PathOrderConfig):
            more = appended(model, job.config, before, count)
            written = (*written, *more)
            schedule = job.config.schedule(small.topology, room=model.topology)
            job = replace(job, schedule=schedule, written=written)
        result = measure(small, job, images, labels, **how)
        failures += [f"{count} paths: {failure}" for failure in result.failures]
        if result.summary:
            size = sum(len(content) for *_, content in more)
            rows.append({"size": count, "bytes_written": size, **result.summary})
    return rows, failures


def appended(
    model: models.Model, config: PathOrderConfig, before: int | None, count: int
) -> tuple[tuple[Space, int, bytes], ...]:
    """What is written for ``count`` paths a junction where there are ``before``, or none.

    Raises ``InputError`` where the whole model does not fit.
    """
    config.image(model)
    if before is None:
        return tuple(image.begun(model, config.machine, count))
    return tuple(image.grown(model, config.machine, before, count))


def run(options: Namespace, say: Say) -> Outcome:
    """Simulate, print, draw; the results as a dict for ``--json``, and what is wrong."""
    if options.plot is not None:
        plots.check(options.plot)
    model = models.load(options.model)
    numbers = counts(model.topology, options.sizes)
    for count in numbers:
        prefix(model.topology, count)  # complains
    images, labels = held_out(model, options.data, options.limit, say, options.download)
    how = {"backend": options.backend, "jobs": options.jobs, "say": say}
    named(options.engine, options.config)  # complains
    how |= {"config": options.config, "engine": options.engine}
    rows, failures = grow(model, images, labels, numbers, **how)
    if not rows:
        return Outcome({}, tuple(failures))
    layers = "-".join(map(str, model.topology.layers))
    say(f"model     {options.model}, {layers} neurons")
    say(f"images    {len(images)} held-out {options.data}")
    together = rows[0]["images_together"]
    shared = f"; cycles are of {together} images" if together > 1 else ""
    say(f"engine    {options.engine}, {options.config}, the same for all{shared}\n")
    for line in tables.table(COLUMNS, rows):
        say(line)
    table = [{name: row[name] for _, name, _ in COLUMNS} for row in rows]
    if options.csv is not None:
        cli.write_atomically(options.csv, tables.csv_text(table))
    if options.plot is not None:
        picture = plots.Chart(TITLE, plot).draw(rows, plots.kind_of(options.plot))
        cli.write_atomically(options.plot, picture)
        say(f"\npicture   {options.plot}")
    summary = {
        "model": str(options.model),
        "data": options.data,
        "config": options.config,
        "engine_kind": options.engine,
        "layers": list(model.topology.layers),
        "sizes": rows,
    }
    return Outcome(summary, tuple(failures))


def plot(rows: list[dict[str, Any]], axes: Any) -> None:
    """Accuracy by latency and by interval, each point with its paths."""
    for name, label, style in (
        ("latency_cycles", "latency", {"marker": "o"}),
        ("interval_cycles", "interval", {"marker": "s", "linestyle": "--", "fillstyle": "none"}),
    ):
        points = [row for row in rows if row[name] is not None]
        cycles, shares = [row[name] for row in points], [row["accuracy"] for row in points]
        axes.plot(cycles, [100 * share for share in shares], label=label, **style)
    for row in rows:
        where = row["latency_cycles"], 100 * row["accuracy"]
        axes.annotate(f"{row['size']:,}", where, (4, -11), textcoords="offset points", fontsize=7)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("cycles")
    axes.set_ylabel("accuracy of the hardware (%)")
    axes.legend(loc="lower right")
