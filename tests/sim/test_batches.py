"""Images split over processes: the same results, and what happens when one of them ends."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.sim.backends.record import Job
from sobolpath.sim.run import batches
from sobolpath.sim.run.batches import Task, jobs_for, open_engine, tallies
from sobolpath.sim.run.tally import Tally
from tests.support.networks import random_images, random_model
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

SEED = 11
TOPOLOGY = Topology((64, 16, 16), (64, 32))
CONFIG = CONFIGS["tiny"]


class Impatient(Job):
    """Gives every inference up before it can be done."""

    patience = 100


def make_task(backend, count, *, wrong=False, kind=Job, images=1):
    """``count`` random images; where ``wrong``, one weight of the engine is not the model's."""
    print(f"seed {SEED}")
    rng, config = np.random.default_rng(SEED), replace(CONFIG, images=images)
    model = random_model(rng, TOPOLOGY)
    loaded = model
    if wrong:
        weights = model.weights[0].copy()
        weights[5] = ~weights[5]
        loaded = replace(model, weights=(weights, model.weights[1]))
    job = kind(config, TOPOLOGY, config.image(loaded), plan(TOPOLOGY, config.machine))
    inputs, labels = random_images(rng, TOPOLOGY, count), rng.integers(0, 16, count)
    return Task(model, job, inputs, labels, backend)


def total(task, jobs):
    """The tally of all batches, its time left out."""
    tally = Tally()
    with (
        open_engine(task.backend, task.job) as simulated,
        tallies(task, range(task.batches), jobs, simulated) as found,
    ):
        for part in found:
            assert part.seconds > 0
            tally.add(part)
            if tally.hung:
                break
    return replace(tally, seconds=0)


class TestSplit:
    @pytest.mark.slow
    @pytest.mark.parametrize(("images", "count"), [(1, 150), (2, 300)])
    def test_any_number_of_processes_finds_the_same(self, images, count):
        """Three batches, the last of which is not full."""
        task = make_task("native", count, images=images)
        assert task.batches == 3
        one, two = total(task, 1), total(task, 2)
        assert one == two
        assert (one.images, one.compared, one.mismatches) == (count, count, 0)
        assert one.latencies == {task.job.schedule.latency: 3}
        assert one.intervals == {task.job.schedule.interval: 150 - 2 * 3}
        assert one.confusion.total() == one.margins.total() == count
        assert one.right["accuracy"] == one.right["accuracy_int"]
        assert one.right["accuracy"] == sum(
            count for (label, said), count in one.confusion.items() if label == said
        )

    def test_the_same_mismatches(self):
        task = make_task("native", 150, wrong=True)
        one, two = total(task, 1), total(task, 2)
        assert one == two
        assert one.mismatches > 100
        numbers = [mismatch.image for mismatch in one.listed]
        assert len(numbers) == 20
        assert numbers == sorted(set(numbers))

    def test_mismatches_are_numbered_through(self):
        """Images of zeros hide the wrong weight in the first two batches."""
        task = make_task("native", 130, wrong=True)
        task.images[:-1] = 0
        for jobs in (1, 2):
            assert [mismatch.image for mismatch in total(task, jobs).listed] == [129]

    def test_hung(self):
        task = make_task("pysim", 8, kind=Impatient)
        one, two = total(task, 1), total(task, 2)
        assert one == two
        assert one.images == 0
        assert one.hung.startswith("image 0 must be done in 100 cycles, but was not: ")


def test_as_many_processes_as_are_of_use(monkeypatch):
    monkeypatch.setattr(batches, "cpus", lambda: 3)
    task = make_task("native", 150)
    assert [jobs_for(task, asked) for asked in (None, 1, 2, 3, 100)] == [1, 1, 2, 3, 3]
    monkeypatch.setitem(batches.SHARE, "native", task.cycles // 2)
    assert jobs_for(task) == 2
    monkeypatch.setitem(batches.SHARE, "native", 1)
    assert jobs_for(task) == 3
    with pytest.raises(InputError, match=r"^--jobs must be at least 1, not 0$"):
        jobs_for(task, 0)


def test_cpus():
    assert batches.cpus() == len(os.sched_getaffinity(0))


def test_a_tally_survives_json():
    task = make_task("pysim", 5, wrong=True)
    tally = total(task, 1)
    assert tally.listed
    assert Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally


# Processes that end.


def members(group):
    """The processes of a group that run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, own = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # ended meanwhile
            continue
        if int(own) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


def workers(process):
    """The numbers of its processes that run batches, oldest first."""
    return sorted(
        number
        for number in members(process.pid)
        if "spawn_main" in Path(f"/proc/{number}/cmdline").read_text()
    )


@pytest.fixture
def busy(tmp_path):
    """A run of two processes in the midst of it, a group of its own; its ``out`` is a folder."""
    rng = np.random.default_rng(SEED)
    model = tmp_path / "model.npz"
    replace(random_model(rng, TOPOLOGY), classes=10).save(model)
    words = [
        sys.executable,
        "-m",
        "sobolpath",
        "sim",
        "run",
        model,
        "--data",
        "digits",
        "--config",
        "tiny",
    ]
    words += ["--backend", "pysim", "--jobs", "2", "--json", tmp_path / "out" / "r.json"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored: inherited
    try:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            until(lambda: len(workers(process)) == 2, process)
            yield process
        finally:
            if members(process.pid):
                os.killpg(process.pid, signal.SIGKILL)


def until(condition, process=None, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def left(folder):
    return {path.name for path in folder.glob("*")}


class TestEnds:
    def test_ctrl_c_at_a_terminal(self, busy, tmp_path):
        """All processes are told, as a terminal does it; one answers, none is left."""
        os.killpg(busy.pid, signal.SIGINT)
        out, err = busy.communicate(timeout=30)
        assert (busy.returncode, err) == (130, "error: interrupted\n")
        assert out == "" or "go on with --resume" in out
        until(lambda: not members(busy.pid), seconds=10)
        assert left(tmp_path / "out") <= {"r.json.part"}

    def test_a_killed_process(self, busy, tmp_path):
        os.kill(workers(busy)[-1], signal.SIGKILL)
        out, err = busy.communicate(timeout=30)
        assert busy.returncode == 1
        assert out == "" or "go on with --resume" in out
        assert err == (
            "FAILED: a process of the simulation was killed, perhaps for want of memory "
            "(fewer: --jobs)\n"
        )
        until(lambda: not members(busy.pid), seconds=10)
        assert left(tmp_path / "out") <= {"r.json.part"}

    def test_the_first_process_is_killed(self, busy):
        """The others do not go on without it."""
        busy.kill()
        busy.wait()
        until(lambda: not members(busy.pid), seconds=10)
