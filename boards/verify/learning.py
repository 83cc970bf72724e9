"""The netlist of an engine that learns against ``golden.learn.by_path``.

A network is written, some images are learnt and others inferred, and then all weights and biases
are read back.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import by_path
from sobolpath.golden.learn.latency import latency
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.program import LearnImage, fitted
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.learn.task import Task
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.lanes import by_place, path_order
from sobolpath.golden.machine.model import Model
from sobolpath.golden.topology.paths import Paths
from sobolpath.hw.learn.config import LearnConfig

from ..board import Board
from ..flow import gates
from . import compared

BENCH = Path(__file__).with_name("learning.v")
IMAGES = 4  # the fewest that tell the interval, as they are done here
#: What is done with one image after the other, over and over: the rate is 2**-rate, and signs may
#: be fixed; ``None`` : it is only inferred.
LEARNS = (
    {"rate": 2, "fixed": False},
    None,
    {"rate": 5, "fixed": True},
    {"rate": 3, "fixed": False},
)
READ = 7  # cycles in which a byte is read back, at most


def count(board: Board, limit: int | None, held: int) -> int:
    """How many images ``--limit`` asks for. Raises ``InputError``."""
    wanted = IMAGES if limit is None else limit
    if not 1 <= wanted <= held:
        raise InputError(f"--limit must be 1 to {held}, not {wanted}")
    return wanted


def tasks(labels: np.ndarray, classes: int) -> list[Task | None]:
    """What is done with images of these classes; ``None`` : inferred.

    Each is learnt as one of the next class: where a network is right it has little to learn.
    """
    return [
        None if own is None else Task(label=(int(label) + 1) % classes, **own)
        for label, own in zip(labels, LEARNS * -(-len(labels) // len(LEARNS)), strict=False)
    ]


def compare(
    board: Board, model: Model, images: np.ndarray, labels: np.ndarray, folder: Path
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Simulate the netlist in ``folder``: the result, and what is wrong."""
    config, topology = cast(LearnConfig, board.config), model.topology
    schedule, before = config.schedule(topology), Parameters.of_model(model, FRACTIONS)
    todo = tasks(labels, model.classes)
    after, expected = golden(before, images, todo)
    image = fitted(before, FRACTIONS, config)
    trace = simulate(board, folder, image=image, topology=topology, images=images, tasks=todo)
    wrong = list(compared.wrong_logits(trace, expected, 1))
    own, learnt = places(config, topology), fitted(after, FRACTIONS, config)
    wrong_values, changed = _values(trace, own, image, learnt)
    image_cycles = schedule.cycles["image"]
    predicted = latency(schedule)
    first, interval = _times(trace, todo, image_cycles)
    told = image_cycles if len(images) >= IMAGES else None
    failures = compared.failures(
        trace,
        [("logits", wrong), ("weights and biases", wrong_values)],
        [("latency", first, predicted), ("interval", interval, told)],
    )
    result = {
        "images": len(images),
        "images_learnt": sum(task is not None for task in todo),
        "images_together": config.images,
        "lanes": config.lanes,
        "logits_compared": expected.size,
        "logits_different": len(wrong),
        "values_compared": len(own),
        "values_different": len(wrong_values),
        "values_changed": changed,
        "latency_cycles": first,
        "predicted_latency": predicted,
        "interval_cycles": interval,
        "predicted_interval": image_cycles,
        "cycles": trace.cycles,
    }
    return result, failures


def golden(
    parameters: Parameters, images: np.ndarray, tasks: Sequence[Task | None]
) -> tuple[Parameters, np.ndarray]:
    """The parameters after all images, and the logits of each, integers (B, n_L)."""
    junctions, logits = len(parameters.topology.paths), []
    for image, task in zip(images, tasks, strict=True):
        own = task or Task(label=0)  # the logits are those before the step
        shifts = FRACTIONS.shifts(junctions, own.rate)
        after, step = by_path.step(parameters, image, own.label, shifts, fixed=own.fixed)
        parameters = parameters if task is None else after
        logits.append(step.logits)
    return parameters, np.array(logits)


def network(config: LearnConfig, topology: Paths, image: LearnImage) -> list[tuple[int, int, int]]:
    """The bytes of a network, (space, address, byte): of the weights those that it has."""
    plane = config.weight_words * config.lanes
    return [
        (int(space), address, byte)
        for space, content in image.spaces()
        for address, byte in enumerate(content)
        if space != Space.WEIGHTS or address % plane < topology.total_paths
    ]


