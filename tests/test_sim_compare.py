"""What the comparison finds in a record, and which mismatch it names first."""

import numpy as np
import pytest
from networks import random_images, random_model

from golden import engine
from golden.lanes import edges
from golden.paths import Topology
from hw.config import CONFIGS
from sim.compare import Comparison, Mismatch
from sim.trace import NEVER, Job, Trace

SEED = 20
TINY = CONFIGS["tiny"]
TOPOLOGY = Topology((16, 32, 8), (64, 64))
IMAGES = 5


def order(layer):
    """The neurons of a layer by row and lane, found without the map that the product uses."""
    _, target = edges(TOPOLOGY, layer, TINY.lanes)
    return target[:: TOPOLOGY.fan_in(layer)].ravel()


@pytest.fixture
def case():
    """A comparison, images, and a record without fault: position p is written in cycle 10 + p."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    model = random_model(rng, TOPOLOGY)
    images = random_images(rng, TOPOLOGY, IMAGES)
    hidden, logits = engine.layers(model, images)
    trace = Trace.empty(IMAGES, TOPOLOGY)
    trace.values[:] = np.concatenate([hidden[:, order(1)], logits[:, order(2)]], axis=1)
    trace.at[:] = 10 + np.arange(40)
    trace.logits[:] = logits
    trace.cycles[:] = 49
    return Comparison(model, Job(TINY, TOPOLOGY, None, 49)), images, trace


def test_no_fault(case):
    comparison, images, trace = case
    logits = comparison.add(images, trace)
    assert np.array_equal(logits, trace.logits)
    assert (comparison.images, comparison.mismatches) == (IMAGES, 0)
    assert comparison.values == IMAGES * (32 + 8 + 8)
    assert comparison.first is None
    assert comparison.cycles == {49: IMAGES}


@pytest.mark.parametrize("position", [0, 1, 31, 32, 39])
def test_every_position_has_its_neuron(case, position):
    comparison, images, trace = case
    trace.values[3, position] += 1
    comparison.add(images, trace)
    layer, index = (1, position) if position < 32 else (2, position - 32)
    got = int(trace.values[3, position])
    neuron = int(order(layer)[index])
    assert comparison.first == Mismatch(3, layer, neuron, got - 1, got, 10 + position)
    assert comparison.mismatches == 1


def test_the_first_is_of_the_first_image_and_layer_and_then_cycle(case):
    comparison, images, trace = case
    trace.at[2, :32] = 10 + np.arange(32)[::-1]
    trace.values[4, 0] += 1
    trace.values[2, [3, 7, 35]] += 1
    trace.at[2, 35] = 1
    comparison.add(images, trace)
    assert comparison.mismatches == 4
    first = comparison.first
    assert (first.image, first.layer, first.neuron) == (2, 1, order(1)[7])
    assert first.cycle == 10 + 24


def test_nothing_was_written(case):
    comparison, images, trace = case
    trace.at[1, 5] = NEVER
    trace.values[1, 5] = 0
    comparison.add(images, trace)
    first = comparison.first
    assert (first.neuron, first.got, first.cycle) == (order(1)[5], None, None)
    assert str(first).endswith(f"expected {first.expected}, got nothing")
    assert comparison.mismatches == 1


def test_a_right_value_that_was_never_written_is_a_mismatch(case):
    comparison, images, trace = case
    trace.at[0, 33] = NEVER
    comparison.add(images, trace)
    assert comparison.first.got is None
    assert comparison.first.layer == 2


def test_a_wrong_write_is_named_before_a_missing_one(case):
    comparison, images, trace = case
    trace.at[0, 2] = NEVER
    trace.values[0, 9] ^= 1
    comparison.add(images, trace)
    assert comparison.first.neuron == order(1)[9]
    assert comparison.mismatches == 2


def test_a_logit_lost_on_its_way_out(case):
    comparison, images, trace = case
    trace.logits[2, 6] -= 5
    comparison.add(images, trace)
    first = comparison.first
    assert (first.image, first.layer, first.neuron, first.cycle) == (2, 2, 6, None)
    assert str(first).endswith(f"got {first.expected - 5} at the output")
    assert comparison.mismatches == 1


def test_batches_add_up_and_images_are_numbered_through(case):
    comparison, images, trace = case
    trace.values[3, 4] += 1
    trace.cycles[4] = 50
    comparison.add(images[:3], trace[:3])
    comparison.add(images[3:], trace[3:])
    assert comparison.images == IMAGES
    assert comparison.first.image == 3
    assert comparison.cycles == {49: 4, 50: 1}
    trace.values[:, 0] += 1
    comparison.add(images, trace)
    assert comparison.first.image == 3  # the first stays


def test_message():
    text = "image 0, layer 1, neuron 2: expected 3, got 4 in cycle 5"
    assert str(Mismatch(0, 1, 2, 3, 4, 5)) == text
