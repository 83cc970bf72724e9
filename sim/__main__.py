"""``python -m sim``: run models on the simulated hardware and compare with the golden model."""

import sys

from golden import cli
from hw.config import CONFIGS

from .run import BACKENDS, run

RUN_HELP = """\
Run the held-out images of a data set through the engine, cycle by cycle, and
compare every activation, sum and logit with the golden model, bit for bit.
The exit code is 1 if anything differs, and the first difference is named.

  python -m sim run models/digits.npz --data digits
  python -m sim run models/digits.npz --data digits --limit 2 --vcd build/run.vcd

native compiles the design with Verilator and needs a C++ compiler; pysim is
Amaranth's simulator, some hundred times slower; auto takes native if it can.
"""


def _parser():
    parser = cli.Parser(prog="python -m sim", description=__doc__.replace("``", ""))
    commands = parser.add_subparsers(dest="command", required=True, metavar="run")
    command = commands.add_parser("run", help="simulate and compare", description=RUN_HELP)
    add = command.add_argument
    add("model", metavar="MODEL", help="a model file (.npz)")
    add("--data", required=True, metavar="NAME", help="the data set, as in python -m golden")
    add("--limit", type=int, metavar="N", help="only the first N images")
    add("--backend", default="auto", metavar="B", help=f"auto, {' or '.join(BACKENDS)} (auto)")
    add("--config", default="icebreaker", metavar="C", help=f"{', '.join(CONFIGS)} (icebreaker)")
    add("--json", metavar="FILE", help="write the results as JSON; - is standard output")
    add("--vcd", metavar="FILE", help="write waveforms (slower)")
    return parser


def report(summary):
    """The lines that a person reads."""
    values = {**summary, "cycles": summary["cycles_per_inference"]}
    return [
        line.format(**values)
        for line in (
            "model        {model} on {images} held-out {data}",
            "accuracy     float {accuracy_float:.2%}, integer {accuracy_int:.2%}, "
            "hardware {accuracy:.2%}",
            "mismatches   {mismatches} of {values_compared:,} values",
            "cycles       {cycles} an inference, predicted {predicted_cycles}",
            "             {cycles_with_io:.0f} with the input before and the output after it",
            "utilization  {utilization:.1%} = {paths} paths / ({lanes} lanes x {cycles} cycles)",
            "simulation   {cycles_per_second:,.0f} cycles/s, {backend}",
        )
    ]


def main(argv):
    """Parse the command line and run it; the exit code."""
    options = _parser().parse_args(argv)
    out = sys.stderr if options.json == "-" else sys.stdout

    def say(text):
        print(text, file=out, flush=True)

    result = run(
        options.model,
        options.data,
        config=options.config,
        limit=options.limit,
        backend=options.backend,
        vcd=options.vcd,
        say=say,
    )
    if result.summary:
        for line in report(result.summary):
            say(line)
    if options.json is not None and result.summary:
        cli.write_json(options.json, result.summary)
    for failure in result.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(cli.main(main))
