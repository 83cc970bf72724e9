"""A run step by step, and the pictures that explain: against edges and values worked out apart."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden import data
from sobolpath.golden.machine import engine, lanes
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology import gf2
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.issuer import Issuer
from sobolpath.hw.sequencer import Sequencer
from sobolpath.hw.writeback import WriteBack
from sobolpath.sim.backends.record import Trace
from sobolpath.sim.run.measure import make_job
from sobolpath.sim.views import network_plot
from sobolpath.sim.views.steps import Steps, active, contributions, steps_of, wrong_steps
from tests.sim.test_commands import DIGITS, PYSIM, sim
from tests.sim.test_pysim import AlwaysBusy, altered
from tests.support.networks import make_model, random_model

pytestmark = pytest.mark.slow

TINY = CONFIGS["tiny"]


def trace(path, *more, image=3):
    return sim("trace", path, *DIGITS, "--image", image, "--config", "tiny", *PYSIM, *more)


def neuron(topology, layer, row, lane):
    """The neuron of a row and a lane."""
    place = gf2.inverse(lanes.coordinate_map(topology, layer, TINY.lanes))
    return int(gf2.apply(place, np.array([row * TINY.lanes + lane]))[0])


class TestTrace:
    def test_all_steps(self, small, tmp_path, capsys):
        """Every product of the listed steps, added up, is what the golden model says."""
        file = tmp_path / "trace.json"
        assert trace(small, "--rows", "0:16", "--values", "--json", file) == 0
        out = capsys.readouterr().out
        assert max(len(line) for line in out.splitlines()[1:]) <= 80
        result = json.loads(file.read_text())
        network, digits = models.load(small), data.load("digits")
        topology = network.topology
        image = digits.x_test[3]
        layers = [image, *(layer[0] for layer in engine.layers(network, image[None]))]
        assert result["logits"] == layers[-1].tolist()
        assert (result["mismatches"], result["values_compared"]) == (0, 16 + 16 + 16)
        assert result["label"] == digits.y_test[3]
        assert len(result["steps"]) == 64 // 4 + 32 // 4
        sums = {1: np.zeros(16, int), 2: np.zeros(16, int)}
        edges = {1: [], 2: []}
        for step in result["steps"]:
            junction = step["junction"]
            for lane in range(TINY.lanes):
                source = neuron(topology, junction - 1, step["source"], lane ^ step["distance"])
                target = neuron(topology, junction, step["row"], lane)
                assert step["activations"][lane] == layers[junction - 1][source]
                sums[junction][target] += step["activations"][lane] * step["weights"][lane]
                edges[junction].append((source, target))
        for junction in (1, 2):
            wanted = zip(*(ends.tolist() for ends in topology.edges(junction)), strict=True)
            assert sorted(edges[junction]) == sorted(wanted)
        assert np.array_equal(sums[2] + network.biases[1], layers[-1])
        hidden = engine.requantize(sums[1] + network.biases[0], network.shifts[0])
        assert np.array_equal(hidden, layers[1])
        for junction in (1, 2):
            cycles = [s["cycle"] for s in result["steps"] if s["junction"] == junction]
            assert cycles == sorted(set(cycles))

    def test_what_is_left_out_is_said(self, small, capsys):
        assert trace(small, "--junction", "2") == 0
        out = capsys.readouterr().out
        assert "junction 1" not in out
        assert "junction 2: 8 steps, 4 rows of 2 each" in out
        assert "more steps" not in out  # 8 are few
        assert trace(small, "--junction", "2", "--rows", "1:2") == 0
        lines = capsys.readouterr().out.splitlines()
        assert "6 more steps in rows 0:4 (--rows)" in lines
        assert [line.split()[1:3] for line in lines[-3:-1]] == [["1", "0"], ["1", "1"]]

    def test_images_that_share_weights(self, small, monkeypatch, capsys, tmp_path):
        """The last image, with zeros beside it."""
        monkeypatch.setitem(CONFIGS, "tiny", replace(TINY, images=4))
        file = tmp_path / "trace.json"
        assert trace(small, "--json", file, image=359) == 0
        logits = engine.infer(models.load(small), data.load("digits").x_test[359:])
        assert json.loads(file.read_text())["logits"] == logits[0].tolist()

    @pytest.mark.parametrize("name", ["n.svg", "n.png"])
    def test_picture(self, small, tmp_path, name, capsys):
        pictures = []
        for _ in range(2):
            assert trace(small, "--plot", tmp_path / name) == 0
            pictures.append((tmp_path / name).read_bytes())
        assert pictures[0] == pictures[1]
        out = capsys.readouterr().out
        assert "junction 1: " in out
        assert " of 64 paths active" in out
        line = r"^class (\d): ([\d,]+) - ([\d,]+) ([-+]) ([\d,]+) \(bias\) = (.*);"
        said = re.search(line, out, re.MULTILINE)
        number, up, down, sign, bias, logit = (part.replace(",", "") for part in said.groups())
        assert int(up) - int(down) + int(sign + bias) == int(logit)
        images = data.load("digits").x_test[3:4]
        logits = engine.infer(models.load(small), images)[0, :10]
        assert int(number) == logits.argmax()
        assert int(logit) == logits.max()
        assert f"next is class {logits.argsort()[-2]} with {np.sort(logits)[-2]:,}\n" in out
        if name == "n.svg":
            text = pictures[0].decode()
            for words in (f"raises the logit of class {number}", "lowers it", "bias", "class 9"):
                assert f">{words}</text>" in text
            assert ">class 10</text>" not in text  # there are 16 outputs, and 10 classes
        assert f"picture    {tmp_path / name}" in out

    def test_the_strongest_are_drawn(self, small, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(network_plot, "STRONGEST", 2)
        assert trace(small, "--plot", tmp_path / "n.svg") == 0
        assert capsys.readouterr().out.count("paths active, the strongest 2 drawn") == 2

    def test_wrong_values(self, small, capsys, monkeypatch):
        wrong = altered(WriteBack, activation_place=lambda value, part: value ^ 1)
        monkeypatch.setattr("sobolpath.hw.drain.WriteBack", wrong)
        assert trace(small) == 1
        assert "mismatches; the first: image 0, layer 1, neuron " in capsys.readouterr().err

    def test_wrong_steps(self, small, capsys, monkeypatch):
        class Wrong(Issuer):
            def elaborate(self, platform):
                m = super().elaborate(platform)
                m.d.comb += self.distance.eq(self.step.payload.address ^ 1)  # the last one holds
                return m

        monkeypatch.setattr("sobolpath.hw.control.Issuer", Wrong)
        assert trace(small) == 1
        lines = capsys.readouterr().err.splitlines()
        assert "FAILED: junction 1: 16 of 16 steps read elsewhere; the first, 0, " in lines[0]
        assert len(lines) == 3  # both junctions, and the values

    def test_hang(self, small, capsys, monkeypatch):
        held = altered(Sequencer, run_hold=lambda value, part: value | part.output)
        monkeypatch.setattr("sobolpath.hw.control.Sequencer", held)
        assert trace(small) == 1
        assert "FAILED: image 3 must be done in " in capsys.readouterr().err

    def test_no_network_taken(self, small, capsys, monkeypatch):
        monkeypatch.setattr("sobolpath.sim.backends.pysim.component", AlwaysBusy)
        assert trace(small) == 1
        assert "must take bytes of WEIGHTS while idle" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--image", "360"], "--image must be 0 to 359, not 360"),
            (["--image", "-1"], "--image must be 0 to 359, not -1"),
            (["--junction", "0"], "--junction must be 1 to 2, not 0"),
            (["--junction", "3"], "--junction must be 1 to 2, not 3"),
            (["--rows", "2:2"], "--rows must be A:B with 0 <= A < B, not '2:2'"),
            (["--rows", "x"], "--rows must be integers joined by ':', not 'x'"),
            (["--rows", "4:5"], "--rows must begin below 4, the rows of junction 1, not at 4"),
            (["--plot", "n.txt"], "--plot must be a file named .svg or .png, not 'n.txt'"),
        ],
    )
    def test_wrong_input(self, small, capsys, more, message):
        assert trace(small, *more) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_active_paths_are_those_without_a_zero():
    """Path by path, from its neurons."""
    rng = np.random.default_rng(5)
    topology = Topology((16, 8, 16, 8), (64, 16, 32))
    network = random_model(rng, topology)
    layers = [rng.integers(0, 2, width) for width in topology.layers]
    layers[-1] -= 5  # no ReLU there
    found = active(network, layers)
    assert [paths.size for paths in found] == [64, 16, 32]
    wanted = []
    for path in range(64):
        visited = []
        for junction, count in enumerate(topology.paths, 1):
            if path < count:
                source, target = (ends[path] for ends in topology.edges(junction))
                visited.append(layers[junction - 1][source])
                visited += [layers[junction][target]] * (junction < 3)
        wanted.append(all(visited))
    assert 0 < sum(wanted) < 32
    for paths in found:
        assert paths.tolist() == wanted[: paths.size]


class TestContributions:
    def test_the_last_junction_is_exact(self):
        """A logit is its bias and what the paths of the last junction add."""
        rng = np.random.default_rng(6)
        network = random_model(rng, Topology((16, 8, 16), (64, 32)))
        images = rng.integers(0, 256, (1, 16), np.uint8)
        layers = [images[0], *(values[0] for values in engine.layers(network, images))]
        for output in range(16):
            adds = contributions(network, layers, output)
            assert [paths.size for paths in adds] == [64, 32]
            assert adds[-1].sum() + network.biases[-1][output] == layers[-1][output]

    def test_earlier_junctions_by_hand(self):
        """Without biases, shifts and clamps, every junction's contributions are the logit."""
        rng = np.random.default_rng(7)
        topology = Topology((8, 8, 4, 8), (16, 16, 8))
        weights = [rng.integers(-2, 3, count) for count in topology.paths]
        network = make_model(topology, weights, [np.zeros(n, int) for n in (8, 4, 8)], (0, 0, 0))
        images = rng.integers(0, 4, (1, 8), np.uint8)
        layers = [images[0], *(values[0] for values in engine.layers(network, images))]
        assert max(values.max() for values in layers[1:-1]) < 255
        assert layers[-1].any()
        for output in range(8):
            for adds in contributions(network, layers, output):
                assert adds.sum() == layers[-1][output]

    def test_shifts(self):
        """Halved on its way, a path adds half."""
        topology = Topology((2, 2, 2), (2, 2))
        zeros = [np.zeros(2, int), np.zeros(2, int)]
        network = make_model(topology, [np.array([4, 4]), np.array([3, 3])], zeros, (1, 0))
        layers = [np.array([5, 7]), np.array([10, 14]), np.array([30, 42])]
        first, last = contributions(network, layers, 0)
        assert sorted(first) == [0, 30]
        assert sorted(last) == [0, 30]


