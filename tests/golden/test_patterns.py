"""Topologies to compare with: literal small cases, degrees, seeds, and every complaint."""

import itertools

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import lanes
from sobolpath.golden.topology import patterns
from sobolpath.golden.topology.catalogue import LINEAR, TOPOLOGIES, build
from sobolpath.golden.topology.patterns import Pattern
from tests.support.networks import make_model

LAYERS, PATHS = (64, 128, 32), (1024, 512)


def table(topology, junction=1):
    """The targets of each source, sorted."""
    source, target = topology.edges(junction)
    return [sorted(target[source == n].tolist()) for n in range(topology.layers[junction - 1])]


def degrees(topology, junction):
    source, target = topology.edges(junction)
    return (
        np.bincount(source, minlength=topology.layers[junction - 1]),
        np.bincount(target, minlength=topology.layers[junction]),
    )


class TestDrand48:
    def test_is_cs(self):
        """Printed by a C program: srand48(0) and srand48(7), %.17g."""
        assert patterns.drand48(0, 3).tolist() == [
            0.17082803610628972,
            0.74990198048496381,
            0.09637165562356742,
        ]
        assert patterns.drand48(7, 4).tolist() == [
            0.2664441967654092,
            0.68203523019062118,
            0.26549059342699977,
            0.12911084885394786,
        ]

    def test_is_the_recurrence(self):
        state, expected = (2**31 << 16) + 0x330E, []
        for _ in range(1000):
            state = (0x5DEECE66D * state + 0xB) % 2**48
            expected.append(state / 2**48)
        assert patterns.drand48(2**31, 1000).tolist() == expected


def test_pseudo_random_is_fig_3():
    topology = build("pseudo-random", LAYERS, PATHS, seed=7)
    numbers = iter(patterns.drand48(7, 3 * 1024).tolist())
    index = [[int(next(numbers) * width) for _ in range(1024)] for width in LAYERS]
    for junction, count in enumerate(PATHS, 1):
        source, target = topology.edges(junction)
        assert source.tolist() == index[junction - 1][:count]
        assert target.tolist() == index[junction][:count]
    assert topology.duplicates(1) > 0
    assert len(set(degrees(topology, 1)[1].tolist())) > 3


