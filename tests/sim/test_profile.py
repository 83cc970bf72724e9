"""What the cycles do: the same for all data, those of the closed form, and the command."""

import json
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from sobolpath.golden.machine import timeline as timelines
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.machine.timeline import timeline
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.sequencer import Sequencer
from sobolpath.sim.backends.native import NativeEngine
from sobolpath.sim.backends.pysim import PysimEngine
from sobolpath.sim.backends.record import ARRAYS, NEVER, Job
from sobolpath.sim.views.profile import differences, measured
from tests.sim.test_commands import PYSIM, sim
from tests.sim.test_native import CASES
from tests.sim.test_pysim import AlwaysBusy, altered
from tests.support.networks import extreme_model, random_images, random_model, random_topology

pytestmark = pytest.mark.slow

TINY = CONFIGS["tiny"]
CYCLES = [name for name in ARRAYS if name not in ("values", "logits")]
INFERENCES = 5


@pytest.mark.parametrize(("case", "seed"), [*((case, 3) for case in CASES), ("tiny", 2)])
def test_cycles_do_not_depend_on_the_data(case, seed):
    """All zeros, all at their limits, at random: every cycle of every write, step and stream."""
    print(f"seed {seed}")
    config, rng = CASES[case], np.random.default_rng(seed)
    topology = random_topology(rng, config, junctions=seed, paths=1024)
    print(topology)
    extremes = ((-128, -1), (0, 1), (127, 1))
    models = [extreme_model(topology, weight, sign) for weight, sign in extremes]
    models.append(random_model(rng, topology))
    shape = INFERENCES * config.images, topology.layers[0]
    images = [np.full(shape, value, np.uint8) for value in (0, 255)]
    images.append(rng.integers(0, 256, shape, np.uint8))
    traces = []
    for model in models:
        with NativeEngine(Job.of(config, model)) as engine:
            traces += [engine.run(inputs) for inputs in images]
    assert len(traces) == 12
    assert (traces[0].at != NEVER).all()
    assert (traces[0].issued != NEVER).all()
    assert len({trace.values.tobytes() for trace in traces}) > 4  # the data did differ
    for trace in traces[1:]:
        for name in CYCLES:
            assert np.array_equal(getattr(traces[0], name), getattr(trace, name)), name
        assert trace.total == traces[0].total


def same(engine, job, images):
    """Assert that the measured timeline is the predicted one; which of the three tasks bind."""
    with engine(job) as simulated:
        trace = simulated.run(images)
    assert trace.finished == INFERENCES
    seen, formula = measured(trace, job), timeline(job.schedule, INFERENCES)
    assert list(differences(seen, formula)) == [], job.topology
    assert trace.ends[0] - trace.starts[0] == job.schedule.latency, job.topology
    for times in (seen, formula):
        assert times.inference(INFERENCES - 1)["interval"] == job.schedule.interval
    return {name for name, took in job.schedule.tasks.items() if took == job.schedule.interval}


def test_the_closed_form_is_measured():
    """Whatever makes the interval, with room for the next inputs and without."""
    rng, bound, overlaps = np.random.default_rng(8), set(), set()
    for config in CASES.values():
        for junctions in (1, 2, 3, 4, 2, 3):
            topology = random_topology(rng, config, junctions=junctions, paths=1024)
            job = Job.of(config, random_model(rng, topology))
            images = random_images(rng, topology, INFERENCES * config.images)
            bound |= same(NativeEngine, job, images)
            overlaps.add(job.schedule.overlap)
    assert bound == {"running", "loading", "reading"}
    assert overlaps == {True, False}


@pytest.mark.parametrize(
    ("changes", "layers", "paths"),
    [
        ({"lanes": 1}, (1, 4), (4,)),  # a single input
        ({"lanes": 1}, (1, 2, 1), (2, 2)),
        ({"max_copies": 4}, (16, 8, 2), (32, 16)),
        ({"max_copies": 4, "images": 2}, (8, 1), (8,)),
        ({"input_width": 4}, (64, 8, 4), (64, 16)),  # all of a word at once,
        ({"input_width": 4}, (8, 8, 4), (16, 16)),  # two at a time,
        ({"input_width": 2, "images": 2}, (4, 4), (16,)),  # one by one,
        ({"input_width": 4}, (4, 8, 4), (16, 16)),  # and a single word
    ],
)
def test_the_closed_form_at_its_limits(changes, layers, paths):
    config, rng = replace(TINY, **changes), np.random.default_rng(3)
    topology = Topology(layers, paths)
    job = Job.of(config, random_model(rng, topology))
    same(PysimEngine, job, random_images(rng, topology, INFERENCES * config.images))


@pytest.mark.slow
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("lanes", [1, 2, 16])
def test_the_closed_form_of_the_smallest_layers(lanes, copies):
    """Layers of one row or two, of few paths: on one lane of one input, one path, one output."""
    sizes = {"max_outputs": 2 * lanes, "max_copies": min(copies, lanes), "images": copies}
    config, rng = replace(TINY, lanes=lanes, **sizes), np.random.default_rng([lanes, copies])
    deep = {"memory_register": True, "product_register": True, "requantizers": lanes}
    for number in range(6):
        width = {"input_width": lanes >> number % 3} if number % 3 < lanes.bit_length() else {}
        layers = [lanes << digits for digits in rng.integers(0, 2, 2 + number % 3)]
        layers[0] = lanes << number % 2
        layers[-1] //= config.max_copies
        paths = [
            max(lanes, *pair) << rng.integers(0, 2) * (min(pair) > 1) for pair in pairwise(layers)
        ]
        topology = Topology(layers, paths)
        print(topology)
        some = replace(config, **width, **(deep if number > 2 else {}))
        job = Job.of(some, random_model(rng, topology))
        same(PysimEngine, job, random_images(rng, topology, INFERENCES * config.images))


