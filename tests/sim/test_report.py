"""The page of a run: all in one file, with what the JSON says."""

import json
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages, page
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.writeback import WriteBack
from tests.sim.test_pysim import altered
from tests.support.networks import random_model

LINKS = ("href", "src", "data", "action", "poster", "srcset")


class Reader(HTMLParser):
    """The words, tables and links of a page."""

    def __init__(self):
        super().__init__()
        self.words, self.rows, self.links, self.open = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in LINKS]
        if tag == "tr":
            self.rows.append([])
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(text)


def read(path):
    reader = Reader()
    reader.feed(path.read_text())
    assert reader.open == []
    return reader


@pytest.fixture
def small(tmp_path):
    """A model file for digits that fits ``--config tiny``, its weights at random (seed 5)."""
    path, rng = tmp_path / "small.npz", np.random.default_rng(5)
    model = replace(random_model(rng, Topology((64, 16, 16), (64, 32))), classes=10)
    replace(model, info={"seed": 5}).save(path)
    return path


def run(model, *more):
    words = ["run", model, "--data", "digits", "--config", "tiny", "--backend", "pysim", *more]
    return main(["sim", *(str(word) for word in words)])


def test_says_what_the_json_says(small, tmp_path, capsys):
    file, kept = tmp_path / "r.html", tmp_path / "r.json"
    assert run(small, "--limit", 5, "--html", file, "--json", kept) == 0
    assert f"page         {file}" in capsys.readouterr().out
    result, reader = json.loads(kept.read_text()), read(file)
    assert sum(map(sum, result["confusion"])) == 5
    assert sum(right + wrong for _, right, wrong in result["margins"]) == 5
    for row in (
        ["hardware", f"{result['accuracy']:.2%}"],
        ["latency", str(result["latency_cycles"]), str(result["predicted_latency"])],
        ["interval", str(result["interval_cycles"]), str(result["predicted_interval"])],
        ["config", "tiny"],
        ["seed of the model", "5"],
        ["design", result["versions"]["design"]],
        ["numpy", np.__version__],
    ):
        assert row in reader.rows
    (typed,) = [row[1] for row in reader.rows if row[0] == "command"]
    assert typed.startswith(f"sobolpath sim run {small} --data digits --config tiny ")
    words = " ".join(reader.words)
    assert "0 of 240 values differ from the golden model" in words
    assert "Everything is as it must be." in words
    assert "First mismatches" not in words
    assert len(reader.links) == 3
    assert all(link.startswith("data:image/svg+xml;base64,") for link in reader.links)


def test_mismatches_and_no_interval(small, tmp_path, monkeypatch):
    wrong = altered(WriteBack, activation_place=lambda value, part: value ^ 1)
    monkeypatch.setattr("sobolpath.hw.drain.WriteBack", wrong)
    file, kept = tmp_path / "r.html", tmp_path / "r.json"
    assert run(small, "--limit", 2, "--html", file, "--json", kept) == 1
    result, reader = json.loads(kept.read_text()), read(file)
    assert len(result["first_mismatches"]) == 2
    assert result["first_mismatches"][0].startswith("image 0, layer 1, neuron ")
    for line in result["first_mismatches"]:
        assert [line] in reader.rows
    assert any(" mismatches; the first: image 0" in text for text in reader.words)
    assert ["interval", "none", str(result["predicted_interval"])] in reader.rows


def test_text_is_no_markup():
    text = page.html("a<b", "c&d", [{"title": "<i>", "rows": [("<td>", 1)]}])
    assert "<h1>a&lt;b</h1>" in text
    assert "<p>c&amp;d</p>" in text
    assert "<h2>&lt;i&gt;</h2>" in text
    assert "<td>&lt;td&gt;</td><td>1</td>" in text


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_without_a_library(small, tmp_path, monkeypatch, capsys, name):
    """Said before any work."""
    monkeypatch.setitem(sys.modules, name, None)
    assert run(small, "--html", tmp_path / "r.html") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {name} must be installed to ")
    assert error.endswith(f"None in sys.modules: {packages.install('plots')}\n")
    assert error.count("\n") == 1
    with pytest.raises(InputError, match=f"^{name} must be installed"):
        page.check()


def test_files_that_cannot_be_written(small, tmp_path, capsys):
    for options in (("--html", tmp_path), ("--html", small), ("--html", "x", "--json", "x")):
        assert run(small, *options) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [small.name]
