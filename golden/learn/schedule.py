"""When a step of learning runs in the hardware: its cycles, in closed form.

An engine that learns walks blocks of steps, one block after the other: forwards through all
junctions; then, where the image is to be learnt, backwards through all but the first, and forwards
again for the update. When each step is issued depends on the network alone. As in inference
(:mod:`golden.machine.schedule`), every block has a number of cycles that it is held back, so that
what it reads is written by then, and nothing is compared while the engine runs.

The update of a row of weights takes a **turn**. Where the weights' memory has one port that is its
accesses, or as many cycles as the row's values need to leave the accumulators. Where it has two, a
row is updated in a cycle. Each row of targets begins with one turn more, in which its biases are
updated: they leave the accumulators as sums do, whatever the weights' turn.

Layers stand in rows of the activations, and in the same rows of the errors. Those that have errors
come first, the largest at 0, so that each begins at a multiple of its size; the inputs come behind.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from ..machine import lanes as coordinates
from ..topology import gf2
from ..topology.paths import Paths
from . import arithmetic
from .sweeps import backward_matrix

FETCH = 7  # cycles from the last step of a block to the first of the next one
RESTART = 11  # the same from one chain to the next: forwards, and what learns
CAPTURED = 5  # from a row's last step to its sums, registers not counted
ACTIVATED = 4  # from a sum that leaves the accumulators until its activation is written
ERRED = 2  # until the error of a hidden neuron is
JUDGED = 5  # until the error of an output is
UPDATED = 3  # until a new weight or bias is there
WHOLE = 4  # from the sums of a row to its new weights, where it is updated in a cycle
REWIND = 3  # before a block's first step: the weights and biases begin anew
LOAD = 12  # cycles of the loader beside those in which inputs are written
ALONE = 16  # between the last step and the first of the next image, beside those and its wait
READ = 25  # cycles of the reader beside three for each output: one to search, two to read
SEARCHED = 6  # from an image's first step to its last one, beside one cycle for each output


class Sweep(IntEnum):
    """What a block's steps do; the two highest digits of its second word."""

    FORWARD = 0
    BACKWARD = 1
    UPDATE = 2


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the schedule depends on; ``hw.learn.config.LearnConfig.machine`` makes it.

    Parameters
    ----------
    lanes : P, a power of two.
    requantizers : values that leave the accumulators a cycle.
    ports : of the weights' memory: 1, so that an update takes 4 accesses, or 2.
    registers : registers beyond the shortest pipeline, up to the sums.
    leaving : registers beyond it behind these, 0 or 1: where values leave the accumulators, where
        outputs' errors are made, and before the logits, of which one is read a cycle then.
    gap : idle cycles after each row of sums.
    rows : of the activation memory, twice what one image has.
    error_rows : of the memory of errors.
    input_width : neurons of the first layer that come together.
    """

    lanes: int
    requantizers: int = 1
    ports: int = 1
    registers: int = 0
    leaving: int = 0
    gap: int = 0
    rows: int = 1 << 16
    error_rows: int = 1 << 15
    input_width: int = 1
    images: ClassVar[int] = 1  # one is learnt after the other

    @property
    def groups(self) -> int:
        """Cycles in which a row of accumulators leaves."""
        return self.lanes // self.requantizers

    @property
    def turn(self) -> int:
        """Cycles in which a row of weights is updated."""
        return max(4, self.groups) if self.ports == 1 else 1

    @property
    def captured(self) -> int:
        """Cycles from a row's last step to its sums."""
        return CAPTURED + self.registers

    @property
    def learnt(self) -> int:
        """Cycles from a step of the update until its weights or biases may be read."""
        if self.ports == 1:
            return self.left + UPDATED + 2 + self.turn
        return max(self.captured + WHOLE, self.left + self.groups + UPDATED)

    @property
    def left(self) -> int:
        """Cycles from a row's last step until its values begin to leave the accumulators."""
        return self.captured + self.leaving


@dataclass(frozen=True)
class Block:
    """A block of the program, and when it runs.

    Parameters
    ----------
    sweep, junction : which one it is.
    turns : steps a row: of a target, or backwards of a source.
    addresses : the map step -> address (:func:`golden.machine.lanes.junction_matrix`, or backwards
        :func:`golden.learn.sweeps.backward_matrix`).
    first : cycles from the image's first step to this block's first one.
    issued : cycles from there to each step, ``int64`` (steps,).
    wait : cycles that the first step is held back.
    """

    sweep: Sweep
    junction: int
    turns: int
    addresses: np.ndarray
    first: int
    issued: np.ndarray
    wait: int

    @property
    def last(self) -> int:
        """Cycles from the image's first step to this block's last one."""
        return self.first + int(self.issued[-1])


