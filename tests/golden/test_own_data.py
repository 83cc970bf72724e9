"""A table of one's own, through the commands: scaled by feature, and prepared alike ever after."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.sim.run.measure import held_out

YS = ("y_train", "y_test")
NETWORK = ["--layers", "16-32-8", "--paths", "256,128", "--epochs", "20"]


def wine_like(seed=3):
    """Thirteen features of three kinds of things, from tenths to thousands: one tells by far least.

    As in the chemists' table: the largest numbers are of one feature, the kinds differ in others.
    """
    random = np.random.default_rng(seed)
    y = np.arange(180) % 3
    size = np.array([13, 2.3, 2.4, 19, 100, 2.3, 2, 0.36, 1.6, 5, 0.96, 2.6, 750])
    kinds = random.normal(0, 0.15, (3, 13))
    kinds[:, 12] = 0
    x = size * (1 + kinds[y] + random.normal(0, 0.07, (180, 13)))
    order = random.permutation(180)
    x, y = x[order], y[order]
    return {"x_train": x[:140], "y_train": y[:140], "x_test": x[140:], "y_test": y[140:]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a table and of the model that was trained on it."""
    folder = tmp_path_factory.mktemp("own")
    np.savez(folder / "t.npz", **wine_like())
    words = ["train", "--data", folder / "t.npz", *NETWORK, "--out", folder / "m.npz"]
    assert main([*map(str, words), "--json", str(folder / "t.json")]) == 0
    return folder


def evaluate(folder, table, tmp_path, model=None):
    """What eval finds of a table, as JSON."""
    np.savez(tmp_path / "e.npz", **table)
    words = ["eval", model or folder / "m.npz", "--data", tmp_path / "e.npz"]
    assert main([*map(str, words), "--json", str(tmp_path / "e.json")]) == 0
    return json.loads((tmp_path / "e.json").read_text())


class TestTrain:
    def test_by_feature(self, trained, capsys):
        result = json.loads((trained / "t.json").read_text())
        assert result["accuracy_int"] >= 0.95
        assert (result["scaling"], result["warnings"], result["labels"]) == ("feature", [], None)

    def test_a_common_scale_is_far_worse(self, trained, tmp_path, capsys):
        words = ["--scaling", "common", "--out", tmp_path / "m.npz", "--json", tmp_path / "r.json"]
        words = ["train", "--data", trained / "t.npz", *NETWORK, *words]
        assert main(list(map(str, words))) == 0
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["accuracy_int"] <= 0.85
        assert result["scaling"] == "common"
        out = capsys.readouterr().out
        assert "scaling     one for all numbers, from " in out
        assert "warning: 9 of 13 features (" in out
        assert max(len(line) for line in out.splitlines() if str(tmp_path) not in line) <= 80

    def test_what_is_printed(self, trained, tmp_path, capsys):
        words = ["train", "--data", trained / "t.npz", *NETWORK[:4], "--epochs", "1"]
        assert main(list(map(str, [*words, "--out", tmp_path / "m.npz"]))) == 0
        out = capsys.readouterr().out
        assert "scaling     each of 13 features from its least to its largest\n" in out
        assert "warning" not in out


