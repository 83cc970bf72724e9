"""``sobolpath sim run``: images through the simulated engine, compared with the golden model."""

import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from sobolpath.golden.support import cli, options, page
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import ENGINES

from ..run import measure, partial, report
from ..run.batches import BACKENDS
from ..waves.waveforms import saves

HELP = """\
Run the held-out images of a data set through the engine, cycle by cycle, and
compare every activation, sum and logit with the golden model, bit for bit.
The exit code is 1 if anything differs, and the first difference is named.

  sobolpath sim run digits --data digits
  sobolpath sim run digits --data digits --limit 1 --fst build/w.fst
  sobolpath sim run mnist-37k --data mnist --limit 99 --engine path-order
  gtkwave build/w.fst.gtkw       (or surfer -c build/w.fst.sucl build/w.fst)

With --json FILE, what was found so far is in FILE.part while it runs; after an
interruption --resume goes on from there.

native compiles the design with Verilator and needs a C++ compiler; pysim is
Amaranth's simulator, some thousand times slower; auto takes native if it can.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.model(parser)
    options.data(parser)
    options.limit(parser)
    options.backend(parser, BACKENDS)
    options.engine(parser, ENGINES)
    options.config(parser, CONFIGS)
    options.json(parser)
    parser.writes("--html", metavar="FILE", help="write a page with tables and pictures")
    parser.writes(
        "--vcd", metavar="FILE", help="write waveforms, and FILE.gtkw and FILE.sucl; slower"
    )
    parser.writes("--fst", metavar="FILE", help="write waveforms in a tenth of the space")
    options.jobs(parser, "processes that share the images (as many as help)")
    what = "go on from the partial result beside --json FILE"
    parser.add_argument("--resume", action="store_true", help=what)


def run(options: Namespace, say: Say) -> Outcome:
    """Simulate, compare, print; the results, and what is wrong."""
    began = time.perf_counter()
    if options.html is not None:
        page.check()
    waves = [file for wave in (options.vcd, options.fst) for file in (wave, *saves(wave))]
    cli.check_writable(options.json, options.html, *waves, read=[options.model])
    result = measure.run(
        options.model,
        options.data,
        download=options.download,
        config=options.config,
        engine=options.engine,
        limit=options.limit,
        backend=options.backend,
        vcd=options.vcd,
        fst=options.fst,
        jobs=options.jobs,
        json=options.json,
        resume=options.resume,
        say=say,
    )
    if result.summary:
        for line in report_lines(result.summary):
            say(line)
        if options.html is not None:
            how = {"command": options.typed, "seconds": time.perf_counter() - began}
            report.write(options.html, dict(result.summary), result.failures, **how)
            say(f"page         {options.html}")

    def finish():
        partial.beside(options.json).unlink(missing_ok=True)

    return Outcome(result.summary, result.failures, finish)


def report_lines(summary: Mapping[str, Any]) -> list[str]:
    """The lines that a person reads after a run."""
    values = {**summary, "cycles": summary["interval_cycles"] or summary["latency_cycles"]}
    lines = [
        line.format(**values)
        for line in (
            "model        {model} on {images} held-out {data}",
            "accuracy     float {accuracy_float:.2%}, integer {accuracy_int:.2%}, "
            "hardware {accuracy:.2%}",
            "mismatches   {mismatches} of {values_compared:,} values",
            "latency      {latency_cycles} cycles, predicted {predicted_latency}",
            "interval     {interval_cycles} cycles, predicted {predicted_interval}",
            "utilization  {utilization:.1%} = {weights} paths / ({lanes} lanes x {cycles} cycles)",
            "simulation   {cycles_per_second:,.0f} cycles/s by {jobs} x {backend}, "
            "{cycles_per_core_second:,.0f} a core's second",
        )
    ]
    if summary["interval_cycles"] is None:  # too few images
        del lines[4]
    if summary["images_together"] > 1:
        lines[3] += f", of {summary['images_together']} images together"
    return lines
