"""Last layers of fewer neurons than lanes, simulated: the sum of every copy, and the logits."""

import numpy as np
import pytest

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.lanes import places
from sobolpath.golden.machine.widen import widened_model
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS, EngineConfig
from sobolpath.sim.backends.native import NativeEngine
from sobolpath.sim.backends.pysim import PysimEngine
from sobolpath.sim.backends.record import NEVER, Job, Trace
from sobolpath.sim.run.comparison import Comparison
from sobolpath.sim.run.measure import run
from sobolpath.sim.run.tally import Mismatch
from tests.support.networks import make_model, random_images, random_model
from tests.support.places import ROOT

NARROW = EngineConfig(
    lanes=32,
    max_neurons=128,
    weight_words=256,
    bias_neurons=512,
    max_outputs=64,
    program_words=128,
    requantizers=4,
    memory_register=True,
    crossbar_registers=(1, 3),
    product_register=True,
    max_copies=8,
)
PAIRS = EngineConfig(lanes=8, images=2, max_neurons=32, max_outputs=16, max_copies=4)
TOPOLOGY = Topology((32, 16, 2), (64, 32))


def record(config, model, images):
    """A record without fault, as the widened model tells."""
    job, per = Job.of(config, model), config.images
    trace, values = Trace.empty(len(images) // per, job), []
    wide = widened_model(model, job.schedule.wide)
    for layer, natural in enumerate(engine.layers(wide, images), 1):
        placed = np.empty_like(natural)
        placed[:, places(wide.topology, layer, config.lanes)] = natural
        values.append(placed)
    together = np.concatenate(values, axis=1).reshape(len(images) // per, per, -1)
    trace.values[:] = together.transpose(0, 2, 1).reshape(trace.values.shape)
    trace.at[:] = 10
    trace.logits[:] = engine.infer(model, images).reshape(trace.logits.shape)
    return job, trace


def test_what_is_recorded():
    job = Job.of(PAIRS, random_model(np.random.default_rng(1), TOPOLOGY))
    assert job.widths == (64, 32, 16)  # of two images: 8 sums of each
    assert job.outputs == 4
    trace = Trace.empty(3, job)
    assert (trace.values.shape, trace.logits.shape) == ((3, 48), (3, 4))


@pytest.mark.parametrize("place", [0, 3, 7])
@pytest.mark.parametrize("image", [0, 1])
def test_the_copy_is_named(place, image):
    rng = np.random.default_rng(2)
    model, images = random_model(rng, TOPOLOGY), random_images(rng, TOPOLOGY, 4)
    job, trace = record(PAIRS, model, images)
    comparison = Comparison(model, job)
    assert np.array_equal(comparison.add(images, trace), engine.infer(model, images))
    assert comparison.tally.mismatches == 0
    assert comparison.tally.values == 4 * (16 + 8 + 2)
    trace.values[1, 32 + 2 * place + image] += 1
    comparison.add(images, trace)
    widened = places(job.schedule.wide, 2, 8).tolist().index(place)
    got = int(trace.values[1, 32 + 2 * place + image])
    fault = Mismatch(6 + image, 2, widened // 4, got - 1, got, 10, widened % 4)
    assert comparison.tally.first == fault
    assert f"neuron {widened // 4}, copy {widened % 4}: expected" in str(fault)


def test_a_copy_that_is_not_written_or_not_added():
    rng = np.random.default_rng(3)
    model, images = random_model(rng, TOPOLOGY), random_images(rng, TOPOLOGY, 4)
    job, trace = record(PAIRS, model, images)
    trace.logits[0, 3] += 5
    comparison = Comparison(model, job)
    comparison.add(images, trace)
    first = comparison.tally.first
    assert (first.image, first.neuron, first.copy, first.cycle) == (1, 1, None, None)
    trace.at[0, 40] = NEVER
    comparison = Comparison(model, job)
    comparison.add(images, trace)
    assert (comparison.tally.first.layer, comparison.tally.first.got) == (2, None)
    assert comparison.tally.first.copy is not None
    assert comparison.tally.mismatches == 2


@pytest.mark.parametrize("outputs", [4, 16, 32])
def test_both_back_ends_record_the_same(outputs):
    rng, topology = np.random.default_rng(outputs), Topology((64, 32, outputs), (256, 128))
    model, images = random_model(rng, topology), random_images(rng, topology, 4)
    job = Job.of(NARROW, model)
    with NativeEngine(job) as native, PysimEngine(job) as pysim:
        traces = native.run(images), pysim.run(images)
    assert traces[0].same(traces[1])
    assert traces[0].finished == 4
    comparison = Comparison(model, job)
    comparison.add(images, traces[0])
    assert comparison.tally.mismatches == 0
    assert comparison.tally.values == 4 * (32 + 32 + outputs)
    assert comparison.tally.latencies == {job.schedule.latency: 1}
    assert comparison.tally.intervals == {job.schedule.interval: 2}


def test_the_same_file_on_more_lanes_than_outputs(monkeypatch):
    monkeypatch.setitem(CONFIGS, "narrow", NARROW)
    result = run(ROOT / "models" / "digits.npz", "digits", config="narrow", backend="native")
    summary = result.summary
    assert result.failures == ()
    assert (summary["images"], summary["mismatches"]) == (360, 0)
    assert summary["values_compared"] == 360 * (128 + 128 + 32 + 16)
    assert summary["accuracy"] == summary["accuracy_int"] > 0.95
    assert summary["latency_cycles"] == summary["predicted_latency"]
    assert summary["interval_cycles"] == summary["predicted_interval"]


def test_the_largest_sums_of_copies():
    """Copies of 32 lanes whose parts are the largest, and biases as large as may be."""
    topology = Topology((32, 4), (128,))
    weights, biases = [np.full(128, -128)], [np.full(4, -(2**29))]
    model, images = make_model(topology, weights, biases, (0,)), np.full((1, 32), 255, np.uint8)
    job = Job.of(NARROW, model)
    with NativeEngine(job) as native:
        trace = native.run(images)
    assert trace.logits.tolist() == [[-(2**29) - 32 * 255 * 128] * 4]
