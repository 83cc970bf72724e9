"""When every inference is loaded, runs and is read, where they follow each other: in closed form.

What :mod:`golden.machine.schedule` sums up as one latency and one interval, cycle by cycle. An
inference is loaded once the one before runs (or has run, where there is no room for both), and
runs once it is loaded and the runner is free; its last junction waits until the logits before have
left.
"""

from dataclasses import dataclass, fields

import numpy as np

from .schedule import ADD, ALONE, LOAD, READ, RESTART, SOONER, START, Schedule

BEGIN = START - 1  # from the last input, in the loader, to the first step issued
OPEN = LOAD - BEGIN + 1  # from an inference's first step to the first input of the next one
ALONE_OPEN = ALONE - BEGIN + 2  # the same from its last step, where there is no room for both
REQUANTIZE = 2  # cycles from a sum to its activation, which results do without
LEAVE = READ - 2  # from the last result written to the last logit, beside its turns of the reader
HOLD = SOONER + 2  # from there to the first step of the next last junction


@dataclass(frozen=True)
class Timeline:
    """The cycles of N inferences of J junctions, all ``int64``.

    Cycle 0 is the one in which the loader has the first inputs of all. Inputs are offered in every
    cycle, and every logit is taken at once.

    Parameters
    ----------
    opens, closes : (N,), the loader has the first, the last inputs.
    first, last : (N, J), the first, the last step of a junction is issued.
    begins, ends : (N, J), its first, its last activation or sum is written.
    leaves : (N,), the last logit leaves.
    """

    opens: np.ndarray
    closes: np.ndarray
    first: np.ndarray
    last: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    leaves: np.ndarray

    @classmethod
    def empty(cls, inferences: int, junctions: int) -> "Timeline":
        """Zeros to fill in."""
        each = {"first", "last", "begins", "ends"}  # of every junction
        shapes = (
            (inferences, junctions) if field.name in each else (inferences,)
            for field in fields(cls)
        )
        return cls(*(np.zeros(shape, np.int64) for shape in shapes))

    def junction(self, inference: int, junction: int) -> dict[str, int]:
        """What a junction does in an inference, as a dict of cycles; both count from 0.

        ``gap``, without a step before its first one, and ``stream``, from its first step to its
        last one; ``fill`` and ``drain``, from its first step to its first write, from its last step
        to its last write. The gap of an inference's first junction is what follows on the inference
        before, so the first inference of all has none.
        """
        k, j = inference, junction
        before = self.last[k, j - 1] if j else self.last[k - 1, -1]
        return {
            "gap": int(self.first[k, j] - before - 1),
            "stream": int(self.last[k, j] - self.first[k, j] + 1),
            "fill": int(self.begins[k, j] - self.first[k, j]),
            "drain": int(self.ends[k, j] - self.last[k, j]),
        }

    def inference(self, k: int) -> dict[str, int]:
        """What an inference does, as a dict of cycles.

        ``loading``, from its first input to its last one; ``running``, from its first step to its
        last one; ``reading``, from its last result written to its last logit; ``interval``, from
        the last result before to its own.
        """
        return {
            "loading": int(self.closes[k] - self.opens[k] + 1),
            "running": int(self.last[k, -1] - self.first[k, 0] + 1),
            "reading": int(self.leaves[k] - self.ends[k, -1]),
            "interval": int(self.ends[k, -1] - self.ends[k - 1, -1]),
        }


def timeline(schedule: Schedule, inferences: int) -> Timeline:
    """The :class:`Timeline` of a ``golden.machine.schedule.Schedule``: what the hardware must
    do."""
    times, ready = Timeline.empty(inferences, len(schedule.spans)), 0
    for k in range(inferences):
        _load(schedule, times, k, ready)
        ready = _run(schedule, times, k)
        reading = LEAVE + (schedule.copies + 1) * schedule.outputs
        reading += (schedule.machine.max_copies > 1) * ADD
        times.leaves[k] = times.ends[k, -1] + reading
    return times


def _load(schedule: Schedule, times: Timeline, k: int, ready: int) -> None:
    """A step of the inputs a cycle, but none in a cycle in which a hidden activation is written.

    ``ready`` : the cycle of the first step before, if no logits held it back.
    """
    wait, late = schedule.waits[0], schedule.gaps[0] - RESTART - schedule.waits[0]
    if k and schedule.overlap:
        times.opens[k] = ready - wait + OPEN
    elif k:
        times.opens[k] = times.last[k - 1, -1] + ALONE_OPEN + late
    writes = [
        _writes(schedule, j) + times.first[k - 1, j - 1]
        for j in schedule.topology.junctions[:-1]
        if k
    ]
    writes = np.concatenate([np.zeros(0, np.int64), *writes])
    after = times.opens[k] + 1 + np.arange(schedule.inputs + writes.size)
    times.closes[k] = [times.opens[k], *after[~np.isin(after, writes)]][schedule.inputs - 1]


def _run(schedule: Schedule, times: Timeline, k: int) -> int:
    """Its junctions' steps and writes; the cycle of its first step, if no logits hold it back."""
    start = times.closes[k] + BEGIN + schedule.waits[0]
    if k:
        start = max(start, times.last[k - 1, -1] + 1 + schedule.gaps[0])
    ready = start
    for j, span in enumerate(schedule.spans):
        if j:
            start = times.last[k, j - 1] + 1 + schedule.gaps[j]
        if k and j == len(schedule.spans) - 1:
            start = max(start, times.leaves[k - 1] + HOLD)
        times.first[k, j], times.last[k, j] = start, start + span - 1
        writes = start + _writes(schedule, j + 1)
        times.begins[k, j], times.ends[k, j] = writes[0], writes[-1]
    return ready


def _writes(schedule: Schedule, junction: int) -> np.ndarray:
    """The cycles of a junction's writes, from its first step on: ``int64`` (rows * groups,)."""
    machine, wide = schedule.machine, schedule.wide
    fan_in, groups = wide.fan_in(junction), machine.groups
    rows = np.arange(wide.layers[junction] // machine.lanes)
    ends = rows * max(fan_in, groups) + fan_in - 1 + machine.drain - groups
    sooner = REQUANTIZE * (junction == len(schedule.spans))
    return (ends[:, None] + np.arange(groups)).ravel() - sooner
