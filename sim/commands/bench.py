"""How fast the two back ends simulate: the same images, in the same run, in turns."""

import statistics
import tempfile
import time
from argparse import Namespace
from typing import Any

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.hw.config import CONFIGS

from ..backends.native import NativeEngine
from ..backends.pysim import PysimEngine
from ..backends.record import Stuck
from ..run.measure import held_out, make_job

HELP = """\
Time the native back end against pysim: the same images, in the same run, in
turns. The native library is built from nothing, and that is timed too.

  sobolpath sim bench
"""

TIMES = 100  # the native engine runs the images so often for one timing, to be measurable


def bench(
    path: str,
    data_name: str,
    *,
    download: bool = False,
    config: str = "icebreaker",
    limit: int = 2,
    repeats: int = 5,
    say: Say = lambda text: None,
) -> dict[str, Any]:
    """Time native against pysim; the results for JSON.

    Parameters
    ----------
    path, data_name, download, config : as in ``sim.run.measure.run``.
    limit : held-out images of each timing.
    repeats : timings of each back end, taken in turns.
    say : is told what takes long.

    The build is timed once, from nothing but the tools. Raises ``InputError`` as
    ``sim.run.measure.run`` does, ``Stuck`` if the engine takes no network, and ``ArithmeticError``
    if the back ends do not agree in every value and cycle.
    """
    if repeats < 1:
        raise InputError(f"repeats must be at least 1, not {repeats}")
    model = models.load(path)
    job = make_job(config, model)
    inputs, _ = held_out(model, data_name, limit, say, download)
    if len(inputs) % job.config.images:
        raise InputError(
            f"--limit must be a multiple of {job.config.images}, which {config} takes together, "
            f"not {len(inputs)}"
        )
    speeds = {"native": [], "pysim": []}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        native = NativeEngine(job, folder=folder, say=say)
        build = time.perf_counter() - began
        with native, PysimEngine(job) as pysim, cli.progress(total=repeats, desc="bench") as bar:
            for _ in range(repeats):
                traces = [_time(native, inputs, TIMES, speeds), _time(pysim, inputs, 1, speeds)]
                if not traces[0].same(traces[1]):
                    raise ArithmeticError("native and pysim must agree in every value and cycle")
                bar.update()
    ratios = [fast / slow for fast, slow in zip(*speeds.values(), strict=True)]
    return {
        "model": str(path),
        "data": data_name,
        "config": config,
        "images": len(inputs),
        "repeats": repeats,
        "build_seconds": build,
        "native_cycles_per_second": _spread(speeds["native"]),
        "pysim_cycles_per_second": _spread(speeds["pysim"]),
        "ratio": _spread(ratios),
    }


def _time(engine, inputs, times, speeds):
    """Run the inputs ``times`` times; the trace of the last. Adds the speed in cycles a second."""
    cycles, began = 0, time.perf_counter()
    for _ in range(times):
        trace = engine.run(inputs)
        cycles += trace.total
    speeds[engine.name].append(cycles / (time.perf_counter() - began))
    return trace


def _spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser, "digits")
    options.data(parser, "digits")
    options.limit(parser, 2, "held-out images of each timing")
    options.config(parser, CONFIGS)
    options.repeats(parser, 5, "timings per back end")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Time, and print the figures and their ratio; what is wrong."""
    try:
        result = bench(
            options.model,
            options.data,
            download=options.download,
            config=options.config,
            limit=options.limit,
            repeats=options.repeats,
            say=say,
        )
    except (ArithmeticError, Stuck) as error:
        return Outcome({}, (str(error),))
    for name in ("native", "pysim"):
        speed = result[f"{name}_cycles_per_second"]
        say(
            f"{name:<8}{speed['median']:>12,.0f} cycles/s, "
            f"{speed['min']:,.0f} to {speed['max']:,.0f} in {result['repeats']} timings"
        )
    ratio = result["ratio"]
    say(f"ratio   {ratio['median']:>12,.0f}, {ratio['min']:,.0f} to {ratio['max']:,.0f}")
    say(f"build   {result['build_seconds']:>12.1f} s")
    return Outcome(result)
