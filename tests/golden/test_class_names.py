"""The names of classes come out of every command that says a class, beside their numbers."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.demo import answers, server
from sobolpath.golden import data
from sobolpath.golden.commands import eval as command
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.evaluate import by_class
from sobolpath.host import Board, NoNetwork
from sobolpath.sim.run import report
from sobolpath.sim.views import network_plot
from tests.support.networks import random_model, small_digits

NAMES = ["nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A folder with digits of names, and a model of them."""
    folder = tmp_path_factory.mktemp("named")
    small, digits = models.load(small_digits(folder)), data.load("digits")
    how = {"info": {"labels": NAMES}, "preparation": digits.preparation}
    replace(small, **how).save(folder / "named.npz")
    x = np.rint(digits.x_test.reshape(-1, 8, 8) * (16 / 255))
    np.savez(folder / "d.npz", x=x, y=np.array(NAMES)[digits.y_test])
    return folder


def said(capsys, *words):
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


class TestModel:
    def test_names(self, named):
        model = models.load(named / "named.npz")
        assert model.names == tuple(NAMES)
        assert model.called(3) == "3 (three)"
        plain = replace(model, info={})
        assert (plain.names, plain.called(3)) == (tuple(map(str, range(10))), "3")
        ten = replace(model, info={"labels": list(range(1, 11))})
        assert (ten.names[9], ten.called(9)) == ("10", "9 (10)")

    @pytest.mark.parametrize("labels", [["a"], "abcdefghij", 7, None])
    def test_names_that_are_none(self, named, labels):
        model = replace(models.load(named / "named.npz"), info={"labels": labels})
        assert model.names == tuple(map(str, range(10)))


class TestEval:
    def test_a_line_for_each_class(self, named, tmp_path, capsys):
        words = ["eval", named / "named.npz", "--data", named / "d.npz"]
        out = said(capsys, *words, "--json", tmp_path / "e.json")
        assert max(map(len, out.splitlines())) <= 80
        found = json.loads((tmp_path / "e.json").read_text())
        rows = found["classes"]
        assert [row["class_name"] for row in rows] == NAMES
        assert sum(row["images"] for row in rows) == found["images"] == 360
        assert sum(row["right"] for row in rows) == round(360 * found["accuracy_int"])
        lines = out.splitlines()[-10:]
        for row, line in zip(rows, lines, strict=True):
            cells = line.split()
            wanted = [row[key] for key in ("class", "class_name", "images", "right")]
            assert cells[:4] == list(map(str, wanted))
            assert cells[-1] == (row["mistaken_for"] or "-")

    def test_without_names(self, named, capsys):
        out = said(capsys, "eval", named / "small.npz", "--data", "digits")
        assert re.search("^class  images  right +share  mistaken mostly for$", out, re.MULTILINE)

    def test_counts(self):
        model = replace(
            random_model(np.random.default_rng(1), Topology((16, 8), (16,))),
            classes=3,
            info={"labels": ["a", "b", "c"]},
        )
        labels, classes = np.array([0, 0, 0, 0, 1]), np.array([0, 2, 2, 1, 1])
        assert [list(row.values()) for row in by_class(model, labels, classes)] == [
            [0, "a", 4, 1, "c"],
            [1, "b", 1, 1, None],
            [2, "c", 0, 0, None],
        ]
        assert command.table(by_class(model, labels, classes)) == [
            "",
            "class  name  images  right   share  mistaken mostly for",
            "    0  a          4      1   25.0%  c",
            "    1  b          1      1  100.0%  -",
        ]

    def test_many_classes(self):
        """The worst are listed, those with long names too."""
        rows = [
            {
                "class": n,
                "class_name": f"{n:03}" * 9,
                "images": 100,
                "right": 99 - n,
                "mistaken_for": "x" * 99,
            }
            for n in range(command.MOST + 3)
        ]
        lines = command.table(rows)
        assert lines[2].split()[0] == str(command.MOST + 2)
        assert lines[-1] == "and 3 more classes"
        assert len(lines) == command.MOST + 3
        assert max(map(len, lines)) <= 80


class TestOthers:
    def test_trace(self, named, tmp_path, capsys):
        words = ["--config", "tiny", "--backend", "pysim", "--image", "3"]
        words += ["--plot", tmp_path / "p.svg", "--json", tmp_path / "t.json"]
        out = said(capsys, "sim", "trace", named / "named.npz", "--data", named / "d.npz", *words)
        found = json.loads((tmp_path / "t.json").read_text())
        assert found["class_name"] == NAMES[found["class"]]
        assert found["label_name"] == NAMES[found["label"]]
        label, given = (f"{found[key]} ({found[f'{key}_name']})" for key in ("label", "class"))
        assert f": {label}, classified {given}\n" in out
        assert f"\nclass {given}: " in out
        assert f"class {given}" in (tmp_path / "p.svg").read_text()

    def test_words_without_names(self):
        model = random_model(np.random.default_rng(1), Topology((16, 8), (16,)))
        sums = np.array([[5, 9, *[0] * 6], [-1, -2, *[0] * 6], [0, -3, *[0] * 6]])
        words = network_plot._words(model, sums.sum(axis=0), sums, 1)
        assert words.startswith("class 1: 9 - 2 - 3 (bias) = 4; next is class 0 with 4")

    def test_run(self, named, tmp_path, capsys):
        words = ["--config", "tiny", "--backend", "pysim", "--limit", "2"]
        words += ["--json", tmp_path / "r.json", "--html", tmp_path / "r.html"]
        said(capsys, "sim", "run", named / "named.npz", "--data", named / "d.npz", *words)
        found = json.loads((tmp_path / "r.json").read_text())
        assert found["class_names"] == NAMES
        drawn = report.Chart("t", report._confusion).draw(found, "svg").decode()
        assert all(drawn.count(f">{name}<") == 2 for name in NAMES)

    def test_classify(self, named, tmp_path, capsys):
        sample = np.load(named / "d.npz")["x"][3]
        np.save(tmp_path / "x.npy", sample)
        words = ["--model", named / "named.npz", "--port", "twin:tiny"]
        out = said(
            capsys, "host", "classify", tmp_path / "x.npy", *words, "--json", tmp_path / "c.json"
        )
        found = json.loads((tmp_path / "c.json").read_text())
        model = models.load(named / "named.npz")
        wanted = engine.classify(model, engine.infer(model, model.preparation.apply(sample[None])))
        assert found["class"] == wanted[0]
        assert out.endswith(f"\nclass {found['class']} ({NAMES[found['class']]})\n")
        assert all(f"{name} " in out for name in NAMES)

    def test_driver(self, named):
        with Board.open("twin:tiny") as board:
            with pytest.raises(NoNetwork, match="before its classes have names: call load"):
                _ = board.names
            board.load(named / "named.npz")
            assert board.names == tuple(NAMES)

    def test_demo(self):
        """The page knows the names, those that are numbers too."""
        model = replace(models.load("mnist-nested"), info={"labels": NAMES})

        class Device:
            port = "twin"

            @staticmethod
            def identity():
                with Board.open("twin:icebreaker") as board:
                    return board.identity

        networks = answers.Networks(model, Device())
        app = server.app_of(networks, [], "m", "o")
        state = app.test_client().get("/state", headers={"Host": "127.0.0.1"}).get_json()
        assert state["labels"] == NAMES
