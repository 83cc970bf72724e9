"""``sobolpath import``: what is written is what was read, what is said, what is refused."""

import json
import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sobolpath.__main__ import main
from sobolpath.exchange.reader import read
from sobolpath.golden import data
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.training import evaluate

from .networks import Graph, mlp, quantized


def run(*arguments):
    return main(["import", *map(str, arguments)])


@pytest.fixture
def scans(tmp_path):
    """A data set of 8x8 scans, numbers 0 to 16."""
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8)
    halves = {"x_train": images[:900], "y_train": labels[:900]}
    path = tmp_path / "scans.npz"
    np.savez(path, **halves, x_test=images[900:1200], y_test=labels[900:1200])
    return path


def trained(widths=(64, 40, 10)):
    """A chain that tells digits apart a little: random features, and least squares behind them."""
    images, labels = load_digits(return_X_y=True)
    random, graph = np.random.default_rng(0), Graph(widths[0])
    first, bias = random.normal(0, 0.05, widths[:2]), random.normal(0, 1, widths[1])
    hidden = np.maximum(images[:900] @ first + bias, 0)
    wanted = np.eye(widths[2])[labels[:900]]
    last = np.linalg.solve(hidden.T @ hidden + 100 * np.eye(widths[1]), hidden.T @ wanted)
    return graph.add("Gemm", first, bias).add("Relu").add("MatMul", last)


def test_floats(tmp_path, scans, capsys):
    """Widths of no power of two, numbers that are no bytes: accuracy kept, error small."""
    path, out = trained().save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(path, "--data", scans, "--out", out, "--json", tmp_path / "r.json") == 0
    text = capsys.readouterr().out
    result = json.loads((tmp_path / "r.json").read_text())
    assert "layers      64-40-10 (2,960 weights)\npadded      64-64-16 (5,120 weights)" in text
    assert max(map(len, text.replace(str(tmp_path), "").splitlines())) <= 80
    assert result["accuracy_before"] > 0.7
    assert abs(result["accuracy_int"] - result["accuracy_before"]) < 0.02
    assert result["error"] < 0.05
    assert (result["exact"], result["weights"]) == (False, 5120)
    assert "icebreaker" in result["fits"]
    model = models.load(out)
    assert [topology_duplicates(model, j) for j in (1, 2)] == [0, 0]
    dataset = data.load_for(model, str(scans))
    found = engine.classify(model, evaluate.integer_logits(model, dataset.x_test))
    assert (found == dataset.y_test).mean() == result["accuracy_int"]
    assert main(["eval", str(out), "--data", str(scans)]) == 0
    assert f"{result['accuracy_int']:.2%}" in capsys.readouterr().out


def topology_duplicates(model, junction):
    return model.topology.duplicates(junction)


def test_floats_of_the_model_are_the_networks(tmp_path, scans):
    """The float weights of the file, on prepared samples, give the logits of the file read."""
    path, out = trained().save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(path, "--data", scans, "--out", out) == 0
    model = models.load(out)
    from sobolpath.golden.training.network import Network

    network = Network(model.topology, model.float_weights, model.float_biases)
    dataset = data.load_for(model, str(scans))
    found = evaluate.float_logits(network, dataset.x_test, model.input_scale)[:, :10]
    samples = np.load(scans)["x_test"].reshape(-1, 64)
    rounded = np.rint(samples * 255 / 16) * 16 / 255
    assert found == pytest.approx(read(path).activations(rounded)[-1], abs=1e-3)


@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 4), (50,)])
def test_padding_of_samples(tmp_path, shape):
    """Images of no power of two: every weight meets the number that it was trained for."""
    random, numbers = np.random.default_rng(1), int(np.prod(shape))
    graph, _ = mlp((numbers, 12, 3), 4)
    images = random.integers(0, 256, (60, *shape), np.uint8)
    classes = np.arange(60) % 3
    path = tmp_path / "d.npz"
    np.savez(path, x_train=images, y_train=classes, x_test=images, y_test=classes)
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(net, "--data", path, "--out", out, "--json", tmp_path / "r.json") == 0
    assert json.loads((tmp_path / "r.json").read_text())["error"] < 0.05
    assert models.load(out).preparation.shape == shape


def test_inputs_option(tmp_path, scans, capsys):
    """A network for numbers of 0 to 16, which it is fed without --inputs too, and not 0 to 1."""
    net, results = trained().save(tmp_path / "n.onnx"), []
    for more in ([], ["--inputs", "0,1"], ["--inputs", "0,16"]):
        out = tmp_path / "m.npz"
        assert run(net, "--data", scans, "--out", out, "--json", tmp_path / "r", *more) == 0
        results.append(json.loads((tmp_path / "r").read_text())["accuracy_before"])
    assert results[0] == results[2] > results[1]


