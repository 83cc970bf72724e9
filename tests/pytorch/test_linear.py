"""A layer of paths in the place of a linear layer."""

import numpy as np
import pytest
import torch

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import initialize
from sobolpath.pytorch import Junction, PathLinear


@pytest.mark.parametrize("sizes", [(1, 1, 1), (8, 32, 32), (32, 8, 256), (64, 64, 512)])
def test_is_a_linear_layer(sizes):
    """Of the matrix that has the weights where the edges are."""
    layer = PathLinear(*sizes, initialization="uniform")
    torch.nn.init.normal_(layer.bias)
    source, target = layer.topology.edges(1)
    matrix = torch.zeros(sizes[1], sizes[0])
    matrix[target, source] = torch.from_numpy(layer.path_weights())
    inputs = torch.randn(5, sizes[0], generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.linear(inputs, matrix, layer.bias)
    assert torch.allclose(layer(inputs), wanted, atol=1e-5)
    assert layer.weight.numel() == sizes[2]
    assert (matrix != 0).sum() == sizes[2]


def test_starts_as_the_golden_network():
    layer = PathLinear(16, 8, 32, (2, 5), seed=4, initialization="random")
    wanted = initialize(Topology((16, 8), (32,), (2, 5)), "random", 4)
    assert np.array_equal(layer.path_weights(), wanted.weights[0])
    assert not layer.bias.detach().any()


def test_in_a_sequence():
    layers = torch.nn.Sequential(PathLinear(16, 32, 64), torch.nn.ReLU(), PathLinear(32, 4, 64))
    made = layers(torch.ones(2, 3, 16))
    assert made.shape == (2, 3, 4)
    assert made.reshape(-1).shape == (24,)


def test_says_what_it_is():
    assert repr(PathLinear(16, 8, 32, bias=False)) == (
        "PathLinear(\n  in_features=16, out_features=8, paths=32, dimensions=(0, 1), bias=False\n"
        "  (sums): BlockSums(4 blocks of 4 sources and 2 targets)\n)"
    )
    assert "a matrix of 128 sources and 16 targets" in repr(PathLinear(128, 16, 2048, (2, 3)))


def test_weights_by_path():
    layer = PathLinear(16, 8, 32)
    weights, biases = np.arange(32.0), np.arange(8.0)
    layer.assign(weights, biases)
    assert np.array_equal(layer.path_weights(), weights)
    assert np.array_equal(layer.biases(), biases)
    layer.assign(weights)
    assert not layer.biases().any()
    assert layer.to(torch.bfloat16).path_weights().dtype == np.float32


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((12, 8, 32), "width of layer 0 must be a power of two, not 12"),
        ((16, 8, 31), "paths of junction 1 must be a power of two"),
        ((16, 8, 8), r"paths of junction 1 \(16 to 8 neurons\) must be 16 to 128, not 8"),
        ((16, 8, 32, (0, 1, 2)), "2 layers need 2 dimensions, not 3"),
        ((16, 8, 32, (0, -1)), "dimension of layer 1 must be 0 to"),
    ],
)
def test_complaints_of_sizes(sizes, message):
    with pytest.raises(InputError, match=message):
        PathLinear(*sizes)


def test_complaints():
    layer = PathLinear(16, 8, 32)
    with pytest.raises(InputError, match=r"weights must have shape \(32,\), not \(31,\)"):
        layer.assign(np.zeros(31))
    with pytest.raises(InputError, match=r"biases must have shape \(8,\), not \(1, 8\)"):
        layer.assign(np.zeros(32), np.zeros((1, 8)))
    with pytest.raises(InputError, match="biases must be 0 where the layer has none"):
        PathLinear(16, 8, 32, bias=False).assign(np.zeros(32), np.ones(8))
    with pytest.raises(InputError, match="junction must be 1 to 1, not 2"):
        Junction(layer.topology, 2)
