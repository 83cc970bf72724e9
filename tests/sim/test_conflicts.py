"""``sobolpath sim conflicts``: the machine by brute force, its bounds, the engine, the command."""

import json
import sys
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.__main__ import main
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.support import packages
from sobolpath.golden.topology import catalogue, quality
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.sim.backends.pysim import PysimEngine
from sobolpath.sim.backends.record import Job
from sobolpath.sim.conflicts import measure as measuring
from sobolpath.sim.conflicts import patterns
from sobolpath.sim.conflicts.banks import CROSSBARS, simulate
from sobolpath.sim.conflicts.measure import COMPARED, engine_cycles, failures, measure
from sobolpath.sim.conflicts.patterns import PATTERNS, Stream, build, schedule, stream
from tests.support.networks import random_images, random_model, random_topology

SEED = 7
DEPTHS = (1, 2, 3, 8, 200)


def brute_force(source, target, lanes, depth, crossbar):
    """The machine word by word, as its docstring says it: cycles of one stream."""
    coming, lane, added, cycle = deque(range(len(source))), [], 0, 0
    requests = [deque() for _ in range(lanes)]
    writes = [deque() for _ in range(lanes)]
    while True:
        for queue in writes:
            if queue:
                queue.popleft()
                added += 1
        if added == len(source):
            return cycle - 1
        taken = [0] * lanes
        for path in sorted(queue[0] for queue in requests if queue):
            output = target[path]
            if len(writes[output]) < depth and (crossbar == "buffered" or not taken[output]):
                writes[output].append(requests[source[path]].popleft())
                taken[output] += 1
        if not lane:
            lane = [coming.popleft() for _ in range(min(lanes, len(coming)))]
        left = []
        for path in lane:
            queue = requests[source[path]]
            (queue if len(queue) < depth else left).append(path)
        lane = left
        cycle += 1


def loads(banks, lanes):
    """The paths of every block in its busiest bank."""
    blocks = [banks[start : start + lanes] for start in range(0, len(banks), lanes)]
    return np.array([max(list(block).count(bank) for bank in block) for block in blocks])


@st.composite
def streams(draw):
    """Lanes, and the source and target banks of up to 70 paths; often few banks, to conflict."""
    lanes, count = draw(st.integers(1, 9)), draw(st.integers(1, 70))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    used = [draw(st.integers(1, lanes)) for _ in range(2)]
    return lanes, *(random.integers(0, limit, (2, count)) for limit in used)


