"""The compiled engine: the same record as Amaranth's simulator, item by item; its library."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.support import compilers, packages
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS, EngineConfig
from sobolpath.hw.writeback import WriteBack
from sobolpath.sim.backends import designs, library, record, verilator
from sobolpath.sim.backends.native import NativeEngine
from sobolpath.sim.backends.pysim import PysimEngine
from sobolpath.sim.backends.record import Job
from sobolpath.sim.run.comparison import Comparison
from tests.sim.test_pysim import altered
from tests.support.networks import random_images, random_model, random_topology
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

#: Four images that share weights; several values a write, in words of more than 64 bits; registers
#: everywhere.
WIDE = EngineConfig(
    lanes=8,
    images=4,
    max_neurons=64,
    weight_words=256,
    bias_neurons=256,
    max_outputs=32,
    program_words=64,
    requantizers=4,
    memory_register=True,
    crossbar_registers=(0, 2),
)
CASES = {
    "tiny": CONFIGS["tiny"],
    "pairs": dataclasses.replace(CONFIGS["tiny"], images=2, product_register=True),
    "wide": WIDE,
    "words": dataclasses.replace(CONFIGS["tiny"], input_width=4),
    "wide words": dataclasses.replace(WIDE, input_width=8),  # of 256 bits
}


@pytest.fixture(params=CASES)
def config(request):
    """A configuration, whose library is built once and kept in the checkout."""
    return CASES[request.param]


@pytest.mark.parametrize("seed", range(3))
def test_both_back_ends_record_the_same(config, seed):
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    topology = random_topology(rng, config, junctions=seed + 1, paths=1024)
    print(topology)
    model = random_model(rng, topology)
    job, images = Job.of(config, model), random_images(rng, topology, 4 * config.images)
    schedule, split = job.schedule, 3 * config.images
    with NativeEngine(job) as native, PysimEngine(job) as pysim:
        comparison = Comparison(model, job)
        for part in (images[:split], images[split:]):
            traces = native.run(part), pysim.run(part)
            for name in ("values", "at", "logits", "starts", "ends"):
                assert np.array_equal(*(getattr(trace, name) for trace in traces)), name
            assert traces[0].same(traces[1])
            assert traces[0].finished * config.images == len(part)
            comparison.add(part, traces[0])
    assert comparison.tally.mismatches == 0
    assert comparison.tally.values == len(images) * (sum(topology.layers[1:]) + topology.layers[-1])
    assert comparison.tally.latencies == {schedule.latency: 2}
    assert comparison.tally.intervals == {schedule.interval: 1}


def test_both_back_ends_give_up_alike(config, monkeypatch):
    rng = np.random.default_rng(7)
    topology = random_topology(rng, config, junctions=2, paths=512)
    job = Job.of(config, random_model(rng, topology))
    monkeypatch.setattr(Job, "patience", topology.layers[0] + job.schedule.latency // 2)
    images = random_images(rng, topology, 2 * config.images)
    with NativeEngine(job) as native, PysimEngine(job) as pysim:
        traces = native.run(images), pysim.run(images)
    assert traces[0].finished == 0
    assert traces[0].total == job.patience
    assert traces[0].same(traces[1])


def test_a_write_outside_of_its_layer_is_a_mismatch(monkeypatch, tmp_path):
    """Every activation goes to the last place of the memory, which no layer has.

    The library is compiled in a folder with a space in its name, and letters beyond ASCII.
    """
    monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path / "é à"))
    stray = altered(WriteBack, activation_place=lambda value, part: ~0)
    monkeypatch.setattr("sobolpath.hw.drain.WriteBack", stray)
    rng, topology = np.random.default_rng(6), Topology((16, 8, 8), (64, 64))
    model = random_model(rng, topology)
    job, images = Job.of(CONFIGS["tiny"], model), random_images(rng, topology, 2)
    with NativeEngine(job) as native, PysimEngine(job) as pysim:
        traces = native.run(images), pysim.run(images)
    assert traces[0].same(traces[1])
    comparison = Comparison(model, job)
    comparison.add(images, traces[0])
    assert comparison.tally.mismatches >= 2 * 8  # the hidden layer was never written
    first = comparison.tally.first
    assert (first.image, first.layer, first.got) == (0, 1, None)


def test_two_engines_are_apart(config):
    rng = np.random.default_rng(8)
    topology = random_topology(rng, config, junctions=2, paths=512)
    models = [random_model(rng, topology) for _ in range(2)]
    images = random_images(rng, topology, 2 * config.images)
    jobs = [Job.of(config, model) for model in models]
    with NativeEngine(jobs[0]) as first, NativeEngine(jobs[1]) as second:
        for model, simulated in zip(models, (first, second), strict=True):
            logits = simulated.run(images).logits
            assert np.array_equal(logits.ravel(), engine.infer(model, images).ravel())


# The library, made by compilers that are scripts.


def script(path, text):
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo fake; exit; fi\n{text}\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Makes a compiler of a shell script, and takes Verilator's part away; the build function."""
    for part in ("_verilate", "_add_runtime"):
        monkeypatch.setattr(library, part, lambda *arguments: None)

    def build(text, folder=tmp_path / "libraries", **options):
        monkeypatch.setenv("CXX", str(script(tmp_path / "cxx", text)))
        return library.build(CONFIGS["tiny"], folder=folder, **options)

    return build


