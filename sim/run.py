"""A simulation run: a model and a data set through the engine, compared and summed up."""

import time
from dataclasses import dataclass

import numpy as np

from golden import cli, data, engine
from golden import model as models
from golden.errors import InputError
from golden.machine import plan
from golden.network import Network
from hw.config import CONFIGS

from .compare import Comparison
from .native import NativeEngine
from .pysim import PysimEngine
from .trace import NEVER, Job, Stuck
from .waves import waveforms

BACKENDS = ("native", "pysim")
BATCH = {"native": 64, "pysim": 4}  # inferences between two steps of the progress bar


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
    return Job(parameters, topology, image, plan(topology, parameters.machine))


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
    tally, per = Tally([], []), job.config.images
    size = BATCH[simulated.name] * per
    with cli.progress(total=len(images), unit="image", desc=simulated.name) as bar:
        for start in range(0, len(images), size):
            real = images[start : start + size]
            blank = np.zeros((-len(real) % per, real.shape[1]), np.uint8)
            batch = np.concatenate([real, blank])  # the images that share weights come together
            began = time.perf_counter()
            trace = simulated.run(batch)
            tally.seconds += time.perf_counter() - began
            tally.cycles += trace.total
            done = min(trace.finished * per, len(real))
            logits = trace.logits.reshape(len(batch), -1)
            golden = comparison.add(batch[: trace.finished * per], trace[: trace.finished])
            tally.golden.append(golden[:done])
            tally.logits.append(logits[:done])
            bar.update(done)
            if trace.finished * per < len(batch):
                written = trace.at[trace.finished] != NEVER
                tally.hung = (
                    f"image {start + done} must be done in {job.patience} cycles, but "
                    f"was not: {written.sum()} of {written.size} values were written"
                )
                break
    return tally


def run(
    path,
    data_name,
    *,
    config="icebreaker",
    limit=None,
    backend="auto",
    vcd=None,
    fst=None,
    say=print,
):
    """Simulate a model file on a data set's held-out images: a :class:`Result`.

    ``vcd`` and ``fst`` are wave files to write (``sim.waves``). ``say`` is told what a person
    should know. Raises ``InputError`` for a model that does not fit, unknown names, a missing
    compiler.
    """
    model = models.load(path)
    job = make_job(config, model)
    images, labels = held_out(model, data_name, limit)
    comparison = Comparison(model, job)
    try:
        with waveforms(vcd, fst) as file, open_engine(backend, job, vcd=file, say=say) as simulated:
            tally = simulate(simulated, job, images, comparison)
    except Stuck as error:
        return Result({}, (str(error),))
    failures = tuple(_failures(job, comparison, tally))
    count = sum(map(len, tally.logits))
    if not count:
        return Result({}, failures)
    done, schedule, topology = slice(count), job.schedule, job.topology
    latency = max(comparison.latencies)
    interval = max(comparison.intervals, default=None)
    per, lanes = job.config.images, job.config.lanes
    summary = {
        "model": str(path),
        "data": data_name,
        "images": count,
        "mismatches": comparison.mismatches,
        "values_compared": comparison.values,
        **_accuracies(model, tally, images[done], labels[done]),
        "images_together": per,
        "latency_cycles": latency,
        "predicted_latency": schedule.latency,
        "interval_cycles": interval,
        "predicted_interval": schedule.interval,
        "paths": topology.total_paths,
        "lanes": lanes,
        "utilization": topology.total_paths / (lanes * (interval or latency)),
        "cycles_per_second": tally.cycles / tally.seconds,
        "backend": simulated.name,
        "config": config,
    }
    return Result(summary, failures)


def _failures(job, comparison, tally):
    """What is wrong, a line each."""
    if comparison.mismatches:
        yield f"{comparison.mismatches} mismatches; the first: {comparison.first}"
    schedule = job.schedule
    for what, predicted, seen in (
        ("an inference must take", schedule.latency, comparison.latencies),
        ("inferences must follow each other in", schedule.interval, comparison.intervals),
    ):
        odd = {cycles: count for cycles, count in seen.items() if cycles != predicted}
        if odd:
            yield (
                f"{what} {predicted} cycles, but {sum(odd.values())} of {seen.total()} took "
                f"{min(odd)} to {max(odd)}"
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