def test_a_quantized_network(tmp_path, capsys):
    """No data: the network's own integers, with the first bytes at its inputs."""
    graph, infer = quantized((16, 32, 4), 1, "FLOOR")
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(net, "--exact", "--inputs", "0,0.99609375", "--out", out) == 0
    assert "integers    the network's own\n" in capsys.readouterr().out
    images = np.random.default_rng(0).integers(0, 256, (30, 16), np.uint8)
    assert np.array_equal(engine.infer(models.load(out), images), infer(images)[-1])


@pytest.fixture
def bytes_set(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (120, 16), np.uint8)
    classes = np.arange(120) % 4
    path = tmp_path / "b.npz"
    np.savez(path, x_train=images, y_train=classes, x_test=images, y_test=classes)
    return path


def test_halves_to_even(tmp_path, bytes_set, capsys):
    graph, _ = quantized((16, 32, 4), 1, "ROUND", shift=2)
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    own = ["--data", bytes_set, "--scaling", "common", "--inputs", "0,0.99609375", "--out", out]
    assert run(net, *own, "--json", tmp_path / "r.json") == 0
    result = json.loads((tmp_path / "r.json").read_text())
    first, last = result["differences"]
    assert (result["exact"], len(result["even"])) == (False, 1)
    assert (first["values"], first["largest"]) == (120 * 32, 1)
    assert first["differ"] > 0
    assert last["values"] == 120 * 4
    text = capsys.readouterr().out
    assert f"differ      {first['differ']:,} of 3,840 values of MatMul_2, by up to 1\n" in text
    assert run(net, *own, "--exact") == 2
    assert "--exact must be left out: " in (line := capsys.readouterr().err)
    assert "rounds halves to even" in line


def test_without_data_it_is_said_what_rounds(tmp_path, capsys):
    graph, _ = quantized((16, 32, 4), 1, "ROUND", shift=2)
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(net, "--inputs", "0,0.99609375", "--out", out) == 0
    assert "rounds halves to even: --data counts where" in capsys.readouterr().out


def test_what_is_quantized_otherwise_is_quantized_anew(tmp_path, bytes_set, capsys):
    random, graph = np.random.default_rng(0), Graph(16).quant(1 / 256)
    graph.add("MatMul", graph.weights(random.normal(size=(16, 8)) / 4, 0.003)).add("Relu")
    graph.quant(0.007).add("MatMul", graph.weights(random.normal(size=(8, 4)), 0.01))
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    own = ["--data", bytes_set, "--inputs", "0,1", "--out", out, "--json", tmp_path / "r.json"]
    assert run(net, *own) == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert "requantized because the scale of the weights of MatMul_2 is no power of two" in (
        " ".join(capsys.readouterr().out.split())
    )
    assert 0 < result["error"] < 0.05


def test_a_mask_is_said_and_sparsify_trains(tmp_path, scans, capsys):
    graph = trained()
    random = np.random.default_rng(0)
    for index, tensor in enumerate(graph.constants):
        from onnx import numpy_helper

        values = numpy_helper.to_array(tensor)
        if values.ndim == 2:
            masked = (values * (random.random(values.shape) < 0.2)).astype(np.float32)
            graph.constants[index] = numpy_helper.from_array(masked, tensor.name)
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(net, "--data", scans, "--out", out, "--json", tmp_path / "r.json") == 0
    text = capsys.readouterr().out
    assert "of the weights of Gemm_0 are 0: a mask that is not of Sobol' paths." in " ".join(
        text.split()
    )
    dense = json.loads((tmp_path / "r.json").read_text())
    assert dense["zeros"] == pytest.approx([0.8, 0.8], abs=0.03)
    more = ["--sparsify", "512,256", "--epochs", 10, "--json", tmp_path / "r.json"]
    assert run(net, "--data", scans, "--out", out, *more) == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert (result["paths"], result["weights"]) == ([512, 256], 768)
    assert result["accuracy_int"] > 0.85 > dense["accuracy_int"]
    assert models.load(out).info["sparsified"] == [512, 256]


def test_fit(tmp_path, scans, capsys):
    net, out = trained((64, 10, 10)).save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(net, "--data", scans, "--out", out, "--fit", "ulx3s") == 0
    assert "padded      64-64-16 (5,120 weights)" in capsys.readouterr().out
    assert models.load(out).topology.layers == (64, 64, 16)
    assert run(net, "--data", scans, "--out", out, "--fit", "tiny") == 2
    assert "the network must fit tiny: " in capsys.readouterr().err


