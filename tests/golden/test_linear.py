"""Paths that are linear though not Sobol': their edges, their lanes, and the engine runs them."""

import itertools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import image, lanes, model
from sobolpath.golden.machine.schedule import Machine
from sobolpath.golden.topology import gf2, quality
from sobolpath.golden.topology.linear import (
    Linear,
    cascaded,
    coalescing,
    fewest_parts,
    of_matrices,
    omitted,
    parts,
    scrambled,
    shifted,
)
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.topology.sobol import points
from tests.hw.test_path_engine import check as run_on_engine
from tests.hw.test_path_engine import config
from tests.support.networks import random_images, random_model

LANES = [1, 2, 4, 8, 16, 32, 64]
SHAPES = [
    ((64, 128, 128, 64), (2048, 2048, 1024)),
    ((64, 64), (64,)),
    ((64,) * 5, (256,) * 4),
    ((1024, 256, 256, 64), (16384, 16384, 4096)),
]


def make(name, layers, paths):
    makers = {"scrambled": scrambled, "shifted": shifted, "cascaded": cascaded}
    return makers[name](layers, paths)


def conflicts(topology, junction, layer, count):
    """Neurons met by the first ``count`` paths, of the ``count`` that there could be."""
    ends = topology.edges(junction)[layer - junction + 1][:count]
    banks = ends // (topology.layers[layer] // count)
    return count - np.unique(banks).size


@pytest.mark.parametrize("name", ["scrambled", "shifted", "cascaded"])
@pytest.mark.parametrize(("layers", "paths"), SHAPES)
def test_lanes(name, layers, paths):
    """Rows, lanes and G enumerate the edges; every neuron has the same fan-in and fan-out."""
    topology = make(name, layers, paths)
    for count in LANES:
        assert lanes.check(topology, count) == sum(paths)
        assert lanes.check(topology, count, count) == sum(paths)
    for junction in topology.junctions:
        source, target = topology.edges(junction)
        assert set(np.bincount(source).tolist()) == {topology.fan_out(junction)}
        assert set(np.bincount(target).tolist()) == {topology.fan_in(junction)}


@pytest.mark.parametrize(("k", "p"), [(2, 4), (3, 4), (3, 6), (4, 6), (5, 6), (5, 9), (6, 8)])
def test_cascaded_blocks_in_index_order_clash(k, p):
    """2**k consecutive paths hit a neuron twice, yet lanes are found for them all."""
    topology = cascaded((2**k,) * 5, (2**p,) * 4)
    clashes = [
        conflicts(topology, junction, layer, 2**k)
        for junction in topology.junctions
        for layer in (junction - 1, junction)
    ]
    assert max(clashes) > 0
    assert lanes.check(topology, 2**k) == 4 * 2**p


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_linear_paths(data):
    """Random maps: lanes are found wherever every layer has two neurons a lane or more."""
    q = data.draw(st.integers(0, 4), "q")
    widths = data.draw(st.lists(st.integers(q + 1, 7), min_size=2, max_size=4), "log2 of widths")
    seed = data.draw(st.integers(0, 2**32), "seed")
    random = np.random.default_rng(seed)

    def matrix(layer, junction):
        digits = max(widths[junction - 1 : junction + 1]) + 1
        while True:
            result = random.integers(0, 2, (widths[layer], digits), np.uint8)
            if gf2.rank(result) == widths[layer]:
                return result

    layers = [2**k for k in widths]
    paths = [2 ** (max(a, b) + 1) for a, b in itertools.pairwise(widths)]
    topology = of_matrices("random", layers, paths, matrix)
    width = 2 ** data.draw(st.integers(0, q), "log2 of input_width")
    assert lanes.check(topology, 2**q, width) == sum(paths)


def test_scrambled_leading_digits_stay_a_bijection():
    topology = scrambled((64, 64), (512,), seed=5)
    plain = Topology((64, 64), (512,))
    for count in (2, 4, 8, 16, 32, 64):
        for layer in (0, 1):
            assert conflicts(topology, 1, layer, count) == 0
    assert not np.array_equal(topology.edges(1), plain.edges(1))
    assert np.array_equal(topology.edges(1), scrambled((64, 64), (512,), seed=5).edges(1))
    assert not np.array_equal(topology.edges(1), scrambled((64, 64), (512,), seed=6).edges(1))
    assert topology.duplicates(1) == plain.duplicates(1) == 0


