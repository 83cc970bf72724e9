"""``python -m sim``: run models on the simulated engine, compare, time; compare paths."""

import shlex
import sys
import time

from golden import cli, page
from hw.config import CONFIGS

from . import conflicts_command, explain_command, grow, partial, profile_command, trace_command
from . import page as report
from .batches import BACKENDS
from .bench import bench
from .run import run
from .trace import Stuck
from .waves import saves

RUN_HELP = """\
Run the held-out images of a data set through the engine, cycle by cycle, and
compare every activation, sum and logit with the golden model, bit for bit.
The exit code is 1 if anything differs, and the first difference is named.

  python -m sim run models/digits.npz --data digits
  python -m sim run models/digits.npz --data digits --limit 1 --fst build/w.fst
  gtkwave build/w.fst.gtkw       (or surfer -c build/w.fst.sucl build/w.fst)

With --json FILE, what was found so far is in FILE.part while it runs; after an
interruption --resume goes on from there.

native compiles the design with Verilator and needs a C++ compiler; pysim is
Amaranth's simulator, some thousand times slower; auto takes native if it can.
"""

BENCH_HELP = """\
Time the native back end against pysim: the same images, in the same run, in
turns. The native library is built from nothing, and that is timed too.

  python -m sim bench
"""


def _parser():
    parser = cli.Parser(prog="python -m sim", description=__doc__.replace("``", ""))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="simulate and compare", description=RUN_HELP)
    command.set_defaults(action=_run)
    add = command.add_argument
    add("model", metavar="MODEL", help="a model file (.npz)")
    add("--data", required=True, metavar="NAME", help="the data set, as in python -m golden")
    add("--limit", type=int, metavar="N", help="only the first N images")
    add("--backend", default="auto", metavar="B", help=f"auto, {' or '.join(BACKENDS)} (auto)")
    add("--config", default="icebreaker", metavar="C", help=f"{', '.join(CONFIGS)} (icebreaker)")
    add("--json", metavar="FILE", help="write the results as JSON; - is standard output")
    add("--html", metavar="FILE", help="write a page with tables and pictures, all in one file")
    add("--vcd", metavar="FILE", help="write waveforms, and FILE.gtkw, FILE.sucl (slower)")
    add("--fst", metavar="FILE", help="the same in a tenth of the space")
    add("--jobs", type=int, metavar="N", help="processes that share the images (as of use)")
    add("--resume", action="store_true", help="go on from the partial result beside --json FILE")
    command = commands.add_parser("bench", help="time the back ends", description=BENCH_HELP)
    command.set_defaults(action=_bench)
    add = command.add_argument
    add("--model", default="models/digits.npz", metavar="FILE", help="(%(default)s)")
    add("--data", default="digits", metavar="NAME", help="its data set (%(default)s)")
    add("--images", type=int, default=2, metavar="N", help="of each timing (%(default)s)")
    add("--repeats", type=int, default=5, metavar="N", help="timings of each (%(default)s)")
    add("--json", metavar="FILE", help="as for run")
    for module in (profile_command, trace_command, explain_command, conflicts_command, grow):
        module.add_to(commands)
    return parser


def _run(options, say):
    began = time.perf_counter()
    if options.html is not None:
        page.check()
    result = run(
        options.model,
        options.data,
        config=options.config,
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
        for line in run_report(result.summary):
            say(line)
        if options.html is not None:
            how = {"command": options.typed, "seconds": time.perf_counter() - began}
            report.write(options.html, result.summary, result.failures, **how)
            say(f"page         {options.html}")
    return result.summary, result.failures


def run_report(summary):
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
            "utilization  {utilization:.1%} = {paths} paths / ({lanes} lanes x {cycles} cycles)",
            "simulation   {cycles_per_second:,.0f} cycles/s by {jobs} x {backend}, "
            "{cycles_per_core_second:,.0f} a core's second",
        )
    ]
    if summary["interval_cycles"] is None:  # too few images
        del lines[4]
    if summary["images_together"] > 1:
        lines[3] += f", of {summary['images_together']} images together"
    return lines


def _bench(options, say):
    try:
        result = bench(
            options.model, options.data, images=options.images, repeats=options.repeats, say=say
        )
    except (ArithmeticError, Stuck) as error:
        return {}, (str(error),)
    for name in ("native", "pysim"):
        speed = result[f"{name}_cycles_per_second"]
        say(
            f"{name:<8}{speed['median']:>12,.0f} cycles/s, "
            f"{speed['min']:,.0f} to {speed['max']:,.0f} in {result['repeats']} timings"
        )
    ratio = result["ratio"]
    say(f"ratio   {ratio['median']:>12,.0f}, {ratio['min']:,.0f} to {ratio['max']:,.0f}")
    say(f"build   {result['build_seconds']:>12.1f} s")
    return result, ()


def main(argv):
    """Parse the command line and run it; the exit code."""
    options = _parser().parse_args(argv)
    options.typed = shlex.join(["python", "-m", "sim", *argv])
    read = [options.model] if hasattr(options, "model") else []
    written = [getattr(options, name, None) for name in ("json", "html", "vcd", "fst")]
    cli.check_writable(*written, *(save for wave in written[2:] for save in saves(wave)), read=read)
    out = sys.stderr if options.json == "-" else sys.stdout

    def say(text):
        print(text, file=out, flush=True)

    summary, failures = options.action(options, say)
    if options.json is not None and summary:
        cli.write_json(options.json, summary)
        if "resume" in options:
            partial.beside(options.json).unlink(missing_ok=True)
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(cli.main(main))
