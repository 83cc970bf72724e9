"""Every picture of ``sobolpath sim``: no letter is cut, no legend lies on what is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.timeline import timeline
from sobolpath.golden.support import plots
from sobolpath.golden.topology.paths import Topology
from sobolpath.sim.commands import grow
from sobolpath.sim.run import report
from sobolpath.sim.run.measure import make_job
from sobolpath.sim.views import explain_plot, network_plot, profile_plot, sweeps_plot
from tests.support.networks import random_model
from tests.support.pictures import drawn, faults


@pytest.fixture
def figures(monkeypatch):
    return drawn(monkeypatch)


def checked(figures):
    """The faults of the only figure that was drawn."""
    (figure,) = figures
    return faults(figure)


def test_faults_are_found(figures):
    """What the checks below look for."""

    def paint(figure):
        axes = figure.subplots()
        axes.bar([0, 1], [1, 1], label="bars")
        axes.plot([0.5], [0.5], "o")
        axes.legend(loc="center")
        axes.text(0, 0.5, "a text that is much wider than its bar", ha="center")
        figure.text(0.95, 0.5, "a text that leaves")

    plots.draw("png", (3, 2), paint)
    assert checked(figures) == [
        "'a text that leaves' leaves the picture",
        "'a text that is much wider than its bar' leaves its bar",
        "a legend lies on a bar",
        "a legend lies on a point",
    ]


@pytest.mark.parametrize("name", ["digits", "mnist-12k"])
def test_profile(figures, name, tmp_path):
    """Where inputs take long, the bars of reading are narrow."""
    job = make_job("icebreaker", models.load(name))
    profile_plot.draw(tmp_path / "p.svg", timeline(job.schedule, 4), name, "running")
    assert checked(figures) == []


@pytest.mark.parametrize(
    ("layers", "paths", "lanes"),
    [((16, 16, 8), (32, 16), 4), ((64, 64, 16), (256, 256), 8), ((32, 64), (512,), 2)],
)
def test_explain(figures, layers, paths, lanes, tmp_path):
    explain_plot.draw(tmp_path / "e.svg", Topology(layers, paths), lanes, 1, 5)
    assert checked(figures) == []


@pytest.mark.parametrize(
    ("layers", "paths", "lanes"),
    [((16, 16, 8), (32, 32), 4), ((64, 64, 64), (128, 128), 8), ((2, 2, 2), (2, 2), 1)],
)
def test_learning(figures, layers, paths, lanes, tmp_path):
    sweeps_plot.draw(tmp_path / "l.svg", Topology(layers, paths), lanes, 2, 1)
    assert checked(figures) == []


@pytest.mark.parametrize("classes", [2, 10, 64])
def test_trace(figures, classes, tmp_path):
    rng = np.random.default_rng(classes)
    network = random_model(rng, Topology((64, 64, 64), (256, 256)))
    network = replace(network, classes=classes)
    layers = [rng.integers(0, 256, 64), rng.integers(0, 256, 64), rng.integers(-(9**6), 9**6, 64)]
    network_plot.draw(tmp_path / "t.svg", network, layers, "a title")
    assert checked(figures) == []


def test_report(figures):
    """The three pictures of a run."""
    result = {
        "class_names": [*map(str, range(9)), "a class of a long name"],
        "confusion": np.diag(np.full(10, 100)).tolist(),
        "margins": [(digits, 200 - digits, digits) for digits in range(9, 16)],
        "latency_cycles": 686,
        "predicted_latency": 686,
        "interval_cycles": 663,
        "predicted_interval": 663,
    }
    for plot, size in (
        (report._confusion, (5.2, 4.6)),
        (report._margins, (6.4, 3.6)),
        (report._cycles, (6.4, 2.5)),
    ):
        plots.Chart("title", plot, size).draw(result, "svg")
    assert len(figures) == 3
    for figure in figures:
        assert faults(figure) == []


def test_grow(figures):
    rows = [
        {"size": 512 << n, "latency_cycles": c, "interval_cycles": c - 20, "accuracy": a}
        for n, (c, a) in enumerate(((1100, 0.93), (1180, 0.97), (1250, 0.98), (4665, 0.986)))
    ]
    plots.Chart(grow.TITLE, grow.plot).draw(rows)
    assert checked(figures) == []