@dataclass(frozen=True)
class Schedule:
    """When a network's blocks run on a machine, and where its layers stand.

    Parameters
    ----------
    bases : per layer the first row of its place.
    overlap : whether the next inputs are loaded meanwhile.
    blocks : in the order in which they run.
    held : cycles that the first step waits for the place of the label, where there is one junction.
    machine, topology : of what this is the schedule.
    """

    bases: tuple[int, ...]
    overlap: bool
    blocks: tuple[Block, ...]
    held: int
    machine: Machine
    topology: Paths

    def of(self, sweep: Sweep) -> list[Block]:
        """The blocks of one sweep, in the order in which they run."""
        return [block for block in self.blocks if block.sweep == sweep]

    @property
    def at_once(self) -> int:
        """Neurons of the first layer that are written in one cycle."""
        machine = self.machine
        return coordinates.lane_maps(self.topology, machine.lanes, machine.input_width).at_once

    @property
    def inputs(self) -> int:
        """Cycles in which an image's inputs are written."""
        return self.topology.layers[0] // self.at_once

    @property
    def steps(self) -> dict[str, int]:
        """Steps of each sweep: what its cycles would be if nothing ever waited."""
        machine, paths = self.machine, self.topology.paths
        return {
            "forward": sum(paths) // machine.lanes,
            "backward": sum(paths[1:]) // machine.lanes,
            "update": sum(paths) // machine.lanes * machine.turn,
        }

    @cached_property
    def cycles(self) -> dict[str, int]:
        """Cycles of a learnt image: of each sweep, from its first step to the first one of what
        follows; ``load``, of the inputs, where they are not loaded meanwhile; ``image``, from an
        image to the next one, where inputs and tasks abound and logits are taken at once."""
        firsts = [found[0].first for sweep in Sweep if (found := self.of(sweep))]
        running = self.blocks[-1].last + RESTART + self.blocks[0].wait + self.held
        spans = iter([end - first for first, end in pairwise([*firsts, running])])
        cycles = {sweep.name.lower(): next(spans) if self.of(sweep) else 0 for sweep in Sweep}
        cycles["load"] = 0 if self.overlap else self.inputs + ALONE - RESTART
        return cycles | {"image": max(running + cycles["load"], self._loading, self._reading)}

    @property
    def _loading(self):
        """Cycles that loading the next inputs takes meanwhile: activations are written first."""
        written = sum(self.topology.layers[1:-1]) // self.machine.requantizers
        return LOAD + self.inputs + written

    @property
    def _reading(self):
        """Cycles of the label's search, of writing and of reading logits, which take turns."""
        output = self.of(Sweep.FORWARD)[-1]
        machine = self.machine
        each, drain = 2 + (not machine.leaving), machine.left + machine.leaving + machine.groups
        outputs = each * self.topology.layers[-1]
        return READ + outputs + int(output.issued[-1]) + 1 + drain


