"""The path-order engine in both back ends, and in the commands that take ``--engine``."""

import json
from dataclasses import replace

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib.wiring import Out

from sobolpath.__main__ import main
from sobolpath.golden.machine import model as models
from sobolpath.golden.path_order import image
from sobolpath.golden.topology import linear
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import nested
from sobolpath.hw.path_order.accumulators import HalfAccumulators
from sobolpath.hw.path_order.config import CONFIGS
from sobolpath.sim.backends.native import NativeEngine
from sobolpath.sim.backends.pysim import PysimEngine
from sobolpath.sim.backends.record import Job
from sobolpath.sim.commands.grow import appended
from sobolpath.sim.run.comparison import Comparison
from tests.support.networks import random_images, random_model, small_digits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
TINY = CONFIGS["tiny"]
WIDE = replace(TINY, input_width=4)
OPTIONS = ("--engine", "path-order", "--config", "tiny", "--data", "digits", "--backend", "pysim")


@pytest.mark.parametrize("config", [TINY, WIDE, replace(WIDE, backward=False)])
@pytest.mark.parametrize("seed", range(3))
def test_both_back_ends_record_the_same(seed, config):
    """Every value and its cycle, and all are the golden ones; the cycles are those predicted."""
    rng = np.random.default_rng(seed)
    layers, paths = ((64, 16), (32, 16, 8), (16, 16, 16, 4))[seed], ((256,), (64, 32), (64,) * 3)
    make = (Topology, linear.scrambled, linear.shifted)[seed]
    model = random_model(rng, make(layers, paths[seed]))
    job, images = Job.of(config, model), random_images(rng, model.topology, 6)
    with NativeEngine(job) as native, PysimEngine(job) as pysim:
        comparison = Comparison(model, job)
        for part in (images[:3], images[3:]):
            traces = native.run(part), pysim.run(part)
            assert traces[0].same(traces[1])
            assert traces[0].finished == len(part)
            comparison.add(part, traces[0])
    tally = comparison.tally
    assert (tally.mismatches, tally.compared) == (0, 6)
    assert tally.latencies == {job.schedule.latency: 2}
    assert tally.intervals == {job.schedule.interval: 2}
    blocks = np.diff(traces[0].issued.astype(np.int64))  # one a cycle within a junction
    assert (blocks == 1).sum() == 3 * (job.steps - len(model.topology.paths))


def test_a_fault_is_found(monkeypatch):
    """Rows that come again at once, and are taken for new ones: every such sum is a mismatch."""

    class Forgetful(HalfAccumulators):
        """Takes every row for one that is met for the first time."""

        def elaborate(self, platform):
            m = Module()
            m.submodules.inner = inner = HalfAccumulators(self._config, self._digits)
            for name in self.signature.members:
                own, other = (getattr(each, name) for each in (self, inner))
                if self.signature.members[name].flow == Out:
                    m.d.comb += own.eq(other)
                else:
                    m.d.comb += other.eq(1 if name == "first" else own)
            return m

    rng, topology = np.random.default_rng(2), Topology((16, 4), (64,))
    model = random_model(rng, topology)
    job, images = Job.of(TINY, model), random_images(rng, topology, 2)
    monkeypatch.setattr("sobolpath.hw.path_order.accumulators.HalfAccumulators", Forgetful)
    with PysimEngine(job) as simulated:
        trace = simulated.run(images)
    comparison = Comparison(model, job)
    comparison.add(images, trace)
    assert comparison.tally.mismatches > 0


def test_run(tmp_path, capsys):
    """The command, with figures that name the engine."""
    file = tmp_path / "r.json"
    path = small_digits(tmp_path)
    assert main(["sim", "run", str(path), *OPTIONS, "--limit", "3", "--json", str(file)]) == 0
    assert capsys.readouterr().err == ""
    found = json.loads(file.read_text())
    assert (found["engine_kind"], found["config"], found["mismatches"]) == ("path-order", "tiny", 0)
    assert found["values_compared"] == 3 * (16 + 16 + 16)
    assert found["latency_cycles"] == found["predicted_latency"]
    assert found["interval_cycles"] == found["predicted_interval"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "path"], "--engine must be one of row-lane, path-order, not 'path'"),
        (
            ["--engine", "path-order", "--config", "hx8k"],
            "--config of path-order must be one of tiny, icebreaker, ulx3s, not 'hx8k'",
        ),
    ],
)
def test_errors(options, message, capsys):
    for command in (["sim", "run", "digits", "--data", "digits"], ["sim", "grow"]):
        assert main([*command, *options]) == 2
        assert message in capsys.readouterr().err


def test_cascaded_paths_are_refused(tmp_path, capsys):
    topology = linear.cascaded((64, 32, 32), (1024, 1024))
    path = tmp_path / "c.npz"
    replace(random_model(np.random.default_rng(1), topology), classes=10).save(path)
    options = ["--data", "digits", "--engine", "path-order"]
    assert main(["sim", "run", str(path), *options]) == 2
    assert capsys.readouterr().err == (
        "error: cascaded paths must meet every bank once in each block of 8, but in block 0 of "
        "junction 2, paths 3 and 4 meet in bank 7 of layer 2: take Sobol', scrambled or shifted "
        "paths, or the row-lane engine\n"
    )


def test_grow_appends(tmp_path, capsys):
    """Every size is what was there, the new weights, and one number of 2 bytes."""
    path, rng = tmp_path / "small.npz", np.random.default_rng(5)
    model = replace(random_model(rng, Topology((64, 16, 16), (256, 64))), classes=10)
    model.save(path)
    file = tmp_path / "g.json"
    options = [*OPTIONS, "--sizes", "64,128,256", "--limit", "2", "--json", str(file)]
    assert main(["sim", "grow", str(path), *options]) == 0
    shown = capsys.readouterr().out.replace(str(path), "small.npz")
    assert max(map(len, shown.splitlines())) <= 80
    found = json.loads(file.read_text())
    rows = found["sizes"]
    assert found["engine_kind"] == "path-order"
    program = image.program_words(model.topology)
    assert [row["bytes_written"] for row in rows] == [
        64 + 64 + 4 * 32 + 2 * program,
        64 + 2,
        128 + 2,
    ]
    assert [row["mismatches"] for row in rows] == [0] * 3


def test_the_model_that_ships():
    """From 2**9 to 2**14 paths: the bytes of every step, counted, and what they come to."""
    model, config, sizes = models.load("digits-nested"), CONFIGS["icebreaker"], range(9, 15)
    written, before = bytearray(config.memories["weights"].bytes), None
    for size in sizes:
        count = 1 << size
        writes = appended(model, config, before, count)
        for space, address, content in writes:
            if space == 0:
                written[address : address + len(content)] = content
        if before is not None:
            grown = [nested.cut(model, each).topology.total_paths for each in (before, count)]
            assert sum(len(content) for *_, content in writes) == grown[1] - grown[0] + 2
        before = count
    whole = config.image(model).weights.tobytes()
    assert bytes(written[: len(whole)]) == whole
