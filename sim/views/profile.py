"""What the cycles do: the timeline of a simulated run, from its record."""

from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np

from sobolpath.golden.machine.timeline import Timeline

from ..backends.record import Job, Trace

WHAT = {
    "opens": "the first input",
    "closes": "the last input",
    "first": "the first step",
    "last": "the last step",
    "begins": "the first write",
    "ends": "the last write",
    "leaves": "the last logit",
}


def measured(trace: Trace, job: Job) -> Timeline:
    """The :class:`golden.machine.timeline.Timeline` of a :class:`sim.backends.record.Trace` of
    whole inferences."""
    times = Timeline.empty(len(trace.starts), len(job.topology.paths))
    starts = trace.starts[:, None] - trace.opens[0]
    issued, at = trace.issued + starts, trace.at + starts
    steps = np.cumsum([0, *job.topology.paths]) // job.config.lanes
    values = np.cumsum([0, *job.widths[1:]])
    for j, (start, stop) in enumerate(pairwise(steps)):
        times.first[:, j] = issued[:, start:stop].min(axis=1)
        times.last[:, j] = issued[:, start:stop].max(axis=1)
    for j, (start, stop) in enumerate(pairwise(values)):
        times.begins[:, j] = at[:, start:stop].min(axis=1)
        times.ends[:, j] = at[:, start:stop].max(axis=1)
    for name in ("opens", "closes", "leaves"):
        getattr(times, name)[:] = getattr(trace, name) - trace.opens[0]
    return times


def figures(times: Timeline, job: Job, k: int) -> tuple[dict[int, dict[str, Any]], dict[str, Any]]:
    """What the junctions and the inference ``k`` of a timeline take, in cycles: two dicts.

    The first has a dict for each junction: those of ``Timeline.junction`` and ``stalls``, the
    cycles of the stream without a step, in which rows leave that have fewer paths than groups.
    """
    junctions = {}
    for j, paths in enumerate(job.topology.paths):
        found = times.junction(k, j)
        found["stalls"] = found["stream"] - paths // job.config.lanes
        junctions[j + 1] = found
    return junctions, times.inference(k)


def differences(measured: Timeline, predicted: Timeline) -> Iterator[str]:
    """Where two timelines differ, a line for each kind of event: the first inference of it."""
    for field in fields(measured):
        pair = [getattr(times, field.name) for times in (measured, predicted)]
        wrong = np.argwhere(pair[0] != pair[1])
        if len(wrong):
            inference, *junctions = wrong[0].tolist()
            got, wanted = (int(array[(inference, *junctions)]) for array in pair)
            junction = f", junction {junctions[0] + 1}" if junctions else ""
            yield (
                f"{WHAT[field.name]} of inference {inference}{junction} must be in cycle {wanted}, "
                f"but was in {got}"
            )
