"""ONNX out: what ONNX Runtime gives for a written file equals the engine's integers."""

import json
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.datasets import load_digits

from sobolpath.__main__ import main
from sobolpath.exchange import writer
from sobolpath.exchange.commands import export
from sobolpath.exchange.commands.export import samples
from sobolpath.golden.data import Preparation
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, shipped
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.catalogue import LINEAR, build
from tests.support.networks import extreme_model, random_model


def session(content):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options)


def runs(model, prepared=True):
    """What ONNX Runtime and the engine give for the same random samples."""
    given = samples(model, 20, 1, prepared)
    run = session(writer.to_onnx(model, prepared).SerializeToString())
    logits, classes = run.run(None, {run.get_inputs()[0].name: given})
    known = model.preparation if prepared else None
    wanted = engine.infer(model, given if known is None else known.apply(given))
    assert logits.dtype == np.int32
    return logits, classes, wanted[:, : model.classes], engine.classify(model, wanted)


@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("name", shipped.names())
def test_shipped_models(name, prepared):
    logits, classes, wanted, named = runs(models.load(name), prepared)
    assert logits.shape == wanted.shape == (20, models.load(name).classes)
    assert np.array_equal(logits, wanted)
    assert np.array_equal(classes, named)
    assert np.ptp(wanted) > 0


@pytest.mark.parametrize("kind", LINEAR)
@pytest.mark.parametrize(
    ("layers", "paths"),
    [((2, 1), (2,)), ((1, 2), (2,)), ((16, 8, 8, 4), (64, 64, 32)), ((64, 32), (2048,))],
)
def test_random_models(kind, layers, paths):
    """Repeated edges among them, weights and biases of the whole range, shifts of 0 and more."""
    for seed in range(3):
        topology = build(kind, layers, paths, seed=seed)
        model = random_model(np.random.default_rng(seed), topology)
        logits, classes, wanted, named = runs(model)
        assert np.array_equal(logits, wanted)
        assert np.array_equal(classes, named)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("weight", [-128, 127])
def test_extreme_sums(weight, sign):
    """The largest biases and equal weights: int32 holds every sum, with the half."""
    model = extreme_model(build("sobol", (512, 64, 16), (2**15, 1024)), weight, sign)
    logits, _, wanted, _ = runs(model)
    assert np.array_equal(logits, wanted)
    assert np.abs(wanted.astype(np.int64)).max() > 2**28


@pytest.mark.parametrize(
    "preparation",
    [
        Preparation((3, 5), (-1.5,), (2.5,)),
        Preparation((5,), tuple(range(5)), (9.0, 1.0, 7.0, 3.5, 100.0), 16),
        Preparation((2, 3, 3), (0.0,), (255.0,)),
    ],
    ids=["common", "feature", "bytes"],
)
def test_preparations(preparation):
    """Least and largest equal for a feature, clipped numbers, padded axes and ends."""
    layers = preparation.inputs, 8
    topology = build("sobol", layers, (8 * preparation.inputs,))
    model = replace(random_model(np.random.default_rng(3), topology), preparation=preparation)
    logits, classes, wanted, named = runs(model)
    assert np.array_equal(logits, wanted)
    assert np.array_equal(classes, named)


def test_the_scans_as_scikit_learn_has_them(tmp_path):
    """A file that a user runs on data of their own: no step of ours in between."""
    assert main(["export", "digits", "--out", str(tmp_path / "d.onnx")]) == 0
    images, labels = load_digits(return_X_y=True)
    run = session((tmp_path / "d.onnx").read_bytes())
    classes = run.run(["class"], {"samples": images.reshape(-1, 8, 8)})[0]
    assert len(classes) == 1797
    assert (classes == labels).mean() > 0.97


def test_standard_operators_alone(tmp_path, capsys):
    out = tmp_path / "m.onnx"
    assert main(["export", "digits", "--out", str(out), "--bytes", "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    graph = onnx.load(out)
    assert {node.domain for node in graph.graph.node} == {""}
    assert [entry.version for entry in graph.opset_import] == [17]
    assert (result["nodes"], result["mismatches"]) == (len(graph.graph.node), 0)
    assert (result["input"], result["shape"], result["images_compared"]) == ("inputs", [64], 64)


def test_what_differs_is_not_written(tmp_path, capsys, monkeypatch):
    """A wrong shift in what is written: the check finds it, exit 1, no file."""
    right = export.to_onnx

    def wrong(model, prepared):
        made = right(model, prepared)
        for tensor in made.graph.initializer:
            if tensor.name == "step_1":
                tensor.CopyFrom(onnx.numpy_helper.from_array(np.int32(2), "step_1"))
        return made

    monkeypatch.setattr(export, "to_onnx", wrong)
    out = tmp_path / "m.onnx"
    assert main(["export", "digits", "--out", str(out)]) == 1
    assert "values differ from the golden model; nothing is written" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits", "--out", "m.npz"], "--out must be a file named .onnx, not 'm.npz'"),
        (["digits", "--out", "m.onnx", "--seed", "-1"], "seed must be an integer from 0 to"),
        (["digit", "--out", "m.onnx"], "no such model file"),
        (["digits"], "--out"),
    ],
)
def test_mistakes(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_without_onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    with pytest.raises(InputError, match="onnx must be installed to read and write ONNX"):
        writer.to_onnx(models.load("digits"))
