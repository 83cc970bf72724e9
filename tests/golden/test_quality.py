"""Figures of a topology: the papers' examples, known graphs, brute force, and the command."""

import json
import time

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.errors import InputError
from sobolpath.golden.topology import quality
from sobolpath.golden.topology.catalogue import TOPOLOGIES, build
from sobolpath.golden.topology.patterns import Pattern

LAYERS, PATHS = (64, 128, 128, 16), (2048, 2048, 1024)


def of_matrices(*matrices):
    """The pattern whose junctions have these adjacency matrices, rows for targets."""
    ends = [np.nonzero(np.array([list(map(int, row)) for row in rows]).T) for rows in matrices]
    layers = [len(matrices[0][0]), *(len(rows) for rows in matrices)]
    return Pattern("matrices", layers, ends)


#: Dey et al., Fig. 4: 8, 4 and 4 neurons.
FIG_4 = of_matrices(
    ("00001010", "00100001", "10000100", "01010000"), ("1001", "0011", "1100", "0110")
)


class TestScatter:
    def test_worked_example(self):
        """Fig. 6: S_1f = 6 / 8; the others counted by hand in the figure's matrices."""
        assert quality.scatter(FIG_4, 1) == (0.75, 1.0)
        assert quality.scatter(FIG_4, 2) == (0.75, 0.75)
        assert quality.network_scatter(FIG_4) == (14 / 16, 12 / 16)
        assert quality.measure(FIG_4, 4)["network"]["scatter"] == 0.75

    @pytest.mark.parametrize("name", ["dense", "sobol", "scrambled", "cascaded"])
    def test_ideal(self, name):
        topology = build(name, (16, 32), (512,))
        assert quality.scatter(topology, 1) == (1, 1)
        assert quality.network_scatter(topology) == (1, 1)

    def test_random_is_as_expected(self):
        """N of N pairs of neuron and window drawn at random: all but 1 in e of them are met."""
        forward, backward = quality.scatter(build("pseudo-random", (512, 512), (8192,)), 1)
        assert forward == pytest.approx(1 - np.exp(-1), abs=0.01)
        assert backward == pytest.approx(1 - np.exp(-1), abs=0.01)

    def test_one_window_is_met_by_neighbours(self):
        """Regular rotating, fan-in 8: 8 neighbours lie in 2 windows of 8, or in one."""
        forward, _ = quality.scatter(build("regular-rotating", (64, 64), (512,)), 1)
        assert forward == (2 * 56 + 8) / (64 * 8)

    @pytest.mark.parametrize("seed", range(4))
    def test_brute_force(self, seed):
        """Fan-ins that differ, windows that do not divide the neurons."""
        topology = build("random-edge", (20, 31, 12), (90, 70), seed=seed)
        adjacency = []
        for junction in (1, 2):
            dense = np.zeros((topology.layers[junction], topology.layers[junction - 1]), int)
            np.add.at(dense, topology.edges(junction)[::-1], 1)
            adjacency.append(dense)
            counts = [
                int(topology.fan_in(junction) + 0.5),
                int(topology.fan_out(junction) + 0.5),
            ]
            assert quality.scatter(topology, junction) == pytest.approx(
                (by_windows(dense, counts[0]), by_windows(dense.T, counts[1]))
            )
        fans = [np.prod([fan(1), fan(2)]) for fan in (topology.fan_in, topology.fan_out)]
        whole = adjacency[1] @ adjacency[0]
        expected = (
            by_windows(whole, min(int(fans[0] + 0.5), 20)),
            by_windows(whole.T, min(int(fans[1] + 0.5), 12)),
        )
        assert quality.network_scatter(topology) == pytest.approx(expected)


