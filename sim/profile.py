"""What the cycles do: the timeline of a simulated run, from its record."""

from itertools import pairwise

import numpy as np

from golden.timeline import Timeline


def measured(trace, job):
    """The :class:`golden.timeline.Timeline` of a :class:`sim.trace.Trace` of whole inferences."""
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