def libraries(tmp_path):
    """All files and folders but the key's and the lock."""
    found = (path.name for path in (tmp_path / "libraries").glob("*/*"))
    return sorted(name for name in found if name != "lock")


def test_built_once(fake, tmp_path, monkeypatch):
    count = 'echo x >> "$COUNT"; echo whole > engine.so'
    said = []
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    paths = [fake(count, say=said.append) for _ in range(3)]
    assert (tmp_path / "count").read_text() == "x\n"
    assert len(said) == 1
    assert len(set(paths)) == 1
    assert paths[0].read_text().startswith("whole\n")
    assert libraries(tmp_path) == ["engine.so"]


def test_what_it_is_made_of_has_its_own_place(fake, monkeypatch):
    paths = [fake("echo a > engine.so"), fake("echo a > engine.so", waves=True)]
    monkeypatch.setattr(library, "CXX_FLAGS", ("-O0",))
    paths.append(fake("echo a > engine.so"))
    other = dataclasses.replace(CONFIGS["tiny"], program_words=128)
    paths.append(library.build(other, folder=paths[0].parents[1]))
    monkeypatch.setattr(packages, "versions", lambda *names: dict.fromkeys(names, "0"))
    paths.append(fake("echo a > engine.so"))
    for part, name in ((designs, "SOURCES"), (library, "OWN")):
        monkeypatch.setattr(part, name, "0")
        paths.append(fake("echo a > engine.so"))
    monkeypatch.setitem(record.ROW_LANE, "ISSUED", ("issuer", "first"))
    paths.append(fake("echo a > engine.so"))
    assert len(set(paths)) == 8


def test_every_file_of_the_design_counts(tmp_path):
    """Its content, its name, and which package it is in."""
    for package in designs.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*pyc"))
    seen = {designs.SOURCES, designs.sources(designs.PACKAGES, tmp_path)}
    assert len(seen) == 1
    for name in ("hw/mac.py", "golden/machine/schedule.py", "hw/new.py", "golden/topology/new.py"):
        with (tmp_path / name).open("a") as file:
            file.write("# changed\n")
        seen.add(designs.sources(designs.PACKAGES, tmp_path))
    assert len(seen) == 5


