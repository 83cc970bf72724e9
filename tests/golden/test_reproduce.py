"""Reproductions: their figures against brute force, what they write, one line for every mistake."""

import csv
import io
import json
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.errors import InputError
from sobolpath.golden.reproduce import (
    REPRODUCTIONS,
    coalescing,
    connectivity,
    connectivity_sigmoid,
    conv_weights,
    densities,
    dimensions,
    edges_32,
    growing,
    initializations,
    paths_per_neuron,
    scatter,
    trials,
)
from sobolpath.golden.support import packages, tables
from sobolpath.golden.topology import patterns, quality
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training.initialize import initialize
from tests.support.pictures import drawn, faults
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

TINY = {
    "edges-32": [],
    "paths-per-neuron": ["--images", "64", "--epochs", "1", "--seeds", "1"],
    "coalescing": ["--seeds", "2"],
    "conv-weights": ["--seeds", "2"],
    "densities": [],
    "initializations": ["--images", "64", "--epochs", "1", "--seeds", "1"],
    "scatter": ["--images", "64", "--epochs", "1", "--seeds", "1"],
    "connectivity": ["--images", "64", "--epochs", "1", "--seeds", "1"],
    "connectivity-sigmoid": ["--images", "64", "--epochs", "1", "--seeds", "2"],
    "growing": ["--images", "64", "--epochs", "4", "--seeds", "2"],
}
ROWS = {  # of the CSV, at TINY with what `small` leaves
    "edges-32": 2 * (4 * (32 + 64 + 128) + 3 * 32 + 4 * 64),
    "paths-per-neuron": 3 + 1,
    "coalescing": 4 * 3,
    "conv-weights": 4 * 3 + 5,
    "densities": 17,
    "initializations": 5 + 2 * 11 + 2 * 6,
    "scatter": 7 + 2 + 14 + 2,
    "connectivity": 2 * 9,
    "connectivity-sigmoid": 4 * 6 + 1,
    "growing": 4 * 3,
}
PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<?xml"


@pytest.fixture
def small(monkeypatch):
    """Fewer sizes, so that all of it takes seconds."""
    monkeypatch.setattr(paths_per_neuron, "MOST", 4)
    monkeypatch.setattr(coalescing, "PATHS", (64, 1024, 2048))
    monkeypatch.setattr(connectivity, "DEGREES", (2, 8))
    monkeypatch.setattr(dimensions, "FIRST", 3)


def reproduce(name, folder, *more, kind="png"):
    """Run the command; the exit code."""
    files = "--csv", folder / f"{name}.csv", "--plot", folder / f"{name}.{kind}"
    arguments = [
        "reproduce",
        name,
        *TINY.get(name, ()),
        *files,
        *more,
    ]
    return main([str(argument) for argument in arguments])


