"""What the exporters of PyTorch, Brevitas and scikit-learn write, and a network of TensorFlow.js.

Small networks are trained and exported here, and each file is imported. What the framework itself
computes is what the chain that is read must compute, and the model file is held against that.
"""

import contextlib
import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sobolpath.__main__ import main
from sobolpath.exchange.reader import read
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models

from .networks import Graph

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # theirs, not ours
IMAGES, LABELS = load_digits(return_X_y=True)
X, HELD, Y, TRUTH = train_test_split(IMAGES, LABELS, test_size=360, random_state=0, stratify=LABELS)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """The split that the networks are trained on, as a file."""
    path = tmp_path_factory.mktemp("scans") / "scans.npz"
    shaped = {"x_train": X.reshape(-1, 8, 8), "x_test": HELD.reshape(-1, 8, 8)}
    np.savez(path, **shaped, y_train=Y, y_test=TRUTH)
    return path


def imported(tmp_path, path, scans, *more):
    """Import a file; the chain, what was reported, and the model."""
    out, report = tmp_path / "m.npz", tmp_path / "r.json"
    words = ["import", path, "--data", scans, "--out", out, "--json", report, *more]
    assert main([str(word) for word in words]) == 0
    return read(path), json.loads(report.read_text()), models.load(out)


def same_classes(result, least=0.9, most=0.015):
    """The integers are as good as the network was."""
    assert result["accuracy_before"] > least
    assert abs(result["accuracy_int"] - result["accuracy_before"]) <= most


def fit(net, epochs, torch):
    """Train a module on the scans, numbers 0 to 1."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    images, labels = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(Y)
    for _ in range(epochs):
        for some in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(images[some]), labels[some])
            loss.backward()
            optimizer.step()
    return net.eval()


@pytest.fixture(scope="module")
def torch_net():
    import torch
    from torch import nn

    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 48),
        nn.BatchNorm1d(48),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(48, 32),
        nn.ReLU6(),
        nn.Linear(32, 10),
    )
    return torch, fit(net, 20, torch)


@pytest.mark.parametrize("dynamo", [False, True])
def test_torch(tmp_path, scans, torch_net, dynamo):
    """The older exporter and the newer: batch normalization, dropout, ReLU6, any batch."""
    torch, net = torch_net
    images, path = (
        torch.tensor(HELD.reshape(-1, 8, 8) / 16, dtype=torch.float32),
        tmp_path / "n.onnx",
    )
    if dynamo:
        batch = torch.export.Dim("images")
        own = {"dynamo": True, "dynamic_shapes": ({0: batch},), "external_data": False}
    else:
        axes = {"input": {0: "images"}}
        own = {"dynamo": False, "input_names": ["input"], "dynamic_axes": axes}
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(net, (images[:2],), str(path), **own)
    chain, result, _ = imported(tmp_path, path, scans, "--inputs", "0,1")
    wanted = net(images).detach().numpy()
    assert chain.activations(HELD / 16)[-1] == pytest.approx(wanted, abs=1e-4)
    assert chain.widths == (64, 48, 32, 10)
    assert chain.layers[1].ceiling == 6
    same_classes(result)


def brevitas_net(*, rounding="ROUND", scales="power", bits=8, bias=True):
    """A quantized module of Brevitas, trained, and the modules it is made of."""
    import brevitas.nn as qnn
    import torch
    from brevitas import quant
    from brevitas.quant import fixed_point

    class Activations(fixed_point.Uint8ActPerTensorFixedPoint):
        float_to_int_impl_type = rounding

    power = scales == "power"
    kinds = {
        "weight_quant": fixed_point.Int8WeightPerTensorFixedPoint
        if power
        else quant.Int8WeightPerTensorFloat,
        "weight_bit_width": bits,
        "bias": bias,
    }
    if scales == "channel":
        kinds["weight_scaling_per_output_channel"] = True
    active = Activations if power else quant.Uint8ActPerTensorFloat
    torch.manual_seed(0)
    return torch, fit(
        torch.nn.Sequential(
            qnn.QuantIdentity(act_quant=fixed_point.Uint8ActPerTensorFixedPoint),
            qnn.QuantLinear(64, 32, **kinds),
            qnn.QuantReLU(act_quant=active, bit_width=bits),
            qnn.QuantLinear(32, 10, **kinds),
        ),
        12,
        torch,
    )


def exported(torch, net, path):
    """Its QONNX file, and what it computes of the held-out scans."""
    from brevitas.export import export_qonnx

    images = torch.tensor(HELD / 16, dtype=torch.float32)
    with contextlib.redirect_stdout(io.StringIO()):
        export_qonnx(net, images[:1], str(path))
    found = net(images)
    return getattr(found, "value", found).detach().numpy()


@pytest.mark.parametrize("rounding", ["ROUND", "FLOOR"])
def test_brevitas_with_powers_of_two(tmp_path, scans, rounding):
    """The network's own integers; of halves to even, what differs is counted."""
    path = tmp_path / "n.onnx"
    wanted = exported(*brevitas_net(rounding=rounding, bias=False), path)
    chain, result, model = imported(tmp_path, path, scans, "--inputs", "0,1")
    assert chain.activations(HELD / 16)[-1] == pytest.approx(wanted, abs=1e-5)
    assert result["exact"] is (rounding == "FLOOR")
    differ = [each["differ"] for each in result["differences"]]
    if rounding == "FLOOR":
        assert differ == [0, 0]
        assert not main(
            [
                "import",
                str(path),
                "--inputs",
                "0,1",
                "--data",
                str(scans),
                "--exact",
                "--out",
                str(tmp_path / "e.npz"),
            ]
        )
    assert differ[0] < 0.01 * 360 * 32
    hidden, logits = engine.layers(model, model.preparation.apply(HELD.reshape(-1, 8, 8)))
    scale = float(np.abs(wanted).max() / np.abs(logits[:, :10]).max())
    close = np.abs(logits[:, :10] * 2.0 ** np.round(np.log2(scale)) - wanted)
    assert (close > 1e-5).mean() <= (0 if rounding == "FLOOR" else 0.05)
    assert hidden.max() > 100
    same_classes(result, most=0.003)


