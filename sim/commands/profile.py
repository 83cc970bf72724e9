"""``sobolpath sim profile``: what the cycles of a model do, measured and in closed form."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.machine.timeline import Timeline, timeline
from sobolpath.golden.support import options, plots, tables
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.hw.config import CONFIGS

from ..backends.record import Stuck
from ..run.batches import BACKENDS, open_engine
from ..run.measure import make_job
from ..views import profile_plot
from ..views.profile import differences, figures, measured

INFERENCES = 4  # the first finds an idle engine; from the third on, each is as the one before
WIDTH = 72  # characters of the timeline

HELP = """\
Show what the cycles do: simulate some inferences, one after the other, and
print how many cycles each part of a junction takes. Behind a slash stands what
the closed form of golden.machine.timeline says.

  gap     cycles without a step before the junction's first one: fetching its
          header, and waiting for the rows that it reads
  stream  from its first step to its last one
  stalls  cycles of these without a step: rows of few paths wait until the row
          before has left the accumulators
  fill    from its first step to the first activation or sum written
  drain   from its last step to the last one written

  sobolpath sim profile digits
  sobolpath sim profile mnist-12k --config ulx3s --plot build/p.svg

Inputs are random: no cycle depends on them. While one inference runs, the next
one is loaded and the last one's logits are read; the longest of the three is
the interval. The exit code is 1 if any cycle is not the one that was predicted.
"""
COLUMNS = ("gap", "stream", "stalls", "fill", "drain")


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser)
    options.config(parser, CONFIGS)
    options.backend(parser, BACKENDS)
    options.plot(parser, "the timeline")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Simulate, print, draw; the results as a dict for ``--json``, and what is wrong."""
    if options.plot is not None:
        plots.check(options.plot, options.json)
    model = models.load(options.model)
    job = make_job(options.config, model)
    shape = INFERENCES * job.config.images, job.topology.layers[0]
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    try:
        with open_engine(options.backend, job, say=say) as simulated:
            trace = simulated.run(images)
    except Stuck as error:
        return Outcome({}, (str(error),))
    if trace.finished < INFERENCES:
        late = f"inference {trace.finished} must be done in {job.patience} cycles, but was not"
        return Outcome({}, (late,))
    schedule = plan(model.topology, CONFIGS[options.config].machine)
    seen, formula = measured(trace, job), timeline(schedule, INFERENCES)
    summary = _summary(options, simulated.name, job, trace, (seen, formula))
    for line in (*report(summary), *text_timeline(seen)):
        say(line)
    if options.plot is not None:
        profile_plot.draw(options.plot, seen, title(summary), longest(summary))
        say(f"picture    {options.plot}")
    return Outcome(summary, tuple(_failures(summary, seen, formula)))


def _summary(options, backend, job, trace, timelines):
    schedule, last = job.schedule, INFERENCES - 1
    seen, formula = (figures(times, job, last) for times in timelines)
    return {
        "model": str(options.model),
        "config": options.config,
        "backend": backend,
        "inferences": INFERENCES,
        "images_together": job.config.images,
        "lanes": job.config.lanes,
        "overlap": schedule.overlap,
        "junctions": [
            {
                "junction": junction,
                "blocks": job.topology.paths[junction - 1] // job.config.lanes,
                "wait": schedule.waits[junction - 1],
                "measured": found,
                "predicted": formula[0][junction],
            }
            for junction, found in seen[0].items()
        ],
        "measured": {**seen[1], "latency": int(trace.ends[0] - trace.starts[0])},
        "predicted": {**formula[1], "latency": schedule.latency},
        "tasks": schedule.tasks,
        "timeline": {name: array.tolist() for name, array in asdict(timelines[0]).items()},
    }


def title(summary: Mapping[str, Any]) -> str:
    """The model and the engine, in a line."""
    together = summary["images_together"]
    lanes = f"{summary['lanes']} lanes" + (f", {together} images together" if together > 1 else "")
    return f"{summary['model']} on {summary['config']}: {lanes}"


def longest(summary: Mapping[str, Any]) -> str:
    """Which of loading, running and reading make the interval."""
    interval = max(summary["tasks"].values())
    return " and ".join(name for name, took in summary["tasks"].items() if took == interval)


def report(summary: Mapping[str, Any]) -> Iterator[str]:
    """The lines that a person reads, at most 80 columns."""
    measured, predicted = summary["measured"], summary["predicted"]
    yield title(summary)
    yield "cycles     measured/closed form"
    yield ""
    lines = [["junction", "steps", *COLUMNS]]
    for junction in summary["junctions"]:
        pairs = (junction["measured"], junction["predicted"])
        cells = ("/".join(str(cycles[name]) for cycles in pairs) for name in COLUMNS)
        lines.append([str(junction["junction"]), str(junction["blocks"]), *cells])
    yield from tables.grid(lines)
    yield ""
    for name in (*profile_plot.LANES, "latency", "interval"):
        yield f"{name:<11}{measured[name]:,}/{predicted[name]:,}"
    tasks = ", ".join(f"{name} {cycles:,}" for name, cycles in summary["tasks"].items())
    yield f"bound by   {longest(summary)}: alone, {tasks}"
    yield "overlap    " + (
        "the next inference is loaded while one runs"
        if summary["overlap"]
        else "none: no room to load the next inference while one runs"
    )


def text_timeline(times: Timeline) -> Iterator[str]:
    """Three lanes of characters: inferences A, B, ... are loaded and read, junctions 1, 2, ... run.

    Where two fall into one character, it is that of the later one.
    """
    cycles = int(times.leaves[-1]) + 1
    scale = -(-cycles // WIDTH)
    lanes = {"load": [], "run": [], "read": []}
    for k in range(len(times.opens)):
        name = profile_plot.letter(k)
        lanes["load"].append((times.opens[k], times.closes[k], name))
        lanes["read"].append((times.ends[k, -1], times.leaves[k], name))
        for j, pair in enumerate(zip(times.first[k], times.last[k], strict=True), 1):
            lanes["run"].append((*pair, str(j % 10)))
    yield ""
    yield f"inferences A, B, ... and junctions 1, 2, ...: {scale:,} cycles a character"
    for name, spans in lanes.items():
        line = [" "] * WIDTH
        for start, stop, mark in spans:
            for cell in range(start // scale, stop // scale + 1):
                line[cell] = mark
        yield f"{name:<5}{''.join(line).rstrip()}"


def _failures(summary, seen, formula):
    yield from differences(seen, formula)
    schedule = {**summary["predicted"], "interval": max(summary["tasks"].values())}
    for name in ("latency", "interval"):
        if summary["measured"][name] != schedule[name]:
            yield f"{name} must be {schedule[name]} cycles, but was {summary['measured'][name]}"