def test_shifts_only_relabel():
    plain, moved = Topology((16, 32, 8), (64, 64)), shifted((16, 32, 8), (64, 64), seed=4)
    assert all(moved.digital_shifts)
    for junction, (left, right) in enumerate(pairwise(moved.digital_shifts), 1):
        source, target = plain.edges(junction)
        assert np.array_equal(moved.edges(junction), (source ^ left, target ^ right))


def test_cascaded_by_hand():
    """Component l at index i is Sobol' component l at the integer that component l - 1 is."""
    topology, index = cascaded((8, 4, 8), (16, 16)), np.arange(16)
    for layer, (junction, width) in enumerate([(1, 8), (1, 4), (2, 8)]):
        index = points(layer, 4, index)
        expected = index // (16 // width)
        assert np.array_equal(topology.edges(junction)[layer - junction + 1], expected)


@pytest.mark.parametrize("p", range(5, 11))
def test_cascaded_never_repeats_an_edge(p):
    topology = cascaded((32,) * 6, (2**p,) * 5)
    assert [topology.duplicates(junction) for junction in topology.junctions] == [0] * 5
    assert max(map(Topology((32,) * 6, (1024,) * 5).duplicates, range(1, 6))) == 512


@pytest.mark.parametrize("dimensions", [(2, 3), (0, 1), (7, 4), (5, 20)])
@pytest.mark.parametrize("paths", [128, 512, 1024, 2048])
def test_coalescing_is_counted_by_rank(dimensions, paths):
    topology = Topology((128, 16), (paths,), dimensions)
    assert coalescing(topology, 1) == topology.duplicates(1)


def test_omitted():
    topology, skipped = omitted((128, 16), (2048,), first=2)
    assert topology == Topology((128, 16), (2048,), (2, 4))
    assert skipped == [3]
    assert topology.duplicates(1) == 0
    topology, skipped = omitted((32,) * 5, (1024,) * 4)
    assert topology.dimensions == (0, 1, 2, 4, 5)
    assert skipped == [3]
    assert [topology.duplicates(junction) for junction in topology.junctions] == [0] * 4


@pytest.mark.parametrize("name", ["scrambled", "shifted", "cascaded"])
@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        ((2, 2), (2,)),
        ((2, 2), (4,)),
        ((64, 64, 16), (64, 64)),
        ((64, 64, 16), (256, 256)),
        ((64, 64, 16), (512, 512)),
        ((8, 32, 4, 64), (64, 32, 128)),
        ((64,) * 6, (128,) * 5),
    ],
)
def test_parts_are_counted_by_rank(name, layers, paths):
    topology = make(name, layers, paths)
    found = quality.network_connectivity(topology)[0]
    assert parts(topology) == found >= fewest_parts(layers, paths)
    plain = Topology(layers, paths)
    assert parts(plain) == quality.network_connectivity(plain)[0]


@pytest.mark.parametrize(
    ("layers", "paths", "dimensions", "before", "after"),
    [
        ((64, 64, 16), (256, 256), (0, 1, 3), 4, 1),
        ((64, 64, 16), (512, 512), (0, 1, 3), 2, 1),
        ((64, 64, 16), (64, 64), (0, 1, 2), 16, 16),  # too few paths to join them
        ((64,) * 6, (128,) * 5, (0, 1, 2, 3, 4, 6), 4, 2),
        ((64, 128, 128, 16), (2048, 2048, 1024), (0, 1, 2, 3), 1, 1),
        ((1024, 256, 256, 16), (16384, 16384, 4096), (0, 1, 2, 3), 1, 1),
    ],
)
def test_omitted_joins_the_whole_network(layers, paths, dimensions, before, after):
    topology, skipped = omitted(layers, paths)
    assert topology.dimensions == dimensions
    assert skipped == [d for d in range(dimensions[-1]) if d not in dimensions]
    assert parts(Topology(layers, paths)) == before
    assert parts(topology) == fewest_parts(layers, paths) == after
    assert [topology.duplicates(junction) for junction in topology.junctions] == [0] * len(paths)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_omitted_of_any_network(data):
    """The parts are as few as can be, of every size that was tried."""
    widths = data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=5), "log2 of widths")
    paths = [
        2 ** data.draw(st.integers(max(pair), min(sum(pair), max(pair) + 4)))
        for pair in itertools.pairwise(widths)
    ]
    layers = [2**k for k in widths]
    topology, _ = omitted(layers, paths)
    assert parts(topology) == fewest_parts(layers, paths)
    assert sum(coalescing(topology, junction) for junction in topology.junctions) == 0
    assert sorted(set(topology.dimensions)) == list(topology.dimensions)


