"""The netlist of an engine that infers against ``golden.machine.engine``."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.image import MemoryImage
from sobolpath.golden.machine.model import Model

from ..board import Board
from ..flow import gates
from . import compared

BENCH = Path(__file__).with_name("inferring.v")
INFERENCES = 3  # the fewest that tell the interval: before the second, the engine was idle


def count(board: Board, limit: int | None, held: int) -> int:
    """How many images ``--limit`` asks for: whole inferences. Raises ``InputError``."""
    together = board.config.images
    wanted = INFERENCES * together if limit is None else limit
    if not 1 <= wanted <= held // together * together:
        raise InputError(f"--limit must be 1 to {held // together * together}, not {wanted}")
    return -(-wanted // together) * together


def compare(
    board: Board, model: Model, images: np.ndarray, labels: np.ndarray | None, folder: Path
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Simulate the netlist in ``folder``: the result, and what is wrong. ``labels`` are unused."""
    schedule = board.config.schedule(model.topology)
    expected = engine.infer(model, images)
    together = board.config.images
    inferences = len(images) // together
    image = board.config.image(model)
    cycles = schedule.latency + inferences * (schedule.interval + schedule.inputs)
    trace = simulate(board, folder, image=image, images=images, logits=expected.size, cycles=cycles)
    wrong = list(compared.wrong_logits(trace, expected, together))
    latency, interval = _times(trace, inferences, schedule.interval)
    told = schedule.interval if inferences >= INFERENCES else None
    failures = compared.failures(
        trace,
        [("logits", wrong)],
        [("latency", latency, schedule.latency), ("interval", interval, told)],
    )
    result = {
        "images": len(images),
        "images_together": together,
        "lanes": board.config.lanes,
        "logits_compared": expected.size,
        "logits_different": len(wrong),
        "latency_cycles": latency,
        "predicted_latency": schedule.latency,
        "interval_cycles": interval,
        "predicted_interval": schedule.interval,
        "cycles": trace.cycles,
    }
    return result, failures


def simulate(
    board: Board, folder: Path, *, image: MemoryImage, images: np.ndarray, logits: int, cycles: int
) -> gates.Trace:
    """Write ``image``, byte by byte, and infer ``images`` as soon as may be: a ``gates.Trace``.

    ``logits`` : how many are to come; it ends with them. ``cycles`` : that an endless queue of
    these inferences should take.
    """
    config = board.config
    network = (
        (space, address, byte)
        for space, content in image.spaces()
        for address, byte in enumerate(content)
    )
    writes, inputs = compared.writes(config, network), config.inputs(images)
    parameters = {
        "WRITE_BITS": config.write_layout.size,
        "WRITES": len(writes),
        "INPUT_BITS": config.input_bits,
        "INPUTS": len(inputs),
        "TOGETHER": len(inputs) * config.images // len(images),
        "LOGITS": logits,
    }
    return gates.simulate(
        board,
        folder,
        bench=BENCH,
        words={"writes": writes, "inputs": inputs},
        parameters=parameters,
        cycles=cycles + len(writes) + compared.UNTIL_LOADED,
    )


def _times(trace, inferences, predicted):
    """Latency of the first inference; of the intervals but the first, that furthest from predicted.

    None where there is none.
    """
    ends = compared.ends(trace, inferences)
    if ends is None:
        return None, None
    intervals = [after - before for before, after in pairwise(ends[1:])]
    return ends[0] - trace.taken[0], compared.furthest(intervals, predicted)


def report(result: dict[str, Any]) -> Iterator[str]:
    """What a person reads of the values."""
    yield "  logits    {logits_compared} compared, {logits_different} differ".format(**result)
