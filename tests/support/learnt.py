"""Small networks that learn, as devices hold them."""

from dataclasses import replace
from functools import cache

import numpy as np

from sobolpath.golden.learn import by_path
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.task import Task
from sobolpath.golden.protocol import network
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.learn.config import CONFIGS
from tests.support.learning import random_parameters

#: Engines with a memory of one port and of two, and with inputs that come two at a time.
ENGINES = {
    "one-port": CONFIGS["tiny-learn"],
    "two-ports": replace(
        CONFIGS["tiny-learn"], ports=2, requantizers=2, input_width=2, memory_register=True
    ),
}
FRACTIONS = Fractions()


@cache
def small(name, seed=11):
    """(identity, parameters, network, images): a network of 8-8-8 neurons, 40 paths."""
    rng = np.random.default_rng(seed)
    identity = Identity.of(ENGINES[name], clock_hz=12_000_000, divisor=12)
    topology = Topology((8, 8, 8), (32, 8))
    parameters = random_parameters(rng, topology, reach=6000)
    net = network.pack_parameters(parameters, FRACTIONS, identity)
    return identity, parameters, net, rng.integers(0, 256, (8, 8)).astype(np.uint8)


def step(parameters, image, task):
    """The parameters behind an INFER, and its logits: a step where there is a task."""
    rate = 0 if task is None else task.rate
    label = 0 if task is None else task.label
    fixed = task is not None and task.fixed
    shifts = FRACTIONS.shifts(len(parameters.weights), rate)
    found, what = by_path.step(parameters, image, label, shifts, fixed=fixed)
    return (parameters if task is None else found), what.logits.astype(np.int32)


def tasks(count, labels=8):
    """Tasks of all kinds, some of none."""
    return [
        None
        if number % 4 == 3
        else Task(label=number % labels, rate=3 + number % 3, fixed=number % 3 == 1)
        for number in range(count)
    ]