@pytest.mark.parametrize("paths", [64, 128, 256, 1024, 2048])
def test_fixed_fan(paths):
    """Up to the dense one."""
    topology = build("fixed-fan", (64, 32), (paths,), seed=1)
    for counts, width in zip(degrees(topology, 1), (64, 32), strict=True):
        assert set(counts.tolist()) == {paths // width}
    assert topology.duplicates(1) == 0
    other = build("fixed-fan", (64, 32), (paths,), seed=2)
    assert (table(topology) == table(other)) == (paths == 2048)


def test_random_edge():
    topology = build("random-edge", (300, 200), (6000,), seed=0)
    assert 5700 < topology.paths[0] < 6300
    assert topology.paths[0] != 6000
    assert topology.duplicates(1) == 0
    assert topology.total_paths == topology.paths[0]
    assert topology.fan_in(1) == topology.paths[0] / 200


def test_random_edge_draws_an_empty_junction_again():
    for seed in range(20):
        assert build("random-edge", (2, 2), (1,), seed=seed).paths[0] >= 1


def test_random_regular():
    topology = build("random-regular", (100, 30), (700,), seed=0)
    fan_out, fan_in = degrees(topology, 1)
    assert set(fan_out.tolist()) == {7}
    assert len(set(fan_in.tolist())) > 3
    assert topology.duplicates(1) == 0


def test_random_rotating():
    topology = build("random-rotating", (6, 5), (12,), seed=3)
    first = table(topology)[0]
    assert len(set(first)) == 2
    assert table(topology) == [sorted((t + i) % 5 for t in first) for i in range(6)]


def test_regular_rotating():
    topology = build("regular-rotating", (6, 4), (12,))
    assert table(topology) == [[0, 1], [1, 2], [2, 3], [0, 3], [0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("m", "k", "first"),
    [
        (16, 1, [0]),
        (16, 2, [0, 8]),
        (16, 4, [0, 1, 5, 12]),
        (10, 5, [0, 1, 2, 4, 8]),
        (4, 4, [0, 1, 2, 3]),
    ],
)
def test_long_short(m, k, first):
    topology = build("long-short", (3, m), (3 * k,))
    assert table(topology) == [sorted((t + i) % m for t in first) for i in range(3)]


@pytest.mark.parametrize(
    ("m", "k", "first"),
    [
        (100, 1, [0]),
        (100, 7, [0, 1, 2, 3, 5, 8, 13]),
        (14, 7, [0, 1, 2, 3, 5, 8, 13]),
        # 1, 1, 2, 3, 5, 8, 13 times 10 / 13, rounded down: -, 0, 1, 2, 3, 6, 10 = 0
        (10, 7, [0, 1, 2, 3, 4, 5, 6]),
        (4, 4, [0, 1, 2, 3]),
    ],
)
def test_fibonacci(m, k, first):
    topology = build("fibonacci", (3, m), (3 * k,))
    assert table(topology) == [sorted((t + i) % m for t in first) for i in range(3)]


def test_dense():
    topology = build("dense", (3, 5, 2), (15, 10))
    assert table(topology, 1) == [list(range(5))] * 3
    assert table(topology, 2) == [[0, 1]] * 5


@pytest.mark.parametrize("name", [name for name in TOPOLOGIES if name not in LINEAR])
def test_all_of_them(name):
    paths = tuple(a * b for a, b in itertools.pairwise(LAYERS))
    topology = build(name, LAYERS, paths if name == "dense" else PATHS, seed=4)
    assert topology.layers == LAYERS
    assert topology.dimensions == ()
    assert topology.digital_shifts == (0, 0, 0)
    again = build(name, LAYERS, paths if name == "dense" else PATHS, seed=4)
    for junction in topology.junctions:
        for first, second in zip(topology.edges(junction), again.edges(junction), strict=True):
            assert first.dtype == np.int64
            assert first.shape == (topology.paths[junction - 1],)
            assert np.array_equal(first, second)
    for map_it in (
        lambda: lanes.check(topology, 4),
        topology.check_linear,
        lambda: make_model(topology, [], [], ()),
    ):
        with pytest.raises(InputError, match="paths are not linear over GF"):
            map_it()


class TestComplaints:
    @pytest.mark.parametrize(
        ("name", "layers", "paths", "message"),
        [
            ("sobul", (4, 4), (8,), "topology must be one of sobol, omitted, .*, not 'sobul'"),
            ("dense", (3, 5), (14,), "dense paths must be 15, every edge once"),
            ("dense", (3,), (), "a network must have at least 2 layers, not 1"),
            (
                "fixed-fan",
                (4, 6),
                (8,),
                "fixed-fan paths of junction 1 must be a multiple of its",
            ),
            ("fixed-fan", (4, 4), (6,), "must be a multiple of its 4 sources, 4 to 16, not 6"),
            ("fibonacci", (4, 4), (20,), "must be a multiple of its 4 sources, 4 to 16, not 20"),
            ("random-edge", (4, 4), (17,), "random-edge paths of junction 1 must be 1 to 16, not"),
            ("long-short", (0, 4), (4,), "width of layer 0 must be an integer from 1 to 16777216"),
            ("long-short", (4, 4.0), (4,), "width of layer 1 must be an integer from 1 to .*4.0"),
            (
                "random-edge",
                (4, 4),
                (True,),
                "junction 1 must be an integer from 1 .*True",
            ),
            (
                "pseudo-random",
                (4, 4),
                (0,),
                "junction 1 must be an integer from 1 to .* 0",
            ),
            ("pseudo-random", (4, 4), (4, 4), "2 layers need 1 path counts"),
        ],
    )
    def test_sizes(self, name, layers, paths, message):
        with pytest.raises(InputError, match=message) as caught:
            build(name, layers, paths)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True])
    def test_seed(self, seed):
        with pytest.raises(InputError, match="seed must be an integer from 0 to 4294967295, not"):
            build("fixed-fan", (4, 4), (8,), seed=seed)

    def test_dimensions(self):
        message = "left out for dense: sobol, scrambled, shifted, cascaded have them"
        with pytest.raises(InputError, match=message):
            build("dense", (4, 4), (16,), dimensions=(0, 1))

    def test_edges(self):
        with pytest.raises(InputError, match="must meet neurons 0 to 3 of layer 1, not 0 to 4"):
            Pattern("mine", (4, 4), [([0, 1], [0, 4])])
        with pytest.raises(InputError, match="must meet neurons 0 to 3 of layer 0, not -1 to 1"):
            Pattern("mine", (4, 4), [([-1, 1], [0, 3])])
        with pytest.raises(InputError, match="as many sources as targets, not 2 and 1"):
            Pattern("mine", (4, 4), [([0, 1], [0])])
