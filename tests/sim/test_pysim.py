"""The engine in Amaranth's simulator: whole, and with faults that must be found and named."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth import Module
from amaranth.lib.wiring import Out

from sobolpath.golden.machine import engine, image, lanes
from sobolpath.golden.topology import gf2
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.crossbar import XorCrossbar
from sobolpath.hw.engine import PathEngine
from sobolpath.hw.sequencer import Sequencer
from sobolpath.hw.writeback import WriteBack
from sobolpath.sim.backends.pysim import PysimEngine
from sobolpath.sim.backends.record import NEVER, Job, Stuck
from sobolpath.sim.run.comparison import Comparison
from tests.support.networks import random_images, random_model

pytestmark = pytest.mark.slow

SEED = 31
TINY = CONFIGS["tiny"]
TOPOLOGY = Topology((16, 32, 8), (64, 128))
PAIRS = replace(TINY, images=2)  # each weight is shared by two images
WORDS = replace(TINY, input_width=4)  # inputs come four at a time


def make_case(config=TINY, topology=TOPOLOGY):
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    model = random_model(rng, topology)
    return model, Job.of(config, model), random_images(rng, topology, 4)


@pytest.fixture
def case():
    return make_case()


def run(model, job, images):
    """The trace, and the comparison of what finished."""
    with PysimEngine(job) as simulated:
        trace = simulated.run(images)
    comparison = Comparison(model, job)
    comparison.add(images[: trace.finished * job.config.images], trace[: trace.finished])
    return trace, comparison


def neuron_at(layer, row, lane):
    """The neuron of a row and lane."""
    place = gf2.inverse(lanes.coordinate_map(TOPOLOGY, layer, TINY.lanes))
    return int(gf2.apply(place, np.array([row * TINY.lanes + lane]))[0])


NATURAL = [neuron_at(1, place // 4, place % 4) for place in range(32)]


def edited(job, **spaces):
    """The job with other bytes."""
    parts = {name: getattr(job.image, name).copy() for name in ("weights", "biases", "program")}
    return replace(job, image=image.MemoryImage(**{**parts, **spaces}))


@pytest.mark.parametrize("config", [TINY, PAIRS, WORDS], ids=["one", "pairs", "words"])
def test_no_fault(config):
    model, job, images = make_case(config)
    trace, comparison = run(model, job, images)
    schedule, inferences = job.schedule, 4 // config.images
    assert trace.finished * config.images == comparison.tally.compared == 4
    assert comparison.tally.mismatches == 0
    assert comparison.tally.values == 4 * (32 + 8 + 8)
    assert comparison.tally.latencies == {schedule.latency: 1}
    assert comparison.tally.intervals.total() == inferences - 2
    assert set(comparison.tally.intervals) <= {schedule.interval}
    assert trace.at[0].max() == schedule.latency  # the last write is the last result's
    assert np.array_equal(trace.ends, trace.starts + trace.at.max(axis=1))
    assert (trace.starts[1:] < trace.ends[:-1]).all()  # inputs come while others are inferred
    assert trace.total > trace.ends[-1] + 2 * 8 * config.images


def test_runs_of_one_record_the_same_as_one_of_all(case):
    _, job, images = case
    with PysimEngine(job) as simulated:
        whole = simulated.run(images[:3])
        parts = [simulated.run(images[start : start + 1]) for start in range(3)]
    for part in parts:
        assert np.array_equal(part.at, whole.at[:1])
        assert part.starts[0] == whole.starts[0]
        assert part.ends[0] == whole.ends[0]
        assert part.total == parts[0].total
    for name in ("values", "logits"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(getattr(whole, name), joined)
    assert whole.total < sum(part.total for part in parts)


@pytest.mark.parametrize(
    ("topology", "junction", "more"),
    [(Topology((64, 16), (64,)), 1, 0), (TOPOLOGY, 2, 3)],
    ids=["loading takes longest", "running takes longest"],
)
def test_a_wait_longer_than_planned(topology, junction, more):
    """3 cycles more of latency, and ``more`` of interval."""
    model, job, images = make_case(topology=topology)
    program = job.image.program.copy()
    place = program[1] + 8 * (junction - 1) + 2  # behind blocks of 16 steps
    program[place] = (int(program[place]) - 3) % 2**16
    _, comparison = run(model, edited(job, program=program), images)
    assert comparison.tally.mismatches == 0
    assert comparison.tally.latencies == {job.schedule.latency + 3: 1}
    assert comparison.tally.intervals == {job.schedule.interval + more: 2}


def test_one_wrong_bias(case):
    """The last layer's bias at row 1, lane 2, off by one."""
    model, job, images = case
    biases = job.image.biases.copy()
    biases[32 // TINY.lanes + 1, 2] += 1
    clean, _ = run(model, job, images)
    _, comparison = run(model, edited(job, biases=biases), images)
    first = comparison.tally.first
    assert (first.image, first.layer, first.neuron) == (0, 2, neuron_at(2, 1, 2))
    assert first.got == first.expected + 1
    assert first.expected == engine.infer(model, images)[0, first.neuron]
    assert first.cycle == clean.at[0, 32 + 1 * TINY.lanes + 2]
    assert comparison.tally.mismatches == 2 * 4  # the sum and the logit of every image


def test_one_flipped_weight(case):
    """The sign of the weight of a step and lane in junction 1: one neuron of layer 1 is wrong."""
    model, job, images = case
    golden = engine.layers(model, images)[0]
    for step, lane in np.ndindex(16, 4):
        path = lanes.path_order(TOPOLOGY, 1, 4)[step, lane]
        flipped = model.weights[0].copy()
        flipped[path] ^= -128
        other = replace(model, weights=(flipped, *model.weights[1:]))
        broken = engine.layers(other, images)
        if (golden != broken[0]).any():
            break
    weights = job.image.weights.copy()
    weights[step, lane] ^= -128
    trace, comparison = run(model, edited(job, weights=weights), images)
    assert np.array_equal(trace.logits, broken[1])
    image_, neuron = np.argwhere(golden != broken[0])[0]
    assert neuron == lanes.edges(TOPOLOGY, 1, 4)[1][step, lane]
    first = comparison.tally.first
    assert (first.image, first.layer, first.neuron) == (image_, 1, neuron)
    assert (first.expected, first.got) == (golden[image_, neuron], broken[0][image_, neuron])
    assert first.cycle == trace.at[image_, NATURAL.index(neuron)]


def altered(part, **changes):
    """A part in which ports carry something else: of the port's value and the part, a function."""

    class Altered(part):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self._whole = part(*args, **options)

        def elaborate(self, platform):
            m = Module()
            m.submodules.whole = whole = self._whole
            for name, member in self.signature.members.items():
                source, target = getattr(self, name), getattr(whole, name)
                if member.flow == Out:
                    source, target = target, source
                m.d.comb += target.eq(changes[name](source, whole) if name in changes else source)
            return m

    return Altered


def test_one_wrong_crossbar_stage(case, monkeypatch):
    """Stage 0 never swaps."""
    model, job, images = case
    images = images[1:]  # without the image of zeros
    broken_part = altered(XorCrossbar, distance=lambda value, part: value & ~1)
    monkeypatch.setattr("sobolpath.hw.lanes.XorCrossbar", broken_part)
    trace, comparison = run(model, job, images)
    # What layer 1 gets: its source lanes without digit 0 of the distance.
    word = gf2.apply(lanes.junction_matrix(TOPOLOGY, 1, 4), np.arange(16))[:, None]
    place = word // 4 * 4 + (np.arange(4) ^ (word % 4 & ~1))
    rows = np.empty_like(images)
    rows[:, gf2.apply(lanes.coordinate_map(TOPOLOGY, 0, 4), np.arange(16))] = images
    products = rows[:, place].astype(int) * job.image.weights[:16]
    sums = products.reshape(3, 8, 2, 4).sum(axis=2).reshape(3, 32) + job.image.biases[:8].ravel()
    broken = np.clip(sums >> model.shifts[0], 0, 255)  # half is in the biases
    assert np.array_equal(trace.values[:, :32], broken)
    wanted = engine.layers(model, images)[0][:, NATURAL]
    image_, position = np.argwhere(broken != wanted)[0]
    first = comparison.tally.first
    assert (first.image, first.layer, first.neuron) == (image_, 1, NATURAL[position])
    assert (first.expected, first.got) == (wanted[image_, position], broken[image_, position])
    assert first.cycle == trace.at[image_, position]


def test_a_missing_write(case, monkeypatch):
    """The hidden layer's write at row 1, lane 2 is lost; the layer begins at place 32 of 64."""
    model, job, images = case
    lossy = altered(
        WriteBack, activation=lambda value, part: value & (part.activation_place[:6] != 38)
    )
    monkeypatch.setattr("sobolpath.hw.drain.WriteBack", lossy)
    _, comparison = run(model, job, images)
    first = comparison.tally.first
    assert (first.image, first.layer, first.neuron) == (0, 1, neuron_at(1, 1, 2))
    assert first.got is None
    assert first.cycle is None
    assert "got nothing" in str(first)
    assert comparison.tally.latencies == {job.schedule.latency: 1}


def test_no_overlap(case, monkeypatch):
    """Inputs are loaded only when nothing runs: right values, but not as often as predicted."""
    model, job, images = case
    slow = altered(Sequencer, load_idle=lambda value, part: value & part.run_idle)
    monkeypatch.setattr("sobolpath.hw.control.Sequencer", slow)
    _, comparison = run(model, job, images)
    assert comparison.tally.mismatches == 0
    assert comparison.tally.latencies == {job.schedule.latency: 1}
    assert comparison.tally.intervals.total() == 2
    assert min(comparison.tally.intervals) >= job.schedule.interval + 16  # inputs


def test_a_hang(case, monkeypatch):
    """The end of the results is never reported."""
    model, job, images = case
    never = altered(WriteBack, done=lambda value, part: 0)
    monkeypatch.setattr("sobolpath.hw.drain.WriteBack", never)
    trace, comparison = run(model, job, images)
    assert trace.finished == comparison.tally.compared == 0
    assert trace.total == job.patience
    hidden = engine.layers(model, images[:1])[0][0]
    assert np.array_equal(trace.values[0, :32], hidden[NATURAL])  # as far as it got


def test_a_hang_of_the_second_inference(case, monkeypatch):
    """Inputs are loaded into the first half of the memory only."""
    model, job, images = case
    once = altered(Sequencer, load=lambda value, part: value & ~part.load_half)
    monkeypatch.setattr("sobolpath.hw.control.Sequencer", once)
    trace, comparison = run(model, job, images)
    assert trace.finished == comparison.tally.compared == 1
    assert comparison.tally.mismatches == 0
    assert trace.ends[0] < trace.total - job.patience  # which is from the first's last logit on
    assert (trace.at[1] == NEVER).all()


class AlwaysBusy(PathEngine):
    """An engine that takes no bytes."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.write.ready.eq(0)
        return m


def test_bytes_that_are_not_taken(case, monkeypatch):
    model, job, images = case
    monkeypatch.setattr("sobolpath.sim.backends.pysim.component", AlwaysBusy)
    with pytest.raises(Stuck, match="must take bytes of WEIGHTS while idle, but does not"):
        run(model, job, images)