class TestMachine:
    @settings(max_examples=120, deadline=None, derandomize=True)
    @given(streams(), st.sampled_from(CROSSBARS))
    def test_brute_force_and_bounds(self, case, crossbar):
        lanes, sources, targets = case
        cycles = simulate(sources, targets, lanes, DEPTHS, crossbar)
        assert cycles.shape == (2, len(DEPTHS))
        for row, source, target in zip(cycles, sources, targets, strict=True):
            assert row.tolist() == [
                brute_force(source.tolist(), target.tolist(), lanes, depth, crossbar)
                for depth in DEPTHS
            ]
            made = Stream(source, target, lanes, 0)
            assert made.least == max(
                made.blocks, np.bincount(source).max(), np.bincount(target).max()
            )
            assert (row >= made.least).all()
            reads, writes = loads(source, lanes), loads(target, lanes)
            assert made.lockstep == np.maximum(reads, writes).sum()
            if crossbar == "plain":
                assert (row <= (reads + writes - 1).sum()).all()

    @pytest.mark.parametrize("crossbar", CROSSBARS)
    @pytest.mark.parametrize("lanes", [1, 2, 64, 1024])
    def test_permutations_never_wait(self, lanes, crossbar):
        random = np.random.default_rng(SEED)
        sources, targets = (
            np.concatenate([random.permutation(lanes) for _ in range(9)])[None] for _ in range(2)
        )
        assert (simulate(sources, targets, lanes, (1, 2), crossbar) == 9).all()

    @pytest.mark.parametrize("crossbar", CROSSBARS)
    def test_one_bank(self, crossbar):
        """All paths in one bank, on either side or both: one path a cycle, whatever the queues."""
        same, spread = np.zeros((1, 64), int), np.arange(64)[None] % 8
        for sources, targets in ((same, spread), (spread, same), (same, same)):
            assert (simulate(sources, targets, 8, DEPTHS, crossbar) == 64).all()

    def test_by_hand(self):
        """Paths 0 to 3 on 2 banks: 0 and 1 read bank 0, so 2 and 3 wait unless there is room."""
        sources, targets = np.array([[0, 0, 1, 1]]), np.array([[0, 1, 0, 1]])
        assert simulate(sources, targets, 2, (1, 2)).tolist() == [[4, 3]]

    @pytest.mark.parametrize("crossbar", CROSSBARS)
    def test_reads_alone_are_those_of_quality(self, crossbar):
        """Where only reads conflict, queues of 1 wait for the busiest bank of every block."""
        topology = build("fixed-fan", (64, 32), (512,), seed=SEED)
        made = stream("fixed-fan", topology, 1, 8, seed=SEED)
        assert (loads(made.targets, 8) == 1).all()
        reads = int(quality.bank_cycles(made.sources, 8, 8).sum())
        assert reads > made.blocks
        cycles = simulate([made.sources], [made.targets], 8, (1,), crossbar)
        assert cycles[0, 0] == reads == made.lockstep

    def test_head_of_line(self):
        """Full queues on a wide crossbar pass 2 - sqrt(2) of the words (Karol et al., 1987)."""
        random = np.random.default_rng(SEED)
        sources, targets = random.integers(0, 64, (2, 1, 64 * 600))
        plain, buffered = (simulate(sources, targets, 64, (10**6,), c)[0, 0] for c in CROSSBARS)
        assert 600 / plain == pytest.approx(2 - np.sqrt(2), abs=0.02)
        assert plain > 1.3 * buffered

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"lanes": 0}, "lanes must be an integer from 1 to 1024, not 0"),
            ({"depths": (1, 0)}, "queue depth must be an integer from 1 to 16777216, not 0"),
            ({"crossbar": "omega"}, "crossbar must be one of plain, buffered, not 'omega'"),
            ({"targets": [[0]]}, r"must be of one shape .* not \(1, 2\) and \(1, 1\)"),
            ({"sources": [[]], "targets": [[]]}, "1 path or more"),
            ({"targets": [[0, 2]]}, "banks must be integers from 0 to 1, not int64 from 0 to 2"),
            ({"sources": [[-1, 0]]}, "not int64 from -1 to 0"),
            ({"sources": [[0.0, 1.0]]}, "banks must be integers from 0 to 1, not float64"),
        ],
    )
    def test_errors(self, change, message):
        good = {"sources": [[0, 1]], "targets": [[1, 0]], "lanes": 2, "depths": (1,)}
        assert simulate(**good).tolist() == [[1]]
        with pytest.raises(InputError, match=message):
            simulate(**{**good, **change})


