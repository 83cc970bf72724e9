"""``sobolpath sim grow``: more and more paths of one file, on one engine."""

import csv
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.machine import engine, model
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import nested
from sobolpath.hw.writeback import WriteBack
from sobolpath.sim.backends import library
from sobolpath.sim.commands.grow import counts
from tests.sim.test_pysim import altered
from tests.support.networks import random_model
from tests.support.places import ROOT

SHIPPED = ROOT / "models" / "digits-nested.npz"
SIZES = (512, 1024, 2048, 4096, 8192, 16384)


def grow(*arguments):
    return main(["sim", "grow", *(str(argument) for argument in arguments)])


@pytest.fixture
def small(tmp_path):
    """A model file for digits that fits ``--config tiny``, its weights at random (seed 5)."""
    path, rng = tmp_path / "small.npz", np.random.default_rng(5)
    replace(random_model(rng, Topology((64, 16, 16), (256, 64))), classes=10).save(path)
    return path


TINY = ("--config", "tiny", "--backend", "pysim")


def test_the_model_that_ships(tmp_path, capsys, monkeypatch):
    """What the machine must reach: accuracy grows with the paths, on one compiled design."""
    built = set()
    build = library.build
    monkeypatch.setattr(library, "build", lambda *a, **k: built.add(path := build(*a, **k)) or path)
    files = {kind: tmp_path / f"g.{kind}" for kind in ("json", "csv", "svg")}
    options = ["--json", files["json"], "--csv", files["csv"], "--plot", files["svg"]]
    assert grow(SHIPPED, "--backend", "native", *options) == 0
    out, err = capsys.readouterr()
    assert err == ""
    shown = out.replace(str(tmp_path), "build").replace(str(SHIPPED), "models/digits-nested.npz")
    assert max(map(len, shown.splitlines())) <= 80
    assert len(built) == 1
    rows = json.loads(files["json"].read_text())["sizes"]
    assert tuple(row["size"] for row in rows) == SIZES
    assert [row["weights"] for row in rows] == [1536, 3072, 6144, 12288, 20480, 36864]
    told = [row["accuracy_int"] for row in model.load(SHIPPED).info["nested"]]
    assert [row["accuracy"] for row in rows] == [row["accuracy_int"] for row in rows] == told
    assert all(more > fewer - 0.006 for fewer, more in pairwise(told))  # two of 360 images
    assert told[0] > 0.9
    assert told[-1] > 0.98
    for row in rows:
        assert (row["images"], row["mismatches"]) == (360, 0)
        assert row["latency_cycles"] == row["predicted_latency"]
        assert row["interval_cycles"] == row["predicted_interval"]
    latencies = [row["latency_cycles"] for row in rows]
    assert latencies == sorted(set(latencies))
    with files["csv"].open() as file:
        table = list(csv.DictReader(file))
    assert [int(row["size"]) for row in table] == list(SIZES)
    assert [int(row["latency_cycles"]) for row in table] == latencies
    picture = files["svg"].read_text()
    for words in (*(f"{size:,}" for size in SIZES), "latency", "interval"):
        assert f">{words}</text>" in picture


def test_a_prefix_runs_as_the_network_it_is(small, tmp_path):
    """Its accuracy by the golden model; too few images for an interval."""
    file = tmp_path / "g.json"
    options = ("--sizes", "256,64", "--limit", 2, "--json", file, "--plot", tmp_path / "g.png")
    assert grow(small, *TINY, *options) == 0
    rows = json.loads(file.read_text())["sizes"]
    assert [row["size"] for row in rows] == [64, 256]
    assert [row["paths"] for row in rows] == [[64, 64], [256, 64]]
    held = data.load("digits")
    for row in rows:
        cut = nested.cut(model.load(small), row["size"])
        logits = engine.infer(cut, held.x_test[:2])
        assert row["accuracy"] == (engine.classify(cut, logits) == held.y_test[:2]).mean()
        assert row["interval_cycles"] is None
    assert (tmp_path / "g.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        ((512, 1024), [512, 1024]),
        ((2048, 1024), [512, 1024, 2048]),
        ((256, 64), [128, 256]),
        ((64, 32), [32, 64]),
        ((64, 64), [32, 64]),
    ],
)
def test_which_numbers_unless_given(paths, wanted):
    assert counts(Topology((64, 32, 32), paths), None) == wanted


def test_one_size_only():
    assert counts(Topology((32, 32), (32,)), None) == [32]


def test_a_mismatch_names_the_size(small, monkeypatch, capsys):
    wrong = altered(WriteBack, activation_place=lambda value, part: value ^ 1)
    monkeypatch.setattr("sobolpath.hw.drain.WriteBack", wrong)
    assert grow(small, *TINY, "--sizes", "64,128", "--limit", 1) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    for line, count in zip(lines, (64, 128), strict=True):
        assert line.startswith(f"FAILED: {count} paths: ")
        assert "mismatches; the first: image 0, layer 1, neuron " in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sizes", "100"), "--sizes must be powers of two from 1 to 256, not 100"),
        (("--sizes", "512"), "--sizes must be powers of two from 1 to 256, not 512"),
        (("--sizes", "0"), "--sizes must be powers of two from 1 to 256, not 0"),
        (("--sizes", "64-128"), "--sizes must be integers joined by ',', not '64-128'"),
        (("--plot", "x.pdf"), "--plot must be a file named .svg or .png, not 'x.pdf'"),
        (("--config", "huge"), "config must be one of tiny, "),
        (("--data", "moons"), "data set must be one of digits, "),
        (("--jobs", "0", "--sizes", "64", *TINY), "--jobs must be at least 1, not 0"),
    ],
)
def test_mistakes(small, tmp_path, capsys, options, message):
    assert grow(small, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [small.name]


def test_help(capsys):
    with pytest.raises(SystemExit) as end:
        grow("--help")
    assert end.value.code == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
