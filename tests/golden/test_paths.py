"""Topologies: edges, fan-in and fan-out, duplicate edges, and every complaint."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology import sobol
from sobolpath.golden.topology.paths import Topology, log2_exact


@pytest.mark.parametrize(
    ("layers", "paths", "dimensions"),
    [
        ((1, 1), (1,), ()),
        ((64, 128, 128, 16), (2048, 2048, 1024), ()),
        ((8, 8), (64,), (20, 3)),
        ((2, 512, 4), (1024, 2048), (5, 0, 63)),
    ],
)
def test_edges(layers, paths, dimensions):
    topology = Topology(layers, paths, dimensions)
    used = dimensions or tuple(range(len(layers)))
    assert topology.dimensions == used
    assert topology.total_paths == sum(paths)
    for junction in topology.junctions:
        source, target = topology.edges(junction)
        indices = np.arange(paths[junction - 1])
        for neurons, layer in ((source, junction - 1), (target, junction)):
            rows = layers[layer].bit_length() - 1
            assert np.array_equal(neurons, sobol.points(used[layer], rows, indices))
        fan_in, fan_out = topology.fan_in(junction), topology.fan_out(junction)
        assert set(np.bincount(target).tolist()) == {fan_in}
        assert set(np.bincount(source).tolist()) == {fan_out}
        distinct = len(set(zip(source.tolist(), target.tolist(), strict=True)))
        assert topology.duplicates(junction) == paths[junction - 1] - distinct


def test_every_edge_twice():
    """Dimensions 2 and 3, 128 to 16 neurons, 2,048 paths: each of 1,024 edges comes twice."""
    topology = Topology((128, 16), (2048,), (2, 3))
    source, target = topology.edges(1)
    _, counts = np.unique(source * 16 + target, return_counts=True)
    assert counts.tolist() == [2] * 1024
    assert topology.duplicates(1) == 1024
    assert Topology((128, 16), (1024,), (2, 3)).duplicates(1) == 0


def test_a_full_junction_is_dense():
    assert Topology((16, 32), (512,), (0, 1)).duplicates(1) == 0


def test_the_largest_layer():
    topology = Topology((2**15, 2**15), (2**15,))
    source, target = topology.edges(1)
    assert np.array_equal(np.sort(source), np.arange(2**15))
    assert np.array_equal(np.sort(target), np.arange(2**15))


def test_numbers_of_numpy_are_kept_as_pythons():
    topology = Topology(np.array([4, 4]), [np.int64(8)], np.array([1, 2]))
    assert topology == Topology((4, 4), (8,), (1, 2))
    assert all(type(n) is int for n in topology.layers + topology.paths + topology.dimensions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((64,), ()), "a network must have at least 2 layers, not 1"),
        (((64, 16), (64, 64)), "2 layers need 1 path counts, one per junction, not 2"),
        (((64, 16), (64,), (0,)), "2 layers need 2 dimensions, not 1"),
        (((64, 10), (64,)), "width of layer 1 must be a power of two, not 10; the next is 16"),
        (((0, 16), (64,)), "width of layer 0 must be a power of two, not 0$"),
        (((-4, 16), (64,)), "width of layer 0 must be a power of two, not -4$"),
        (((64.0, 16), (64,)), r"width of layer 0 must be a power of two, not 64\.0$"),
        (((True, 16), (64,)), "width of layer 0 must be a power of two, not True"),
        (((2**16, 2), (2**16,)), "width of layer 0 must be at most 32768, not 65536"),
        (((64, 16), (96,)), "paths of junction 1 must be a power of two, not 96; the next is 128"),
        (
            ((64, 16), (32,)),
            r"paths of junction 1 \(64 to 16 neurons\) must be 64 to 1024, not 32",
        ),
        (
            ((64, 16), (2048,)),
            r"paths of junction 1 \(64 to 16 neurons\) must be 64 to 1024, not 2048",
        ),
        (((2**15, 2**15), (2**25,)), "must be 32768 to 16777216, not 33554432"),
        (((64, 16), (64,), (0, "1")), "dimension of layer 1 must be an integer, not '1'"),
        (((64, 16), (64,), (True, 1)), "dimension of layer 0 must be an integer, not True"),
        (((64, 16), (64,), (0, -1)), "dimension of layer 1 must be 0 to 21200, not -1"),
        (((64, 16), (64,), (21201, 1)), "dimension of layer 0 must be 0 to 21200, not 21201"),
    ],
)
def test_complaints(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        Topology(*arguments)
    assert "\n" not in str(caught.value)


def test_log2_exact():
    assert [log2_exact(2**k, "x") for k in range(30)] == list(range(30))
    assert log2_exact(np.int64(8), "x") == 3