def _bases(layers, machine):
    """First rows of all layers, and whether the next inputs have room."""
    rows = [width // machine.lanes for width in layers]
    bases, used = [0] * len(rows), 0
    for layer in sorted(range(1, len(rows)), key=lambda layer: -rows[layer]):
        bases[layer], used = used, used + rows[layer]
    if used > machine.error_rows:
        raise InputError(
            f"the layers after the first must have at most {machine.error_rows * machine.lanes} "
            f"neurons, not {used * machine.lanes}"
        )
    used = max((bases[layer] + rows[layer] for layer in range(1, len(rows) - 1)), default=0)
    bases[0] = -(-used // rows[0]) * rows[0]
    end = bases[0] + rows[0]
    if end > machine.rows:
        raise InputError(
            "the layers but the last, the first of which begins at a multiple of its size, must "
            f"have at most {machine.rows * machine.lanes} neurons, not {end * machine.lanes}"
        )
    return tuple(bases), end <= machine.rows // 2


def _paced(steps, turns, machine, sweep):
    """Cycles from a block's first step to each of its steps."""
    number = np.arange(steps)
    row = number // turns
    if sweep != Sweep.UPDATE:
        return number + row * max(machine.groups - turns, machine.gap)
    biases = (number + row + 1) * machine.turn  # a turn more in every row
    return biases + row * max(machine.groups - turns * machine.turn, 0)


def _opening(topology, machine):
    """Cycles that an image's first step is held back, for what the image before has in hand."""
    if machine.ports == 1:
        return max(0, machine.learnt + REWIND - RESTART)
    captured, groups = machine.captured, machine.groups
    after = (
        captured + WHOLE,  # the last new weights are written
        # Biases are read from the first one on when the last one was: by its update, in the cycle
        # before its row's weights, or where nothing is learnt by the last row of sums.
        captured + groups + REWIND - 1 - topology.fan_in(len(topology.paths)),
        groups + machine.leaving + 2 - topology.fan_in(1),
    )
    return max(0, max(after) - RESTART)


def plan(topology: Paths, machine: Machine) -> Schedule:
    """The :class:`Schedule` of a topology on a machine.

    Raises ``InputError`` where the topology does not fit the lanes or the memories, or could let a
    sum wrap (:func:`golden.learn.arithmetic.check`).
    """
    arithmetic.check(topology)
    lanes, groups, captured = machine.lanes, machine.groups, machine.captured
    coordinates.lane_maps(topology, lanes, machine.input_width)  # complains where there is none
    bases, overlap = _bases(topology.layers, machine)
    last = len(topology.paths)
    order = [(Sweep.FORWARD, junction) for junction in topology.junctions]
    order += [(Sweep.BACKWARD, junction) for junction in range(last, 1, -1)]
    order += [(Sweep.UPDATE, junction) for junction in topology.junctions]
    blocks, before, held = [], None, 0
    # When each row may be read, by layer: activations, and errors.
    activated: dict[int, np.ndarray] = {}
    erred: dict[int, np.ndarray] = {}
    for sweep, junction in order:
        fan_in, steps = topology.fan_in(junction), topology.paths[junction - 1] // lanes
        if sweep == Sweep.BACKWARD:
            turns = int(topology.fan_out(junction))
            matrix = backward_matrix(topology, junction, lanes)
        else:
            turns = int(fan_in)
            matrix = coordinates.junction_matrix(topology, junction, lanes, machine.input_width)
        issued = _paced(steps, turns, machine, sweep)
        row: Any = gf2.apply(matrix, np.arange(steps)) // lanes
        if before is None:  # what the image before had in hand
            start, wait = 0, _opening(topology, machine)
            held = max(0, SEARCHED + topology.layers[-1] - wait) if last == 1 else 0
        else:
            chained = before.sweep == Sweep.FORWARD != sweep
            earliest = before.last + (RESTART if chained else FETCH)
            whole = 0 if sweep == Sweep.UPDATE else int(issued[turns - 1])  # its first row is
            # What leaves the accumulators last: a row's sums, or of an update only its biases.
            leaves = before.last
            if machine.ports == 2 and before.sweep == Sweep.UPDATE:
                rows = before.issued[:: before.turns]  # first steps of rows
                leaves = before.first + int(rows[-1]) - machine.turn
            ready = [leaves + groups - whole]
            if sweep == Sweep.FORWARD:
                ready.append(int((activated[junction - 1][row] - issued).max()))
            elif sweep == Sweep.BACKWARD:
                ready.append(int((erred[junction][row // fan_in] - issued).max()))
                if chained:  # errors of outputs are written first
                    judged = before.last + groups + JUDGED + machine.leaving
                    ready.append(judged - ERRED - whole)
            else:
                biases = issued[::turns] - machine.turn
                ready.append(int((erred[junction] - biases).max()))
                if before.sweep == Sweep.FORWARD:  # its last biases are being read
                    ready.append(before.last + captured + groups + REWIND)
            wait = max(0, max(ready) - earliest)
            start = earliest + wait
            if (sweep, junction) == (Sweep.FORWARD, last):
                start = max(start, SEARCHED + topology.layers[-1] - blocks[0].wait)
            if before.sweep == Sweep.UPDATE:  # turns go on as they were
                first = next(block.first for block in blocks if block.sweep == Sweep.UPDATE)
                start = first + -(-(start - first) // machine.turn) * machine.turn
        before = Block(sweep, junction, turns, matrix, start, issued, int(wait))
        blocks.append(before)
        ends = start + issued[turns - 1 :: turns] + machine.left + groups
        if sweep == Sweep.FORWARD:
            activated[junction] = ends + ACTIVATED
            erred[junction] = ends + JUDGED + machine.leaving  # if it is the last one
        elif sweep == Sweep.BACKWARD:
            erred[junction - 1] = ends + ERRED
    return Schedule(bases, overlap, tuple(blocks), held, machine, topology)