def test_names_of_classes(tmp_path):
    """Those of the data stand in the model file."""
    images = np.random.default_rng(0).integers(0, 256, (30, 8), np.uint8)
    names = np.array(["cat", "dog", "owl"])[np.arange(30) % 3]
    np.savez(tmp_path / "d.npz", x_train=images, y_train=names, x_test=images, y_test=names)
    net, out = mlp((8, 4, 3))[0].save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    assert run(net, "--data", tmp_path / "d.npz", "--out", out) == 0
    assert models.load(out).info["labels"] == ["cat", "dog", "owl"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--out", "m.onnx"], "--out must be a file named .npz, not 'm.onnx': try m.npz"),
        (["--inputs", "1"], "--inputs must be two numbers, the lower first: LOW,HIGH, not '1'"),
        (["--inputs", "2,1"], "--inputs must be two numbers, the lower first"),
        (["--inputs", "a,b"], "--inputs must be two numbers, the lower first"),
        (["--inputs", "0,inf"], "--inputs must be two numbers, the lower first"),
        (["--exact"], "--exact must be left out: its weights or activations are floats"),
        ([], "--data is required, to quantize on, because its weights or activations are floats"),
        (["--sparsify", "64,64"], "--data is required with --sparsify, to train on"),
        (["--sparsify", "64,64", "--exact"], "--exact must be left out with --sparsify"),
        (["--data", "digits"], "the network must have the 10 classes of digits, not 4"),
        (["--data", "none"], "data set must be"),
        (["--fit", "none"], "none"),
        (["--epochs", "0"], "epochs must be an integer from 1"),
    ],
)
def test_mistakes(tmp_path, capsys, monkeypatch, more, message):
    monkeypatch.chdir(tmp_path)
    mlp((12, 6, 4))[0].save(tmp_path / "n.onnx")
    (tmp_path / "m.npz").write_text("kept")
    assert run("n.onnx", *(["--out", "m.npz"] if "--out" not in more else []), *more) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert (tmp_path / "m.npz").read_text() == "kept"


def test_sizes_that_are_wrong(tmp_path, capsys, scans):
    out = tmp_path / "m.npz"
    for widths, message in (
        ((50, 10), "the network must take the 64 numbers of a sample, not 50"),
        ((64, 40000, 10), "layer 1 must have at most 32768 neurons, not 65536"),
    ):
        net = mlp(widths)[0].save(tmp_path / "n.onnx")
        assert run(net, "--data", scans, "--out", out) == 2
        assert message in capsys.readouterr().err
    assert run(tmp_path / "no.onnx", "--out", out) == 2
    assert "must be a readable ONNX file: No such file or directory" in capsys.readouterr().err
    net = mlp((64, 40, 10))[0].save(tmp_path / "n.onnx")
    assert run(net, "--data", scans, "--out", out, "--sparsify", "64") == 2
    assert "3 layers need 2 path counts" in capsys.readouterr().err


def test_too_many_weights(tmp_path, capsys):
    net = mlp((4096, 8000))[0].save(tmp_path / "n.onnx")
    assert run(net, "--out", tmp_path / "m.npz") == 2
    message = "junction 1 must have at most 16777216 weights, not 33554432: --sparsify takes fewer"
    assert message in capsys.readouterr().err


def test_a_table(tmp_path, capsys):
    """A table with a column of labels: held out by the seed, and eval judges by the same rows."""
    images, labels = load_digits(return_X_y=True)
    table = tmp_path / "scans.csv"
    head = ",".join([*(f"p{n}" for n in range(64)), "label"])
    np.savetxt(table, np.column_stack([images, labels]), "%d", ",", header=head, comments="")
    net, out = trained().save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    own = ["--data", table, "--label", "label", "--shape", "8x8", "--held-out", 0.3, "--seed", 4]
    assert run(net, *own, "--out", out, "--json", tmp_path / "r.json") == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["accuracy_before"] > 0.8
    assert (said := re.search(r" of (\d+) held-out images", capsys.readouterr().out))
    assert 530 < int(said[1]) < 545
    assert main(["eval", str(out), "--data", str(table), "--json", str(tmp_path / "e.json")]) == 0
    judged = json.loads((tmp_path / "e.json").read_text())
    assert (judged["images"], judged["accuracy_int"]) == (int(said[1]), result["accuracy_int"])


def test_an_input_scale_for_each_channel_is_no_byte(tmp_path, bytes_set, capsys):
    """Bytes have one scale: such inputs are what they are in floats, and are quantized anew."""
    scales = np.where(np.arange(16) % 2, 1 / 256, 1 / 64).astype(np.float32)
    random, graph = np.random.default_rng(0), Graph(16).quant(scales)
    graph.add("MatMul", graph.weights(random.integers(-99, 99, (16, 8)) / 64, 1 / 64)).add("Relu")
    graph.quant(1 / 32).add("MatMul", graph.weights(random.integers(-99, 99, (8, 4)) / 64, 1 / 64))
    net, out = graph.save(tmp_path / "n.onnx"), tmp_path / "m.npz"
    own = ["--data", bytes_set, "--inputs", "0,0.5", "--out", out, "--json", tmp_path / "r.json"]
    assert run(net, *own) == 0
    assert json.loads((tmp_path / "r.json").read_text())["error"] < 0.05
    assert models.load(out).preparation.kind == "bytes"  # not stretched to one of the scales
    assert "the scale of the inputs is not one power of two" in " ".join(
        capsys.readouterr().out.split()
    )