def by_windows(dense, count):
    """The definition, one entry after the other."""
    met, sources = 0, dense.shape[1]
    for row in dense:
        for window in range(count):
            met += any(row[x] for x in range(sources) if x * count // sources == window)
    return met / (len(dense) * count)


class TestConnectivity:
    @pytest.mark.parametrize(("n", "m"), [(3, 5), (64, 64), (40, 200)])
    def test_complete(self, n, m):
        """K(n, m) has the eigenvalues 0, n, m, n + m."""
        source, target = np.divmod(np.arange(n * m), m)
        parts, algebraic, gap = quality.connectivity(n + m, (source, target + n))
        assert parts == 1
        assert (algebraic, gap) == pytest.approx((min(n, m), min(n, m)))

    @pytest.mark.parametrize("n", [3, 31, 32, 100, 700])
    def test_cycle(self, n):
        """2 - 2 cos(2 pi / N) for N vertices, by all three ways of finding it."""
        one = np.arange(2 * n)
        figures = quality.connectivity(2 * n, (one, (one + 1) % (2 * n)))
        expected = 2 - 2 * np.cos(np.pi / n)
        assert figures == (1, pytest.approx(expected), pytest.approx(expected))

    def test_too_long_a_cycle(self):
        one = np.arange(5000)
        assert quality.connectivity(5000, (one, (one + 1) % 5000)) == (1, None, None)

    def test_matching(self):
        """Pairs: 0 as often as there are parts, then 2."""
        assert quality.connectivity(8, (np.arange(4), np.arange(4) + 4)) == (4, 0, pytest.approx(2))

    def test_no_edge(self):
        nothing = np.zeros(0, np.int64)
        assert quality.connectivity(3, (nothing, nothing)) == (3, 0, 0)

    def test_repeated_edges_count_once(self):
        one, other = np.array([0, 0, 1, 1, 0]), np.array([2, 3, 2, 3, 2])
        assert quality.connectivity(4, (one, other)) == (1, pytest.approx(2), pytest.approx(2))

    @pytest.mark.parametrize("name", [name for name in TOPOLOGIES if name != "dense"])
    def test_brute_force(self, name):
        """All eigenvalues of the dense Laplacian of the junction, and of the network."""
        topology = build(name, (64, 32, 16), (128, 128), seed=1)
        first = [0, 64, 96]
        laplacian = np.zeros((112, 112))
        for junction in (1, 2):
            source, target = topology.edges(junction)
            one, other = source + first[junction - 1], target + first[junction]
            own = np.zeros((112, 112))
            own[one, other] = own[other, one] = -1
            own -= np.diag(own.sum(axis=1))
            laplacian += own
            keep = slice(first[junction - 1], [96, 112][junction - 1])
            n, m = topology.layers[junction - 1 : junction + 1]
            figures = quality.connectivity(n + m, (source, target + n))
            assert figures == eigenvalues(own[keep, keep])
        assert quality.network_connectivity(topology) == eigenvalues(laplacian)

    @pytest.mark.parametrize("name", ["sobol", "scrambled", "shifted", "cascaded"])
    def test_linear_paths_are_dense_blocks(self, name):
        """n m / N parts of fan-in sources and fan-out targets, every edge there."""
        topology = build(name, (64, 32), (512,))
        parts, algebraic, gap = quality.connectivity(
            96, (topology.edges(1)[0], topology.edges(1)[1] + 64)
        )
        assert parts == 64 * 32 // 512
        assert algebraic == 0
        assert gap == pytest.approx(min(topology.fan_in(1), topology.fan_out(1)))


def eigenvalues(laplacian):
    values = np.linalg.eigvalsh(laplacian)
    parts = int((values < 1e-9).sum())
    return parts, pytest.approx(values[1], abs=1e-8), pytest.approx(values[parts], abs=1e-8)


class TestBanks:
    @pytest.mark.parametrize("lanes", [1, 2, 8, 16])
    @pytest.mark.parametrize("name", ["sobol", "scrambled", "shifted"])
    def test_low_discrepancy(self, name, lanes):
        topology = build(name, LAYERS, PATHS)
        for junction in topology.junctions:
            expected = {"reads": 1, "writes": 1, "both": 1, "stalled": 0}
            assert quality.stalls(topology, junction, lanes) == expected

    def test_random(self):
        """The fullest of 8 bins with 8 balls: 2.57 on average."""
        topology = build("pseudo-random", (1024, 1024), (2**16,))
        figures = quality.stalls(topology, 1, 8)
        assert figures["reads"] == pytest.approx(2.57, abs=0.03)
        assert figures["writes"] == pytest.approx(2.57, abs=0.03)
        assert 2.8 < figures["both"] < 3.05
        assert figures["stalled"] == round((figures["both"] - 1) * 8192)

    def test_one_source_after_the_other(self):
        """A dense junction in order reads one bank only; its targets come in runs of one bank."""
        figures = quality.stalls(build("dense", (16, 32), (512,)), 1, 8)
        assert figures == {"reads": 8, "writes": 4, "both": 8, "stalled": 7 * 64}

    @pytest.mark.parametrize("lanes", [3, 4, 10])
    def test_brute_force(self, lanes):
        """Widths and counts that lanes do not divide."""
        topology = build("random-edge", (23, 31), (151,), seed=2)
        for side, width in ((0, 23), (1, 31)):
            neurons, expected = topology.edges(1)[side], []
            for start in range(0, neurons.size, lanes):
                bank = [int(x) * lanes // width for x in neurons[start : start + lanes]]
                expected.append(max(bank.count(b) for b in bank))
            assert quality.bank_cycles(neurons, width, lanes).tolist() == expected

    def test_too_many(self):
        with pytest.raises(InputError, match="layer 1 must have at least 32 neurons, one per bank"):
            quality.stalls(build("sobol", (64, 16), (64,)), 1, 32)

    @pytest.mark.parametrize("lanes", [0, -8, 2.0, True, 2**16])
    def test_lanes(self, lanes):
        with pytest.raises(InputError, match="lanes must be an integer from 1 to 32768, not"):
            quality.stalls(build("sobol", (64, 16), (64,)), 1, lanes)


def test_fans_and_duplicates():
    topology = Pattern("mine", (4, 3), [([0, 0, 0, 1, 2], [1, 1, 1, 0, 1])])
    figures = quality.measure(topology, 1)["junctions"][0]
    assert figures["repeated"] == 2
    assert figures["fan_in"]["least"] == 0
    assert figures["fan_in"]["most"] == 4
    assert figures["fan_in"]["mean"] == pytest.approx(5 / 3)
    assert figures["fan_in"]["deviation"] == pytest.approx(np.std([1, 4, 0]))
    assert figures["fan_out"]["most"] == 3
    assert figures["parts"] == 4


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_fast(name):
    """A fraction of a second for each; the bound is generous to a busy machine."""
    layers, paths = (1024, 256, 256, 16), (16384, 16384, 4096)
    if name == "dense":
        paths = (2**18, 2**16, 4096)
    topology = build(name, layers, paths)
    began = time.process_time()
    figures = quality.measure(topology)
    assert time.process_time() - began < 5
    assert figures["network"]["weights"] == topology.total_paths
    assert json.loads(json.dumps(figures)) == figures


class TestCommand:
    def run(self, *arguments):
        return main(["quality", *map(str, arguments)])

    def small(self, *more):
        return self.run("--layers", "16-32-8", "--paths", "128,128", *more)

    def test_report(self, tmp_path, capsys):
        assert self.small("--json", tmp_path / "q.json") == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.splitlines())) <= 80
        assert "read cycles        1.000       1.000\n" in out
        assert "parts                  4           2        1\n" in out
        assert "hardware      8 lanes run it, one block a cycle\n" in out
        result = json.loads((tmp_path / "q.json").read_text())
        assert result["topology"] == "sobol"
        assert result["dimensions"] == [0, 1, 2]
        assert result["runs_on_hardware"] is True
        assert result["junctions"][0]["scatter_forward"] == 1
        assert result["network"]["scatter"] == 0.5  # too few paths to join all ends
        assert [figures["both"] for figures in result["junctions"]] == [1, 1]

    def test_what_hardware_cannot_run(self, capsys):
        assert self.small("--topologies", "pseudo-random", "--seed", 3, "--json", "-") == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["runs_on_hardware"] is False
        assert json.loads(out)["dimensions"] == []
        assert "hardware      pseudo-random paths are not linear over GF(2), so the" in err
        assert max(map(len, err.splitlines())) <= 80

    def test_omitted(self, capsys):
        layers, paths = "-".join(["32"] * 7), ",".join(["1024"] * 6)
        assert self.run("--topologies", "omitted", "--layers", layers, "--paths", paths) == 0
        out, _ = capsys.readouterr()
        assert "dimensions    0,1,2,4,5,7,8\n" in out
        assert "omitted       dimensions 3,6\n" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_side_by_side(self, tmp_path, capsys):
        """A line each: the figures of the single reports."""
        listed = "sobol,pseudo-random,random-regular"
        assert self.small("--topologies", listed, "--seed", 2, "--json", tmp_path / "q.json") == 0
        out, err = capsys.readouterr()
        assert err == ""
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[:2] == ["layers      16-32-8", "paths       128,128"]
        cells = {line.split()[0]: line.split()[1:] for line in lines[4:]}
        results = json.loads((tmp_path / "q.json").read_text())["topologies"]
        assert [result["topology"] for result in results] == list(cells) == listed.split(",")
        for result in results:
            name = result["topology"]
            assert (
                self.small("--topologies", name, "--seed", 2, "--json", tmp_path / "one.json") == 0
            )
            alone = json.loads((tmp_path / "one.json").read_text())
            assert {**alone, "seconds": 0} == {**result, "seconds": 0}
            whole = alone["network"]
            assert cells[name] == [
                str(whole["repeated"]),
                f"{max(j['fan_in']['deviation'] for j in alone['junctions']):.3f}",
                f"{whole['scatter']:.3f}",
                str(whole["parts"]),
                f"{whole['algebraic_connectivity']:.3f}",
                f"{whole['spectral_gap']:.3f}",
                f"{np.mean([j['both'] for j in alone['junctions']]):.3f}",
                "yes" if name == "sobol" else "no",
            ]
        assert cells["sobol"][-2:] == ["1.000", "yes"]
        assert int(cells["pseudo-random"][0]) > 0

    def test_nothing_is_printed_before_all_are_there(self, capsys):
        assert self.small("--topologies", "sobol,nope") == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "topology must be one of sobol, omitted, scrambled" in err

    def test_help(self, capsys):
        with pytest.raises(SystemExit):
            self.run("--help")
        out, _ = capsys.readouterr()
        assert max(map(len, out.splitlines())) <= 80
        assert all(f"\n  {name} " in out for name in TOPOLOGIES)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--topologies", "sobul"), "topology must be one of sobol, omitted, scrambled"),
            (("--topologies", "sobol,sobol"), "--topologies must be 1 or more names joined by ','"),
            (("--topologies", ""), "topology must be one of sobol, omitted, scrambled"),
            (("--topologies", "dense"), "dense paths must be 512,256, every edge once"),
            (("--topologies", "dense", "--dimensions", "0,1,2"), "must be left out for dense"),
            (("--dimensions", "a"), "--dimensions must be integers joined by ','"),
            (("--seed", "-1"), "seed must be an integer from 0 to 4294967295, not -1"),
            (("--lanes", "16"), "layer 2 must have at least 16 neurons, one per bank, not 8"),
            (("--lanes", "0"), "lanes must be an integer from 1 to 32768, not 0"),
            (("--json", "/"), "/: must be a file to write, not a folder"),
            (("--bank", "3"), "unrecognized arguments: --bank ("),
        ],
    )
    def test_complaints(self, capsys, arguments, message):
        assert self.small(*arguments) == 2
        _, err = capsys.readouterr()
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert message in err
