"""``python -m boards``: list the boards, build a bitstream, verify a netlist."""

import shlex
import sys
import time

from golden import cli
from golden.errors import InputError

from . import NAMES, load, verify

BUILD_HELP = """\
Makes the bitstream of a board's path engine with its serial host port, and
reports what it takes and how fast it may run. The network is not part of it:
the host writes that at run time (docs/host-protocol.md).

Fmax is nextpnr's estimate for the worst corner. The clock asked for is met if
it is below Fmax and below what the data sheet allows the cells in use.
--report adds report.md, report.html and report.json to build/BOARD: what each
submodule takes, the critical path, a floor plan, the models' cycles and time
(docs/boards.md).

examples:
  python -m boards build icebreaker --report
  python -m boards build icebreaker --seeds 4 --clock 54 --json build/ice.json

exit codes: 0 built and the clock is met; 1 it is not met, a tool failed or the
design is not the expected one; 2 wrong input
"""


def _parser():
    parser = cli.Parser(prog="python -m boards", description="FPGA boards and their bitstreams.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="name the boards", prog="python -m boards list")
    build = commands.add_parser(
        "build", help="make a bitstream", prog="python -m boards build", description=BUILD_HELP
    )
    build.add_argument("board", metavar="BOARD", help="one of: " + ", ".join(NAMES))
    build.add_argument("--seed", type=int, help="of place and route (default: the board's own)")
    build.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="try N seeds from --seed on, keep the best",
    )
    build.add_argument(
        "--jobs", type=int, metavar="N", help="seeds at a time (default: as many as CPUs)"
    )
    build.add_argument(
        "--clock", type=float, metavar="MHZ", help="the engine's clock (default: the board's own)"
    )
    build.add_argument("--baud", type=int, help="of the serial port (default: 1000000)")
    build.add_argument("--report", action="store_true", help="write a report beside the bitstream")
    build.add_argument("--json", metavar="F", help="write the result to F; - is standard output")
    verify.add_to(commands)
    return parser


def _list():
    for name in NAMES:
        board = load(name)
        print(f"{name:14}{board.summary}, {board.clock_hz / 1e6:g} MHz")


def _print(result, cells, asked_mhz, reports):
    def row(name, text):
        print(f"  {name:<10}{text}")

    print(f"{result['board']}: {result['device']}, {result['lanes']} lanes")
    for name in cells:
        row(name.upper(), f"{result[name]:>6,} of {result[f'{name}_total']:,}")
    best = max(result["fmax_mhz"])
    row("Fmax", f"{best:>6.2f} MHz (seed {result['seed']})")
    if len(result["seeds"]) > 1:
        pairs = zip(result["seeds"], result["fmax_mhz"], strict=True)
        for seed, fmax in pairs:
            row(f"  seed {seed}", f"{fmax:>6.2f} MHz")
    ceiling, cell = result["fmax_limit_mhz"], result["fmax_limit"]
    if ceiling is None:
        row("ceiling", "none known from the data sheet: Fmax binds")
    else:
        binds = "below Fmax: it binds" if result["binds"] == cell else "above Fmax: Fmax binds"
        row("ceiling", f"{ceiling:>6.2f} MHz, {cell} in the data sheet, {binds}")
    verdict = "met" if result["met"] else "NOT MET"
    row("clock", f"{result['clock_mhz']:>6.2f} MHz: {verdict}")
    if abs(result["clock_mhz"] - asked_mhz) > 1e-3:
        row("", f"the nearest to {asked_mhz:g} MHz that the PLL makes")
    row("bitstream", result["bitstream"])
    for path in reports:
        row("report", path)


def _failed(message):
    print(f"error: {message}", file=sys.stderr)
    return 1


def run(argv):
    arguments = _parser().parse_args(argv)
    if arguments.command == "list":
        return _list()
    if arguments.command == "verify":
        return verify.run(arguments)
    board = load(arguments.board)
    for name in ("seeds", "jobs"):
        count = getattr(arguments, name)
        if count is not None and count < 1:
            raise InputError(f"--{name} must be at least 1, not {count}")
    cli.check_writable(arguments.json)
    from .tools import BuildError

    try:
        return _build(board, arguments, shlex.join(["python", "-m", "boards", *argv]))
    except BuildError as error:
        return _failed(str(error))


def _build(board, arguments, command):
    from . import report
    from .build import build

    if arguments.report:
        report.check()
    began = time.monotonic()
    clock_hz = board.clock_hz if arguments.clock is None else arguments.clock * 1e6
    seed = board.seed if arguments.seed is None else arguments.seed
    seeds = range(seed, seed + arguments.seeds)
    options = {"clock_hz": clock_hz, "baud": arguments.baud, "jobs": arguments.jobs}
    result = build(board, seeds=seeds, **options)
    reports = ()
    if arguments.report:
        seconds = time.monotonic() - began
        reports = report.make(board, result, command=command, seconds=seconds)
    if arguments.json:
        cli.write_json(arguments.json, result)
    if arguments.json != "-":
        _print(result, board.family.cells, clock_hz / 1e6, reports)
    if not result["met"]:
        return _failed(
            f"the clock must be met: {result['clock_mhz']:.2f} MHz asked for, "
            f"{result['reached_mhz']:.2f} MHz reached; lower --clock or try more --seeds"
        )
    return 0


if __name__ == "__main__":
    sys.exit(cli.main(run))