class TestPreparedAlike:
    def test_the_model_file_has_it(self, trained):
        model, table = models.load(trained / "m.npz"), wine_like()
        assert model.preparation.shape == (13,)
        assert np.array_equal(model.preparation.least, table["x_train"].min(axis=0))
        assert np.array_equal(model.preparation.largest, table["x_train"].max(axis=0))

    def test_after_training_with_the_integers_too(self, trained, tmp_path):
        words = ["train", "--data", trained / "t.npz", *NETWORK[:4], "--epochs", "1", "--qat", "1"]
        assert main([*map(str, words), "--out", str(tmp_path / "m.npz")]) == 0
        first, second = (models.load(folder / "m.npz") for folder in (trained, tmp_path))
        assert first.preparation == second.preparation

    def test_eval_of_other_samples(self, trained, tmp_path):
        """Training samples of another range change nothing: those of the model count."""
        found = json.loads((trained / "t.json").read_text())
        table = wine_like()
        table["x_train"] = table["x_train"] * 7 - 3
        result = evaluate(trained, table, tmp_path)
        assert result["accuracy_int"] == found["accuracy_int"]
        assert result["scaling"] == "feature"
        assert result["warnings"] == []

    def test_simulation(self, trained):
        model, table = models.load(trained / "m.npz"), wine_like()
        images, labels = held_out(model, str(trained / "t.npz"))
        assert np.array_equal(images, model.preparation.apply(table["x_test"]))
        assert np.array_equal(labels, table["y_test"])

    def test_samples_in_other_units_are_told(self, trained, tmp_path, capsys):
        table = wine_like()
        table["x_test"] = np.rint(
            255 * models.load(trained / "m.npz").preparation.places(table["x_test"])
        )
        (warning,) = evaluate(trained, table, tmp_path)["warnings"]
        assert warning.startswith("x_test seems to be in other units: it is ")
        assert "warning: x_test seems to be in other units" in capsys.readouterr().out
        said = []
        held_out(models.load(trained / "m.npz"), str(tmp_path / "e.npz"), say=said.append)
        assert said == [f"warning: {warning}"]

    def test_samples_of_another_shape(self, trained, capsys):
        assert main(["eval", str(trained / "m.npz"), "--data", "digits"]) == 2
        assert "digits: samples must be of 13 numbers, not 8x8" in capsys.readouterr().err

    def test_a_model_of_version_1(self, trained, tmp_path):
        """It does not tell: samples are prepared as they were when such files were written."""
        table, path = wine_like(), tmp_path / "old.npz"
        model = models.load(trained / "m.npz")
        models.Model(
            **{name: getattr(model, name) for name in ("topology", "weights", "biases", "shifts")},
            float_weights=model.float_weights,
            float_biases=model.float_biases,
            input_scale=model.input_scale,
            classes=3,
        ).save(path)
        result = evaluate(trained, table, tmp_path, path)
        assert result["scaling"] == "common"
        assert result["warnings"][0] == (
            "the model file does not tell how its samples were scaled: those of x_train are"
        )
        whole = {**table, "x_train": np.zeros((9, 16), np.uint8), "y_train": np.arange(9) % 3}
        whole["x_test"] = np.full((40, 16), 200, np.uint8)
        assert evaluate(trained, whole, tmp_path, path)["scaling"] == "bytes"

    def test_training_goes_on(self, trained, tmp_path, capsys):
        table = wine_like()
        table["x_train"] = table["x_train"][::-1][:100] * 0.9
        table["y_train"] = table["y_train"][::-1][:100]
        np.savez(tmp_path / "e.npz", **table)
        words = ["train", "--data", tmp_path / "e.npz", *NETWORK[:4], "--epochs", "1"]
        words += ["--extend", trained / "m.npz", "--out", tmp_path / "m.npz"]
        assert main(list(map(str, words))) == 0
        first, second = (models.load(folder / "m.npz") for folder in (trained, tmp_path))
        assert first.preparation == second.preparation
        assert main([*map(str, words), "--scaling", "common"]) == 2
        assert "scaling must be left out, as the model has it, not 'com" in capsys.readouterr().err


class TestLabels:
    @pytest.mark.parametrize(
        ("names", "shown"),
        [(np.array(["red", "blue", "old"]), "blue, old, red"), (np.arange(1, 4), "1, 2, 3")],
    )
    def test_names(self, tmp_path, capsys, names, shown):
        """The model knows them, and judges a file by them."""
        table = wine_like()
        table.update({part: names[table[part]] for part in YS})
        np.savez(tmp_path / "t.npz", **table)
        words = ["train", "--data", tmp_path / "t.npz", *NETWORK, "--out", tmp_path / "m.npz"]
        assert main([*map(str, words), "--json", str(tmp_path / "t.json")]) == 0
        assert f"classes     0 to 2 are {shown}\n" in capsys.readouterr().out
        found = json.loads((tmp_path / "t.json").read_text())
        assert found["accuracy_int"] >= 0.95
        assert found["labels"] == models.load(tmp_path / "m.npz").info["labels"]
        assert [str(name) for name in found["labels"]] == shown.split(", ")
        result = evaluate(tmp_path, table, tmp_path)
        assert result["accuracy_int"] == found["accuracy_int"]
        capsys.readouterr()
        others = {part: np.array(["azure", "old", "red"])[wine_like()[part]] for part in YS}
        np.savez(tmp_path / "e.npz", **{**table, **others})
        assert main(["eval", str(tmp_path / "m.npz"), "--data", str(tmp_path / "e.npz")]) == 2
        assert f"must have labels of {shown}, not " in capsys.readouterr().err

    @pytest.mark.parametrize("names", [["a", "b", "c"], [1, 2, 3]])
    def test_a_model_of_numbers_from_0(self, tmp_path, trained, capsys, names):
        """It cannot know which of its classes another name is."""
        table = wine_like()
        table.update({part: np.array(names)[table[part]] for part in YS})
        np.savez(tmp_path / "t.npz", **table)
        assert main(["eval", str(trained / "m.npz"), "--data", str(tmp_path / "t.npz")]) == 2
        other = {"a": "'a'", 1: "3"}[names[0]]
        wanted = f"y_train must have labels of 0, 1, 2, not {other}\n"
        assert capsys.readouterr().err.endswith(wanted)

    def test_names_that_the_model_has_not(self, tmp_path, trained):
        table, names = wine_like(), np.array(["a", "b", "c"])
        table.update({part: names[table[part]] for part in YS})
        np.savez(tmp_path / "t.npz", **table)
        with pytest.raises(InputError, match="y_train must have labels of x, y, not '"):
            data.load(str(tmp_path / "t.npz"), labels=("x", "y"))
