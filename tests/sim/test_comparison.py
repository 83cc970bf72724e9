"""What the comparison finds in a record, and which mismatch it names first."""

from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.lanes import edges
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.sim.backends.record import NEVER, Job, Trace
from sobolpath.sim.run.comparison import Comparison
from sobolpath.sim.run.tally import Mismatch, Tally
from tests.support.networks import random_images, random_model

SEED = 20
TINY = CONFIGS["tiny"]
TOPOLOGY = Topology((16, 32, 8), (64, 64))
IMAGES = 6


def order(layer):
    """The neurons of a layer by row and lane, found without the map that the product uses."""
    _, target = edges(TOPOLOGY, layer, TINY.lanes)
    return target[:: TOPOLOGY.fan_in(layer)].ravel()


def make_case(config):
    """A comparison, images, and a record without fault.

    Position p is written in cycle 10 + p of the inference, and inferences follow each other in 30.
    """
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    model = random_model(rng, TOPOLOGY)
    images = random_images(rng, TOPOLOGY, IMAGES)
    hidden, logits = engine.layers(model, images)
    job = Job(config, TOPOLOGY, None, plan(TOPOLOGY, config.machine))
    inferences = IMAGES // config.images
    trace = Trace.empty(inferences, job)
    values = np.concatenate([hidden[:, order(1)], logits[:, order(2)]], axis=1)
    together = values.reshape(inferences, config.images, 40)
    trace.values[:] = together.transpose(0, 2, 1).reshape(inferences, -1)
    trace.at[:] = 10 + np.arange(trace.at.shape[1])
    trace.logits[:] = logits.reshape(inferences, -1)
    trace.starts[:] = 20 + 30 * np.arange(inferences)
    trace.ends[:] = trace.starts + 49
    return Comparison(model, job), images, trace


@pytest.fixture
def case():
    return make_case(TINY)


@pytest.fixture
def pairs():
    """Two images share each weight."""
    return make_case(replace(TINY, images=2))


