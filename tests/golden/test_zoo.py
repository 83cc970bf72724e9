"""The models that ship: their recipes, what they must reach, their card, and the command."""

import io
import json
import re

import pytest
from tqdm import tqdm

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.commands import train
from sobolpath.golden.data import fetching
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, model
from sobolpath.golden.support import cli
from sobolpath.golden.training import evaluate, zoo
from sobolpath.golden.training.signs import RULES

# What each must reach: integer accuracy on the full held-out set. Those of mnist-nested,
# fsdd and mitbih were set after training, below what came out: they only tell if it gets worse.
LEAST = {
    "digits": 0.97,
    "digits-nested": 0.97,
    "mnist-12k": 0.97,
    "mnist-37k": 0.982,
    "mnist-nested": 0.975,
    "fashion-37k": 0.892,
    "fsdd": 0.95,
    "mitbih": 0.94,
}


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_every_recipe_ships():
    assert [entry["name"] for entry in zoo.entries()] == list(zoo.RECIPES) == list(LEAST)
    assert {path.stem for path in zoo.FOLDER.glob("*.npz")} == set(zoo.RECIPES)


@pytest.mark.parametrize("name", zoo.RECIPES)
class TestShipped:
    def test_reaches(self, name):
        (entry,) = [each for each in zoo.entries() if each["name"] == name]
        assert entry["accuracy_int"] >= LEAST[name]
        assert abs(entry["accuracy_int"] - entry["accuracy_float"]) <= 0.004
        assert entry["bytes"] <= 250_000

    def test_is_of_its_recipe(self, name):
        recipe, loaded = zoo.RECIPES[name], model.load(zoo.FOLDER / f"{name}.npz")
        for key in ("data", "epochs", "batch", "rate", "decay", "qat"):
            if key in recipe:
                assert loaded.info[key] == recipe[key]
        assert "-".join(map(str, loaded.topology.layers)) == recipe["layers"]
        assert ",".join(map(str, loaded.topology.paths)) == recipe["paths"]
        dimensions = recipe.get(
            "dimensions", ",".join(map(str, range(len(loaded.topology.layers))))
        )
        assert ",".join(map(str, loaded.topology.dimensions)) == dimensions
        rule = recipe.get("initialization", RULES[0])
        assert loaded.info["initialization"] == rule
        assert (loaded.info["seed"], loaded.info["validation"]) == (recipe.get("seed", 0), None)

    def test_computes_what_it_says(self, name):
        """Over some 2,000 held-out samples from all over, where the data set is there.

        CI has the data sets beside the checkout; without them only digits is computed.
        """
        loaded = model.load(zoo.FOLDER / f"{name}.npz")
        try:
            held = data.load(loaded.info["data"])
        except fetching.Missing:
            assert name != "digits"
            return
        step = max(len(held.x_test) // 2000, 1)
        x, y = held.x_test[::step], held.y_test[::step]
        right = (engine.classify(loaded, engine.infer(loaded, x)) == y).mean()
        if len(y) == len(held.y_test):
            assert right == loaded.info["accuracy_int"]
        assert right == pytest.approx(loaded.info["accuracy_int"], abs=0.03)


def test_card_is_the_one_of_the_files():
    text = (zoo.FOLDER / "README.md").read_text()
    assert text == zoo.card(zoo.entries())
    assert max(len(line) for line in text.splitlines() if line[:1] != "|") <= 100


class TestRecalls:
    def test_are_those_of_the_card(self, capsys):
        """Where the data set is there, as in :meth:`TestShipped.test_computes_what_it_says`."""
        try:
            classes = zoo.recalls("mitbih")
        except fetching.Missing:
            return
        assert [entry["images"] for entry in classes] == [44239, 1837, 3220, 388, 7]
        shown = "\n    ".join(zoo.recalls_table(classes))
        assert f"\n\n    {shown}\n\n" in zoo.card(zoo.entries())

    def test_add_up(self, tmp_path, capsys):
        """Weighted by the images of each class they are the accuracy."""
        assert run("zoo", "--recalls", "digits", "--json", tmp_path / "r.json") == 0
        result = json.loads((tmp_path / "r.json").read_text())
        (entry,) = [each for each in result["models"] if each["name"] == "digits"]
        classes = result["recalls"]
        assert [each["class"] for each in classes] == list(range(10))
        for kind in ("float", "int"):
            hits = sum(each["images"] * each[f"recall_{kind}"] for each in classes)
            assert hits / 360 == pytest.approx(entry[f"accuracy_{kind}"])
        out = capsys.readouterr().out.splitlines()
        mean = sum(each["recall_int"] for each in classes) / 10
        assert out[-1].split()[0] == "balanced"
        assert out[-1].endswith(f" {mean:.2%}")
        rows = zip(out[-11:-1], classes, strict=True)
        assert sum(line.split()[1] == str(c["images"]) for line, c in rows) == 10

    def test_show_how_far_they_are(self, monkeypatch):
        """A bar each for floats and integers, to the last image; the pieces make no difference."""
        bars, whole = [], zoo.recalls("digits")

        def progress(iterable=None, **options):
            bars.append(tqdm(iterable, file=io.StringIO(), **options))
            return bars[-1]

        monkeypatch.setattr(cli, "progress", progress)
        monkeypatch.setattr(evaluate, "PIECE", 100)
        assert zoo.recalls("digits") == whole
        assert [bar.desc.strip(": ") for bar in bars] == ["floats", "integers"]
        assert [(bar.n, bar.total) for bar in bars] == [(360, 360)] * 2

    def test_a_class_without_images(self):
        classes = [
            {"class": 0, "images": 1200, "recall_float": 0.5, "recall_int": 0.25},
            {"class": 1, "images": 0, "recall_float": None, "recall_int": None},
        ]
        lines = zoo.recalls_table(classes)
        assert [line.split() for line in lines[1:]] == [
            ["0", "1,200", "50.00%", "25.00%"],
            ["1", "0", "-", "-"],
            ["balanced", "-", "50.00%", "25.00%"],
        ]
        assert len({len(line) for line in lines}) == 1


def test_arguments_parse():
    parser = cli.Parser()
    train.arguments(parser)
    for name in zoo.RECIPES:
        options = parser.parse_args([*zoo.arguments(name), "--out", "x.npz"])
        assert options.seed == 0
        assert options.data == zoo.RECIPES[name]["data"]
    with pytest.raises(
        InputError, match=r"model must be one of digits, digits-nested, .*, not 'x'"
    ):
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
        assert "--epochs 2 --qat 1 --seed 0 \\\n        --out models/small.npz\n" in text
        assert "wrote" in capsys.readouterr().out

    def test_mistakes(self, capsys, tmp_path):
        assert run("zoo", "--models", tmp_path) == 2
        assert "must have models, made by 'sobolpath zoo --train NAME'" in capsys.readouterr().err
        assert run("zoo", "--train", "nope", "--models", tmp_path) == 2
        assert "error: model must be one of digits, digits-nested, " in capsys.readouterr().err
        assert run("zoo", "--recalls", "nope") == 2
        assert "error: model must be one of digits, digits-nested, " in capsys.readouterr().err
        assert run("zoo", "--card", tmp_path) == 2
        assert "must be a file to write, not a folder" in capsys.readouterr().err

    def test_help(self, capsys):
        with pytest.raises(SystemExit) as caught:
            run("zoo", "--help")
        assert caught.value.code == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
