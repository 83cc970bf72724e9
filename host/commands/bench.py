"""``sobolpath host bench``: images per second, and what bounds them."""

import time
from argparse import Namespace

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from .. import rates
from . import shared

HELP = f"""\
Time a board: random images through its port and back. Beside what was measured
stands what the line allows, by its baud rate and the bytes of commands and
replies, and what the engine allows, by its cycles at the board's clock.

  sobolpath host bench --port /dev/ttyUSB1 --model mnist-37k
  sobolpath host bench --port sim:icebreaker --model digits --limit 20

{shared.PORTS}
exit codes: 0 measured; 2 the board cannot be reached
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.named_model(parser, "the model to load, if it is not there")
    options.limit(parser, 200, "run so many images")
    options.seed(parser)
    shared.arguments(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Measure and print. Raises ``HostError``."""
    if options.limit < 1:
        raise InputError(f"--limit must be at least 1, not {options.limit}")
    rng = np.random.default_rng(options.seed)
    with shared.opened(options) as board:
        name = shared.load(board, options.model, say)
        model, network, identity = board.model, board.network, board.identity
        assert model is not None
        assert network is not None
        images = rng.integers(0, 256, (options.limit, network.inputs), dtype=np.uint8)
        with cli.progress(total=len(images), unit="image", desc="bench", leave=False) as bar:
            began = time.perf_counter()
            board.infer(images, progress=lambda done, _: bar.update(done - bar.n))
            seconds = time.perf_counter() - began
    baud = identity.baud or shared.rate(options)
    line = rates.of_line(model.topology, network, identity, baud)
    engine = rates.of_engine(model.topology, identity)
    measured = options.limit / seconds
    say(f"{'measured':<10}{measured:>12,.1f} images/s, {options.limit} in {seconds:.2f} s")
    if line is not None:
        say(f"{'the line':<10}{line:>12,.1f} images/s at {baud:,} baud")
    if engine is not None:
        say(f"{'engine':<10}{engine:>12,.1f} images/s at {identity.clock_hz / 1e6:g} MHz")
    return Outcome(
        {
            "port": options.port,
            "model": name,
            "images": options.limit,
            "seconds": round(seconds, 3),
            "images_per_second": measured,
            "line_images_per_second": line,
            "engine_images_per_second": engine,
            "baud": baud,
            "clock_mhz": identity.clock_hz / 1e6,
        }
    )
