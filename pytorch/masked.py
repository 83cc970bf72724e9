"""The same network as matrices in PyTorch: to compare with, in gradients and in time."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .network import PathNetwork


class Masked(nn.Module):
    """A network of paths as matrices, each times a mask of 0 and 1 in every step.

    Parameters
    ----------
    network : its edges are where a mask is 1, its weights and biases the start. Where edges repeat,
        their weights are added to one.
    mask : whether there are masks; without them it is the dense network.
    """

    def __init__(self, network: PathNetwork, *, mask: bool = True):
        super().__init__()
        self.matrices, self.biases = nn.ParameterList(), nn.ParameterList()
        self.count = len(network.junctions)
        for junction in network.layers():
            source, target = network.topology.edges(junction.junction)
            weights = torch.from_numpy(junction.path_weights())
            shape = junction.out_features, junction.in_features
            ends = torch.from_numpy(np.stack([target, source]))
            matrix = torch.zeros(shape, dtype=weights.dtype)
            matrix.index_put_((ends[0], ends[1]), weights, accumulate=True)
            ones = torch.zeros_like(matrix)
            ones[ends[0], ends[1]] = 1
            self.matrices.append(nn.Parameter(matrix))
            self.biases.append(nn.Parameter(torch.from_numpy(junction.biases())))
            self.register_buffer(f"mask_{junction.junction}", ones if mask else None)

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits, (..., n_L), of ``inputs`` (..., n_0)."""
        for number, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True), 1):
            mask = getattr(self, f"mask_{number}")
            inputs = functional.linear(inputs, matrix if mask is None else matrix * mask, bias)
            if number < self.count:
                inputs = inputs.relu_()
        return inputs
