"""``make boards``: build the boards, keep their figures, and write the table of docs/boards.md.

Keeps the results in docs/boards.json, a board each, with the cycles of two models. A board that
cannot be built, or misses its clock, is said at the end, and loses nothing of the others. Tests
hold the table to docs/boards.json, and that to what the project computes.
"""

import json
import sys
from collections.abc import Sequence

from scripts import figures as first_table
from scripts import readme
from sobolpath.boards import NAMES, load
from sobolpath.boards.flow import build as building
from sobolpath.boards.flow.tools import BuildError
from sobolpath.boards.report import KEPT, kept, speeds
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli

HELP = """\
Builds boards with place and route over several seeds, keeps their figures in
docs/boards.json, and writes the tables of docs/boards.md and of the README.
Each board is kept as soon as it is built.

examples:
  make boards
  make boards BOARDS="icebreaker ulx3s" N=4

exit codes: 0 all built and their clocks met; 1 not so, by name; 2 wrong input
"""
MODELS = ("digits", "mnist-37k")
SEEDS = {
    "icebreaker": 10,
    "icebreaker-paper": 5,
    "icebreaker-learn": 5,
    "ulx3s": 5,
}  # of the others 1
LOCAL = ("bitstream", "files")  # of a build: where it lies


def measure(name: str, *, seeds: int, jobs: int | None = None) -> dict:
    """Build a board: what docs/boards.json has of it."""
    board, models = load(name), speeds.shipped()
    result = building.build(board, seeds=range(1, seeds + 1), jobs=jobs)
    return {
        **{key: value for key, value in result.items() if key not in LOCAL},
        "models": {model: speeds.cycles(models[model], board.config) for model in MODELS},
    }


COLUMNS = (
    *("board", "device", "weights per cycle x images", "logic", "block RAM", "multipliers"),
    *("Fmax, MHz", "limit", "clock", "digits", "MNIST, 36,864 weights"),
    "M multiplications/s per logic cell",
)


def table(boards: dict) -> str:
    """The table of docs/boards.md, of the boards of docs/boards.json, in Markdown."""
    rows = [" | ".join(_row(name, boards[name])) for name in NAMES if name in boards]
    lines = [" | ".join(COLUMNS), "|".join(["---"] * len(COLUMNS)), *rows]
    return "".join(f"| {line} |\n" if "---" not in line else f"|{line}|\n" for line in lines)


def _row(name, result):
    clock, fmax = result["clock_mhz"], result["fmax_mhz"]
    kind, logic = speeds.logic(result)
    met = sum(min(each, result["fmax_limit_mhz"] or each) >= clock for each in fmax)
    several = f"{min(fmax):.1f} to {max(fmax):.1f}" if len(fmax) > 1 else f"{fmax[0]:.1f}"
    ram = next(result[key] for key in ("ebr", "bsram") if key in result)
    return (
        f"`{name}`",
        result["device"],
        f"{result['lanes']} x {result['images_together']}",
        f"{logic:,} {kind.upper()}",
        f"{ram}",
        f"{result['dsp']}" if "dsp" in result else "of logic",
        several,
        result["binds"],
        f"{clock:g} MHz met on {met} of {len(fmax)} seed{'s' * (len(fmax) > 1)}",
        *(_model(result["models"][model], result) for model in MODELS),
        f"{speeds.peak(result) / logic / 1e6:.2f}",
    )


def _model(counted, result):
    speed = speeds.speed(counted, result["lanes"], result["clock_mhz"])
    if not speed:
        return "does not fit"
    return f"{speed['us_per_image']:.2f} us, {speed['images_per_second']:,.0f}/s"


def _write(boards):
    cli.write_atomically(KEPT, json.dumps(boards, indent=2) + "\n")
    tables = {"boards": table(boards)}
    if first_table.BOARD in boards:
        tables["figures"] = first_table.shown(first_table.kept(), boards)
    readme.write(**tables)


def main(argv: Sequence[str]) -> int:
    """Build, and keep what was built."""
    parser = cli.Parser(prog="make boards", description=HELP)
    parser.add_argument("boards", nargs="*", metavar="BOARD", help="all unless given")
    parser.add_argument("--seeds", type=int, metavar="N", help="as many for each board")
    parser.add_argument("--jobs", type=int, metavar="N", help="seeds at a time")
    arguments = parser.parse_args(argv)
    for name in arguments.boards:
        load(name)  # complains
    if arguments.seeds is not None and arguments.seeds < 1:
        raise InputError(f"N must be at least 1, not {arguments.seeds}")
    failures = []
    for name in arguments.boards or NAMES:
        print(name, file=sys.stderr)
        seeds = arguments.seeds or SEEDS.get(name, 1)
        try:
            found = measure(name, seeds=seeds, jobs=arguments.jobs)
        except BuildError as error:
            failures.append(f"{name}: {error}")
            continue
        _write(kept() | {name: found})  # of others, what another run may have written meanwhile
        if not found["met"]:
            failures.append(f"{name}: the clock must be met")
    print(table(kept()), end="")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(cli.main(main))
