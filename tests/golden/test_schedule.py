"""The schedule: that nothing is read before it is written, and nothing waits in vain."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import lanes
from sobolpath.golden.machine.schedule import Machine, plan
from sobolpath.golden.topology import gf2
from sobolpath.golden.topology.paths import Topology

DIGITS = Topology((64, 128, 128, 16), (2048, 2048, 1024))
MNIST = Topology((1024, 256, 256, 16), (16384, 16384, 4096))

#: Shapes of few rows, of few paths a neuron, and of many.
SHAPES = [
    ((8, 8), (8,)),
    ((32, 16, 8), (64, 16)),
    ((16, 64, 16, 32, 8), (64, 128, 64, 256)),
    ((64, 128, 128, 16), (2048, 2048, 1024)),
    ((64, 8, 8, 64), (256, 8, 64)),
]
MACHINES = [
    Machine(lanes=8),
    Machine(lanes=8, images=2, registers=1, rows=512),
    Machine(lanes=4, requantizers=4, registers=3),
    Machine(lanes=2, images=4, requantizers=2, rows=256),
    Machine(lanes=1, registers=5),
]


def issues(topology, machine):
    """Per junction a list of (cycle, source row, target row), from the inference's first step on.

    Row by row: a row takes no less than the cycles in which the row before leaves.
    """
    schedule, cycle, result = plan(topology, machine), 0, []
    for junction in topology.junctions:
        matrix = lanes.junction_matrix(topology, junction, machine.lanes)
        fan_in, steps = topology.fan_in(junction), []
        for step in range(topology.paths[junction - 1] // machine.lanes):
            if step and step % fan_in == 0:
                cycle = max(cycle, steps[-fan_in][0] + machine.groups)
            row = int(gf2.apply(matrix, np.array([step]))[0]) // machine.lanes
            steps.append((cycle, row, step // fan_in))
            cycle += 1
        result.append(steps)
        if junction < len(topology.paths):
            cycle += schedule.gaps[junction]
    return schedule, result


def written(steps, machine):
    """The cycle of the last step of each row, plus the drain: from then on it may be read."""
    return {row: cycle + machine.drain for cycle, _, row in steps}


@pytest.mark.parametrize(("layers", "paths"), SHAPES)
@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_no_row_is_read_before_it_is_written(layers, paths, machine):
    schedule, junctions = issues(Topology(layers, paths), machine)
    slack = []
    for number, (before, after) in enumerate(pairwise(junctions), 1):
        ready = written(before, machine)
        slack.append(min(cycle - ready[row] for cycle, row, _ in after))
        assert slack[-1] >= 0
        if schedule.waits[number]:  # a wait is as short as can be, or serves the accumulators
            starts = after[0][0] + min(len(after), Topology(layers, paths).fan_in(number + 1)) - 1
            assert slack[-1] == 0 or starts - before[-1][0] == machine.groups
    assert len(slack) == len(paths) - 1
    spans = [steps[-1][0] - steps[0][0] + 1 for steps in junctions]
    assert tuple(spans) == schedule.spans
    assert schedule.running == junctions[-1][-1][0] + 1


@pytest.mark.parametrize(("layers", "paths"), SHAPES)
@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_layers_in_use_at_once_do_not_overlap(layers, paths, machine):
    """Neither source and target, nor a place in use and the next inputs, in the other half."""
    schedule = plan(Topology(layers, paths), machine)
    rows = [width // machine.lanes for width in layers[:-1]]
    total = machine.rows or 4 * max(rows)
    places = [set(range(base, base + n)) for base, n in zip(schedule.bases, rows, strict=True)]
    assert len(places) == len(paths)
    assert all(place <= set(range(total)) for place in places)
    assert all(base % n == 0 for base, n in zip(schedule.bases, rows, strict=True))
    for source, target in pairwise(places):
        assert not source & target
    coming = {row + total // 2 for row in places[0]}
    assert schedule.overlap == all(not place & coming for place in places)


def test_what_was_asked_for():
    """At most 24 cycles a junction beside the paths; within 1 % of paths / lanes for MNIST."""
    machine = Machine(lanes=8, registers=1, rows=512)
    assert plan(DIGITS, machine).latency <= DIGITS.total_paths / 8 + 3 * 24
    assert plan(MNIST, machine).latency <= 1.01 * MNIST.total_paths / 8
    assert plan(MNIST, machine).interval <= 1.01 * MNIST.total_paths / 8
    two = Machine(lanes=8, images=2, registers=1, rows=512)
    assert plan(MNIST, two).interval <= 1.01 * MNIST.total_paths / 8


def test_overlap_wants_room():
    wide = Topology((64, 64, 16), (512, 256))
    assert plan(wide, Machine(lanes=8, rows=32)).overlap
    tight = plan(wide, Machine(lanes=8, rows=16))
    assert not tight.overlap
    assert tight.bases == (0, 8)
    assert tight.interval > plan(wide, Machine(lanes=8, rows=32)).interval
    with pytest.raises(InputError, match="a layer must have at most 32 neurons, not 64"):
        plan(wide, Machine(lanes=8, rows=8))


def test_few_paths_wait_for_the_requantizer():
    topology = Topology((64, 64), (64,))
    slow, fast = (plan(topology, Machine(lanes=8, requantizers=n)) for n in (1, 8))
    assert slow.spans == (57,)
    assert fast.spans == (8,)


def test_wide_inputs():
    """What loads takes a cycle for as many inputs as are written at once; nothing else changes."""
    machine = Machine(lanes=64, requantizers=4, registers=5, rows=64, max_copies=4)
    narrow, wide = (plan(MNIST, replace(machine, input_width=width)) for width in (1, 8))
    assert (narrow.inputs, narrow.words, narrow.at_once) == (1024, 1024, 1)
    assert (wide.inputs, wide.words, wide.at_once) == (128, 128, 8)
    assert narrow.tasks["loading"] - wide.tasks["loading"] == 1024 - 128
    assert narrow.interval == narrow.tasks["loading"]
    assert wide.interval == wide.tasks["running"] <= 1.02 * 661
    assert wide.latency == narrow.latency
    digits = Topology((64, 128, 128, 64), (2048, 2048, 1024))  # a single row of inputs
    narrow, wide = (plan(digits, replace(machine, input_width=width)) for width in (1, 8))
    assert (wide.inputs, wide.words, wide.at_once) == (64, 8, 1)
    assert wide.tasks == narrow.tasks
    assert wide.latency == narrow.latency + 7  # the last word's inputs are written one by one


@pytest.mark.parametrize("name", ["lanes", "images", "requantizers", "max_copies", "input_width"])
def test_sizes_are_powers_of_two(name):
    with pytest.raises(InputError, match=f"{name} must be a power of two, not 3"):
        Machine(**{"lanes": 4, name: 3})


def test_a_word_of_inputs_has_a_lane_for_each():
    with pytest.raises(InputError, match="input_width must be at most 8, the lanes, not 16"):
        plan(DIGITS, Machine(lanes=8, input_width=16))


def test_a_wide_lane_wants_a_wide_layer():
    with pytest.raises(InputError, match="layer 2 must have at least 32 neurons, one per lane"):
        plan(Topology((64, 64, 16), (64, 64)), Machine(lanes=32))
