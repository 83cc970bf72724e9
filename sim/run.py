"""A simulation run: a model and a data set through the engine, compared and summed up."""

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden import cli, data, engine
from golden import model as models
from golden.errors import InputError
from golden.network import Network
from hw.config import CONFIGS

from .compare import Comparison
from .native import NativeEngine
from .pysim import PysimEngine
from .trace import NEVER, Job, Stuck

BACKENDS = ("native", "pysim")
BATCH = {"native": 64, "pysim": 1}  # images between two steps of the progress bar


@dataclass(frozen=True)
class Result:
    """What a run found: ``summary`` for JSON, ``failures`` as lines, empty where all is well.

    ``summary`` is empty where not one image came through.
    """

    summary: dict
    failures: tuple


def make_job(config, model):
    """The :class:`sim.trace.Job` of a model on the configuration called ``config``.

    Raises ``InputError`` for an unknown one, or one too small for the model.
    """
    if config not in CONFIGS:
        raise InputError(f"config must be one of {', '.join(CONFIGS)}, not {config!r}")
    parameters, topology = CONFIGS[config], model.topology
    image = parameters.image(model)
    predicted = engine.cycles(
        topology,
        parameters.lanes,
        requantizers=parameters.requantizers,
        registers=parameters.registers,
    )
    return Job(parameters, topology, image, predicted)


def held_out(model, name, limit=None):
    """The held-out images and labels of a data set for a model, the first ``limit`` of them.

    Raises ``InputError`` where the data set is unknown or not the model's kind.
    """
    dataset = data.load(name)
    data.check_fits(dataset, model.topology, model.classes)
    if limit is not None and limit < 1:
        raise InputError(f"--limit must be at least 1, not {limit}")
    return dataset.x_test[:limit], dataset.y_test[:limit]


def open_engine(backend, job, *, vcd=None, say=lambda text: None):
    """An engine of the back end asked for; ``auto`` takes native where it can be built.

    Raises ``InputError`` for an unknown back end, or where ``native`` cannot be built.
    """
    if backend not in ("auto", *BACKENDS):
        raise InputError(f"backend must be auto, {' or '.join(BACKENDS)}, not {backend!r}")
    if backend != "pysim":
        try:
            return NativeEngine(job, vcd=vcd, say=say)
        except InputError as error:
            if backend == "native":
                raise
            say(f"taking the slow back end pysim: {error}")
    return PysimEngine(job, vcd=vcd)


@contextmanager
def waveform(path):
    """A file to write waveforms into that becomes ``path`` at the end; gone if anything fails."""
    if path is None:
        yield None
        return
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: must be a file to write waveforms to, not a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.touch()
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@dataclass
class Tally:
    """What came of all batches: hardware and golden logits, cycles, seconds of simulation."""

    logits: list
    golden: list
    cycles: int = 0
    seconds: float = 0.0
    hung: str | None = None


def simulate(simulated, job, images, comparison):
    """Run the images and compare them, up to the first that does not finish: a :class:`Tally`."""
    tally, size = Tally([], []), BATCH[simulated.name]
    with cli.progress(total=len(images), unit="image", desc=simulated.name) as bar:
        for start in range(0, len(images), size):
            batch = images[start : start + size]
            began = time.perf_counter()
            trace = simulated.run(batch)
            tally.seconds += time.perf_counter() - began
            tally.cycles += trace.total
            done = slice(trace.finished)
            tally.golden.append(comparison.add(batch[done], trace[done]))
            tally.logits.append(trace.logits[done])
            bar.update(trace.finished)
            if trace.finished < len(batch):
                written = trace.at[trace.finished] != NEVER
                tally.hung = (
                    f"image {start + trace.finished} must be done in {job.patience} cycles, but "
                    f"was not: {written.sum()} of {written.size} values were written"
                )
                break
    return tally


def run(path, data_name, *, config="icebreaker", limit=None, backend="auto", vcd=None, say=print):
    """Simulate a model file on a data set's held-out images: a :class:`Result`.

    ``say`` is told what a person should know. Raises ``InputError`` for a model that does not fit,
    unknown names, a missing compiler.
    """
    model = models.load(path)
    job = make_job(config, model)
    images, labels = held_out(model, data_name, limit)
    comparison = Comparison(model, job)
    try:
        with waveform(vcd) as file, open_engine(backend, job, vcd=file, say=say) as simulated:
            tally = simulate(simulated, job, images, comparison)
    except Stuck as error:
        return Result({}, (str(error),))
    failures = tuple(_failures(job, comparison, tally))
    if not comparison.images:
        return Result({}, failures)
    done = slice(comparison.images)
    cycles, topology = max(comparison.cycles), job.topology
    summary = {
        "model": str(path),
        "data": data_name,
        "images": comparison.images,
        "mismatches": comparison.mismatches,
        "values_compared": comparison.values,
        **_accuracies(model, tally, images[done], labels[done]),
        "cycles_per_inference": cycles,
        "predicted_cycles": job.predicted,
        "cycles_with_io": tally.cycles / comparison.images,
        "paths": topology.total_paths,
        "lanes": job.config.lanes,
        "utilization": topology.total_paths / (job.config.lanes * cycles),
        "cycles_per_second": tally.cycles / tally.seconds,
        "backend": simulated.name,
        "config": config,
    }
    return Result(summary, failures)


def _failures(job, comparison, tally):
    """What is wrong, a line each."""
    if comparison.mismatches:
        yield f"{comparison.mismatches} mismatches; the first: {comparison.first}"
    odd = {n: images for n, images in comparison.cycles.items() if n != job.predicted}
    if odd:
        yield (
            f"an inference must take {job.predicted} cycles, but {sum(odd.values())} of "
            f"{comparison.images} images took {min(odd)} to {max(odd)}"
        )
    if tally.hung is not None:
        yield tally.hung


def _accuracies(model, tally, images, labels):
    """Accuracy of the hardware, the floats and the integers, 0 to 1."""
    network = Network(model.topology, model.float_weights, model.float_biases)
    outputs = {
        "accuracy": np.concatenate(tally.logits),
        "accuracy_float": network.infer(images * np.float32(model.input_scale)),
        "accuracy_int": np.concatenate(tally.golden),
    }
    return {
        name: float((engine.classify(model, logits) == labels).mean())
        for name, logits in outputs.items()
    }
