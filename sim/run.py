"""A simulation run: a model and a data set through the engine, compared and summed up."""

import time
from dataclasses import dataclass

import numpy as np

from golden import cli, data, engine
from golden import model as models
from golden.errors import InputError
from golden.network import Network
from hw.config import CONFIGS

from .compare import Comparison
from .native import NativeEngine
from .pysim import PysimEngine
from .trace import Stuck

BACKENDS = {"native": NativeEngine, "pysim": PysimEngine}
BATCH = {"native": 64, "pysim": 1}  # images between two steps of the progress bar


@dataclass(frozen=True)
class Result:
    """What a run found: ``summary`` for JSON, ``failures`` as lines, empty where all is well."""

    summary: dict
    failures: tuple


def open_engine(backend, *arguments, vcd=None, say=print):
    """An engine of the back end asked for; ``auto`` takes native where it can be built.

    Raises ``InputError`` for an unknown back end, or where ``native`` cannot be built.
    """
    if backend not in ("auto", *BACKENDS):
        raise InputError(f"backend must be auto, {' or '.join(BACKENDS)}, not {backend!r}")
    if backend == "auto":
        try:
            return NativeEngine(*arguments, vcd=vcd, say=say)
        except InputError as error:
            say(f"taking the slow back end: {error}")
            backend = "pysim"
    return BACKENDS[backend](*arguments, vcd=vcd, say=say)


def held_out(model, name, limit):
    """The held-out images and labels of a data set for a model, the first ``limit`` of them."""
    dataset = data.load(name)
    data.check_fits(dataset, model.topology)
    if model.classes != dataset.classes:
        raise InputError(
            f"the model must have the {dataset.classes} classes of {name}, not {model.classes}"
        )
    if limit is not None and limit < 1:
        raise InputError(f"limit must be at least 1, not {limit}")
    return dataset.x_test[:limit], dataset.y_test[:limit]


def run(path, data_name, *, config="icebreaker", limit=None, backend="auto", vcd=None, say=print):
    """Simulate a model file on a data set's held-out images: a :class:`Result`.

    Raises ``InputError`` for a model that does not fit, unknown names, a missing compiler.
    """
    if config not in CONFIGS:
        raise InputError(f"config must be one of {', '.join(CONFIGS)}, not {config!r}")
    parameters, model = CONFIGS[config], models.load(path)
    images, labels = held_out(model, data_name, limit)
    topology, lanes = model.topology, parameters.lanes
    image = parameters.image(model)
    predicted = engine.cycles(
        topology, lanes, requantizers=parameters.requantizers, registers=parameters.registers
    )
    comparison, logits, golden, total, seconds = Comparison(model, lanes, predicted), [], [], 0, 0.0
    failures, counts = [], []
    arguments = parameters, image, topology, predicted
    with open_engine(backend, *arguments, vcd=vcd, say=say) as simulated:
        size = BATCH[simulated.name]
        with cli.progress(total=len(images), unit="image", desc=simulated.name) as bar:
            for start in range(0, len(images), size):
                batch = images[start : start + size]
                began = time.perf_counter()
                try:
                    trace = simulated.run(batch)
                except Stuck as error:
                    failures.append(str(error))
                    break
                seconds += time.perf_counter() - began
                total += trace.total
                golden.append(comparison.add(batch, trace))
                logits.append(trace.logits)
                counts.append(trace.cycles)
                bar.update(len(batch))
    if not logits:
        return Result({}, tuple(failures))
    if comparison.first is not None:
        failures.append(f"{comparison.mismatches} mismatches; the first: {comparison.first}")
    if comparison.cycles:
        failures.append(f"cycles must be {predicted} for every image, not {comparison.cycles}")
    labels, counts = labels[: comparison.images], np.concatenate(counts)
    network = Network(topology, model.float_weights, model.float_biases)
    floats = network.infer(images[: comparison.images] * np.float32(model.input_scale))

    def accuracy(outputs):
        return float((engine.classify(model, outputs) == labels).mean())

    cycles = int(counts.max())
    summary = {
        "model": str(path),
        "data": data_name,
        "images": comparison.images,
        "mismatches": comparison.mismatches,
        "values_compared": comparison.values,
        "accuracy": accuracy(np.concatenate(logits)),
        "accuracy_float": accuracy(floats),
        "accuracy_int": accuracy(np.concatenate(golden)),
        "cycles_per_inference": cycles,
        "predicted_cycles": predicted,
        "cycles_with_io": total / comparison.images,
        "paths": topology.total_paths,
        "lanes": lanes,
        "utilization": topology.total_paths / (lanes * cycles),
        "cycles_per_second": total / seconds,
        "backend": simulated.name,
        "config": config,
    }
    return Result(summary, tuple(failures))
