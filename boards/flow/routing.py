"""Place and route: a design once with each of several seeds, some of them at the same time."""

import json
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from sobolpath.golden.support import cli

from ..board import Board
from ..families.family import Family
from . import tools
from .tools import BuildError

IGNORED = "ignoring clock constraint"  # in nextpnr's warning


@dataclass(frozen=True)
class Routed:
    """What one run of place and route came to.

    ``fmax_mhz`` ; ``cells`` by our names as (used, available) ; files in JSON: ``report``,
    nextpnr's; ``netlist``, with places.
    """

    seed: int
    fmax_mhz: float
    cells: dict
    report: Path
    netlist: Path


def synthesized(family: Family, platform: Any, folder: Path) -> Path:
    """The netlist that place and route is given, in Yosys' JSON."""
    return folder / _after("--json", family.route(platform, 0))


def _after(option, arguments):
    return arguments[arguments.index(option) + 1]


def route(
    board: Board,
    platform: Any,
    folder: Path,
    *,
    seeds: Sequence[int],
    clock_hz: float,
    jobs: int,
    quiet: bool = False,
) -> list[Routed]:
    """Run place and route in ``folder`` with each of ``seeds``, ``jobs`` at a time.

    The result, a :class:`Routed` for each seed in their order, does not depend on ``jobs``. The
    first failure, or an interruption, ends all runs. Raises ``BuildError`` where a run fails, or
    comes to other than the expected clock, multipliers and memories.
    """
    stop = Event()

    def one(seed):
        return _route(board, platform, folder, seed, clock_hz, stop)

    with (
        ThreadPoolExecutor(min(jobs, len(seeds))) as pool,
        cli.progress(
            total=len(seeds), unit="seed", desc="place and route", disable=quiet or None
        ) as bar,
    ):
        runs = [pool.submit(one, seed) for seed in seeds]
        try:
            _watch(runs, bar)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [run.result() for run in runs]


def _watch(runs, bar):
    """Wait for all ``runs``; the first that fails is raised."""
    pending = set(runs)
    while pending:
        done, pending = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
        for run in sorted(done, key=runs.index):
            run.result()
        bar.update(len(done))
        bar.refresh()  # the time at least


def _route(board, platform, folder, seed, clock_hz, stop):
    family, name = board.family, f"seed-{seed}"
    own = list(map(str, family.route(platform, seed)))
    own += ["--placer", family.placer] if family.placer else []
    arguments = [family.router, "--quiet", *own, "--seed", str(seed)]
    arguments += ["--report", f"{name}.json", "--log", f"{name}.log"]
    arguments += ["--timing-allow-fail"]  # we judge, with all figures
    if "--write" not in own:  # some families pack the bitstream of it
        arguments += ["--write", f"{name}.netlist.json"]
    step, log = f"place and route, seed {seed},", f"nextpnr-{seed}.log"
    tools.run(arguments, folder=folder, log=log, step=step, stop=stop)
    _check_log(folder / log)
    path = folder / f"{name}.json"
    report = json.loads(path.read_text())
    fmax, cells = _fmax(report, clock_hz / 1e6, folder), _cells(family, report)
    _check_cells(cells, family.expected_cells(board.config), folder)
    return Routed(seed, fmax, cells, path, folder / _after("--write", arguments))


def _check_log(path):
    """A constraint on a net that is not there is ignored with a warning: none may be."""
    ignored = [line for line in path.read_text(errors="replace").splitlines() if IGNORED in line]
    if ignored:
        raise BuildError(f"nextpnr must heed each clock constraint: {ignored[0]} (log: {path})")


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