def test_the_timeline_has_the_schedules_sums():
    """Latency and interval on the shipped configurations, without a simulation."""
    rng, compared = np.random.default_rng(4), 0
    for config in CONFIGS.values():
        for junctions in (1, 2, 3):
            topology = random_topology(rng, config, junctions=junctions, paths=4096)
            schedule = plan(topology, config.machine)
            times = timeline(schedule, INFERENCES)
            last = times.closes[0] - schedule.inputs // schedule.words  # a word is taken
            assert times.ends[0, -1] - last == schedule.latency
            assert times.inference(4)["interval"] == schedule.interval
            assert times.inference(4)["running"] >= schedule.running
            compared += 1
    assert compared == 3 * len(CONFIGS)


def profile(path, *more):
    return sim("profile", path, "--config", "tiny", *PYSIM, *more)


class TestCommand:
    def test_report(self, small, tmp_path, capsys):
        file = tmp_path / "profile.json"
        assert profile(small, "--json", file) == 0
        out = capsys.readouterr().out
        lines = out.replace(str(small), "small.npz").splitlines()
        assert max(map(len, lines)) <= 80
        result = json.loads(file.read_text())
        assert result["measured"] == result["predicted"]
        first, second = result["junctions"]
        assert first["measured"] == first["predicted"]
        assert (first["blocks"], second["blocks"]) == (64 / 4, 32 / 4)
        for junction in (first, second):
            found = junction["measured"]
            assert found["stream"] == junction["blocks"] + found["stalls"]
        assert second["measured"]["stalls"] == 3 * (4 - 2)  # rows of 2 steps leave in 4 cycles
        schedule = plan(Topology((64, 16, 16), (64, 32)), TINY.machine)
        assert result["measured"]["latency"] == schedule.latency
        assert result["measured"]["interval"] == schedule.interval
        assert result["tasks"] == schedule.tasks
        assert len(result["timeline"]["first"]) == result["inferences"] == 4
        assert f"interval   {schedule.interval}/{schedule.interval}" in lines
        assert "bound by   loading: alone, " in out
        marks = {line[:5].strip(): line[5:] for line in lines[-3:]}
        assert set(marks["load"]) - {" "} == set(marks["read"]) - {" "} == set("ABCD")
        assert set(marks["run"]) - {" "} == set("12")

    @pytest.mark.parametrize("name", ["new/p.svg", "new/p.png"])
    def test_picture(self, small, tmp_path, name, capsys):
        pictures = []
        for _ in range(2):
            assert profile(small, "--plot", tmp_path / name) == 0
            pictures.append((tmp_path / name).read_bytes())
        assert pictures[0] == pictures[1]
        assert f"picture    {tmp_path / name}" in capsys.readouterr().out
        if name.endswith("svg"):
            schedule = plan(Topology((64, 16, 16), (64, 32)), TINY.machine)
            assert f"interval {schedule.interval}: loading" in pictures[0].decode()

    def test_a_wrong_closed_form(self, small, capsys, monkeypatch):
        monkeypatch.setattr(timelines, "LEAVE", timelines.LEAVE + 1)
        assert profile(small) == 1
        err = capsys.readouterr().err
        assert err.startswith("FAILED: the last logit of inference 0 must be in cycle ")
        assert err.count("\n") == 1

    def test_slow_hardware(self, small, capsys, monkeypatch):
        slow = altered(Sequencer, load_idle=lambda value, part: value & part.run_idle)
        monkeypatch.setattr("sobolpath.hw.control.Sequencer", slow)
        assert profile(small) == 1
        lines = capsys.readouterr().err.splitlines()
        assert any("the first input of inference 1 must be in cycle" in line for line in lines)
        assert any(line.startswith("FAILED: interval must be ") for line in lines)

    def test_hang(self, small, capsys, monkeypatch):
        held = altered(Sequencer, run_hold=lambda value, part: value | part.output)
        monkeypatch.setattr("sobolpath.hw.control.Sequencer", held)
        assert profile(small) == 1
        assert "FAILED: inference 0 must be done in " in capsys.readouterr().err

    def test_no_network_taken(self, small, capsys, monkeypatch):
        monkeypatch.setattr("sobolpath.sim.backends.pysim.component", AlwaysBusy)
        assert profile(small) == 1
        assert "must take bytes of WEIGHTS while idle" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--plot", "p.pdf"], "--plot must be a file named .svg or .png, not 'p.pdf'"),
            (["--config", "none"], "--config must be one of tiny, icebreaker"),
            (["--backend", "none"], "--backend must be one of auto, native, pysim, not 'none'"),
        ],
    )
    def test_wrong_input(self, small, capsys, more, message):
        assert profile(small, *more) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"error: {message}")
        assert err.count("\n") == 1


def test_differences_name_each_kind_of_event_once():
    schedule = plan(Topology((8, 8, 8), (16, 16)), TINY.machine)
    good, bad = timeline(schedule, 3), timeline(schedule, 3)
    for field in fields(bad):
        getattr(bad, field.name)[1:] += 2
    lines = list(differences(bad, good))
    assert len(lines) == len(fields(bad)) == 7
    cycle = int(good.first[1, 0])
    wanted = f"the first step of inference 1, junction 1 must be in cycle {cycle}, "
    assert wanted + f"but was in {cycle + 2}" in lines
