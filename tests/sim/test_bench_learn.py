"""``sobolpath sim bench-learn``: what the ways learn, what chips take, and the table."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.boards import load
from sobolpath.golden import data
from sobolpath.golden.data import INPUT_SCALE
from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import compiled, loop
from sobolpath.golden.learn.learner import Learner
from sobolpath.golden.learn.schedule import plan
from sobolpath.golden.learn.start import FRACTIONS, RATE
from sobolpath.golden.support import packages
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import initialize
from sobolpath.golden.training.loop import Recipe, train
from sobolpath.sim.learn import beside

SMALL = "sim bench-learn --data random --layers 64-16-16 --paths 64,32 --images 20 --repeats 2"
NAMES = ["NumPy, integers", "NumPy, floats, batch 1", "NumPy, floats, batch 4"]


def work(layers=(64, 32, 16), paths=(64, 32), images=12):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (images, layers[0])).astype(np.uint8)
    return beside.Work(Topology(layers, paths), pictures, rng.integers(0, 10, images), 10, 60)


@pytest.fixture
def poor(monkeypatch):
    """A machine without PyTorch and without a compiler."""

    def module(name, purpose, extra):
        raise packages.missing(name, purpose, extra)

    monkeypatch.setattr(packages, "module", module)
    monkeypatch.setattr(compiled, "library", lambda: None)


def test_the_integers_that_are_timed_learn(monkeypatch):
    """Every image once, by the golden learner, from a network that is new each time."""
    own, seen = work(), []
    real = loop.train

    def spy(learner, *rest, **more):
        seen.append(learner)
        return real(learner, *rest, **more)

    monkeypatch.setattr(loop, "train", spy)
    ways = {way.name: way for way in beside.ways(4)[0]}
    for name in ("NumPy, integers", "C++, integers", "NumPy, integers"):
        ways[name].prepare(own)()
    wanted = Learner(own.parameters(), FRACTIONS.shifts(2, RATE))
    for index in loop.Course(epochs=1, rate=RATE, halve=1).order(0, len(own.images)):
        wanted.step(own.images[index], int(own.labels[index]))
    assert len(seen) == 3
    for learner in seen:
        for found, right in zip(learner.parameters.weights, wanted.parameters.weights, strict=True):
            assert found.tolist() == right.tolist()
    assert (wanted.parameters.weights[0] != own.parameters().weights[0]).any()


@pytest.mark.parametrize("masked", [False, True])
def test_pytorch_learns_as_numpy_does(masked, monkeypatch):
    """A step of all images leaves the same weights: sorted, for each has an order of its own."""
    torch, own, kept = pytest.importorskip("torch"), work(images=8), []
    real = torch.optim.AdamW

    def keep(parameters, **settings):
        kept.extend(parameters)
        return real(kept, **settings)

    monkeypatch.setattr(torch.optim, "AdamW", keep)
    beside._torch(own, 8, masked)()
    wanted, start = (initialize.initialize(own.topology) for _ in range(2))
    train(wanted, own.images, own.labels, 10, Recipe(epochs=1, batch=8), INPUT_SCALE, quiet=True)
    arrays = [each.detach().numpy() for each in kept]
    found = arrays[0].ravel()
    if masked:
        source, target = own.topology.edges(1)
        found = arrays[0][target, source]
    assert len(arrays) == 4
    assert np.sort(found) == pytest.approx(np.sort(wanted.weights[0]), abs=1e-5)
    assert np.abs(wanted.weights[0] - start.weights[0]).max() > 1e-3


def test_ways_take_turns_and_begin_anew():
    calls = []

    def prepare(name):
        def made(own):
            calls.append((name, len(own.images)))
            return lambda: None

        return made

    ways = [beside.Way(name, prepare(name)) for name in "ab"]
    ticks = []
    timings = beside.measure(ways, work(images=100), 2, lambda: ticks.append(0))
    assert calls == [("a", 64), ("b", 64)] + [("a", 100), ("b", 100)] * 2
    assert {name: len(own) for name, own in timings.items()} == {"a": 2, "b": 2}
    assert len(ticks) == 4


class TestChips:
    def test_its_cycles_are_the_closed_form_s(self):
        own = beside.chip("icebreaker-learn", work())
        board = load("icebreaker-learn")
        cycles = plan(work().topology, board.config.machine).cycles["image"]
        assert (own.cycles, own.clock_hz, own.misfit) == (cycles, board.clock_hz, None)

    def test_a_last_layer_is_as_wide_as_there_are_lanes(self):
        own = beside.chip("ulx3s-learn", work((64, 128, 16), (256, 128)))
        assert own.topology.layers == (64, 128, 64)
        assert own.topology.paths == (256, 128)
        assert own.cycles == load("ulx3s-learn").config.schedule(own.topology).cycles["image"]

    @pytest.mark.parametrize(
        ("layers", "paths", "message"),
        [
            ((64, 16, 16), (64, 64), "layer 1 must have at least 64 neurons"),
            ((64, 256, 256), (16384, 65536), "paths of all junctions must be at most 65536"),
        ],
    )
    def test_what_does_not_fit(self, layers, paths, message):
        own = beside.chip("ulx3s-learn", work(layers, paths))
        assert (own.cycles, own.known) == (None, "does not fit")
        assert message in own.misfit

    @pytest.mark.parametrize(
        ("kept", "known"),
        [
            ({}, "simulated"),
            ({"other": {}}, "simulated, not routed"),
            ({"met": True}, "simulated, routed"),
            ({"met": False}, "simulated, not routed"),
            ({"met": True, "clock_mhz": 1}, "simulated, not routed"),
        ],
    )
    def test_what_is_routed_is_what_the_project_keeps(self, kept, known, monkeypatch):
        if "met" in kept:
            clock = load("icebreaker-learn").clock_hz / 1e6
            kept = {"icebreaker-learn": {"clock_mhz": clock, **kept}}
        monkeypatch.setattr(beside, "kept", lambda: kept)
        assert beside.chip("icebreaker-learn", work()).known == known


def test_the_command_reports_what_it_measured(tmp_path, capsys, poor):
    """What is left out is one line each, and ends well."""
    path = tmp_path / "b.json"
    assert main([*SMALL.split(), "--batch", "4", "--json", str(path)]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80 or any("PyTorch is left out" in line for line in lines)
    assert "C++ is left out: a C++ compiler must be there" in lines
    assert sum("PyTorch is left out: torch must be installed" in line for line in lines) == 1
    assert "random (noise): 64-16-16, 96 weights, 60,000 images an epoch" in lines
    (network,) = json.loads(path.read_text())["data_sets"]
    assert (network["layers"], network["paths"], network["weights"]) == ([64, 16, 16], [64, 32], 96)
    ways = {way["name"]: way for way in network["ways"]}
    assert list(ways) == [*beside.CHIPS, *NAMES]
    first = ways["icebreaker-learn"]
    assert first["images_per_second"] == first["clock_hz"] / first["image_cycles"]
    assert ways["ulx3s-learn"]["images_per_second"] is None
    assert any(line.startswith("ulx3s-learn: ") for line in lines)
    for name in NAMES:
        way = ways[name]
        assert len(way["timings"]) == 2
        assert way["images_per_second"] == pytest.approx(20 / max(min(way["timings"]), 1e-6))
        assert way["seconds_per_epoch"] == pytest.approx(60000 / way["images_per_second"])
        assert way["ratio"] == pytest.approx(way["images_per_second"] / first["images_per_second"])
        (line,) = (line for line in lines if line.startswith(name + " "))
        assert line.endswith("  measured")


def test_both_networks_where_none_is_named(monkeypatch, capsys, poor):
    """MNIST is noise where it is not found."""
    monkeypatch.setattr(beside, "ways", lambda batch: ([], []))
    real = data.load

    def load_digits(name, **settings):
        if name == "mnist":
            raise InputError("mnist must be in a folder")
        return real(name, **settings)

    monkeypatch.setattr(data, "load", load_digits)
    assert main(["sim", "bench-learn", "--images", "10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "digits: 64-128-128-16, 5,120 weights, 1,437 images an epoch" in lines
    found = [line for line in lines if line.startswith("mnist")]
    assert found == ["mnist (noise): 1024-256-256-16, 36,864 weights, 60,000 images an epoch"]
    assert lines.count("* ulx3s-learn needs a last layer of 64 neurons") == 2
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--repeats 0", "repeats must be an integer from 1 to 1000, not 0"),
        ("--images 0", "images must be an integer from 1"),
        ("--batch 0", "batch must be an integer from 1"),
        ("--data morse", "--layers and --paths are required for data of which no model ships"),
        ("--layers 64-16", "--layers and --paths must be left out without --data"),
        ("--data digits --layers 16-16 --paths 16", "layer 0 must have 64 neurons"),
        ("--data nonsense --layers 16-16 --paths 16", "data set must be one of"),
    ],
)
def test_complaints(words, message, capsys):
    assert main(["sim", "bench-learn", *words.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
