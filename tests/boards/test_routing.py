"""Place and route with several seeds at once: order, failures, and what Ctrl-C leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from sobolpath.boards import load
from sobolpath.boards.flow import routing, tools
from sobolpath.boards.flow.tools import BuildError
from sobolpath.hw.config import CONFIGS
from tests.support.places import ROOT
from tests.support.pretended import netlist, routed

BOARD = replace(load("icebreaker"), config=CONFIGS["tiny"])
SEEDS = (3, 1, 2)
pytestmark = pytest.mark.timeout(120)

#: Stands in for nextpnr: notes its process and that of a child, does what the test says, reports.
ROUTER = """\
#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in --seed) seed=$2;; --report) report=$2;; --write) netlist=$2;;
  --placer) placer=$2;; esac
  shift
done
{does}
sed "s/5 *60/$((50 + seed))/" report > $report
cp netlist $netlist
"""
WAIT_FOR_ALL = (
    ": > began-$seed; until [ -e began-1 -a -e began-2 -a -e began-3 ]; do sleep 0.05; done"
)
HANG = "sleep 1000 & echo $$ $! > pids-$seed; mv pids-$seed hung-$seed; wait"


def prepare(folder, does):
    """A folder with the stand-in and what it reports; its path."""
    (folder / "report").write_text(json.dumps(routed(BOARD, 560)))
    (folder / "netlist").write_text(json.dumps(netlist()))
    program = folder / "router.sh"
    program.write_text(ROUTER.replace("{does}", does))
    program.chmod(0o755)
    return program


def route(folder, jobs, seeds=SEEDS, board=BOARD):
    options = {"seeds": seeds, "clock_hz": 48e6, "jobs": jobs, "quiet": True}
    return routing.route(board, board.new_platform(), folder, **options)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Prepares the folder in which the stand-in ``does`` something; the folder."""

    def use(does):
        program = prepare(tmp_path, does)
        monkeypatch.setattr(tools, "find", lambda tool: str(program))
        return tmp_path

    return use


def alive(pid):
    """Whether a process runs; one that waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def check_ended(folder, count):
    pids = [int(pid) for path in folder.glob("hung-*") for pid in path.read_text().split()]
    assert len(pids) == 2 * count
    deadline = time.monotonic() + 20
    while any(map(alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_progress(stand_in, monkeypatch):
    bars, told = [], []

    class Bar(nullcontext):
        def __enter__(self):
            return self

        def update(self, count):
            told.append(count)

        def refresh(self):
            pass

    def progress(**options):
        bars.append(options)
        return Bar()

    monkeypatch.setattr(routing.cli, "progress", progress)
    route(stand_in("sleep 0.1"), 2)
    (options,) = bars
    assert (options["total"], options["unit"], options["disable"]) == (3, "seed", True)
    assert sum(told) == 3


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_results_in_the_order_of_the_seeds(stand_in, jobs):
    folder = stand_in("sleep 0.$seed")
    runs = route(folder, jobs)
    assert [run.seed for run in runs] == list(SEEDS)
    assert [run.fmax_mhz for run in runs] == [53, 51, 52]
    assert [run.netlist.name for run in runs] == [f"seed-{n}.netlist.json" for n in SEEDS]
    assert all(run.netlist.is_file() and run.report.is_file() for run in runs)
    assert runs[0].cells["dsp"] == (4, 9999)


@pytest.mark.parametrize(
    ("name", "placer"),
    [("icebreaker", "none"), ("icebreaker-learn", "static"), ("ulx3s-learn", "static")],
)
def test_the_family_says_the_placer(stand_in, name, placer):
    folder = stand_in("echo ${placer:-none} > placer")
    route(
        folder,
        1,
        SEEDS[:1],
        replace(BOARD, family=replace(BOARD.family, placer=load(name).family.placer)),
    )
    assert (folder / "placer").read_text().split() == [placer]


def test_at_the_same_time(stand_in):
    """Each waits until all have begun."""
    assert len(route(stand_in(WAIT_FOR_ALL), 3)) == 3


def test_a_failing_seed_ends_the_others(stand_in):
    wait = "until [ -e hung-1 -a -e hung-3 ]; do sleep 0.05; done"
    fail = f"if [ $seed = 2 ]; then {wait}; echo 'ERROR: no room'; exit 1; fi; {HANG}"
    folder = stand_in(fail)
    message = r"place and route, seed 2, must succeed: ERROR: no room \(log: .*nextpnr-2\.log\)"
    with pytest.raises(BuildError, match=message):
        route(folder, 3)
    check_ended(folder, 2)


def test_cells_swept_away(stand_in):
    folder = stand_in(":")
    (folder / "report").write_text(json.dumps(routed(BOARD, 560, ebr=1)))
    with pytest.raises(BuildError, match="the design must come to 9 EBR, not 1: a tool swept"):
        route(folder, 1)


def test_a_constraint_that_is_ignored(stand_in):
    warning = "Warning: net 'a.b' does not exist in design, ignoring clock constraint"
    folder = stand_in(f'echo "{warning}" >&2')
    message = rf"^nextpnr must heed each clock constraint: {warning} \(log: .*nextpnr-1\.log\)$"
    with pytest.raises(BuildError, match=message):
        route(folder, 1, seeds=(1,))


def test_an_interruption_leaves_no_process(tmp_path):
    program = prepare(tmp_path, HANG)
    script = f"""
import sys
sys.path[:0] = {[str(ROOT)]!r}
from tests.boards import test_routing
from pathlib import Path
from sobolpath.golden.support import cli
test_routing.tools.find = lambda tool: {str(program)!r}
sys.exit(cli.main(lambda _: test_routing.route(Path({str(tmp_path)!r}), 3), []))
"""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored: inherited
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        while len(list(tmp_path.glob("hung-*"))) < 3:
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, "error: interrupted\n")
    check_ended(tmp_path, 3)
