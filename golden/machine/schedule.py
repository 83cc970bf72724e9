"""When things happen in the path engine: its schedule, in closed form.

The schedule does not depend on the data. A junction issues one step a cycle, row after row; a row
takes no less than the ``groups`` cycles in which the row before leaves the accumulators. A step
must not be issued before the source row that it reads is written, and which row that is is known
beforehand. So nothing is compared while the engine runs: every junction has a number of cycles to
wait, most often 0, that :func:`plan` works out, and the fill of a junction hides behind the drain
of the one before.

While an inference runs, the inputs of the next one are loaded, where there is room for both.

A last layer of fewer neurons than lanes runs in copies, which the reader adds
(golden.machine.widen).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import InputError
from ..topology import gf2
from ..topology.paths import Paths, log2_exact
from . import lanes, widen

START = 12  # cycles from the last input taken to the first step issued, if written in one
SINGLE = 12  # more where there is a single word: it is taken before anything begins
FETCH = 6  # between the last step of a junction and the first of the next one
RESTART = 10  # between the last step of an inference and the first of the next one
WRITTEN = 9  # of pipeline from a row's last step until its first group is in the memory
SUMMED = 4  # from a junction's first step until its products are summed
LOAD = 12  # cycles of the loader beside those in which inputs are written
ALONE = 15  # between the last step and the first of the next inference, beside those
READ = 11  # cycles of the reader beside one for each output, and one for each copy of it
ADD = 3  # more where it can add copies
REWIND = 3  # between the last bias and the first of the next inference
SOONER = 4  # that a last result is written, than an activation may be read


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the schedule depends on; ``hw.config.EngineConfig.machine`` makes it.

    Parameters
    ----------
    lanes : P, multiplications with different weights a cycle.
    images : images that share each weight: ``lanes * images`` multiplications a cycle.
    requantizers : values that leave the accumulators a cycle.
    registers : registers beyond the shortest pipeline.
    rows : rows of ``lanes`` neurons in the activation memory, a power of two; as many as the
        network needs unless given.
    max_copies : of a neuron of the last layer, that the reader can add; a power of two.
    input_width : neurons of the first layer that come together, as one word: a power of two, at
        most ``lanes``. As many of them as the paths allow are written in one cycle.
    """

    lanes: int
    images: int = 1
    requantizers: int = 1
    registers: int = 0
    rows: int | None = None
    max_copies: int = 1
    input_width: int = 1

    @classmethod
    def of(cls, engine: Any) -> "Machine":
        """That of ``engine``: a ``hw.config.EngineConfig``, or what a device says of one."""
        names = ("lanes", "images", "requantizers", "registers", "max_copies", "input_width")
        sizes = {name: getattr(engine, name) for name in names}
        return cls(**sizes, rows=2 * engine.max_neurons // engine.lanes)

    def __post_init__(self):
        for name in ("lanes", "images", "requantizers", "max_copies", "input_width"):
            log2_exact(getattr(self, name), name)

    @property
    def values(self) -> int:
        """Accumulators: of every image that of every lane."""
        return self.lanes * self.images

    @property
    def groups(self) -> int:
        """Cycles in which a row of accumulators leaves."""
        return self.values // self.requantizers

    @property
    def drain(self) -> int:
        """Cycles from a row's last step until a step may read what was written of it."""
        return WRITTEN + self.groups + self.registers


@dataclass(frozen=True)
class Schedule:
    """When a network's junctions run on a machine, and where its layers stand.

    Parameters
    ----------
    bases : per layer but the last, the first row of its place in the activation memory; the last
        layer's sums have a memory of their own.
    overlap : whether the next inputs are loaded meanwhile.
    waits : per junction, cycles that its first step is held back.
    spans : per junction, cycles from its first step to its last one.
    gaps : per junction, cycles without a step before its first one, within an inference; that of
        the first junction is what follows on an inference before.
    machine, topology : of what this is the schedule.
    wide : the topology that runs: ``topology``, or what it is widened to (golden.machine.widen).
    """

    bases: tuple[int, ...]
    overlap: bool
    waits: tuple[int, ...]
    spans: tuple[int, ...]
    gaps: tuple[int, ...]
    machine: Machine
    topology: Paths
    wide: Paths

    @property
    def copies(self) -> int:
        """Copies of each neuron of the last layer."""
        return self.wide.layers[-1] // self.topology.layers[-1]

    @property
    def running(self) -> int:
        """Cycles from an inference's first step to its last one."""
        return sum(self.spans) + sum(self.gaps[1:])

    @property
    def at_once(self) -> int:
        """Neurons of the first layer that are written in one cycle."""
        maps = lanes.lane_maps(self.wide, self.machine.lanes, self.machine.input_width)
        return maps.at_once

    @property
    def inputs(self) -> int:
        """Cycles in which an inference's inputs are written: one for as many as are at once."""
        return self.topology.layers[0] // self.at_once

    @property
    def words(self) -> int:
        """Words that the inputs of an inference come in."""
        return self.topology.layers[0] // self.machine.input_width

    @property
    def outputs(self) -> int:
        """Logits of an inference: of all its images."""
        return self.topology.layers[-1] * self.machine.images

    @property
    def latency(self) -> int:
        """Cycles from the last input taken to the last result written, in an engine that is idle.

        Inputs are taken word by word. No byte of a network is offered after the first one. The
        engine takes one word ahead, before it begins, so where there is a single one the latency
        has the beginning in it.
        """
        single = self.words == 1  # taken before it begins
        start = START + self.inputs // self.words - 1 + single * SINGLE + self.waits[0]
        return start + self.running + self.machine.drain - SOONER

    @property
    def interval(self) -> int:
        """Cycles from the last result of an inference to that of the next one, inputs abounding."""
        return max(self.tasks.values())

    @cached_property
    def tasks(self) -> dict[str, int]:
        """Cycles of what is done at the same time for each inference; the longest is the interval.

        ``running``; ``loading``, which waits while hidden activations are written; ``reading``:
        writing the results and reading them, which takes turns.
        """
        machine, layers = self.machine, self.topology.layers
        inputs, outputs = self.inputs, self.outputs
        if self.overlap:
            written = sum(layers[1:-1]) * machine.images // machine.requantizers
            load = LOAD + inputs + written
        else:
            load = self.running + ALONE + inputs + self.gaps[0] - RESTART
        read = READ + (machine.max_copies > 1) * ADD + (self.copies + 1) * outputs
        read += self.spans[-1] + machine.drain
        return {"running": self.running + self.gaps[0], "loading": load, "reading": read}


def _disjoint(base, rows, others):
    return all(base + rows <= other or other + size <= base for other, size in others)


def _bases(rows, total):
    """First rows of the layers with these many rows, and whether the next inputs have room.

    ``rows`` of all layers but the last; ``total``, of the memory; both powers of two. Inputs are
    loaded into either half in turns, and the whole place of an inference with them.
    """
    half, bases = total // 2, [0]
    following = (half, rows[0])
    for before, size in pairwise(rows):
        taken = [following, (bases[-1], before)]
        free = (base for base in range(0, total - size + 1, size) if _disjoint(base, size, taken))
        base = next(free, None)
        if base is None:
            return tuple(half * (layer % 2) for layer in range(len(rows))), False
        bases.append(base)
    return tuple(bases), True


def _order(topology, junction, machine):
    """The source row of every step of a junction, and the cycle of its issue."""
    places = gf2.apply(
        lanes.junction_matrix(topology, junction, machine.lanes),
        np.arange(topology.paths[junction - 1] // machine.lanes),
    )
    fan_in = topology.fan_in(junction)
    steps = np.arange(places.size)
    return places // machine.lanes, steps + steps // fan_in * max(machine.groups - fan_in, 0)


def _late(issued, machine):
    """Cycles that a junction of few steps, issued so, puts off the fetching of its successor.

    Its header is needed until its first products are summed; the walker is 3 steps ahead.
    """
    steps = len(issued)

    def time(step):
        if step < 0:
            return step
        return int(issued[step]) if step < steps else int(issued[-1]) + step - steps + 1

    if time(steps - 3) >= SUMMED + machine.registers:
        return 0
    put_off = 1
    while time(steps - 3 + put_off) < SUMMED + machine.registers:
        put_off += 1
    return put_off + 1


def plan(topology: Paths, machine: Machine) -> Schedule:
    """The :class:`Schedule` of a topology on a machine.

    Raises ``InputError`` where the topology does not fit the lanes or the activation memory, or
    where its last layer would need more copies than the machine adds.
    """
    narrow, fewest = topology, machine.lanes // machine.max_copies
    if topology.layers[-1] < fewest:
        per = "lane" if machine.max_copies == 1 else f"{machine.max_copies} lanes"
        raise InputError(
            f"layer {len(topology.paths)} must have at least {fewest} neurons, one per {per}, "
            f"not {topology.layers[-1]}: pad it"
        )
    topology = widen.widened(narrow, machine.lanes)
    lanes.lane_maps(topology, machine.lanes, machine.input_width)  # complains where there is none
    rows = [width // machine.lanes for width in topology.layers[:-1]]
    total = machine.rows or 4 * max(rows)
    if max(rows) > total // 2:
        raise InputError(
            f"a layer must have at most {total // 2 * machine.lanes} neurons, "
            f"not {max(rows) * machine.lanes}"
        )
    bases, overlap = _bases(rows, total)
    waits, spans, gaps, written, late = [], [], [], None, 0
    for junction in topology.junctions:
        fan_in = topology.fan_in(junction)
        row, issued = _order(topology, junction, machine)
        before = RESTART if written is None else FETCH + late
        # Its first row must not meet one that leaves still; the biases are rewound after the last.
        wait = machine.groups - fan_in - before + REWIND * (written is None)
        if written is not None:
            wait = max(wait, int((written[row] - issued).max()) - 1 - before)
        count = topology.layers[junction] // machine.lanes
        ends = (np.arange(count) - count + 1) * max(fan_in, machine.groups)
        written = ends + machine.drain  # by row, from the junction's last step on
        waits.append(max(wait, 0))
        spans.append(int(issued[-1]) + 1)
        gaps.append(before + waits[-1])
        late = _late(issued, machine)
    gaps[0] += max(SUMMED + machine.registers - spans[-1], 0)
    times = tuple(waits), tuple(spans), tuple(gaps)
    return Schedule(bases, overlap, *times, machine, narrow, topology)
