"""The widened last layer: the same edges, each to one copy; copies that add up to the logits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, lanes
from sobolpath.golden.machine.schedule import Machine, plan
from sobolpath.golden.machine.widen import copies, widened, widened_model
from sobolpath.golden.topology import linear
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.topology.patterns import pseudo_random
from tests.support.networks import extreme_model, random_images, random_model

#: lanes, layers, paths, dimensions: the smallest, one output, two copies, fewest paths, dense.
CASES = [
    (2, (2, 1), (2,), (0, 1)),
    (8, (64, 32, 1), (256, 32), (0, 1, 2)),
    (32, (64, 32, 16), (256, 128), (7, 3, 11)),
    (64, (64, 128, 2), (512, 128), (5, 9, 30)),
    (64, (64, 64, 16), (4096, 1024), (0, 1, 2)),
    (64, (1024, 256, 256, 16), (16384, 16384, 4096), (0, 1, 2, 3)),
]


def linear_topologies():
    layers, paths = (64, 64, 8), (1024, 256)
    return [
        linear.scrambled(layers, paths, seed=3),
        linear.shifted(layers, paths, digital_shifts=(5, 63, 6)),
        linear.cascaded(layers, paths),
        linear.omitted(layers, paths)[0],
    ]


def check(topology, count):
    """Assert that only copies are new, and that rows and lanes enumerate what is widened."""
    wide, per = widened(topology, count), copies(topology, count)
    assert wide.layers == (*topology.layers[:-1], count)
    assert (wide.paths, wide.name, wide.linear) == (topology.paths, topology.name, True)
    for junction in topology.junctions[:-1]:
        pairs = zip(wide.edges(junction), topology.edges(junction), strict=True)
        assert all(np.array_equal(new, old) for new, old in pairs)
    last = len(topology.paths)
    source, target = wide.edges(last)
    assert np.array_equal(source, topology.edges(last)[0])
    assert np.array_equal(target // per, topology.edges(last)[1])  # path by path
    assert (np.bincount(target, minlength=count) == topology.paths[-1] // count).all()
    assert lanes.check(wide, count) == topology.total_paths
    return wide


@pytest.mark.parametrize(("count", "layers", "paths", "dimensions"), CASES)
def test_same_edges(count, layers, paths, dimensions):
    topology = Topology(layers, paths, dimensions)
    target = check(topology, count).edges(len(paths))[1].reshape(-1, layers[-1])
    run = np.arange(len(target)) % copies(topology, count)  # of n consecutive paths
    assert np.array_equal(target % copies(topology, count), np.tile(run, (layers[-1], 1)).T)


@pytest.mark.parametrize("count", [16, 32, 64])
@pytest.mark.parametrize("topology", linear_topologies(), ids=lambda each: each.name)
def test_any_linear_paths(topology, count):
    wide = check(topology, count)
    assert wide.digital_shifts == (
        *topology.digital_shifts[:-1],
        topology.digital_shifts[-1] * (count // 8),
    )


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_narrow_network(data):
    q = data.draw(st.integers(1, 7), "log2 of lanes")
    inputs, outputs = data.draw(st.integers(q, 8), "inputs"), data.draw(st.integers(0, q - 1))
    paths = data.draw(st.integers(inputs, min(inputs + outputs, 12)), "log2 of paths")
    dimensions = [data.draw(st.integers(0, 40), "dimension") for _ in range(2)]
    check(Topology((2**inputs, 2**outputs), (2**paths,), dimensions), 2**q)


@pytest.mark.parametrize(("count", "layers", "paths", "dimensions"), CASES)
def test_copies_add_up(count, layers, paths, dimensions):
    """Hidden layers are the same, logits sums; with the largest numbers too."""
    topology, rng = Topology(layers, paths, dimensions), np.random.default_rng(count)
    for model in (random_model(rng, topology), extreme_model(topology, -128, 1)):
        wide = widened_model(model, widened(topology, count))
        images = random_images(rng, topology, 3)
        *hidden, sums = engine.layers(wide, images)
        *expected, logits = engine.layers(model, images)
        for new, old in zip(hidden, expected, strict=True):
            assert np.array_equal(new, old)
        assert sums.shape == (3, count)
        assert np.array_equal(sums.reshape(3, layers[-1], -1).sum(axis=2), logits)
        biases = wide.biases[-1].reshape(layers[-1], -1)
        assert np.array_equal(biases[:, 0], model.biases[-1])
        assert not biases[:, 1:].any()
        assert wide.weights == model.weights
        assert [each.dtype for each in wide.biases] == [np.int32] * len(paths)


@pytest.mark.parametrize("count", [1, 8, 16])
def test_a_layer_as_wide_as_the_lanes_stays(count):
    topology = Topology((32, 16), (64,))
    model = random_model(np.random.default_rng(1), topology)
    assert copies(topology, count) == 1
    assert widened(topology, count) is topology
    assert widened_model(model, topology) is model
    assert plan(topology, Machine(lanes=count, max_copies=count)).wide is topology


def test_schedule():
    topology = Topology((64, 64, 16), (512, 256))
    schedule = plan(topology, Machine(lanes=64, max_copies=4))
    assert (schedule.copies, schedule.topology, schedule.wide.layers[-1]) == (4, topology, 64)
    assert schedule.spans[-1] == 4


class TestComplaints:
    def test_fewer_paths_than_lanes(self):
        message = "paths of junction 2 must be at least 64, one per lane, not 32"
        with pytest.raises(InputError, match=message):
            widened(Topology((64, 32, 4), (64, 32)), 64)

    def test_fewer_neurons_than_copies_fill(self):
        topology = Topology((64, 64, 8), (64, 64))
        for most, message in (
            (1, "layer 2 must have at least 64 neurons, one per lane, not 8: pad it"),
            (4, "layer 2 must have at least 16 neurons, one per 4 lanes, not 8: pad it"),
        ):
            with pytest.raises(InputError, match=message):
                plan(topology, Machine(lanes=64, max_copies=most))
        assert plan(topology, Machine(lanes=64, max_copies=8)).copies == 8

    def test_a_narrow_hidden_layer(self):
        message = "layer 1 must have at least 32 neurons, one per lane, not 16: pad it"
        with pytest.raises(InputError, match=message):
            plan(Topology((64, 16, 16), (64, 64)), Machine(lanes=32, max_copies=32))

    def test_paths_that_are_not_linear(self):
        with pytest.raises(InputError, match="pseudo-random paths are not linear over GF"):
            widened(pseudo_random((64, 16), (128,)), 32)

    def test_lanes_are_a_power_of_two(self):
        with pytest.raises(InputError, match="lanes must be a power of two, not 24"):
            copies(Topology((64, 16), (128,)), 24)
