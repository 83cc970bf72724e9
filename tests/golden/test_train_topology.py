"""``sobolpath train --topology``: models of linear paths, float accuracies of the others."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.data import load
from sobolpath.golden.machine import engine, lanes, model
from sobolpath.golden.topology.catalogue import LINEAR, TOPOLOGIES, build

SMALL = ["train", "--data", "digits", "--layers", "64-32-16", "--epochs", "2", "--seed", "5"]


def train(topology, *more, paths="128,128"):
    """Run in this process; the exit code."""
    arguments = [*SMALL, "--paths", paths, "--topology", topology, *map(str, more)]
    return main(arguments)


@pytest.mark.parametrize("name", LINEAR)
def test_models_of_linear_paths(name, tmp_path, capsys):
    """Written, read and evaluated; the seed is that of the paths too."""
    path = tmp_path / "m.npz"
    assert train(name, "--out", path, "--json", tmp_path / "r.json") == 0
    result = json.loads((tmp_path / "r.json").read_text())
    loaded = model.load(path)
    expected = build(name, (64, 32, 16), (128, 128), seed=5)
    for junction in (1, 2):
        assert np.array_equal(loaded.topology.edges(junction), expected.edges(junction))
    assert lanes.check(loaded.topology, 8) == 256
    digits = load("digits")
    classes = engine.classify(loaded, engine.infer(loaded, digits.x_test))
    assert (classes == digits.y_test).mean() == result["accuracy_int"] > 0.2
    assert loaded.info.get("topology", "sobol") == name
    out, _ = capsys.readouterr()
    assert (f"topology    {name}\n" in out) == (name not in ("sobol", "omitted"))
    assert main(["eval", str(path), "--data", "digits"]) == 0
    out, _ = capsys.readouterr()
    assert f"integer     {result['accuracy_int']:.2%}\n" in out


@pytest.mark.parametrize("name", [name for name in TOPOLOGIES if name not in LINEAR])
def test_floats_of_the_others(name, tmp_path, capsys):
    paths = "2048,512" if name == "dense" else "128,128"
    assert train(name, "--json", tmp_path / "r.json", paths=paths) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "no model    the hardware runs paths that are linear over GF(2) only\n" in out
    assert "integer" not in out
    assert "try --dimensions" not in out
    assert max(map(len, out.splitlines())) <= 80
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["topology"] == name
    assert result["model"] is None
    assert f"float       {result['accuracy_float']:.2%} of 360 held-out images\n" in out
    assert 0.2 < result["accuracy_float"] <= 1
    assert [*tmp_path.iterdir()] == [tmp_path / "r.json"]


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("sobol", (), "--out FILE is required here (try 'sobolpath train"),
        ("cascaded", (), "--out FILE is required here (try 'sobolpath train"),
        ("dance", (), "topology must be one of sobol, omitted, scrambled"),
        ("fibonacci", ("--out", "m.npz"), "--out must be left out: there is no model file of fib"),
        ("omitted", ("--dimensions", "0,1,2"), "dimensions must be left out for omitted: sobol,"),
        ("dense", (), "dense paths must be 2048,512, every edge once"),
    ],
)
def test_complaints(name, more, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train(name, *more) == 2
    _, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert not [*tmp_path.iterdir()]
