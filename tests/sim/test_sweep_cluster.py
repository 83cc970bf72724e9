"""``sobolpath sweep --scheduler``: the same on a Dask cluster, whatever becomes of a worker."""

import json
import os
import subprocess
import sys
import time

import distributed
import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.sim.sweep import workers
from tests.support.places import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SWEEP = """
[fixed]
data = "digits"
layers = "64-64-16"
epochs = 5

[grid]
paths = [128, 256]
bits = [8, 3]
seed = [0, 1, 2]
board = ["icebreaker", "ulx3s"]
"""
OTHER = "import sobolpath; sobolpath.__version__ = '0.0.9'; "
NONE = "import sys; sys.modules['sobolpath'] = None; "


class Cluster:
    """A scheduler on a free port of this machine, and workers, a process each."""

    def __init__(self, folder):
        self.folder, self._workers, self._file = folder, [], folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-show")
        while not self._file.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]

    def worker(self, first=""):
        """Start a worker, which runs ``first`` before all else: its process."""
        words = ("--nthreads", "1", "--no-nanny", "--local-directory", self.folder)
        self._workers.append(self._start("worker", *words, first=first))
        return self._workers[-1]

    def _start(self, kind, *words, first=""):
        program = f"{first}from distributed.cli.dask_{kind} import main; main()"
        words = ("--scheduler-file", self._file, "--host", "127.0.0.1", "--no-dashboard", *words)
        with open(self.folder / f"{kind}.log", "a") as log:
            command = [sys.executable, "-c", program, *words]
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def end_workers(self):
        while self._workers:
            _end(self._workers.pop())


def _end(process):
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    _end(made.scheduler)


@pytest.fixture
def cluster(scheduler):
    yield scheduler
    scheduler.end_workers()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SWEEP)
    return path


def words(file, name, *more):
    """A sweep's arguments, with its results in a file of that name."""
    results = file.with_name(f"{name}.jsonl")
    return results, ["sweep", str(file), "--results", str(results), *more]


def lines(results):
    return [json.loads(line) for line in results.read_text().splitlines()]


def figures(results):
    """Everything of every cell but how long it took, by key."""
    found = lines(results)
    assert len({line["key"] for line in found}) == len(found) == 24
    return {line.pop("key"): {**line, "seconds": None} for line in found}


def started(arguments, folder):
    """The command as a process of its own, in which a warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "sobolpath", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes)


def wait_for(process, results):
    """Until the first lines are there."""
    while not results.exists() or not lines(results):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_a_worker_is_killed(cluster, file, tmp_path):
    first, _ = cluster.worker(), cluster.worker()
    results, arguments = words(file, "cluster", "--scheduler", cluster.address)
    wait_for_workers(cluster.address, 2)
    with started(arguments, tmp_path) as process:
        wait_for(process, results)
        first.kill()
        there = len(lines(results))
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert there < 20  # it had something left to do
    assert f"trainings   12, by 2 workers of {cluster.address}\n" in out
    own, arguments = words(file, "here", "--jobs", "2")
    assert main([*arguments, "--plot", str(tmp_path / "p.svg")]) == 0
    assert figures(results) == figures(own)


def wait_for_workers(address, count):
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def refused(file, cluster, capsys):
    wait_for_workers(cluster.address, 1)
    results, arguments = words(file, "r", "--scheduler", cluster.address)
    assert main([*arguments, "--plot", str(file.with_name("p.svg"))]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: what computes must be as it is here, but the worker at tcp://")
    assert error.count("\n") == 1
    assert results.read_text() == ""
    return error


def test_another_version(cluster, file, capsys):
    cluster.worker(OTHER)
    assert " has sobolpath 0.0.9, not " in refused(file, cluster, capsys)


def test_no_package(cluster, file, capsys):
    cluster.worker(NONE)
    assert " has no sobolpath of this version (" in refused(file, cluster, capsys)


def test_no_data(cluster, file, tmp_path, monkeypatch, capsys):
    """The worker does not find the file there, or finds another."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for folder in (cluster.folder, tmp_path):
        x, y = random.integers(0, 256, (20, 64), np.uint8), np.arange(20) % 2
        np.savez(folder / "mine.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    file.write_text(SWEEP.replace('"digits"', '"mine.npz"'))
    cluster.worker()
    assert " has another content of what data names\n" in refused(file, cluster, capsys)
    (cluster.folder / "mine.npz").unlink()
    cluster.end_workers()
    cluster.worker()
    assert " has no such data: mine.npz" in refused(file, cluster, capsys)


def test_no_worker(cluster, file, monkeypatch, capsys):
    monkeypatch.setattr(workers, "SECONDS", 1)
    _, arguments = words(file, "r", "--scheduler", cluster.address)
    assert main(arguments) == 2
    wanted = f"of a Dask scheduler with workers, not {cluster.address!r}: no worker is there\n"
    assert capsys.readouterr().err == f"error: --scheduler must be the address {wanted}"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "http://127.0.0.1:1", ""])
def test_nothing_is_there(address, file, monkeypatch, capsys):
    monkeypatch.setattr(workers, "SECONDS", 1)
    results, arguments = words(file, "r", "--scheduler", address)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert f"must be the address of a Dask scheduler with workers, not {address!r}: " in error
    assert error.count("\n") == 1
    assert not results.exists()


LOGS = """
import logging, sys
from sobolpath.sim.sweep import workers
workers.Cluster(sys.argv[1])
for part in ("distributed", "distributed.client", "distributed.batched", "distributed.core"):
    logging.getLogger(part).error("a connection of %s was closed", part)
print("made")
"""


def test_the_package_does_not_log(cluster):
    """What is lost is told in one line, so no part of the package has a word of its own."""
    cluster.worker()
    command = [sys.executable, "-c", LOGS, cluster.address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "made\n", "")


def test_the_scheduler_is_lost(tmp_path, file):
    own = Cluster(tmp_path)
    own.worker()
    results, arguments = words(file, "r", "--scheduler", own.address)
    with started(arguments, tmp_path) as process:
        wait_for(process, results)
        _end(own.scheduler)
        _, err = process.communicate()
    own.end_workers()
    there = len(lines(results))
    wanted = f"{there} of 24 cells are in {results}; the same command goes on"
    assert (process.returncode, err) == (1, f"FAILED: the scheduler was lost: {wanted}\n")