class TestPatterns:
    LAYERS, PATHS = (64, 128, 32), (512, 256)

    @pytest.mark.parametrize("name", PATTERNS)
    @pytest.mark.parametrize("lanes", [1, 8, 32])
    def test_every_edge_comes_once(self, name, lanes):
        topology = build(name, self.LAYERS, self.PATHS, seed=SEED)
        for junction in topology.junctions:
            made = stream(name, topology, junction, lanes, seed=SEED)
            pairs = [made.sources * lanes + made.targets]
            source, target = topology.edges(junction)
            n, m = topology.layers[junction - 1 : junction + 1]
            pairs.append((source // (n // lanes)) * lanes + target // (m // lanes))
            assert np.array_equal(*map(np.sort, pairs))
            if name not in ("fixed-fan", "scheduled"):
                assert np.array_equal(*pairs)

    @pytest.mark.parametrize("name", [*catalogue.LINEAR, "pseudo-random"])
    @pytest.mark.parametrize("lanes", [2, 16])
    def test_lockstep_is_that_of_quality(self, name, lanes):
        topology = build(name, self.LAYERS, self.PATHS, seed=SEED)
        for junction in topology.junctions:
            made = stream(name, topology, junction, lanes)
            stalled = quality.stalls(topology, junction, lanes)["stalled"]
            assert made.lockstep == made.blocks + stalled

    @pytest.mark.parametrize("name", ["sobol", "omitted", "scrambled", "shifted", "scheduled"])
    @pytest.mark.parametrize("lanes", [1, 4, 32])
    def test_no_conflict(self, name, lanes):
        topology = build(name, self.LAYERS, self.PATHS, seed=SEED)
        for junction in topology.junctions:
            made = stream(name, topology, junction, lanes)
            for side in (made.sources, made.targets):
                blocks = np.sort(side.reshape(-1, lanes), axis=1)
                assert (blocks == np.arange(lanes)).all()

    def test_fixed_fan_takes_a_row_of_targets_until_it_is_done(self):
        topology = build("fixed-fan", (64, 32), (256,), seed=SEED)
        order = patterns._by_targets(topology.edges(1)[1], 32, 4, (SEED, 1))
        target = topology.edges(1)[1][order].reshape(8, 8, 4)  # row, edge, bank
        assert (target == np.arange(8)[:, None, None] + 8 * np.arange(4)).all()
        assert sorted(order) == list(range(256))

    @pytest.mark.parametrize(
        ("name", "bits"),
        [
            ("sobol", [(6 + 7) * 9, (7 + 5) * 8]),
            ("cascaded", [(6 + 7) * 9, (7 + 5) * 8]),
            ("pseudo-random", [512 * (6 + 7), 256 * (7 + 5)]),
            ("fixed-fan", [512 * 6, 256 * 7]),
            ("scheduled", [512 * (6 + 4), 256 * (7 + 2)]),
        ],
    )
    def test_index_bits(self, name, bits):
        topology = build(name, self.LAYERS, self.PATHS)
        assert bits == [stream(name, topology, j, 8).index_bits for j in topology.junctions]

    def test_odd_widths(self):
        """4 + 3 bits name 11 and 5 neurons; the last block is short."""
        made = stream("pseudo-random", build("pseudo-random", (11, 5), (13,)), 1, 4)
        assert (made.index_bits, made.blocks) == (13 * 7, 4)
        assert made.sources.max() < 4

    @pytest.mark.parametrize("seed", range(3))
    def test_schedule_of_any_regular_banks(self, seed):
        random = np.random.default_rng(seed)
        sources, targets = (random.permutation(np.arange(320) % 5) for _ in range(2))
        order = schedule(sources, targets, 5)
        assert sorted(order) == list(range(320))
        for side in (sources, targets):
            assert (np.sort(side[order].reshape(-1, 5), axis=1) == np.arange(5)).all()

    def test_errors(self):
        with pytest.raises(InputError, match=r"topology must be one of sobol, .*, not 'dense'"):
            build("dense", (8, 8), (64,))
        with pytest.raises(InputError, match="layer 1 must have at least 16 neurons, one per bank"):
            stream("sobol", Topology((16, 8), (16,)), 1, 16)
        with pytest.raises(InputError, match="layer 0 must be a multiple of the 4 lanes for fixed"):
            stream("fixed-fan", build("fixed-fan", (6, 8), (24,)), 1, 4)
        with pytest.raises(InputError, match="must meet every bank equally often"):
            schedule(np.array([0, 0]), np.array([0, 1]), 2)
        with pytest.raises(InputError, match="scheduled paths over lanes must be a power of two"):
            stream("scheduled", build("scheduled", (12, 12), (24,)), 1, 2 * 2)


class TestEngine:
    """What this machine counts for Sobol' paths is what the engine streams."""

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("name", ["tiny", "icebreaker"])
    def test_closed_form(self, seed, name):
        config, random = CONFIGS[name], np.random.default_rng(seed)
        topology = random_topology(random, config, junctions=3, paths=4000)
        parts = engine_cycles(topology, config.machine)
        assert parts["total"] == plan(topology, config.machine).latency
        made = [stream("sobol", topology, j, config.lanes) for j in topology.junctions]
        cycles = [simulate([s.sources], [s.targets], config.lanes, (1, 8)) for s in made]
        assert (sum(cycles) == parts["blocks"]).all()
        groups = config.groups
        assert 0 < parts["fill_and_drain"] <= 3 * 24 + groups
        missing = [
            (width // config.lanes - 1) * max(groups - topology.fan_in(junction), 0)
            for junction, width in enumerate(topology.layers[1:], 1)
        ]
        assert parts["waits"] == sum(missing)
        fans = [topology.fan_in(junction) for junction in topology.junctions]
        assert (parts["waits"] > 0) == any(
            fan < groups and width > config.lanes
            for fan, width in zip(fans, topology.layers[1:], strict=True)
        )

    def test_simulated(self):
        """The engine itself: from a junction's first row to its last, and the whole inference."""
        print(f"seed {SEED}")
        config, topology = CONFIGS["tiny"], Topology((16, 32, 8), (256, 128))
        random = np.random.default_rng(SEED)
        model = random_model(random, topology)
        parts = engine_cycles(topology, config.machine)
        with PysimEngine(Job.of(config, model)) as simulated:
            trace = simulated.run(random_images(random, topology, 2))
        assert trace.finished == 2
        machine = []
        for junction in topology.junctions:
            made = stream("sobol", topology, junction, config.lanes)
            machine.append(int(simulate([made.sources], [made.targets], config.lanes, (1,))[0, 0]))
        latency = trace.ends[0] - trace.starts[0]
        assert latency == sum(machine) + parts["waits"] + parts["fill_and_drain"]
        assert parts["waits"] == 0
        first = 0
        for junction, cycles in zip(topology.junctions, machine, strict=True):
            width = topology.layers[junction]
            written = trace.at[:, first : first + width].astype(int).reshape(2, -1, config.lanes)
            rows = written.max(axis=2)
            assert (rows[:, -1] - rows[:, 0] == cycles - topology.fan_in(junction)).all()
            first += width


SMALL = ("--layers", "32-64-32", "--paths", "256", "--lanes", "4,32", "--queues", "1,2")


def sim(*arguments):
    return main(["sim", "conflicts", *map(str, arguments)])


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """The picture that nobody asked for goes into a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestCommand:
    def test_result(self, elsewhere, capsys):
        assert sim(*SMALL, "--json", "result.json", "--seed", SEED) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.splitlines())) <= 80
        assert f"seed      {SEED}" in out
        assert "the engine takes" in out
        assert sorted(p.name for p in elsewhere.iterdir()) == ["build", "result.json"]
        assert b"</svg>" in (elsewhere / "build" / "conflicts.svg").read_bytes()
        result = json.loads((elsewhere / "result.json").read_text())
        assert (result["seed"], result["queues"], result["paths"]) == (SEED, [1, 2], [256, 256])
        assert [entry["lanes"] for entry in result["results"]] == [4, 32]
        for entry in result["results"]:
            assert entry["blocks"] == 512 // entry["lanes"] == entry["engine"]["blocks"]
            assert [pattern["name"] for pattern in entry["patterns"]] == list(COMPARED)
            for pattern in entry["patterns"]:
                topology = build(pattern["name"], (32, 64, 32), (256, 256), seed=SEED)
                made = [
                    stream(pattern["name"], topology, j, entry["lanes"], seed=SEED) for j in (1, 2)
                ]
                for crossbar in CROSSBARS:
                    cycles = sum(
                        simulate([s.sources], [s.targets], entry["lanes"], (1, 2), crossbar)[0]
                        for s in made
                    ).tolist()
                    assert [figures["cycles"] for figures in pattern[crossbar]] == cycles
                    for figures in pattern[crossbar]:
                        share = 512 / entry["lanes"] / figures["cycles"]
                        assert figures["utilization"] == pytest.approx(share)
                        assert figures["cycles_per_block"] == pytest.approx(1 / share)
                assert pattern["index_bits_per_weight"] == pattern["index_bits"] / 512

    def test_every_row_is_printed(self, capsys):
        """Four queues and six numbers of lanes take more columns than a terminal has."""
        options = ("--layers", "64-64", "--paths", "64", "--queues", "1,2,3,16777216")
        assert sim(*options, "--lanes", "1,2,4,8,16,64", "--topologies", ",".join(PATTERNS)) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        # twice (queues) for both crossbars at 6 numbers of lanes, and once the bits
        for name in PATTERNS:
            assert sum(line.startswith(f"{name} ") for line in lines) == 2 * 2 * 6 + 1

    @pytest.mark.parametrize("name", ["picture.svg", "picture.png"])
    def test_the_same_picture_twice(self, elsewhere, name):
        pictures = []
        for _ in range(2):
            assert sim(*SMALL, "--plot", f"new/{name}") == 0
            pictures.append((elsewhere / "new" / name).read_bytes())
        assert pictures[0] == pictures[1]
        assert 5_000 < len(pictures[0]) < 150_000
        assert [path.name for path in (elsewhere / "new").iterdir()] == [name]

    def test_without_matplotlib(self, elsewhere, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert sim(*SMALL) == 0
        assert (
            "no picture: it needs matplotlib, " + packages.install("plots")
            in capsys.readouterr().out
        )
        assert not list(elsewhere.iterdir())
        assert sim(*SMALL, "--plot", "picture.svg") == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: matplotlib must be installed to draw what --plot asks for, ")
        assert err.endswith(f": {packages.install('plots')}\n")
        assert err.count("\n") == 1

    def test_json_on_standard_output(self, capsys):
        assert sim(*SMALL, "--json", "-") == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["seed"] == 1
        assert "bits/weight" in err

    def test_random_ones_alone_may_have_any_size(self, capsys):
        names = ("--topologies", "pseudo-random")
        assert sim("--layers", "30-50-20", "--paths", "99,70", "--lanes", "4", *names) == 0
        out = capsys.readouterr().out
        assert "4 lanes, 43 blocks, plain crossbar" in out
        assert "engine" not in out

    def test_failures(self, capsys, monkeypatch):
        """A machine that loses or gains a cycle is found."""
        settings = {"lanes": (4,), "queues": (1,), "names": ("sobol", "pseudo-random")}
        good = measure((8, 8), (64,), **settings)
        assert list(failures(good, CROSSBARS)) == []
        monkeypatch.setattr(measuring, "simulate", lambda *a: simulate(*a) + np.array([[1], [-99]]))
        assert sim(*SMALL, "--lanes", "4", "--topologies", "sobol,pseudo-random") == 1
        err = capsys.readouterr().err.splitlines()
        assert len(err) == 8  # 2 crossbars, 2 queues
        assert "FAILED: sobol paths on 4 banks must take 128 cycles, not 130" in err
        assert any(line.startswith("FAILED: pseudo-random paths on 4 banks must") for line in err)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--lanes", "6"), "lanes must be a power of two, not 6; the next is 8"),
            (("--lanes", "0"), "lanes must be an integer from 1 to 1024, not 0"),
            (("--lanes", "4-8"), "--lanes must be integers joined by ','"),
            (("--lanes", "4,4"), "--lanes must differ, not 4,4"),
            (("--lanes", "64"), "layer 0 must have at least 64 neurons, one per bank, not 32"),
            (("--queues", "0"), "queue depth must be an integer from 1 to 16777216, not 0"),
            (("--queues", "8,8"), "--queues must differ, not 8,8"),
            (("--crossbars", "plain,x"), "--crossbars must be one of plain, buffered, not 'x'"),
            (("--topologies", "sobol,x"), "--topologies must be one of sobol, omitted, "),
            (("--paths", "256,256,256"), "3 layers need 2 path counts"),
            (("--paths", "100"), "paths of junction 1 must be a power of two, not 100"),
            (("--layers", "32,64"), "--layers must be integers joined by '-'"),
            (("--seed", "-1"), "seed must be an integer from 0 to 4294967295, not -1"),
            (("--plot", "picture.pdf"), "--plot must be a file named .svg or .png, not"),
            (("--plot", "a.svg", "--json", "a.svg"), "a.svg: must be a file of its own"),
            (("--plot", "/nowhere/at/all.svg"), "must be in a folder that can be written"),
        ],
    )
    def test_wrong_input(self, options, message, elsewhere, capsys, monkeypatch):
        if "/nowhere" in options[-1]:
            (elsewhere / "nowhere").write_text("")
            options = ("--plot", "nowhere/at/all.svg")
        assert sim(*SMALL, *options) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert not (elsewhere / "build").exists()
