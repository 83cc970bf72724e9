"""``sobolpath board build``: the bitstream of a board, what it takes, how fast it may run."""

import time
from argparse import Namespace

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from .. import NAMES, load, report
from ..flow.build import build
from ..flow.tools import BuildError

HELP = """\
Make the bitstream of a board's path engine with its serial host port, and
report what it takes and how fast it may run. The network is not part of it: the
host writes that at run time (docs/host-protocol.md).

Fmax is nextpnr's estimate for the worst corner. The clock that was asked for is
met if it is below Fmax and below what the data sheet allows the cells in use.
--report adds report.md, report.html and report.json to build/BOARD. They tell
what each submodule takes, and the critical path; they have a floor plan, and
the cycles and times of the models (docs/boards.md).

examples:
  sobolpath board build icebreaker --report
  sobolpath board build icebreaker --seeds 4 --clock 54 --json build/ice.json

exit codes: 0 built and the clock is met; 1 it is not met, a tool failed or the
design is not the expected one; 2 wrong input
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.board(parser, NAMES)
    options.seed(parser, 1, "the seed of place and route")
    options.seeds(parser, 1, "try N seeds from --seed on, and keep the best")
    options.jobs(parser, "seeds that run at a time (default: as many as CPUs)")
    options.clock(parser, "clock of the engine (default: the board's own)")
    options.baud(parser, "1000000")
    add("--report", action="store_true", help="write a report beside the bitstream")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Build, print, report; the figures, and what is wrong. Raises ``InputError``."""
    board = load(options.board)
    for name in ("seeds", "jobs"):
        count = getattr(options, name)
        if count is not None and count < 1:
            raise InputError(f"--{name} must be at least 1, not {count}")
    if options.report:
        report.check()
    began = time.monotonic()
    clock_hz = board.clock_hz if options.clock is None else options.clock * 1e6
    how = {"clock_hz": clock_hz, "baud": options.baud, "jobs": options.jobs}
    reports = []

    def write(result):
        seconds = time.monotonic() - began
        reports.extend(report.make(board, result, command=options.typed, seconds=seconds))

    try:
        seeds = range(options.seed, options.seed + options.seeds)
        result = build(board, seeds=seeds, then=write if options.report else None, **how)
    except BuildError as error:
        return Outcome({}, (str(error),))
    for line in _lines(result, board.family.cells, clock_hz / 1e6, reports):
        say(line)
    return Outcome(result, () if result["met"] else (_not_met(result),))


def _not_met(result):
    return (
        f"the clock must be met: {result['clock_mhz']:.2f} MHz asked for, "
        f"{result['reached_mhz']:.2f} MHz reached; lower --clock or try more --seeds"
    )


def _lines(result, cells, asked_mhz, reports):
    """What a person reads."""

    def row(name, text):
        return f"  {name:<10}{text}"

    yield f"{result['board']}: {result['device']}, {result['lanes']} lanes"
    for name in cells:
        yield row(name.upper(), f"{result[name]:>6,} of {result[f'{name}_total']:,}")
    best = max(result["fmax_mhz"])
    yield row("Fmax", f"{best:>6.2f} MHz (seed {result['seed']})")
    if len(result["seeds"]) > 1:
        pairs = zip(result["seeds"], result["fmax_mhz"], strict=True)
        for seed, fmax in pairs:
            yield row(f"  seed {seed}", f"{fmax:>6.2f} MHz")
    ceiling, cell = result["fmax_limit_mhz"], result["fmax_limit"]
    if ceiling is None:
        yield row("ceiling", "none known from the data sheet: Fmax binds")
    else:
        binds = "below Fmax: it binds" if result["binds"] == cell else "above Fmax: Fmax binds"
        yield row("ceiling", f"{ceiling:>6.2f} MHz, {cell} in the data sheet, {binds}")
    verdict = "met" if result["met"] else "NOT MET"
    yield row("clock", f"{result['clock_mhz']:>6.2f} MHz: {verdict}")
    if abs(result["clock_mhz"] - asked_mhz) > 1e-3:
        yield row("", f"the nearest to {asked_mhz:g} MHz that the PLL makes")
    yield row("bitstream", result["bitstream"])
    for path in reports:
        yield row("report", path)