def test_omitted_takes_the_fewest_parts_of_a_short_search(monkeypatch):
    monkeypatch.setattr("sobolpath.golden.topology.linear.MOST_DIMENSIONS", 1)
    topology, skipped = omitted((64, 64, 16), (256, 256))
    assert topology.dimensions == (0, 1, 2)
    assert skipped == []
    assert parts(topology) == 4


@pytest.mark.parametrize("name", ["scrambled", "shifted", "cascaded"])
@pytest.mark.parametrize("count", [2, 8])
def test_the_engine_runs_them(name, count):
    """The hardware, to the value and to the cycle."""
    seed = 11
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    topology = make(name, (16, 32, 16), (64, 128))
    jobs = [(random_model(random, topology), random_images(random, topology, 2))]
    run = run_on_engine(config(count, max_outputs=16), jobs)
    assert len(run.logits) == 2 * 16


@pytest.mark.parametrize("name", ["scrambled", "shifted", "cascaded"])
def test_model_files(name, tmp_path):
    topology = make(name, (16, 32, 8), (64, 128))
    saved = random_model(np.random.default_rng(0), topology)
    saved.save(tmp_path / "m.npz")
    loaded = model.load(tmp_path / "m.npz")
    assert loaded.topology == topology
    assert loaded.topology.digital_shifts == topology.digital_shifts
    for first, second in zip(
        *(image.pack(each, Machine(lanes=4)).spaces() for each in (saved, loaded)), strict=True
    ):
        assert first == second


class TestComplaints:
    def test_shifts(self):
        with pytest.raises(InputError, match="shift of layer 1 must be 0 to 7, not 8"):
            shifted((8, 8), (8,), digital_shifts=(0, 8))
        with pytest.raises(InputError, match="2 layers need 2 digital shifts, not 1"):
            shifted((8, 8), (8,), digital_shifts=(0,))

    def test_maps(self):
        with pytest.raises(InputError, match="maps must be 1 pairs, one per junction"):
            Linear((8, 8), (8,), ())
        with pytest.raises(InputError, match="to layer 0 must be 3 masks of 0 to 7"):
            Linear((8, 8), (8,), [[(1, 2), (1, 2, 4)]])
        with pytest.raises(InputError, match="to layer 1 must be 3 masks of 0 to 7"):
            Linear((8, 8), (8,), [[(1, 2, 4), (1, 2, 8)]])
        with pytest.raises(InputError, match="to layer 1 must have rank 3: its paths meet only"):
            Linear((8, 8), (8,), [[(1, 2, 4), (1, 2, 3)]])

    def test_sizes(self):
        with pytest.raises(InputError, match="width of layer 1 must be a power of two, not 6"):
            Linear((8, 6), (8,), [[(1, 2, 4), (1, 2, 4)]])
        with pytest.raises(InputError, match="width of layer 1 must be a power of two, not 6"):
            omitted((8, 6), (8,))

    def test_search_ends(self, monkeypatch):
        monkeypatch.setattr(lanes, "TRIALS", 0)
        topology = cascaded((8,) * 5, (16,) * 4)
        with pytest.raises(InputError, match="cascaded paths must map 8 lanes to 8 neurons in"):
            lanes.check(topology, 8)

    def test_no_dimension(self, monkeypatch):
        monkeypatch.setattr("sobolpath.golden.topology.linear.MOST_DIMENSIONS", 1)
        message = "must exist for layer 1, but none of 3 to 3 is: choose fewer paths"
        with pytest.raises(InputError, match=message):
            omitted((128, 16), (2048,), first=2)
