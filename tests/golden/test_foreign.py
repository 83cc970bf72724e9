"""What a file is that is given as a model or a data set: each kind is told, with what to do."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.support import foreign

OTHER = "; networks of other tools are read as ONNX, by 'sobolpath import'"


def archive(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return buffer.getvalue()


def arrays(*names):
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.zeros(2) for name in names})
    return buffer.getvalue()


def safetensors():
    head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(4)


KINDS = {
    "pt": (archive("m/data.pkl", "m/version", "m/data/0"), "a PyTorch file" + OTHER),
    "old pt": (pickle.dumps({"w": 1}, 2), "a Python pickle, such as old versions of PyTorch write"),
    "pkl": (
        pickle.dumps([1.5], 4),
        "a Python pickle, such as scikit-learn's joblib writes",
    ),
    "onnx": (
        b"\x08\x0a\x12\x07pytorch\x1a\x032.1:\x05\x12\x03abc",
        "an ONNX file: 'sobolpath import' makes a model file of it",
    ),
    "h5": (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file, such as Keras writes" + OTHER),
    "keras": (archive("metadata.json", "config.json", "model.weights.h5"), "a Keras file" + OTHER),
    "tflite": (b"\x1c\0\0\0TFL3\x14\0", "a TensorFlow Lite file" + OTHER),
    "safetensors": (safetensors(), "a safetensors file" + OTHER),
    "data": (arrays("x_train", "y_train", "z"), "a data set: give it with --data"),
    "npz": (arrays(*"bacdefg"), "a .npz file of other arrays (a, b, c, d, e, f, ...)"),
    "idx": (b"\0\0\x08\x03\0\0\0\1", "an idx file; np.savez puts arrays into one .npz"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_model_of_another_kind(tmp_path, capsys, name):
    path = tmp_path / "net.npz"
    path.write_bytes(KINDS[name][0])
    assert main(["eval", str(path), "--data", "digits"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert f"must be a whole model file (.npz), but it is {KINDS[name][1]}" in line


@pytest.mark.parametrize("name", ["pt", "onnx", "pkl", "npz"])
def test_data_of_another_kind(tmp_path, capsys, name):
    path = tmp_path / "own.npz"
    path.write_bytes(KINDS[name][0])
    arguments = ["--layers", "8-8", "--paths", "16", "--out", str(tmp_path / "m.npz")]
    assert main(["train", "--data", str(path), *arguments]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert KINDS[name][1].partition(";")[0] in line


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK\3\4", b"\x08", b"hello", b"\x08\x0a\x99", bytes(20), b"PK\3\4" * 9]
)
def test_what_is_not_known(content):
    assert foreign.kind(content) is None
