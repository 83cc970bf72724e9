"""``sobolpath``: results, JSON, exit codes, one line on standard error for every mistake."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from sobolpath.__main__ import main
from sobolpath.golden.machine import model
from sobolpath.golden.support import threads
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import loop
from sobolpath.golden.training.signs import signs
from tests.support.places import ROOT

SHIPPED = ROOT / "models" / "digits.npz"
SMALL = ["train", "--data", "digits", "--layers", "64-32-16", "--paths", "128,128", "--epochs", "2"]
KEYS = {
    "model",
    "data",
    "layers",
    "paths",
    "weights",
    "dimensions",
    "seed",
    "accuracy_float",
    "accuracy_int",
    "loss",
    "duplicates",
    "seconds",
}


def run(*arguments):
    """Run in this process; the exit code."""
    return main([str(a) for a in arguments])


def train(tmp_path, *more, out="m.npz"):
    return run(*SMALL, "--out", tmp_path / out, *more)


def refused(capsys, *arguments):
    """Run, expect exit code 2 and one line on standard error; that line."""
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in out + err
    return err


class TestTrain:
    def test_report(self, tmp_path, capsys):
        assert train(tmp_path, "--json", tmp_path / "r.json") == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert "layers      64-32-16" in out
        assert "paths       128,128 (256 weights)" in out
        assert "dimensions  0,1,2" in out
        assert "of 360 held-out images" in out
        assert f"wrote       {tmp_path}/m.npz" in out
        assert "warning" not in out
        result = json.loads((tmp_path / "r.json").read_text())
        assert set(result) >= KEYS
        assert result["layers"] == [64, 32, 16]
        assert result["paths"] == [128, 128]
        assert result["dimensions"] == [0, 1, 2]
        assert result["duplicates"] == [0, 0]
        assert 0.2 < result["accuracy_float"] <= 1
        assert result["accuracy_int"] == pytest.approx(result["accuracy_float"], abs=0.05)
        loaded = model.load(tmp_path / "m.npz")
        assert loaded.info["accuracy_int"] == result["accuracy_int"]
        assert loaded.topology.layers == (64, 32, 16)

    def test_same_bytes_by_seed(self, tmp_path):
        for name, seed in (("a.npz", 3), ("b.npz", 3), ("c.npz", 4)):
            assert train(tmp_path, "--seed", seed, out=name) == 0
        first, again, other = ((tmp_path / f"{n}.npz").read_bytes() for n in "abc")
        assert first == again
        assert first != other

    def test_json_alone_on_standard_output(self, tmp_path, capsys):
        assert train(tmp_path, "--json", "-") == 0
        out, err = capsys.readouterr()
        assert set(json.loads(out)) >= KEYS
        assert "wrote" in err

    def test_duplicates_are_only_a_warning(self, tmp_path, capsys):
        arguments = ["--layers", "64-128-16", "--paths", "128,2048", "--dimensions", "1,2,3"]
        assert run(*SMALL, *arguments, "--out", tmp_path / "m.npz") == 0
        out = capsys.readouterr().out
        assert "warning: 1024 of 2048 edges of junction 2 repeat another: try --dimensions" in out
        assert max(map(len, out.replace(str(tmp_path), "").splitlines())) <= 80

    @pytest.mark.parametrize("rule", ["parity", "random", "uniform"])
    def test_initializations(self, tmp_path, rule):
        assert train(tmp_path, "--initialization", rule) == 0
        assert model.load(tmp_path / "m.npz").info["initialization"] == rule

    def test_sgd(self, tmp_path):
        assert train(tmp_path, "--optimizer", "sgd", "--rate", "0.05", "--decay", "0") == 0
        info = model.load(tmp_path / "m.npz").info
        assert (info["optimizer"], info["rate"], info["decay"]) == ("sgd", 0.05, 0)

    def test_fixed_signs(self, tmp_path):
        """No integer of the model file has another sign than the rule gave; free training does."""
        topology = Topology((64, 32, 16), (128, 128))
        wanted = [signs("balanced", topology, junction) for junction in topology.junctions]
        for name, more in (("fixed", ["--signs", "fixed"]), ("free", [])):
            assert train(tmp_path, "--rate", "0.1", "--qat", "2", *more, out=f"{name}.npz") == 0
            loaded = model.load(tmp_path / f"{name}.npz")
            assert loaded.info.get("signs", "free") == name
            pairs = zip(loaded.weights, wanted, strict=True)
            wrong = sum((weights * sign < 0).sum() for weights, sign in pairs)
            assert (wrong == 0) == (name == "fixed")

    @pytest.mark.parametrize("rule", ["balanced", "random"])
    def test_random_magnitudes(self, tmp_path, rule):
        more = ["--initialization", rule, "--seed", 2]
        for name in ("random", "constant"):
            assert train(tmp_path, *more, "--magnitudes", name, out=f"{name}.npz") == 0
        random, constant = (model.load(tmp_path / f"{n}.npz") for n in ("random", "constant"))
        assert random.info["magnitudes"] == "random"
        assert "magnitudes" not in constant.info
        assert not np.array_equal(random.weights[0], constant.weights[0])

    def test_validation_images(self, tmp_path, capsys):
        assert train(tmp_path, "--validation", "200") == 0
        assert "of 200 validation images" in capsys.readouterr().out
        assert model.load(tmp_path / "m.npz").info["validation"] == 200


MISTAKES = [
    (
        ["--data", "nist"],
        "mitbih, mnist, mnist1d, morse or a file named .npz, .csv or .tsv, or a folder of pictur",
    ),
    (["--layers", "64-32-10"], "width of layer 2 must be a power of two, not 10; the next is 16"),
    (["--layers", "64x16"], "--layers must be integers joined by '-', not '64x16'"),
    (["--layers", "64-8", "--paths", "64"], "layer 1 must have at least 10 neurons, one per class"),
    (["--layers", "32-32-16"], "layer 0 must have 64 neurons, one per input of digits, not 32"),
    (["--layers", "64-32"], "2 layers need 1 path counts, one per junction, not 2"),
    (["--paths", "128"], "3 layers need 2 path counts, one per junction, not 1"),
    (["--paths", "128,1024"], "paths of junction 2 (32 to 16 neurons) must be 32 to 512, not 1024"),
    (["--paths", "128-128"], "--paths must be integers joined by ',', not '128-128'"),
    (["--dimensions", "0,1"], "3 layers need 3 dimensions, not 2"),
    (["--dimensions", "0,1,99999"], "dimension of layer 2 must be 0 to 21200, not 99999"),
    (["--dimensions", "a"], "--dimensions must be integers joined by ',', not 'a'"),
    (["--epochs", "0"], "epochs must be an integer from 1 to 4294967295, not 0"),
    (["--batch", "x"], "argument --batch: invalid int value: 'x'"),
    (["--rate", "nan"], "rate must be a finite number above 0, not nan"),
    (["--rate", "1e30", "--optimizer", "sgd"], "the loss must stay finite"),
    (["--optimizer", "lbfgs"], "optimizer must be one of adam, sgd, not 'lbfgs'"),
    (["--momentum", "1"], "momentum must be a number from 0 to below 1, not 1.0"),
    (["--signs", "some"], "signs must be one of free, fixed, not 'some'"),
    (["--magnitudes", "1"], "magnitudes must be one of constant, random, norm:P, not '1'"),
    (["--threads", "0"], "threads must be at least 1, not 0"),
    (["--decay", "-1"], "decay must be a finite number of at least 0, not -1.0"),
    (["--seed", "-1"], "seed must be an integer from 0 to 4294967295, not -1"),
    (["--initialization", "zero"], "initialization must be one of balanced, rudin-shapiro,"),
    (["--validation", "1436"], "validation images must be 10 to 1427, not 1436"),
    (["--epoch", "2"], "unrecognized arguments: --epoch; did you mean '--epochs'?"),
]


class TestMistakes:
    @pytest.mark.parametrize(("arguments", "message"), MISTAKES)
    def test_nothing_is_written(self, tmp_path, capsys, arguments, message):
        out = tmp_path / "m.npz"
        out.write_text("kept")
        line = refused(capsys, *SMALL, "--out", out, "--json", tmp_path / "r.json", *arguments)
        assert message in line
        assert out.read_text() == "kept"
        assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]

    @pytest.mark.parametrize("option", ["--out", "--json"])
    def test_a_data_set_is_not_written_over(self, tmp_path, capsys, option):
        samples = tmp_path / "data.npz"
        x, y = np.zeros((8, 64), np.uint8), np.arange(8) % 2
        np.savez(samples, x_train=x, y_train=y, x_test=x, y_test=y)
        before = samples.read_bytes()
        arguments = ["--data", samples, "--out", tmp_path / "m.npz", option, samples]
        line = refused(capsys, *SMALL, *arguments)
        assert f"{samples}: must be a file of its own, not one that is read or written" in line
        assert samples.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["data.npz"]

    def test_out_is_a_folder(self, tmp_path, capsys):
        line = refused(capsys, *SMALL, "--out", tmp_path)
        assert f"{tmp_path}: must be a file to write, not a folder" in line

    def test_no_folder_for_the_json(self, tmp_path, capsys):
        (tmp_path / "file").write_text("")
        where = tmp_path / "file" / "r.json"
        line = refused(capsys, *SMALL, "--out", tmp_path / "m.npz", "--json", where)
        assert "must be in a folder that can be written, but" in line
        assert not (tmp_path / "m.npz").exists()

    @pytest.mark.parametrize("arguments", [[], ["train"], ["eval"], ["run"], SMALL])
    def test_incomplete(self, capsys, arguments):
        assert "--help')" in refused(capsys, *arguments)


class TestEval:
    def test_shipped(self, tmp_path, capsys):
        """The accuracy that the shipped model must have."""
        assert run("eval", SHIPPED, "--data", "digits", "--json", tmp_path / "r.json") == 0
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["images"] == 360
        assert result["accuracy_int"] >= 0.97
        assert abs(result["accuracy_int"] - result["accuracy_float"]) <= 0.005
        info = model.load(SHIPPED).info
        assert result["accuracy_int"] == info["accuracy_int"]
        assert result["accuracy_float"] == pytest.approx(info["accuracy_float"], abs=0.003)
        assert set(result) >= KEYS - {"seed", "loss"}
        out = capsys.readouterr().out
        assert "integer     98.06%" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_agrees_with_train(self, tmp_path, capsys):
        assert train(tmp_path, "--json", tmp_path / "t.json") == 0
        assert (
            run("eval", tmp_path / "m.npz", "--data", "digits", "--json", tmp_path / "e.json") == 0
        )
        first, second = (json.loads((tmp_path / f"{n}.json").read_text()) for n in "te")
        for key in ("accuracy_float", "accuracy_int", "layers", "paths", "dimensions"):
            assert first[key] == second[key]

    def test_missing_file(self, tmp_path, capsys):
        line = refused(capsys, "eval", tmp_path / "no.npz", "--data", "digits")
        assert "no such model file; make one with 'sobolpath train'" in line

    def test_truncated_file(self, tmp_path, capsys):
        (tmp_path / "m.npz").write_bytes(SHIPPED.read_bytes()[:9999])
        line = refused(capsys, "eval", tmp_path / "m.npz", "--data", "digits")
        assert "must be a whole model file (.npz), but it is truncated or of another kind" in line

    def test_unknown_data(self, capsys):
        line = refused(capsys, "eval", SHIPPED, "--data", "x")
        assert "data set must be one of digits, fashion, fsdd" in line

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"layers": (128, 128, 128, 16)}, "layer 0 must have 64 neurons, one per input"),
            ({"classes": 12}, "must have the 10 classes of digits, not 12"),
        ],
    )
    def test_another_network(self, tmp_path, capsys, change, message):
        shipped = model.load(SHIPPED)
        layers = change.get("layers", shipped.topology.layers)
        parts = {name: getattr(shipped, name) for name in ("weights", "biases", "shifts")}
        model.Model(
            topology=Topology(layers, shipped.topology.paths),
            float_weights=shipped.float_weights,
            float_biases=shipped.float_biases,
            input_scale=shipped.input_scale,
            classes=change.get("classes", 10),
            **parts,
        ).save(tmp_path / "m.npz")
        assert message in refused(capsys, "eval", tmp_path / "m.npz", "--data", "digits")


class TestThreads:
    def used(self):
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    def test_limit(self):
        before = self.used()
        with threads.limit(1):
            assert self.used() == {1}
        assert self.used() == before

    @pytest.mark.parametrize(("more", "count"), [((), 1), (("--threads", 2), 2)])
    def test_training_is_limited(self, tmp_path, monkeypatch, more, count):
        met, train_as_before = [], loop.train

        def watched(*args, **more):
            met.append(self.used())
            return train_as_before(*args, **more)

        monkeypatch.setattr(loop, "train", watched)
        with threads.limit(3):
            assert train(tmp_path, *more) == 0
        assert met == [{count}]

    def test_models_do_not_depend_on_them(self, tmp_path):
        for name, count in (("a.npz", 1), ("b.npz", 2)):
            assert train(tmp_path, "--threads", count, out=name) == 0
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


class TestProcess:
    """The command as users start it."""

    def start(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "sobolpath", *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def test_good(self, tmp_path):
        done = self.start(*SMALL, "--out", tmp_path / "m.npz")
        assert (done.returncode, done.stderr) == (0, "")
        assert "wrote" in done.stdout
        assert np.load(tmp_path / "m.npz")["layers"].tolist() == [64, 32, 16]

    def test_bad(self, tmp_path):
        shutil.copy(ROOT / "pyproject.toml", tmp_path / "m.npz")
        done = self.start("eval", tmp_path / "m.npz", "--data", "digits")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["eval", "--help"]])
    def test_help(self, arguments):
        done = self.start(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "sobolpath" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80
