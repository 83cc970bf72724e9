"""Sampling a trained dense network: accuracy against the edges kept, and against samples.

A dense network of 300 and 100 hidden neurons is trained and its paths are sampled without training
again (:mod:`golden.sampling`): the visited edges keep their weights, or are rescaled so that the
one-norm of a neuron's weights stays; the largest densities, as many in each junction, are there to
compare with. Then all weights become sums of signs (:mod:`golden.ternary`), of as many samples for
every neuron. Inputs that are 0 in every training sample are left out of the network, so that edges
that carry nothing count nowhere. Share is that of all edges.
"""

from dataclasses import replace

import numpy as np

from .. import cli, initialize, patterns, sampling, ternary
from ..dense import Dense
from ..train_command import float_accuracy
from . import trials

NAME = "sampling-dense"
TITLE = "A trained dense network, sampled: accuracy of what is kept"
SOURCE = "Keller & Van keirsbilck, section 2.1 and Fig. 2"
DEFAULTS = {"data": "mnist", "images": 0, "epochs": 5, "seeds": 1}
SIZE, PANELS = (9.6, 4.2), (1, 2)
HIDDEN = (300, 100)
RATE = 0.002  # Adam's usual one is 0.001; for so wide a network that of sparse ones is too high
DECAYS = (0.05, 0.5)
PATHS = tuple(2**p for p in range(8, 21))
SAMPLES = tuple(2**p for p in range(1, 12))
METHODS = ("rescaled", "kept", "largest", "counts", "ternary")
LABELS = {
    "rescaled": "visited, one-norm kept",
    "kept": "visited, weights as they are",
    "largest": "largest, weights as they are",
    "counts": "counts of samples",
    "ternary": "cut off at -1, 0, +1",
}
