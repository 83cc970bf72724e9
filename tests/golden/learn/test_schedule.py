"""When the steps of learning run: what must not meet, on machines that drain slowly and fast."""

import pytest

from sobolpath.golden.learn import schedule
from sobolpath.golden.learn.schedule import Machine, Sweep, plan
from sobolpath.golden.topology.paths import Topology


@pytest.mark.parametrize("leaving", [0, 1])
@pytest.mark.parametrize("groups", [1, 2, 4, 8, 16, 32])
def test_errors_of_hidden_neurons_come_after_those_of_outputs(groups, leaving):
    """One port writes both: here a hidden neuron has one path, so its error comes soonest."""
    lanes = max(groups, 8)
    machine = Machine(lanes=lanes, requantizers=lanes // groups, ports=2, leaving=leaving)
    found = plan(Topology((32, 64, 64), (512, 64)), machine)
    forward, backward = found.of(Sweep.FORWARD)[-1], found.of(Sweep.BACKWARD)[0]
    judged = forward.last + groups + schedule.JUDGED + leaving
    assert backward.turns == 1
    assert backward.first + 1 + schedule.ERRED > judged
