"""A simulation run: a model and a data set through the engine, compared and summed up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import cli
from sobolpath.golden.support.command import Outcome
from sobolpath.hw.engines import DEFAULT, named

from ..backends.native import NativeEngine
from ..backends.pysim import PysimEngine
from ..backends.record import Job, Stuck
from ..waves.waveforms import waveforms
from .batches import Killed, Task, jobs_for, open_engine, tallies
from .partial import Partial, beside, identity, versions

KILLED = "a process of the simulation was killed, perhaps for want of memory (fewer: --jobs)"


def make_job(config: str, model: models.Model, engine: str = DEFAULT) -> Job:
    """The :class:`sim.backends.record.Job` of a model on ``engine``'s configuration ``config``.

    Raises ``InputError`` for an unknown one, or one too small for the model.
    """
    return Job.of(named(engine, config), model)


def held_out(
    model: models.Model,
    name: str,
    limit: int | None = None,
    say: Callable[[str], object] = lambda text: None,
    download: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The held-out images and labels of a data set for a model, the first ``limit`` of them.

    ``say`` is told what is odd about them; ``download`` as of :func:`golden.data.load`. Raises
    ``InputError`` where the data set is unknown or not the model's kind.
    """
    dataset = data.load_for(model, name, download)
    for warning in dataset.warnings:
        say(f"warning: {warning}")
    if limit is not None and limit < 1:
        raise InputError(f"--limit must be at least 1, not {limit}")
    return dataset.x_test[:limit], dataset.y_test[:limit]


def simulate(
    task: Task,
    jobs: int,
    simulated: NativeEngine | PysimEngine,
    partial: Partial,
    say: Callable[[str], object],
) -> None:
    """Run and compare the batches that ``partial`` has not, up to the first image that hangs.

    What was found stays in ``partial``; if this is cut short, in its file.
    """
    numbers = range(partial.batches, task.batches)
    bar = cli.progress(
        total=len(task.images), initial=partial.tally.images, unit="image", desc=task.backend
    )
    try:
        with bar, tallies(task, numbers, jobs, simulated) as found:
            for tally in found:
                partial.add(tally)
                bar.update(tally.images)
                if tally.hung is not None:
                    break
    except BaseException:
        if partial.save():
            say(f"kept {partial.tally.images} images in {partial.path}: go on with --resume")
        raise


def run(
    path: Path | str,
    data_name: str,
    *,
    download: bool = False,
    config: str = "icebreaker",
    engine: str = DEFAULT,
    limit: int | None = None,
    json: Path | str | None = None,
    resume: bool = False,
    **how: Any,
) -> Outcome:
    """Simulate a model file on a data set's held-out images; what came of it.

    Parameters
    ----------
    path, data_name : the model file and the data set.
    download : fetch the data set where it is not found, if it can be.
    config, engine, limit : which configuration of which engine, and only so many images.
    json : the file that the result is for, or None: a partial one stands beside it meanwhile, and
        stays, for the caller to remove.
    resume : go on from the partial result there, if there is one.
    how : the rest is that of :func:`measure`.

    Raises ``InputError`` as that does, and for unknown data, a model that is none or not theirs,
    or another run's partial result.
    """
    waves = any(how.get(name) is not None for name in ("vcd", "fst"))
    place = None if json is None or json == "-" or waves else beside(json)
    if resume and place is None:
        raise InputError("--resume needs --json FILE, beside which the partial result is, no waves")
    model = models.load(path)
    job = make_job(config, model, engine)

    def begin(task):
        if place is None:
            return Partial()
        wanted = identity(task)
        return Partial.load(place, wanted) if resume and place.exists() else Partial(place, wanted)

    images, labels = held_out(model, data_name, limit, how.get("say", print), download)
    result = measure(model, job, images, labels, begin=begin, **how)
    if not result.summary:
        return result
    which = {"model": str(path), "data": data_name, **result.summary, "config": config}
    made = {"engine_kind": engine, "seed": model.info.get("seed"), "versions": versions()}
    return Outcome({**which, **made}, result.failures)


