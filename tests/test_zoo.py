"""The models that ship: their recipes, what they must reach, their card, and the command."""

import json
import re
from pathlib import Path

import pytest

from golden import __main__ as command
from golden import cli, data, datasets, engine, model, zoo
from golden.errors import InputError

ROOT = Path(__file__).parents[1]
# What each must reach: integer accuracy on the full held-out set.
LEAST = {"digits": 0.97, "mnist-12k": 0.97, "mnist-37k": 0.982, "fashion-37k": 0.892, "fsdd": 0.95}


def run(*arguments):
    return cli.main(command.run, [str(argument) for argument in arguments])


def test_every_recipe_ships():
    assert [entry["name"] for entry in zoo.entries()] == list(zoo.RECIPES) == list(LEAST)
    assert {path.stem for path in zoo.FOLDER.glob("*.npz")} == set(zoo.RECIPES)


@pytest.mark.parametrize("name", zoo.RECIPES)
class TestShipped:
    def test_reaches(self, name):
        (entry,) = [each for each in zoo.entries() if each["name"] == name]
        assert entry["accuracy_int"] >= LEAST[name]
        assert abs(entry["accuracy_int"] - entry["accuracy_float"]) <= 0.003
        assert entry["bytes"] <= 250_000

    def test_is_of_its_recipe(self, name):
        recipe, loaded = zoo.RECIPES[name], model.load(zoo.FOLDER / f"{name}.npz")
        for key in ("data", "epochs", "batch", "rate", "decay", "qat"):
            if key in recipe:
                assert loaded.info[key] == recipe[key]
        assert "-".join(map(str, loaded.topology.layers)) == recipe["layers"]
        assert ",".join(map(str, loaded.topology.paths)) == recipe["paths"]
        assert (loaded.info["seed"], loaded.info["validation"]) == (0, None)

    def test_computes_what_it_says(self, name):
        """Over 2,000 held-out samples, where the data set is there; all of them if there are less.

        CI has the data sets beside the checkout; without them only digits is computed.
        """
        loaded = model.load(zoo.FOLDER / f"{name}.npz")
        try:
            held = data.load(loaded.info["data"])
        except datasets.Missing:
            assert name != "digits"
            return
        x, y = held.x_test[:2000], held.y_test[:2000]
        right = (engine.classify(loaded, engine.infer(loaded, x)) == y).mean()
        if len(y) == len(held.y_test):
            assert right == loaded.info["accuracy_int"]
        assert right == pytest.approx(loaded.info["accuracy_int"], abs=0.03)


def test_card_is_the_one_of_the_files():
    assert (zoo.FOLDER / "README.md").read_text() == zoo.card(zoo.entries())


def test_arguments_parse():
    for name in zoo.RECIPES:
        options = command._parser().parse_args([*zoo.arguments(name), "--out", "x.npz"])
        assert options.seed == 0
        assert options.data == zoo.RECIPES[name]["data"]
    with pytest.raises(InputError, match=r"model must be one of digits, mnist-12k, .*, not 'x'"):
        zoo.arguments("x")


class TestCommand:
    def test_table(self, capsys, tmp_path):
        assert run("zoo", "--json", tmp_path / "r.json") == 0
        out = capsys.readouterr().out
        assert len(out.splitlines()) == 1 + len(zoo.RECIPES)
        assert max(map(len, out.splitlines())) <= 80
        models = json.loads((tmp_path / "r.json").read_text())["models"]
        for entry in models:
            line = next(x for x in out.splitlines() if re.match(rf"{entry['name']} ", x))
            assert f"{entry['accuracy_int']:.2%}" in line
            assert f"{entry['weights']:,}" in line

    def test_trains_by_recipe_and_writes_the_card(self, capsys, tmp_path, monkeypatch):
        small = {"data": "digits", "layers": "64-32-16", "paths": "128,128", "epochs": 2, "qat": 1}
        monkeypatch.setattr(zoo, "RECIPES", {"small": small})
        arguments = ("zoo", "--models", tmp_path, "--card", tmp_path / "card.md")
        assert run(*arguments, "--train", "small") == 0
        assert model.load(tmp_path / "small.npz").info["qat"] == 1
        text = (tmp_path / "card.md").read_text()
        assert "| `small` | digits | 64-32-16 | 128 + 128 = 256 |" in text
        assert "--epochs 2 --qat 1 --seed 0 --out models/small.npz" in text
        assert "wrote" in capsys.readouterr().out

    def test_mistakes(self, capsys, tmp_path):
        assert run("zoo", "--models", tmp_path) == 2
        assert "must have models, made by 'golden zoo --train NAME'" in capsys.readouterr().err
        assert run("zoo", "--train", "nope", "--models", tmp_path) == 2
        assert "error: model must be one of digits, mnist-12k" in capsys.readouterr().err
        assert run("zoo", "--card", tmp_path) == 2
        assert "must be a file to write, not a folder" in capsys.readouterr().err

    def test_help(self, capsys):
        with pytest.raises(SystemExit) as caught:
            run("zoo", "--help")
        assert caught.value.code == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