def test_wrong_steps_names_the_first(tmp_path):
    network = random_model(np.random.default_rng(1), Topology((8, 8), (16,)))
    network.save(tmp_path / "m.npz")
    job = make_job("tiny", network)
    record = Trace.empty(1, job)
    word = gf2.apply(lanes.junction_matrix(network.topology, 1, 4), np.arange(4))
    record.sources[0] = word
    good = steps_of(record, job)
    assert [type(part) for part in good] == [Steps]
    assert list(wrong_steps(good, job)) == []
    record.sources[0, 2] ^= 5
    (line,) = wrong_steps(steps_of(record, job), job)
    row, distance = divmod(int(word[2]), 4)
    start = "junction 1: 1 of 4 steps read elsewhere; the first, 2, "
    assert line.startswith(f"{start}must read row {row} with D {distance}, not row ")


class TestExplain:
    def test_default(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert sim("explain", "--json", "e.json") == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80
        assert "picture    build/explain.svg" in out
        text = (tmp_path / "build" / "explain.svg").read_text()
        result = json.loads((tmp_path / "e.json").read_text())
        assert result["edges_compared"] == 64
        assert sorted(result["block"]) == list(range(28, 32))  # a block is P paths in a row
        topology = Topology((16, 16, 8), (32, 32))
        for lane, path in enumerate(result["block"]):
            source, target = (int(ends[path]) for ends in topology.edges(1))
            assert neuron(topology, 0, result["source"], lane ^ result["distance"]) == source
            assert neuron(topology, 1, result["row"], lane) == target
        for part in ("path 28", "lane 3", "epoch 1", "of D: 1", "D = 10"):
            assert part in text

    @pytest.mark.parametrize(
        "options",
        [
            ["--layers", "2-2", "--paths", "2", "--lanes", "1", "--step", "1"],
            ["--layers", "2-2", "--paths", "4", "--lanes", "2", "--step", "1"],
            ["--layers", "64-256-16", "--paths", "256,256", "--lanes", "16", "--junction", "1"],
            ["--topology", "cascaded", "--layers", "16-16-16", "--paths", "64,32"],
        ],
    )
    def test_sizes(self, tmp_path, options):
        pictures = []
        for _ in range(2):
            assert sim("explain", *options, "--plot", tmp_path / "e.png") == 0
            pictures.append((tmp_path / "e.png").read_bytes())
        assert pictures[0] == pictures[1]

    def test_rows_and_lanes_are_checked(self, tmp_path, monkeypatch, capsys):
        honest = lanes.edges
        monkeypatch.setattr(lanes, "edges", lambda *a: tuple(e ^ 1 for e in honest(*a)))
        assert sim("explain", "--plot", tmp_path / "e.svg") == 1
        assert "rows and lanes must enumerate the paths' edges" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--step", "8"], "--step must be 0 to 7, not 8"),
            (["--junction", "3"], "--junction must be 1 to 2, not 3"),
            (["--layers", "16"], "at least 2 layers"),
            (["--lanes", "3"], "lanes must be a power of two"),
            (["--lanes", "16"], "layer 2 must have at least 16 neurons"),
            (["--layers", "128-16", "--paths", "128"], "at most 16 rows of a layer, not 32"),
            (["--layers", "32-32", "--paths", "32", "--lanes", "32"], "at most 16 lanes, not 32"),
            (["--layers", "64-64", "--paths", "1024"], "at most 8 epochs, paths a neuron, not 16"),
            (["--topology", "dense", "--paths", "256,128"], "not linear over GF(2)"),
            (["--plot", "e.pdf"], "--plot must be a file named .svg or .png, not 'e.pdf'"),
        ],
    )
    def test_wrong_input(self, tmp_path, monkeypatch, capsys, options, message):
        monkeypatch.chdir(tmp_path)
        assert sim("explain", *options) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
        assert list(tmp_path.iterdir()) == []