def measure(
    model: models.Model,
    job: Job,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    backend: str = "auto",
    vcd: Path | str | None = None,
    fst: Path | str | None = None,
    jobs: int | None = None,
    begin: Callable[[Task], Partial] | None = None,
    say: Callable[[str], object] = print,
) -> Outcome:
    """Simulate a model on these images: a :class:`golden.support.command.Outcome`.

    Parameters
    ----------
    model, job : the network, and it on the engine.
    images, labels : ``uint8`` (B, n_0) and integers (B,).
    backend : as of :func:`sim.run.batches.open_engine`.
    vcd, fst : files for waveforms, or None (``sim.waves.waveforms``).
    jobs : how many processes share the images; as many as are of use unless given, 1 with waves.
    begin : gives the :class:`sim.run.partial.Partial` of a :class:`sim.run.batches.Task`, to go on
        from.
    say : is told what a person should know.

    Raises ``InputError`` for a wrong option, or a missing compiler.
    """
    waves = vcd is not None or fst is not None
    if waves and jobs not in (None, 1):
        raise InputError(f"--jobs must be 1 with --vcd or --fst: they show one engine, not {jobs}")
    try:
        with waveforms(vcd, fst) as file, open_engine(backend, job, vcd=file, say=say) as simulated:
            task = Task(model, job, images, labels, simulated.name)
            partial = Partial() if begin is None else begin(task)
            jobs = 1 if waves else jobs_for(task, jobs)
            simulate(task, jobs, simulated, partial, say)
    except Stuck as error:
        return Outcome({}, (str(error),))
    except Killed:
        return Outcome({}, (KILLED,))
    tally = partial.tally
    failures = tuple(_failures(job, tally))
    if not tally.images:
        return Outcome({}, failures)
    speeds = {
        "cycles_per_second": tally.cycles / partial.seconds,
        "jobs": jobs,
        "cycles_per_core_second": tally.cycles / tally.seconds,
        "backend": task.backend,
    }
    return Outcome({**_figures(model, job, tally), **speeds}, failures)


def _figures(model, job, tally):
    """What was measured and predicted, but for speeds."""
    classes, ahead = range(model.classes), sorted({digits for _, digits in tally.margins})
    schedule, topology, lanes = job.schedule, job.topology, job.config.lanes
    latency, interval = max(tally.latencies), max(tally.intervals, default=None)
    return {
        "images": tally.images,
        "mismatches": tally.mismatches,
        "values_compared": tally.values,
        **{name: right / tally.images for name, right in tally.right.items()},
        "images_together": job.config.images,
        "latency_cycles": latency,
        "predicted_latency": schedule.latency,
        "interval_cycles": interval,
        "predicted_interval": schedule.interval,
        "paths": list(topology.paths),
        "weights": topology.total_paths,
        "lanes": lanes,
        "utilization": topology.total_paths / (lanes * (interval or latency)),
        "first_mismatches": [str(mismatch) for mismatch in tally.listed],
        "class_names": list(model.names),
        "confusion": [[tally.confusion[row, said] for said in classes] for row in classes],
        "margins": [[n, tally.margins[True, n], tally.margins[False, n]] for n in ahead],
    }


def _failures(job, tally):
    """What is wrong, a line each."""
    if tally.mismatches:
        yield f"{tally.mismatches} mismatches; the first: {tally.first}"
    schedule = job.schedule
    for what, predicted, seen in (
        ("an inference must take", schedule.latency, tally.latencies),
        ("inferences must follow each other in", schedule.interval, tally.intervals),
    ):
        odd = {cycles: count for cycles, count in seen.items() if cycles != predicted}
        if odd:
            yield (
                f"{what} {predicted} cycles, but {sum(odd.values())} of {seen.total()} took "
                f"{min(odd)} to {max(odd)}"
            )
    if tally.hung is not None:
        yield tally.hung