def places(config: LearnConfig, topology: Paths) -> dict[str, list[tuple[int, int]]]:
    """Where each weight and each bias stands: (space, address) of its bytes, by its name."""
    lanes, plane, found = config.lanes, config.weight_words * config.lanes, {}
    address = 0
    for junction in topology.junctions:
        for path in path_order(topology, junction, lanes).ravel().tolist():
            both = (int(Space.WEIGHTS), address), (int(Space.WEIGHTS), plane + address)
            found[f"the weight of path {path} in junction {junction}"] = list(both)
            address += 1
    address = 0
    for layer in topology.junctions:
        numbers = np.arange(topology.layers[layer])
        for neuron in by_place(topology, layer, lanes, numbers).ravel().tolist():
            own = [(int(Space.BIASES), address + byte) for byte in range(4)]
            found[f"the bias of neuron {neuron} in layer {layer}"] = own
            address += 4
    return found


def simulate(
    board: Board,
    folder: Path,
    *,
    image: LearnImage,
    topology: Paths,
    images: np.ndarray,
    tasks: Sequence[Task | None],
) -> gates.Trace:
    """Write ``image``, do the ``tasks`` with the ``images`` as soon as may be, and read back all
    :func:`places`: a ``gates.Trace``."""
    config = cast(LearnConfig, board.config)
    writes = compared.writes(config, network(config, topology, image))
    inputs = config.inputs(images)
    fields: list[dict[int | str, Any]] = [
        {"learn": 0, "label": 0, "rate": 0, "fixed": 0}
        if task is None
        else {"learn": 1, "label": task.label, "rate": task.rate, "fixed": task.fixed}
        for task in tasks
    ]
    peeks: list[dict[int | str, Any]] = [
        {"weights": space == Space.WEIGHTS, "address": address}
        for own in places(config, topology).values()
        for space, address in own
    ]
    words = {
        "writes": writes,
        "inputs": inputs,
        "tasks": [config.task.const(each).as_bits() for each in fields],
        "peeks": [config.peek_layout.const(each).as_bits() for each in peeks],
    }
    parameters = {
        "WRITE_BITS": config.write_layout.size,
        "WRITES": len(writes),
        "INPUT_BITS": config.input_bits,
        "INPUTS": len(inputs),
        "TASK_BITS": config.task.size,
        "IMAGES": len(images),
        "LOGITS": len(images) * topology.layers[-1],
        "PEEK_BITS": config.peek_layout.size,
        "PEEKS": len(peeks),
    }
    cycles = len(writes) + compared.UNTIL_LOADED + READ * len(peeks) + len(inputs)
    cycles += len(images) * config.schedule(topology).cycles["image"]
    return gates.simulate(
        board, folder, bench=BENCH, words=words, parameters=parameters, cycles=cycles
    )


def _values(trace, own, before, after):
    """A line for each weight and bias that is not the golden one, and how many of them learning has
    changed. ``own`` : :func:`places`."""
    old, new = ([content for _, content in image.spaces()] for image in (before, after))
    wrong, changed, found = [], 0, iter(trace.peeked)
    for name, each in own.items():
        got = [next(found, ("0", "nothing")) for _ in each]
        wanted = [f"{new[space][address]:02x}" for space, address in each]
        changed += wanted != [f"{old[space][address]:02x}" for space, address in each]
        if got != [("1", byte) for byte in wanted]:
            told = " ".join(byte if valid == "1" else f"{byte} ({valid})" for valid, byte in got)
            wrong.append(f"{name}: expected the bytes {' '.join(wanted)}, got {told}")
    wrong += ["a byte more must not come"] * len(list(found))
    return wrong, changed


def _times(trace, tasks, predicted):
    """Latency of the first image; of the intervals between two that are learnt, that furthest from
    predicted: but for the first two, before which the engine was idle. None where there is none.
    """
    ends = compared.ends(trace, len(tasks))
    if ends is None:
        return None, None
    intervals = [
        ends[place + 1] - ends[place]
        for place in range(2, len(tasks) - 1)
        if None not in tasks[place : place + 2]
    ]
    return ends[0] - trace.taken[0], compared.furthest(intervals, predicted)


def report(result: dict[str, Any]) -> Iterator[str]:
    """What a person reads of the values."""
    yield (
        "  logits    {logits_compared} compared, {logits_different} differ; {images_learnt} of "
        "{images} images are learnt"
    ).format(**result)
    yield (
        "  read back {values_compared:,} weights and biases, {values_different} differ; learning "
        "changed {values_changed:,}"
    ).format(**result)