@pytest.mark.parametrize("images", [1, 2])
def test_no_fault(images):
    comparison, inputs, trace = make_case(replace(TINY, images=images))
    logits = comparison.add(inputs, trace)
    assert np.array_equal(logits.ravel(), trace.logits.ravel())
    assert logits.shape == (IMAGES, 8)
    assert (comparison.tally.compared, comparison.tally.mismatches) == (IMAGES, 0)
    assert comparison.tally.values == IMAGES * (32 + 8 + 8)
    assert comparison.tally.first is None
    assert comparison.tally.latencies == {49: 1}
    assert comparison.tally.intervals == {30: IMAGES // images - 2}


@pytest.mark.parametrize("position", [0, 1, 31, 32, 39])
def test_every_position_has_its_neuron(case, position):
    comparison, images, trace = case
    trace.values[3, position] += 1
    comparison.add(images, trace)
    layer, index = (1, position) if position < 32 else (2, position - 32)
    got = int(trace.values[3, position])
    neuron = int(order(layer)[index])
    assert comparison.tally.first == Mismatch(3, layer, neuron, got - 1, got, 10 + position)
    assert comparison.tally.mismatches == 1


@pytest.mark.parametrize(
    ("position", "layer", "index", "image"),
    [(0, 1, 0, 0), (1, 1, 0, 1), (62, 1, 31, 0), (63, 1, 31, 1), (64, 2, 0, 0), (79, 2, 7, 1)],
)
def test_every_position_has_its_image(pairs, position, layer, index, image):
    comparison, images, trace = pairs
    trace.values[1, position] -= 1
    comparison.add(images, trace)
    got = int(trace.values[1, position])
    neuron = int(order(layer)[index])
    assert comparison.tally.first == Mismatch(2 + image, layer, neuron, got + 1, got, 10 + position)
    assert comparison.tally.mismatches == 1


def test_the_first_is_of_the_first_image_and_layer_and_then_cycle(case):
    comparison, images, trace = case
    trace.at[2, :32] = 10 + np.arange(32)[::-1]
    trace.values[4, 0] += 1
    trace.values[2, [3, 7, 35]] += 1
    trace.at[2, 35] = 1
    comparison.add(images, trace)
    assert comparison.tally.mismatches == 4
    first = comparison.tally.first
    assert (first.image, first.layer, first.neuron) == (2, 1, order(1)[7])
    assert first.cycle == 10 + 24


def test_nothing_was_written(case):
    comparison, images, trace = case
    trace.at[1, 5] = NEVER
    trace.values[1, 5] = 0
    comparison.add(images, trace)
    first = comparison.tally.first
    assert (first.neuron, first.got, first.cycle) == (order(1)[5], None, None)
    assert str(first).endswith(f"expected {first.expected}, got nothing")
    assert comparison.tally.mismatches == 1


def test_a_right_value_that_was_never_written_is_a_mismatch(case):
    comparison, images, trace = case
    trace.at[0, 33] = NEVER
    comparison.add(images, trace)
    assert comparison.tally.first.got is None
    assert comparison.tally.first.layer == 2


def test_a_wrong_write_is_named_before_a_missing_one(case):
    comparison, images, trace = case
    trace.at[0, 2] = NEVER
    trace.values[0, 9] ^= 1
    comparison.add(images, trace)
    assert comparison.tally.first.neuron == order(1)[9]
    assert comparison.tally.mismatches == 2


def test_a_logit_lost_on_its_way_out(case):
    comparison, images, trace = case
    trace.logits[2, 6] -= 5
    comparison.add(images, trace)
    first = comparison.tally.first
    assert (first.image, first.layer, first.neuron, first.cycle) == (2, 2, 6, None)
    assert str(first).endswith(f"got {first.expected - 5} at the output")
    assert comparison.tally.mismatches == 1


@pytest.mark.parametrize(("output", "image", "neuron"), [(6, 4, 6), (8, 5, 0), (15, 5, 7)])
def test_a_logit_of_images_together_lost_on_its_way_out(pairs, output, image, neuron):
    comparison, images, trace = pairs
    trace.logits[2, output] += 1
    comparison.add(images, trace)
    got = int(trace.logits[2, output])
    assert comparison.tally.first == Mismatch(image, 2, neuron, got - 1, got, None)
    assert comparison.tally.mismatches == 1


def test_batches_add_up_and_images_are_numbered_through(case):
    comparison, images, trace = case
    trace.values[3, 4] += 1
    comparison.add(images[:2], trace[:2])
    comparison.add(images[2:], trace[2:])
    assert comparison.tally.compared == IMAGES
    assert comparison.tally.first.image == 3
    trace.values[:, 0] += 1
    comparison.add(images, trace)
    assert comparison.tally.first.image == 3  # the first stays


def test_images_together_are_numbered_through(pairs):
    comparison, images, trace = pairs
    trace.values[2, 1] += 1
    comparison.add(images[:2], trace[:1])
    comparison.add(images[2:], trace[1:])
    assert comparison.tally.compared == IMAGES
    assert comparison.tally.first.image == 5


def test_latency_is_of_the_first_of_a_batch_and_intervals_are_of_the_later_ones(case):
    comparison, images, trace = case
    trace.ends[1] -= 3  # the engine had not run before: no interval ends here
    trace.ends[5] += 1
    comparison.add(images, trace)
    assert comparison.tally.latencies == {49: 1}
    assert comparison.tally.intervals == {33: 1, 30: 2, 31: 1}
    trace.starts[0] += 2
    comparison.add(images[:2], trace[:2])
    assert comparison.tally.latencies == {49: 1, 47: 1}
    assert comparison.tally.intervals.total() == 4


def test_nothing_finished(case):
    comparison, images, trace = case
    logits = comparison.add(images[:0], trace[:0])
    assert logits.shape == (0, 8)
    assert comparison.tally == Tally()


def test_message():
    text = "image 0, layer 1, neuron 2: expected 3, got 4 in cycle 5"
    assert str(Mismatch(0, 1, 2, 3, 4, 5)) == text