@pytest.mark.parametrize(("scales", "bits"), [("float", 8), ("channel", 8), ("power", 4)])
def test_brevitas_otherwise(tmp_path, scans, capsys, scales, bits):
    """Scales that are no powers of two, one per channel, four bits: quantized anew, or refused."""
    path = tmp_path / "n.onnx"
    wanted = exported(*brevitas_net(scales=scales, bits=bits), path)
    chain, result, _ = imported(tmp_path, path, scans, "--inputs", "0,1")
    # In another order of summation an activation may round to its other neighbour.
    away = np.abs(chain.activations(HELD / 16)[-1] - wanted).max(axis=1)
    assert np.ptp(wanted) > 1
    assert (away > 1e-3).mean() < 0.01
    assert away.max() < 0.05
    assert "requantized because " in capsys.readouterr().out
    same_classes(result)
    assert result["error"] < 0.15
    own = ["--inputs", "0,1", "--data", str(scans), "--out", str(tmp_path / "e.npz")]
    assert main(["import", str(path), *own, "--exact"]) == 2
    assert "--exact must be left out: " in capsys.readouterr().err


PIPELINES = {
    "plain": (MLPClassifier((40, 24), max_iter=60, random_state=0), np.float32),
    "minmax": (
        make_pipeline(MinMaxScaler(), MLPClassifier((40,), max_iter=60, random_state=0)),
        np.float64,
    ),
    "standard": (
        make_pipeline(StandardScaler(), MLPClassifier((40,), max_iter=60, random_state=0)),
        np.float64,
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_scikit_learn(tmp_path, scans, name):
    """MLPClassifier by skl2onnx, with a scaler before it: weights, classes and probabilities."""
    from skl2onnx import to_onnx

    classifier, kind = PIPELINES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(X, Y)
    path = tmp_path / "n.onnx"
    path.write_bytes(to_onnx(classifier, X[:1].astype(kind)).SerializeToString())
    chain, result, _ = imported(tmp_path, path, scans)
    logits = chain.activations(HELD)[-1]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    wanted = classifier.predict_proba(HELD)
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(wanted, abs=1e-4)
    assert result["accuracy_before"] == pytest.approx(classifier.score(HELD, TRUTH), abs=0.003)
    same_classes(result, most=0.03 if name == "standard" else 0.015)


def test_scikit_learn_of_two_classes(tmp_path, scans):
    from skl2onnx import to_onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = MLPClassifier((16,), max_iter=60, random_state=0).fit(X, Y > 4)
    path, data = tmp_path / "n.onnx", tmp_path / "d.npz"
    path.write_bytes(to_onnx(classifier, X[:1].astype(np.float32)).SerializeToString())
    np.savez(data, x_train=X, y_train=(Y > 4) * 1, x_test=HELD, y_test=(TRUTH > 4) * 1)
    chain, result, _ = imported(tmp_path, path, data, "--scaling", "common")
    assert chain.widths == (64, 16, 2)
    assert result["zeros"][1] < 0.5
    same_classes(result, least=0.85)


def test_a_network_trained_elsewhere(tmp_path, scans):
    """By TensorFlow.js 4, with elsewhere.cjs; its weights and what it computed are in the file."""
    kept = json.loads((Path(__file__).parent / "elsewhere.json").read_text())
    graph = Graph(64, [8, 8]).add("Flatten").add("Div", 16.0)
    for index, layer in enumerate(kept["layers"]):
        graph.add("MatMul", layer["kernel"]).add("Add", layer["bias"])
        graph.add("Relu" if index < 2 else "Softmax")
    chain, result, _ = imported(tmp_path, graph.save(tmp_path / "n.onnx"), scans)
    logits = chain.activations(HELD[:50])[-1]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    assert probabilities == pytest.approx(np.array(kept["probabilities"]), abs=1e-4)
    assert kept["framework"].startswith("TensorFlow.js 4")
    same_classes(result)
