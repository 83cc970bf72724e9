"""A network that others trained and use, in and out: CLD3, which tells languages apart."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sobolpath.__main__ import main
from sobolpath.exchange.reader import read
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="module")
def data():
    with np.load(FILES / "cld3.npz") as archive:
        return dict(archive)


def test_the_chain_is_the_network(data):
    """Probabilities as ONNX Runtime has them, and the classes of the network as published."""
    run = onnxruntime.InferenceSession(FILES / "cld3.onnx")
    wanted = run.run(None, {"x": data["x_test"].astype(np.float32)})[0]
    chain = read(FILES / "cld3.onnx")
    logits = chain.activations(data["x_test"].astype(np.float64))[-1]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(wanted, abs=1e-4)
    assert np.array_equal(logits.argmax(axis=1), data["y_test"])
    assert (chain.widths, chain.weights) == ((80, 208, 109), 39_312)
    assert chain.notes == ("left out behind the logits: Softmax",)


def test_in_and_out(tmp_path, data):
    """Padded, quantized, and written again: ONNX Runtime gives the engine's own integers."""
    out, net, report = tmp_path / "m.npz", tmp_path / "m.onnx", tmp_path / "r.json"
    words = ["import", FILES / "cld3.onnx", "--data", FILES / "cld3.npz", "--out", out]
    assert main([*map(str, words), "--json", str(report)]) == 0
    result = json.loads(report.read_text())
    assert (result["weights_before"], result["weights"]) == (39_312, 65_536)
    assert result["accuracy_before"] > 0.96  # inputs are bytes
    assert result["accuracy_int"] > 0.86
    assert result["error"] < 0.06
    assert "icebreaker" in result["fits"]
    assert "hx8k" in result["misfits"]
    assert main(["export", str(out), "--out", str(net)]) == 0
    given = data["x_test"].astype(np.float64)
    logits, classes = onnxruntime.InferenceSession(net).run(None, {"samples": given})
    model = models.load(out)
    assert np.array_equal(logits, engine.infer(model, model.preparation.apply(given))[:, :109])
    assert (classes == data["y_test"]).mean() == result["accuracy_int"]