def test_a_failing_compiler_leaves_nothing(fake, tmp_path):
    text = "echo half > engine.so; echo all.cpp:1:2: error: no such thing >&2; exit 1"
    with pytest.raises(InputError, match=r"^the C\+\+ compiler .*cxx failed: all.cpp:1:2: error"):
        fake(text)
    assert libraries(tmp_path) == []
    with pytest.raises(InputError, match="must make a library, but did not"):
        fake("true")
    assert libraries(tmp_path) == []


def test_a_slow_compiler_is_ended_with_its_children(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(compilers, "TIMEOUT", 1)
    late = tmp_path / "late"
    with pytest.raises(InputError, match="must be done in 1 s, but was not"):
        fake(f"(sleep 3; touch {late}) & wait")
    assert libraries(tmp_path) == []
    time.sleep(2.5)
    assert not late.exists()


def start_build(tmp_path, text):
    """A process that builds with this script for a compiler."""
    program = (
        "from sobolpath.sim.backends import library\n"
        "from sobolpath.hw.config import CONFIGS\n"
        "library._verilate = library._add_runtime = lambda *arguments: None\n"
        f"library.build(CONFIGS['tiny'], folder={str(tmp_path / 'libraries')!r})\n"
    )
    slow = script(tmp_path / "slow", text)
    environment = {**os.environ, "CXX": str(slow), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", program], env=environment)


def test_two_builds_at_once(tmp_path, monkeypatch):
    """One compiles, the other says so and waits; a second compilation would be seen."""
    text = (
        f"echo half > engine.so; echo x >> {tmp_path}/at\n"
        f"until [ -e {tmp_path}/go ]; do sleep 0.1; done; sleep 0.5\n"
        "echo whole > engine.so"
    )
    said = []

    def say(line):
        said.append(line)
        (tmp_path / "go").touch()

    with start_build(tmp_path, text) as first:
        for part in ("_verilate", "_add_runtime"):
            monkeypatch.setattr(library, part, lambda *arguments: None)
        while not (tmp_path / "at").exists():
            assert first.poll() is None
            time.sleep(0.05)
        assert libraries(tmp_path) != ["engine.so"]
        monkeypatch.setenv("CXX", str(tmp_path / "slow"))
        path = library.build(CONFIGS["tiny"], folder=tmp_path / "libraries", say=say)
        assert first.wait(timeout=20) == 0
    assert said == ["another process compiles this simulator: waiting for it"]
    assert (tmp_path / "at").read_text() == "x\n"
    assert path.read_text().startswith("whole\n")
    assert libraries(tmp_path) == ["engine.so"]


def test_a_folder_that_cannot_be_written(fake, tmp_path):
    """Nor made: there is a file of that name."""
    (tmp_path / "libraries").write_text("")
    with pytest.raises(InputError, match="must be a folder to write in: Not a directory"):
        fake("echo whole > engine.so")


def test_a_killed_build_leaves_no_library(fake, tmp_path):
    with start_build(
        tmp_path, f"echo half > engine.so; touch {tmp_path}/there; sleep 5"
    ) as process:
        while not (tmp_path / "there").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert "engine.so" not in libraries(tmp_path)
    assert fake("echo whole > engine.so").read_text().startswith("whole\n")


def test_a_broken_library_is_named(fake, tmp_path, monkeypatch):
    path = fake("echo text > engine.so")
    monkeypatch.setattr(library, "build", lambda *arguments, **options: path)
    with pytest.raises(InputError, match=r"engine\.so: must be a library for this machine"):
        NativeEngine(Job(CONFIGS["tiny"], None, None, None))


class TestTools:
    def test_verilator(self, monkeypatch, tmp_path):
        environment = verilator.environment()
        root = Path(environment["VERILATOR_ROOT"])
        assert (root / "include" / "verilated.cpp").is_file()
        assert shutil.which("verilator", path=environment["PATH"]).startswith(str(root))
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(InputError, match=r"perl is missing: apt-get install perl$"):
            verilator.environment(("perl",))
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(InputError, match=r"verilator must be installed .*\[native\]'$"):
            verilator.environment()