def read(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


class TestCommand:
    @pytest.mark.parametrize("name", TINY)
    def test_writes(self, name, small, tmp_path, capsys, monkeypatch):
        figures = drawn(monkeypatch)
        assert reproduce(name, tmp_path, "--json", tmp_path / "r.json") == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("wrote "))
        assert "seed 0" in out
        rows = read(tmp_path / f"{name}.csv")
        assert len(rows) == ROWS[name]
        picture = (tmp_path / f"{name}.png").read_bytes()
        assert picture.startswith(PNG)
        assert len(picture) > 5000
        assert faults(figures[0]) == []
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["name"] == name
        assert [list(row) for row in result["rows"]] == [list(row) for row in rows]
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {f"{name}.csv", f"{name}.png", "r.json"}

    @pytest.mark.parametrize("kind", ["png", "svg"])
    def test_same_bytes(self, kind, tmp_path):
        for folder in ("a", "b"):
            assert reproduce("edges-32", tmp_path / folder, kind=kind) == 0
        for name in ("edges-32.csv", f"edges-32.{kind}"):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / f"edges-32.{kind}").read_bytes()[:5] in (PNG[:5], SVG)

    def test_seed_decides(self, small, tmp_path):
        """Accuracies and figures, again and by another seed."""
        for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
            assert reproduce("scatter", tmp_path / folder, "--seed", seed) == 0
        a, b, c = ((tmp_path / x / "scatter.csv").read_text() for x in "abc")
        assert a == b
        assert a != c

    def test_list(self, capsys):
        assert main(["reproduce", "--list"]) == 0
        out = capsys.readouterr().out
        for module in REPRODUCTIONS.values():
            assert f"{module.NAME:<22}{module.SOURCE}" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_json_alone_on_standard_output(self, small, tmp_path, capsys):
        assert reproduce("coalescing", tmp_path, "--json", "-") == 0
        assert json.loads(capsys.readouterr().out)["options"] == {"seed": 0, "seeds": 2}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "NAME must be one of edges-32, .*, not left out"),
            (["fig-7"], "NAME must be one of edges-32, .*, not 'fig-7'"),
            (
                ["edges-32", "--plot", "p.pdf"],
                r"--plot must be a file named \.svg or \.png, not 'p.pdf'",
            ),
            (["edges-32", "--epochs", "3"], "--epochs must be left out .*none but --seed"),
            (["coalescing", "--data", "digits"], "--data must be left out .* reads --seeds"),
            (["scatter", "--seeds", "0"], "seeds must be an integer from 1 to 1000, not 0"),
            (["scatter", "--epochs", "0"], "epochs must be an integer from 1 to 1000000, not 0"),
            (["scatter", "--seed", "-1"], "seed must be an integer from 0 to .*, not -1"),
            (["scatter", "--images", "3"], "images must be 10 to 1427 of digits, or 0 .*, not 3"),
            (["scatter", "--data", "cats"], "data set must be one of .*, not 'cats'"),
        ],
    )
    def test_mistakes(self, arguments, message, tmp_path, capsys):
        code = main(["reproduce", *arguments, "--csv", str(tmp_path / "o" / "r.csv")])
        assert code == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        with pytest.raises(InputError, match=message):
            raise InputError(err)
        assert not (tmp_path / "o").exists()

    def test_nowhere_to_write(self, tmp_path, capsys):
        (tmp_path / "o").write_text("")
        assert reproduce("edges-32", tmp_path / "o") == 2
        assert capsys.readouterr().err.count("\n") == 1

    def test_without_matplotlib(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert reproduce("edges-32", tmp_path / "o") == 2
        err = capsys.readouterr().err
        assert err.startswith("error: matplotlib must be installed")
        assert err.endswith(f": {packages.install('plots')}\n")
        assert err.count("\n") == 1
        assert not (tmp_path / "o").exists()

    @pytest.mark.parametrize("step", ["rows", "plot"])
    def test_interrupted(self, step, monkeypatch, tmp_path, capsys):
        """Nothing is left but what an earlier run wrote."""
        assert reproduce("edges-32", tmp_path) == 0
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(edges_32, step, interrupt)
        assert reproduce("edges-32", tmp_path, "--seed", 1) == 130
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        assert "interrupted" in capsys.readouterr().err


class TestDocs:
    def test_every_reproduction_is_told_of(self):
        document = (ROOT / "docs" / "reproductions.md").read_text()
        for name in REPRODUCTIONS:
            assert f"| `{name}` | " in document
            assert f"\n## {name}\n" in document
            assert (ROOT / "docs" / "reproductions" / f"{name}.png").exists()
        assert "\n## Not reproduced\n" in document


class TestOutput:
    def test_csv(self):
        rows = [{"a": 1, "b": 1 / 3, "c": "x, y"}, {"a": 2, "b": 1e-9, "c": ""}]
        assert tables.csv_text(rows) == 'a,b,c\n1,0.333333,"x, y"\n2,1e-09,\n'

    def test_table(self):
        rows = [{"a": "one", "b": 5}, {"a": "three", "b": 1234}]
        lines = tables.table((("name", "a", ""), ("n", "b", ",d")), rows)
        assert lines == ["name       n", "one        5", "three  1,234"]
        assert tables.table((("n", "b", ".1f"),), [{"b": 2.0}, {"b": None}])[1:] == ["2.0", "  -"]


class TestTrials:
    def test_rank_correlation(self):
        """5 1 3 2 against 2 1 3 4 by hand: ranks 4 1 3 2 and 2 1 3 4, 1 - 6 * 8 / 60."""
        assert trials.rank_correlation([5, 1, 3, 2], [20, 10, 30, 40]) == pytest.approx(0.2)
        assert trials.rank_correlation([1, 2, 3], [1, 4, 9]) == pytest.approx(1)
        assert trials.rank_correlation([1, 1], [1, 2]) == 0

    def test_spread(self):
        assert trials.spread([1.0, 3.0]) == (2, pytest.approx(np.sqrt(2)))
        assert trials.spread([0.5]) == (0.5, None)

    def test_images_are_the_same_and_of_all_classes(self):
        one, again = (trials.load(SimpleNamespace(data="digits", images=40)) for _ in range(2))
        assert np.array_equal(one.x_train, again.x_train)
        assert np.bincount(one.y_train).tolist() == [4] * 10
        assert len(one.x_test) == 360
        assert trials.outputs(one) == 16


class TestEdges:
    def test_brute_force(self):
        """Every edge by the definition: the leading digits of the generator matrix's product."""
        rows = [r for r in edges_32.rows(SimpleNamespace(seed=0)) if r["topology"] == "sobol"]
        own = [r for r in rows if r["network"] == "128 paths" and r["junction"] == 1]
        reverse = [int(f"{i % 32:05b}"[::-1], 2) for i in range(128)]  # dimension 0
        assert [r["source"] for r in own] == reverse
        for network, layers, paths in edges_32.SHAPES:
            for junction in range(1, len(layers)):
                ends = {
                    (r["source"], r["target"])
                    for r in rows
                    if (r["network"], r["junction"]) == (network, junction)
                }
                assert len(ends) == paths  # no edge twice

    def test_table(self):
        shown = edges_32.table(edges_32.rows(SimpleNamespace(seed=0)))
        assert len(shown) == 10
        assert shown[0]["fan_in"] == shown[0]["fan_out"] == "1"
        assert (shown[4]["edges"], shown[4]["different"], shown[4]["fan_in"]) == (512, 512, "4")
        assert shown[5]["different"] < 512  # random paths repeat some


class TestCoalescing:
    def test_brute_force(self, small):
        rows = coalescing.rows(SimpleNamespace(seed=3, seeds=1))
        found = {(row["construction"], row["paths"]): row["edges"] for row in rows}
        for count in (64, 1024, 2048):
            topology = patterns.pseudo_random(coalescing.LAYERS, (count,) * 4, 3)
            ends = {
                (junction, *pair)
                for junction in topology.junctions
                for pair in zip(*map(list, topology.edges(junction)), strict=True)
            }
            assert found["pseudo-random", count] == len(ends)
            most = min(count, 512) + min(count, 1024) + min(count, 2048) + min(count, 4096)
            assert found["omitted", count] == found["cascaded", count] == most
        assert found["sobol", 2048] == 4608  # 1024 of 2048 twice, in one junction
        sobol = build("sobol", coalescing.LAYERS, (512, 1024, 2048, 2048))
        assert sum(sobol.duplicates(j) for j in sobol.junctions) == 5632 - 4608


class TestConvWeights:
    def test_dense(self):
        """Of the paper's widths: kernels of 9 by channels, and the classes."""
        assert conv_weights.channels(1.25) == (20, 40, 40, 80, 80)
        by_hand = 9 * (3 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 64 * 10
        assert conv_weights.dense(1) == by_hand == 70_192

    def test_figures_of_the_paper(self):
        """Table 1's sparsities within half a point, and Fig. 9's weights, 26.4 thousand."""
        rows = conv_weights.rows(SimpleNamespace(seed=0, seeds=10))
        table = [row for row in rows if row["source"] == "Table 1"]
        assert [f"{row['sparsity']:.2%}" for row in table] == [
            "35.72%",
            "55.56%",
            "74.74%",
            "93.63%",
            "98.36%",
        ]
        for row in table:
            assert row["sparsity"] == pytest.approx(row["paper"], abs=0.005)
        assert conv_weights.summary(rows) == {
            "largest difference to the paper's sparsities, points": pytest.approx(0.436, abs=1e-3)
        }
        fig = {(r["construction"], r["paths"]): r for r in rows if r["source"] == "Fig. 9"}
        random = fig["pseudo-random", 1024]
        assert random["weights"] == pytest.approx(26_235, abs=1)
        assert random["weights"] == pytest.approx(26_400, abs=1.5 * random["deviation"])
        assert fig["omitted", 1024]["weights"] == 1072 + 9 * 3584
        assert fig["omitted", 8192]["weights"] == 70_192

    def test_random_paths_as_expected(self):
        """N random paths of E edges meet E (1 - (1 - 1 / E)^N) different ones on the mean."""
        for row in conv_weights.rows(SimpleNamespace(seed=5, seeds=10)):
            if row["construction"] == "pseudo-random":
                layers, count = conv_weights.channels(row["width"]), row["paths"]
                edges = [n * m for n, m in pairwise(layers)]
                mean = sum(n * (1 - (1 - 1 / n) ** count) for n in edges)
                wanted = conv_weights.ends(row["width"]) + 9 * mean
                assert row["weights"] == pytest.approx(wanted, abs=2 * row["deviation"])


class TestDensities:
    def test_figures_of_the_paper(self):
        """To the digits that it prints, but for one: 8,704 of 2,260,992 are 0.385 %, not 0.39."""
        rows = densities.rows(SimpleNamespace(seed=0))
        assert len(rows) == 17
        for row in rows:
            rounded = round(100 * row["density"], 2)
            wrong = (row["network"], row["fan_outs"]) == ("CIFAR100 + 3", "1,1,16")
            assert (rounded != round(100 * row["paper"], 2)) == wrong, row
            shares, paper = (
                [float(part) for part in row[key].split(", ")]
                for key in ("junctions", "junctions_paper")
            )
            for share, told in zip(shares, paper, strict=True):
                assert share == pytest.approx(told, rel=0.05, abs=0.05)
        morse = rows[-1]
        assert (morse["edges"], morse["dense"]) == (64 * 512 + 1024 * 32, 2 * 64 * 1024)

    def test_constant_fans(self):
        for _, layers, fans, _, _ in densities.TABLE:
            for (n, m), fan in zip(pairwise(layers), fans, strict=True):
                assert n * fan % m == 0  # so that every target has the same fan-in


class TestPathsPerNeuron:
    def test_shape(self):
        data = SimpleNamespace(inputs=1024, classes=10)
        layers, counts = paths_per_neuron.shape(data)
        assert layers == (1024, 256, 256, 256, 256, 16)
        assert counts == [4, 8, 16, 32, 64, 128, 256]

    def test_dense_is_the_last(self, small, monkeypatch):
        monkeypatch.setattr(paths_per_neuron, "MOST", 2**15)
        layers, counts = paths_per_neuron.shape(SimpleNamespace(inputs=64, classes=10))
        topology = paths_per_neuron.sparse(layers, counts[-1])
        assert topology.paths == (64 * 128, 128 * 128, 128 * 128, 128 * 128, 128 * 16)
        assert not any(topology.duplicates(junction) for junction in topology.junctions)

    def test_line(self):
        rows = [{"network": "sobol", "weights": w, "seconds": 0.5 + w / 2e6} for w in (10, 20, 70)]
        fit = paths_per_neuron.summary([*rows, {"network": "dense"}])
        assert list(fit.values()) == pytest.approx([0.5, 0.5, 1])


class TestInitializations:
    def test_starts(self):
        topology = patterns.dense((4, 3, 2))
        positive = initializations.start(topology, "positive", 0).weights[0]
        assert positive == pytest.approx(np.full(12, np.sqrt(6 / 7)))
        alternating = initializations.start(topology, "alternating", 0).weights[0]
        assert np.sign(alternating).tolist() == [1, 1, 1, -1, -1, -1] * 2  # by source
        path = initializations.start(topology, "along path", 0).weights[1]
        assert np.sign(path).tolist() == [1, -1, 1, -1, 1, -1]

    def test_90_percent_sparse(self):
        weights = initializations.start(patterns.dense((64, 64)), "random sign, 90% sparse", 0)
        assert np.count_nonzero(weights.weights[0]) == pytest.approx(410, abs=80)

    def test_fixed_signs_stay(self):
        data = trials.load(SimpleNamespace(data="digits", images=64))
        network = initialize(build("sobol", (64, 16), (256,)), "parity")
        options = SimpleNamespace(epochs=3)
        before = network.weights[0]
        trials.train(network, data, options, 0, signs="fixed")
        after = network.weights[0]
        assert not np.array_equal(before, after)
        assert (before * after >= 0).all()


class TestScatter:
    @pytest.mark.parametrize(
        ("runs", "expected"),
        [((True, False), (0.25, 1)), ((False, True), (1, 0.25)), ((True, True), (0.25, 0.25))],
    )
    def test_grouped(self, runs, expected):
        """Groups of 4 x 4 of fan 4: dense, so the scatter is exactly what was planned."""
        ends = scatter.grouped(16, 16, 64, 4, runs, 0)
        topology = patterns.Pattern("grouped", (16, 16), [ends])
        assert topology.duplicates(1) == 0
        assert quality.scatter(topology, 1) == expected
        assert np.bincount(ends[0]).tolist() == np.bincount(ends[1]).tolist() == [4] * 16

    def test_plans(self):
        layers, paths = (64, 64, 16), (256, 256)
        plans = scatter.plans(layers, paths)
        assert len(plans) == 14
        assert ("1 forward / 4", [(4, (True, False)), None], None) in plans
        for name, plan, side in plans:
            assert side is None
            topology = scatter.planned(layers, paths, plan, 0)
            assert topology.paths == paths, name
            least = min(scatter._scatters(topology).values())
            assert least <= 0.55, name

    def test_tiles(self):
        """Runs of 16 of the 64 pixels of 8 x 8 are its quarters; of 32, its halves; of 4, 2 x 2."""
        order = scatter.tiles(8)
        assert sorted(order) == list(range(64))
        rows, columns = order // 8, order % 8
        for run, (height, width) in ((32, (4, 8)), (16, (4, 4)), (8, (2, 4)), (4, (2, 2))):
            for first in range(0, 64, run):
                for own, size in ((rows, height), (columns, width)):
                    part = own[first : first + run]
                    assert part.max() - part.min() == size - 1
                    assert part.min() % size == 0

    def test_windows_of_two_dimensions(self):
        """A target of the upper half's pixels has one-dimensional windows missing, and 2-D ones.

        A target of the first column hears all runs of a row, and half of the tiles of 2 x 4.
        """
        upper = np.arange(32)
        ends = [(upper, np.zeros(32, int))]
        topology = patterns.Pattern("upper", (64, 1), ends)
        assert quality.scatter(topology, 1)[0] == 0.5
        assert quality.scatter(scatter.retiled(topology, 8), 1)[0] == 0.5
        left = np.array([8 * row + column for row in range(8) for column in (0,)])
        topology = patterns.Pattern("left", (64, 1), [(left, np.zeros(8, int))])
        assert quality.scatter(topology, 1)[0] == 1
        assert quality.scatter(scatter.retiled(topology, 8), 1)[0] == 0.5

    def test_planned_tiles(self):
        """Group a of the inputs is a tile of the image."""
        layers, paths = (64, 64, 16), (256, 256)
        plans = {name: rest for name, *rest in scatter.plans(layers, paths, 8)}
        assert len(plans) == 14 + 2
        plan, side = plans["1 tiles / 4"]
        topology = scatter.planned(layers, paths, plan, 0, side)
        assert topology.paths == paths
        source, target = topology.edges(1)
        for neuron in range(64):
            own = source[target == neuron]
            assert len({(pixel // 8 // 4, pixel % 8 // 4) for pixel in own}) == 1
        assert quality.scatter(scatter.retiled(topology, 8), 1)[0] == 0.25
        assert quality.scatter(topology, 1)[0] > 0.25

    def test_seeds_differ(self):
        layers, paths, plan = (16, 16, 16), (64, 64), [None, None]
        drawn = [
            scatter.planned(layers, paths, plan, seed).edges(junction)
            for seed in (0, 1)
            for junction in (1, 2)
        ]
        assert len({tuple(map(tuple, ends)) for ends in drawn}) == 4


class TestConnectivity:
    def test_rows_are_of_their_topologies(self, small):
        """Random paths, whose figures are means over the seeds; 64-64-16 neurons, k = 8."""
        options = SimpleNamespace(data="digits", images=64, epochs=1, seeds=2, seed=4)
        rows = connectivity.rows(options)
        row = next(r for r in rows if (r["topology"], r["degree"]) == ("pseudo-random", 8))
        drawn = [build("pseudo-random", (64, 64, 16), (512, 512), seed=seed) for seed in (4, 5)]
        assert row["edges"] == np.mean([1024 - t.duplicates(1) - t.duplicates(2) for t in drawn])
        figures = np.mean([quality.network_connectivity(t) for t in drawn], axis=0)
        keys = ("parts", "algebraic_connectivity", "spectral_gap")
        assert [row[key] for key in keys] == pytest.approx(figures)

    def test_summary(self):
        rows = [
            {"degree": k, "algebraic_connectivity": x, "spectral_gap": -x, "accuracy": k + x}
            for k in (1, 2, 4, 8)
            for x in (0.1, 0.2, 0.3)
        ]
        found = connectivity.summary(rows)
        assert found["rank correlation, algebraic connectivity, k = 4"] == pytest.approx(1)
        assert found["rank correlation, spectral gap, k = 4"] == pytest.approx(-1)
        assert 0 < found["rank correlation, algebraic connectivity, all"] < 0.5


class TestConnectivitySigmoid:
    def test_inputs(self):
        """MNIST's images lose the border that was added to them; bytes become 0 to 1."""
        images = np.zeros((2, 32, 32), np.uint8)
        images[:, 2:30, 2:30] = np.arange(784).reshape(28, 28) % 256
        found = connectivity_sigmoid.inputs(images.reshape(2, 1024))
        assert (found.shape, found.dtype) == ((2, 784), np.float32)
        assert np.array_equal(found[1] * 255, np.arange(784) % 256)
        assert connectivity_sigmoid.inputs(np.full((3, 64), 51, np.uint8)).tolist()[0][0] == (
            pytest.approx(0.2)
        )

    def test_rows(self, monkeypatch):
        monkeypatch.setattr(connectivity_sigmoid, "DEGREES", (4,))
        options = SimpleNamespace(data="digits", images=0, epochs=40, seeds=1, seed=0)
        rows = connectivity_sigmoid.rows(options)
        assert [row["topology"] for row in rows] == [*connectivity_sigmoid.KINDS, "dense"]
        assert [row["edges"] for row in rows[1:]] == [656] * 5 + [64 * 100 + 100 * 10]
        assert rows[-1]["accuracy"] > 0.25  # chance is 0.1
        summary = connectivity_sigmoid.summary(rows)
        assert list(summary) == [
            f"rank correlation, {figure}, {where}"
            for figure in ("algebraic connectivity", "spectral gap")
            for where in ("all", "k = 4")
        ]


class TestDimensions:
    def test_best_is_whole(self):
        """Dimensions 0, 1, 2 leave this network in 4 parts; others join all of it."""
        layers, paths = (64, 64, 16), (256, 256)

        def parts(topology):
            return -quality.network_connectivity(topology)[0]

        chosen = dimensions.choices(layers, paths, parts)
        assert [parts(topology) for topology in chosen] == [-4, -2, -1]
        assert dimensions.label(chosen[0]) == "sobol 0,1,2"

    def test_none(self, monkeypatch):
        monkeypatch.setattr(dimensions, "FIRST", 1)
        with pytest.raises(InputError, match="dimensions below 1 must exist"):
            dimensions.choices((4, 4), (4,), lambda topology: 0)


class TestGrowing:
    def test_work_is_counted_by_hand(self):
        """Of 1024-256-256-16: two products of the first junction, three of the others."""
        topology = build("omitted", (1024, 256, 256, 16), (16384, 16384, 4096))
        assert growing.work(topology) == 2 * 16384 + 3 * 16384 + 3 * 4096

    def test_every_stage_has_its_share(self):
        """Quarter, half, all: 16, 8 and 4 epochs are 12 of the full network's."""
        topology = build("omitted", (1024, 256, 256, 16), (16384, 16384, 4096))
        found = {name: growing.plan(topology, 12, *how) for name, how in growing.KINDS.items()}
        assert {name: epochs for name, (_, epochs) in found.items()} == {
            "full": 12,
            "grown once": 18,
            "grown twice": 28,
            "small": 48,
        }
        assert [stage.epoch for stage in found["grown twice"][0]] == [1, 17, 25]
        paths = [stage.topology.paths for stage in found["grown twice"][0]]
        assert paths == [(4096, 4096, 1024), (8192, 8192, 2048), (16384, 16384, 4096)]
        assert [stage.topology.paths for stage in found["small"][0]] == paths[:1]

    def test_rows(self):
        found = growing.rows(SimpleNamespace(data="digits", images=64, epochs=12, seeds=1, seed=0))
        works = {name: [r["work"] for r in found if r["network"] == name] for name in growing.KINDS}
        assert works["full"] == works["small"] == [3, 6, 12]
        assert works["grown twice"][-1] == 12
        assert [row["weights"] for row in found] == [*[6144] * 9, *[1536] * 3]
        gains = growing.summary(found)
        assert len(gains) == 9
        difference = 100 * (found[5]["accuracy"] - found[2]["accuracy"])
        assert gains["grown once, points above full at work 12"] == difference
