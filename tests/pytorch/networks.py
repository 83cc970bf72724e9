"""Networks and inputs that the tests of this folder share."""

import numpy as np
import torch

from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.network import Network
from sobolpath.pytorch import PathNetwork

#: Dense blocks, of one neuron, and of every edge; edges that repeat; paths that are not linear.
TOPOLOGIES = {
    "one": Topology((1, 1), (1,)),
    "sobol": Topology((16, 8, 16, 8), (64, 64, 128), (4, 3, 7, 0)),
    "dense": Topology((8, 16, 4), (128, 64), (0, 1, 0)),
    "repeated": Topology((128, 16), (2048,), (2, 3)),
    "cascaded": build("cascaded", (32, 16, 8), (64, 64)),
    "shifted": build("shifted", (32, 16, 8), (64, 32), seed=3),
    "pseudo-random": build("pseudo-random", (16, 32, 8), (100, 70), seed=2),
}


def random_network(topology, seed=0):
    """A float network of random weights and biases."""
    random = np.random.default_rng(seed)
    weights = [random.normal(0, 0.5, count) for count in topology.paths]
    return Network(topology, weights, [random.normal(0, 0.5, n) for n in topology.layers[1:]])


def module(topology, seed=0, **made):
    """The same as a module."""
    return PathNetwork.from_network(random_network(topology, seed), **made)


def inputs_of(topology, count, seed=1, dtype=torch.float32):
    """Random inputs (count, n_0)."""
    values = np.random.default_rng(seed).uniform(-1, 1, (count, topology.layers[0]))
    return torch.from_numpy(values).to(dtype)
