"""A junction as dense blocks, and the two ways to compute its sums."""

import numpy as np
import pytest

from sobolpath.golden.topology.blocks import blocks
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.topology.patterns import Pattern, dense
from sobolpath.golden.topology.wiring import BlockWiring, TableWiring, wire

SHAPES = [  # layers, paths
    ((2, 2), (2,)),
    ((2, 2), (4,)),
    ((8, 32), (64,)),
    ((32, 8), (64,)),
    ((64, 16, 16), (64, 256)),
    ((256, 64, 16), (1024, 512)),
    ((1024, 256, 256, 16), (16384, 16384, 4096)),
]
LINEAR = "omitted", "cascaded", "scrambled", "shifted", "sobol"


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(("layers", "paths"), SHAPES)
def test_blocks_are_the_edges(name, layers, paths):
    topology = build(name, layers, paths, seed=5)
    for junction in topology.junctions:
        parts = blocks(topology, junction)
        n, m = topology.layers[junction - 1 : junction + 1]
        count = topology.paths[junction - 1]
        assert (parts is None) == bool(topology.duplicates(junction))
        if parts is None:
            continue
        assert parts.shape == (n * m // count, count // n, count // m)
        assert sorted(parts.source.ravel()) == list(range(n))
        assert sorted(parts.target.ravel()) == list(range(m))
        many, outs, ins = parts.shape
        source = np.broadcast_to(parts.source[:, None, :], parts.shape).ravel()
        target = np.broadcast_to(parts.target[:, :, None], (many, outs, ins)).ravel()
        for found, wanted in zip((source, target), topology.edges(junction), strict=True):
            assert np.array_equal(found, wanted[parts.path])
        assert sorted(parts.path) == list(range(count))


def test_a_dense_junction_is_one_block():
    for topology in (dense((6, 10)), Topology((8, 16), (128,), (0, 1))):
        parts = blocks(topology, 1)
        assert parts is not None
        assert parts.shape == (1, *reversed(topology.layers))


@pytest.mark.parametrize(
    "topology",
    [
        Topology((16, 16), (64,), (3, 3)),  # repeats edges
        build("random-edge", (16, 16), (64,), seed=1),
        Pattern("ragged", (4, 2), ((np.array([0, 1, 2, 3]), np.array([0, 0, 0, 1])),)),
        Pattern("twice", (2, 2), ((np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])),)),
        Pattern("overlap", (3, 3), ((np.array([0, 1, 1, 2, 2, 0]), np.repeat([0, 1, 2], 2)),)),
        Pattern(
            "chain",
            (4, 4),
            ((np.array([0, 1, 1, 2, 2, 3, 3, 0]), np.repeat(range(4), 2)),),
        ),
        Pattern("unmet", (4, 4), ((np.array([0, 1, 0, 1, 0, 1, 0, 1]), np.repeat(range(4), 2)),)),
    ],
    ids=lambda topology: topology.name,
)
def test_what_is_no_blocks(topology):
    assert blocks(topology, 1) is None
    assert isinstance(wire(topology, 1), TableWiring)


@pytest.mark.parametrize(("layers", "paths"), SHAPES)
def test_both_ways_compute_the_same(layers, paths):
    topology = build("omitted", layers, paths)
    random = np.random.default_rng(7)
    for junction in topology.junctions:
        block, table = wire(topology, junction), TableWiring(topology, junction)
        assert isinstance(block, BlockWiring)
        assert block.fan_in == table.fan_in == topology.fan_in(junction)
        weights = random.integers(-9, 10, paths[junction - 1]).astype(np.float32)
        n, m = layers[junction - 1 : junction + 1]
        activations = random.integers(0, 9, (n, 5)).astype(np.float32)
        error = random.integers(-9, 10, (m, 5)).astype(np.float32)
        found = []
        for wiring in (block, table):
            own = weights[wiring.path]
            gathered = wiring.gather(np.zeros_like(activations))
            gathered = wiring.gather(activations, gathered)  # the buffer is used again
            by_place, by_path = np.empty_like(own), np.empty_like(own)
            wiring.gradient(gathered, error, by_place)
            by_path[wiring.path] = by_place
            silenced = np.zeros(len(own), bool)
            silenced[wiring.path[wiring.places(m // 2)]] = True
            found.append((wiring.sums(own, gathered), wiring.back(own, error), by_path, silenced))
        for one, other in zip(*found, strict=True):
            assert one.any()
            assert np.array_equal(one, other)  # small integers: exact in any order
        assert np.array_equal(found[0][3], topology.edges(junction)[1] >= m // 2)
