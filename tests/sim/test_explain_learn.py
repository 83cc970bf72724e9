"""``sobolpath sim explain --learn``: its steps against the paths, and the picture of the page."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.learn import by_path
from sobolpath.golden.learn.arithmetic import high
from sobolpath.golden.learn.schedule import Sweep
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.machine import lanes as coordinates
from sobolpath.golden.topology.paths import Topology
from sobolpath.sim.views import sweeps, sweeps_plot
from tests.support import learning
from tests.support.pictures import drawn
from tests.support.places import ROOT

NETWORKS = [((16, 16, 8), (32, 32), 2, 4), ((16, 32, 16), (64, 128), 2, 8)]
NETWORKS += [((8, 8, 4, 8), (16, 8, 16), 2, 2), ((4, 4, 4), (4, 16), 2, 1)]


@pytest.mark.parametrize(("layers", "paths", "junction", "lanes"), NETWORKS)
def test_the_walks_compute_a_step(layers, paths, junction, lanes):
    """Sums along the drawn steps are those of the plain loop over the paths."""
    topology, rng = Topology(layers, paths), np.random.default_rng(3)
    parameters = learning.random_parameters(rng, topology)
    image = rng.integers(0, 256, layers[0])
    forward, backward, update = sweeps.walks(topology, junction, lanes)
    assert [each.sweep for each in (forward, backward, update)] == list(Sweep)
    _, step = by_path.step(parameters, image, 1, FRACTIONS.shifts(len(paths), 0))
    seen = high(parameters.weights[junction - 1]).astype(np.int64)
    rows = coordinates.by_step(topology, junction, lanes, seen)
    source, target = (
        coordinates.by_place(topology, layer, lanes, values)
        for layer, values in (
            (junction - 1, step.activations[junction - 1]),
            (junction, step.errors[junction - 1]),
        )
    )
    lane = np.arange(lanes)
    wanted = np.zeros((2, max(layers[junction - 1 : junction + 1])), np.int64)
    ends = topology.edges(junction)
    np.add.at(wanted[0], ends[1], seen * step.activations[junction - 1][ends[0]])
    np.add.at(wanted[1], ends[0], seen * step.errors[junction - 1][ends[1]])
    for walk in (forward, backward, update):
        assert sorted(walk.weights) == list(range(len(rows)))
        sums = np.zeros((2, *source.shape), np.int64), np.zeros((2, *target.shape), np.int64)
        for number, own in enumerate(walk.weights):
            above, below = walk.sources[number], walk.targets[number]
            stays = above if walk.sweep == Sweep.BACKWARD else below
            assert stays == number // walk.turns
            crossed = lane ^ walk.distances[number]
            sums[1][0][below] += rows[own] * source[above][crossed]
            sums[0][1][above] += (rows[own] * target[below])[crossed]
        found = [sums[1][0], sums[0][1]]
        for side, layer in enumerate((junction, junction - 1)):
            values = coordinates.by_neuron(topology, layer, lanes, found[side])
            assert values.tolist() == wanted[side][: layers[layer]].tolist()
    assert wanted.any(axis=1).tolist() == [True, True]


def test_the_page_has_the_picture_of_its_command(tmp_path, monkeypatch, capsys):
    """The words are compared, in their order: what another matplotlib draws differs in places."""
    page = (ROOT / "docs" / "learning.md").read_text()
    line = re.search(r"^ {4}sobolpath (sim explain --learn .*) --plot (docs/.*)$", page, re.M)
    assert f"]({line[2].removeprefix('docs/')})" in page
    monkeypatch.chdir(tmp_path)
    assert main([*line[1].split(), "--plot", "l.svg", "--json", "l.json"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
    found, kept = (words(file) for file in (tmp_path / "l.svg", ROOT / line[2]))
    assert found == kept
    assert len(found) > 150
    result = json.loads((tmp_path / "l.json").read_text())
    assert result["junction"] == 2
    forward, backward, _ = result["sweeps"]
    assert forward["weight_rows"] == list(range(8))
    for walk in result["sweeps"]:  # in the picture, in this order
        rows = [f"row {row}" for row in walk["weight_rows"]]
        drawn = iter(found)
        assert all(row in drawn for row in rows)
    assert backward["weight_rows"] != forward["weight_rows"]


def test_lines_lead_to_the_rows_that_are_met(tmp_path, monkeypatch):
    """On the left of each panel: between a step and the box of its row, in the walk's direction."""
    figures = drawn(monkeypatch)
    topology = Topology((16, 16, 8), (32, 32))
    sweeps_plot.draw(tmp_path / "l.svg", topology, 4, 2, 5)
    (figure,) = figures
    walks = sweeps.walks(topology, 2, 4)
    assert len(figure.axes) == len(walks) == 3
    for axis, walk in zip(figure.axes, walks, strict=True):
        lines = [(text.xyann, text.xy) for text in axis.texts if hasattr(text, "xyann")]
        lines = [(begin, end) for begin, end in lines if max(begin[0], end[0]) < 7.6]
        backward = walk.sweep == Sweep.BACKWARD
        for rows, count, sign, apart in ((walk.sources, 4, -1, 0), (walk.targets, 2, 1, 1)):
            found = {}
            for begin, end in lines:
                far, near = sorted((begin, end), key=lambda place: sign * place[1], reverse=True)
                level = sweeps_plot.SOURCE if sign < 0 else sweeps_plot.TARGET
                if abs(far[1] - level) < 0.6:
                    step, row = round(near[0]), int((far[0] + 0.5) * count / 8)
                    found[step] = row, (far == begin)
            away = backward == bool(apart) or walk.sweep == Sweep.UPDATE  # from the row to the step
            wanted = {step: (int(row), away) for step, row in enumerate(rows)}
            assert found == wanted, (walk.sweep, apart)


def words(file):
    """The texts of an SVG."""
    elements = ElementTree.parse(file).getroot().iter("{http://www.w3.org/2000/svg}text")
    return ["".join(element.itertext()) for element in elements]


@pytest.mark.parametrize("name", ["weights", "sources", "targets", "distances"])
def test_a_walk_that_is_wrong_is_not_drawn(name, tmp_path, monkeypatch, capsys):
    honest = sweeps.walks

    def lie(*arguments):
        walks = honest(*arguments)
        steps = getattr(walks[1], name).copy()
        steps[2] ^= 1
        return [walks[0], replace(walks[1], **{name: steps}), walks[2]]

    monkeypatch.setattr(sweeps, "walks", lie)
    assert main(["sim", "explain", "--learn", "--plot", str(tmp_path / "l.svg")]) == 1
    assert "FAILED: junction 2, backward: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--junction 1", "--junction must be 2 or more: no error goes back through the first one"),
        ("--layers 16-16 --paths 32", "--junction must be 2 or more"),
        ("--layers 64-64-64 --paths 64,128", "at most 16 steps of the junction, not 32"),
        ("--layers 16-16-16 --paths 32,32 --lanes 16 --step 1", "at most 8 lanes, not 16"),
        ("--step 8", "--step must be 0 to 7, not 8"),
    ],
)
def test_what_cannot_be_drawn(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sim", "explain", "--learn", *options.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
