"""Rows and lanes: the hardware's order enumerates the edges of the paths, and banks never clash."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import lanes
from sobolpath.golden.topology import gf2
from sobolpath.golden.topology.linear import cascaded, of_matrices, scrambled, shifted
from sobolpath.golden.topology.paths import Topology

SHAPES = [
    ((64, 128, 128, 64), (2048, 2048, 1024), (0, 1, 2, 3)),
    ((64, 64), (64,), (0, 1)),
    ((64, 64), (4096,), (5, 20)),
    ((256, 64, 128), (1024, 512), (19, 7, 11)),
    ((128, 64), (2048,), (2, 3)),
    ((1024, 256, 256, 64), (16384, 16384, 4096), (0, 1, 2, 3)),
]
LANES = [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize(("layers", "paths", "dimensions"), SHAPES)
def test_same_edges(layers, paths, dimensions, count):
    topology = Topology(layers, paths, dimensions)
    assert lanes.check(topology, count) == sum(paths)


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize(("layers", "paths", "dimensions"), SHAPES)
def test_same_edges_with_wide_inputs(layers, paths, dimensions, count):
    """Whatever the width, Sobol' paths take as many inputs at once as the layer has rows."""
    topology = Topology(layers, paths, dimensions)
    narrow = lanes.lane_maps(topology, count)
    for width in LANES[: LANES.index(count) + 1]:
        assert lanes.check(topology, count, width) == sum(paths)
        wide = lanes.lane_maps(topology, count, width)
        assert wide.at_once == min(width, layers[0] // count)
        assert_same(wide.order, narrow.order)
        assert_same(wide.coordinates[1:], narrow.coordinates[1:])
    assert_same(lanes.lane_maps(topology, count, 1).coordinates, narrow.coordinates)


def assert_same(some, others):
    assert all(np.array_equal(*pair) for pair in zip(some, others, strict=True))


@pytest.mark.parametrize("make", [shifted, scrambled, cascaded])
@pytest.mark.parametrize(("q", "w"), [(0, 0), (2, 1), (2, 2), (3, 1), (3, 3), (4, 4)])
def test_wide_inputs_stand_where_they_are_written(make, q, w):
    """Neuron by neuron: item j of a word goes to lane base xor j and row base xor j.

    What the loader does: of lanes whose higher digits are those of the base, each takes the item
    whose number is its own number's low digits xor those of the base xor the part of the word.
    """
    topology, count, width = make((64, 32, 16), (512, 128)), 2**q, 2**w
    assert lanes.check(topology, count, width) == topology.total_paths
    at_once = lanes.lane_maps(topology, count, width).at_once
    if make is not cascaded:
        assert at_once == min(width, 64 // count)
    stands = lanes.neurons(topology, 0, count, width)
    placed = lanes.by_place(topology, 0, count, np.arange(64), width)
    assert np.array_equal(stands, placed)
    first, met = lanes.places(topology, 0, count, width), set()
    for base in range(0, 64, at_once):
        word = np.arange(base // width * width, base // width * width + width)
        row, lane = divmod(int(first[base]), count)
        for t in range(count):
            if t // at_once == lane // at_once:
                item = word[t % width ^ lane % width ^ base % width]
                assert stands[row ^ (t ^ lane) % at_once, t] == item
                met.add(int(item))
    assert met == set(range(64))


def test_wide_inputs_of_paths_whose_low_digits_share_a_row():
    """As many at once as the paths allow: here none, the lowest digit of a neuron is a lane's."""
    identity = np.eye(4, dtype=np.uint8)
    topology = of_matrices("straight", (16, 16), (16,), lambda layer, junction: identity)
    assert (lanes.places(topology, 0, 4) // 4)[:2].tolist() == [0, 0]
    for width in (1, 2, 4):
        assert lanes.check(topology, 4, width) == 16
        assert lanes.lane_maps(topology, 4, width).at_once == 1


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize(("layers", "paths", "dimensions"), SHAPES)
def test_each_block_hits_each_bank_once(layers, paths, dimensions, count):
    """The raw view: the bank of a neuron is its leading digits, and no bank is asked for twice."""
    topology = Topology(layers, paths, dimensions)
    for junction in topology.junctions:
        ends = zip(topology.edges(junction), (junction - 1, junction), strict=True)
        for neurons, layer in ends:
            banks = (neurons // (layers[layer] // count)).reshape(-1, count)
            assert np.array_equal(
                np.sort(banks, axis=1), np.tile(np.arange(count), (len(banks), 1))
            )


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize(("layers", "paths", "dimensions"), SHAPES)
def test_one_row_and_one_word_a_block(layers, paths, dimensions, count):
    """A block meets one row of either layer, and its lanes differ by one word D."""
    topology = Topology(layers, paths, dimensions)
    for junction in topology.junctions:
        coordinates = [
            gf2.apply(lanes.coordinate_map(topology, layer, count), neurons).reshape(-1, count)
            for neurons, layer in zip(
                topology.edges(junction), (junction - 1, junction), strict=True
            )
        ]
        for places in coordinates:
            assert (places // count == places[:, :1] // count).all()
        words = (coordinates[0] ^ coordinates[1]) % count
        assert (words == words[:, :1]).all()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_network(data):
    """Two or three layers of any size from the lanes on, any paths, dimensions up to 40."""
    q = data.draw(st.integers(0, 6), "q")
    widths = data.draw(st.lists(st.integers(q, 8), min_size=2, max_size=3), "log2 of widths")
    paths = [
        data.draw(st.integers(max(a, b), min(a + b, 12)), "log2 of paths")
        for a, b in pairwise(widths)
    ]
    dimensions = [data.draw(st.integers(0, 40), "dimension") for _ in widths]
    topology = Topology([2**k for k in widths], [2**p for p in paths], dimensions)
    width = 2 ** data.draw(st.integers(0, q), "log2 of input_width")
    assert lanes.check(topology, 2**q, width) == topology.total_paths


def test_dimension_0_of_the_inputs_is_bit_reversal():
    """The coordinates of the input layer are then the bit-reversal permutation of lanes."""
    topology = Topology((64, 64), (64,), (0, 1))
    place = gf2.apply(lanes.coordinate_map(topology, 0, 8), np.arange(64))
    lane = [int(f"{x // 8:03b}"[::-1], 2) for x in range(64)]
    assert (place % 8).tolist() == lane
    assert (place // 8).tolist() == [x % 8 for x in range(64)]


@pytest.mark.parametrize("layer", range(4))
def test_coordinates_are_a_bijection(layer):
    topology = Topology((64, 128, 128, 16), (2048, 2048, 1024))
    place = gf2.apply(lanes.coordinate_map(topology, layer, 16), np.arange(topology.layers[layer]))
    assert sorted(place.tolist()) == list(range(topology.layers[layer]))


def test_shape_of_the_connectivity():
    """16,384 edges in a matrix of (k_{l-1}) x (p_l - q) digits."""
    topology = Topology((1024, 256), (16384,))
    assert lanes.junction_matrix(topology, 1, 8).shape == (10, 11)


def test_weights_in_order_of_steps():
    topology = Topology((16, 32), (128,), (0, 1))
    order = lanes.path_order(topology, 1, 4)
    assert order.shape == (32, 4)
    assert sorted(order.ravel().tolist()) == list(range(128))
    target = topology.edges(1)[1][order]
    rows = gf2.apply(lanes.coordinate_map(topology, 1, 4), target) // 4
    assert np.array_equal(rows, np.repeat(np.arange(8), 4)[:, None] * np.ones((1, 4), int))


@pytest.mark.parametrize("count", [1, 4, 16])
def test_values_in_rows_and_lanes_and_back(count):
    """Neuron by neuron, also where a layer has a digital shift."""
    topology = shifted((32, 64, 16), (128, 64), seed=3)
    assert all(topology.digital_shifts)
    for layer, width in enumerate(topology.layers):
        values = np.random.default_rng(layer).permutation(width)
        placed = lanes.by_place(topology, layer, count, values)
        assert placed.shape == (width // count, count)
        stands = lanes.neurons(topology, layer, count)
        for neuron, place in enumerate(lanes.places(topology, layer, count)):
            row, lane = divmod(int(place), count)
            assert placed[row, lane] == values[neuron]
            assert stands[row, lane] == neuron
        assert np.array_equal(lanes.by_neuron(topology, layer, count, placed), values)


def test_weights_by_step():
    """A step's weights are those of the paths that end in its row, lane by lane."""
    topology = shifted((32, 64, 16), (128, 64), seed=3)
    for junction, paths in enumerate(topology.paths, 1):
        target = lanes.by_step(topology, junction, 4, topology.edges(junction)[1])
        rows = np.arange(paths // 4) // topology.fan_in(junction)
        assert np.array_equal(target, lanes.neurons(topology, junction, 4)[rows])


class TestComplaints:
    def test_fewer_neurons_than_lanes(self):
        with pytest.raises(InputError, match="layer 1 must have at least 32 neurons, one per lane"):
            lanes.check(Topology((64, 16), (1024,)), 32)

    @pytest.mark.parametrize("count", [0, 3, -8, 8.0])
    def test_lanes_are_a_power_of_two(self, count):
        with pytest.raises(InputError, match="lanes must be a power of two, not"):
            lanes.check(Topology((64, 16), (1024,)), count)

    @pytest.mark.parametrize("width", [0, 3, -2, 2.0])
    def test_the_input_width_is_a_power_of_two(self, width):
        with pytest.raises(InputError, match="input_width must be a power of two, not"):
            lanes.check(Topology((64, 16), (1024,)), 4, width)

    def test_the_input_width_is_at_most_the_lanes(self):
        with pytest.raises(InputError, match="input_width must be at most 4, the lanes, not 8"):
            lanes.check(Topology((64, 16), (1024,)), 4, 8)

    def test_inputs_in_the_wrong_place_are_noticed(self, monkeypatch):
        monkeypatch.setattr(lanes, "_abreast", lambda coordinates, q, width: (coordinates, width))
        with pytest.raises(ArithmeticError, match="layer 0: 4 neurons in a row must stand in as"):
            lanes.check(Topology((64, 16), (1024,)), 4, 4)

    def test_a_wrong_matrix_is_noticed(self, monkeypatch):
        right = lanes.junction_matrix

        def wrong(*arguments):
            matrix = right(*arguments).copy()
            matrix[0, 0] ^= 1
            return matrix

        monkeypatch.setattr(lanes, "junction_matrix", wrong)
        with pytest.raises(ArithmeticError, match="junction 1: rows and lanes must enumerate"):
            lanes.check(Topology((64, 16), (1024,)), 8)

    def test_a_wrong_order_is_noticed(self, monkeypatch):
        monkeypatch.setattr(
            lanes, "path_order", lambda topology, junction, count: np.zeros((128, 8), int)
        )
        with pytest.raises(ArithmeticError, match="junction 1: the steps must meet every path"):
            lanes.check(Topology((64, 16), (1024,)), 8)
