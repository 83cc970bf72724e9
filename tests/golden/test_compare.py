"""``sobolpath compare``: what is trained, the table, the check, complaints."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.commands import compare
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training import evaluate, initialize, loop

SIZES = ["--layers", "64-32-16", "--paths", "128,128"]
SMALL = ["compare", "--data", "digits", *SIZES, "--epochs", "2", "--batch", "32"]


def run(*arguments):
    """Run in this process; the exit code."""
    return main([*SMALL, *map(str, arguments)])


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "r.json"
    topologies = "sobol,fixed-fan,pseudo-random"
    assert run("--topologies", topologies, "--seeds", 2, "--json", path) == 0
    return json.loads(path.read_text())


class TestReport:
    def test_what_is_kept(self, result):
        assert (result["data"], result["layers"], result["paths"]) == (
            "digits",
            [64, 32, 16],
            [128] * 2,
        )
        assert (result["seeds"], result["epochs"], result["initialization"]) == (
            [0, 1],
            2,
            "balanced",
        )
        assert result["passed"] is True
        assert [row["topology"] for row in result["topologies"]] == [
            "sobol",
            "fixed-fan",
            "pseudo-random",
        ]
        for row in result["topologies"]:
            assert (
                len(row["accuracies"]) == len(row["edges"]) == len(row["duplicates_by_seed"]) == 2
            )
            assert all(0.1 < accuracy < 1 for accuracy in row["accuracies"])

    def test_edges(self, result):
        sobol, fixed, pseudo = result["topologies"]
        assert sobol["edges"] == fixed["edges"] == [256, 256]
        for seed in (0, 1):
            topology = build("pseudo-random", (64, 32, 16), (128, 128), seed=seed)
            repeated = topology.duplicates(1) + topology.duplicates(2)
            assert pseudo["duplicates_by_seed"][seed] == repeated > 0
            assert pseudo["edges"][seed] == 256 - repeated

    def test_it_is_the_training_of_golden_train(self, result, tmp_path):
        """The seed is that of the topology, the weights and the order of the images."""
        for row in result["topologies"][1:]:
            for seed in (0, 1):
                arguments = [
                    "train",
                    *SMALL[1:],
                    "--topology",
                    row["topology"],
                    "--seed",
                    str(seed),
                ]
                arguments += ["--json", str(tmp_path / "t.json")]
                assert main(arguments) == 0
                trained = json.loads((tmp_path / "t.json").read_text())
                assert trained["accuracy_float"] == row["accuracies"][seed]

    def test_statistics(self, result):
        first = np.mean(result["topologies"][0]["accuracies"])
        for row in result["topologies"]:
            one, other = row["accuracies"]
            assert row["mean"] == pytest.approx((one + other) / 2)
            assert row["deviation"] == pytest.approx(abs(one - other) / 2**0.5)
            assert row["difference"] == pytest.approx(row["mean"] - first)
        best = max(row["mean"] for row in result["topologies"])
        assert result["below_best"] == pytest.approx(best - first)

    def test_seeds_differ(self, result):
        assert all(len(set(row["accuracies"])) == 2 for row in result["topologies"])


def test_table(capsys):
    assert run("--topologies", "sobol,random-edge", "--seeds", 1) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "data        digits, 360 held-out images"
    (sobol,) = [line.split() for line in lines if line.startswith("sobol  ")]
    (edge,) = [line.split() for line in lines if line.startswith("random-edge")]
    assert sobol[1:3] == ["256", "0"]
    assert sobol[4:] == ["-", "-"]  # one seed has no deviation, the first no difference
    difference = float(edge[3][:-1]) - float(sobol[3][:-1])
    assert float(edge[5]) == pytest.approx(difference, abs=0.011)


class TestWithin:
    """The check, on accuracies that are given."""

    def run(self, monkeypatch, tmp_path, within, **accuracies):
        values = {name: iter(each) for name, each in accuracies.items()}
        monkeypatch.setattr(
            compare,
            "train_once",
            lambda topology, *_: next(values[topology.name.strip("'").lower()]),
        )
        arguments = ("--topologies", ",".join(accuracies), "--seeds", 2, "--within", within)
        code = run(*arguments, "--json", tmp_path / "r.json")
        assert json.loads((tmp_path / "r.json").read_text())["passed"] is (code == 0)
        return code

    def test_worse_by_more(self, monkeypatch, tmp_path, capsys):
        accuracies = {"sobol": (0.95, 0.97), "fibonacci": (0.96, 0.975)}
        assert self.run(monkeypatch, tmp_path, 0.7, **accuracies) == 1
        out = capsys.readouterr().out
        assert "sobol is 0.75 points below the best mean\n" in out
        assert "NOT within 0.7 points of every other\n" in out

    def test_worse_by_less(self, monkeypatch, tmp_path, capsys):
        accuracies = {"sobol": (0.95, 0.97), "fibonacci": (0.96, 0.975)}
        assert self.run(monkeypatch, tmp_path, 0.8, **accuracies) == 0
        assert "within 0.8 points of every other\n" in capsys.readouterr().out

    def test_better(self, monkeypatch, tmp_path, capsys):
        accuracies = {"sobol": (0.95, 0.97), "fibonacci": (0.9, 0.91)}
        assert self.run(monkeypatch, tmp_path, 0, **accuracies) == 0
        assert "sobol is 0.00 points below the best mean\n" in capsys.readouterr().out


def test_validation_images_are_of_the_training_set(monkeypatch, capsys):
    seen = []

    def train_once(topology, dataset, *_):
        seen.append(dataset)
        return 0.5

    monkeypatch.setattr(compare, "train_once", train_once)
    assert run("--topologies", "sobol,scrambled", "--seeds", 2, "--validation", 100) == 0
    assert "digits, 100 validation images" in capsys.readouterr().out
    assert len(seen) == 4
    part = data.validation(data.load("digits"), 100, 0)
    assert all(np.array_equal(dataset.x_test, part.x_test) for dataset in seen)


def test_dimensions_are_for_those_that_have_them(monkeypatch, tmp_path, capsys):
    seen = {}
    monkeypatch.setattr(
        compare, "train_once", lambda topology, *_: seen.setdefault(topology.name, topology) and 0.5
    )
    arguments = ("--dimensions", "3,5,7", "--json", tmp_path / "r.json")
    assert run("--topologies", "sobol,fixed-fan,scrambled", "--seeds", 1, *arguments) == 0
    assert seen["Sobol'"].dimensions == (3, 5, 7)
    wanted = build("scrambled", (64, 32, 16), (128, 128), dimensions=(3, 5, 7))
    assert seen["scrambled"] == wanted
    assert seen["scrambled"] != build("scrambled", (64, 32, 16), (128, 128))
    assert "dimensions  3,5,7\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["dimensions"] == [3, 5, 7]


def test_train_once():
    digits, topology = data.load("digits"), build("sobol", (64, 32, 16), (128, 128))
    recipe = loop.Recipe(epochs=1, seed=3)
    network = initialize.initialize(topology, "random", 3, "random")
    samples = digits.x_train, digits.y_train, digits.classes
    loop.train(network, *samples, recipe, data.INPUT_SCALE)
    wanted = evaluate.float_accuracy(network, digits)
    assert compare.train_once(topology, digits, ("random", "random"), recipe) == wanted


def test_what_was_trained_with_is_recorded(monkeypatch, tmp_path):
    """Also that the magnitudes reach the first weights."""
    seen = []
    monkeypatch.setattr(compare, "train_once", lambda *given: seen.append(given[2]) or 0.5)
    options = {"magnitudes": "random", "signs": "fixed", "optimizer": "sgd", "threads": 2}
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    arguments += ["--topologies", "sobol,fixed-fan", "--seeds", 1, "--json", tmp_path / "r.json"]
    assert run(*arguments) == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert {name: result[name] for name in options} == options
    assert seen == [("balanced", "random")] * 2


def test_help(capsys):
    with pytest.raises(SystemExit) as caught:
        run("--help")
    assert caught.value.code == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--topologies", "sobol"),
            "--topologies must be 2 or more names joined by ',', none twice",
        ),
        (("--topologies", "sobol,sobol"), "--topologies must be 2 or more names joined by ','"),
        (("--topologies", "sobol,nope"), "topology must be one of sobol, omitted, scrambled"),
        (("--topologies", "sobol,dense"), "dense paths must be 2048,512, every edge once"),
        (("--dimensions", "0,1"), "3 layers need 3 dimensions, not 2"),
        (("--dimensions", "x"), "--dimensions must be integers joined by ','"),
        (
            ("--topologies", "fixed-fan,fibonacci", "--dimensions", "0,1,2"),
            "dimensions must be left out for fixed-fan",
        ),
        (("--magnitudes", "big"), "magnitudes must be one of constant, random, norm:P, not 'big'"),
        (("--seeds", "0"), "seeds must be an integer from 1 to 1000, not 0"),
        (("--within", "-1"), "within must be a finite number of at least 0, not -1.0"),
        (("--within", "nan"), "within must be a finite number of at least 0, not nan"),
        (("--epochs", "0"), "epochs must be an integer from 1 to"),
        (("--initialization", "zero"), "initialization must be one of balanced"),
        (("--layers", "32-32-16"), "layer 0 must have 64 neurons, one per input of digits"),
        (("--paths", "128"), "3 layers need 2 path counts"),
        (("--data", "nist"), "data set must be one of digits"),
        (("--json", "/"), "/: must be a file to write, not a folder"),
    ],
)
def test_complaints(capsys, arguments, message):
    """Before anything is trained."""
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
