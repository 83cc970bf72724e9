"""``sobolpath host infer``: images of a file through a board, logits to a file."""

import io
import time
from argparse import Namespace

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.model import Model
from sobolpath.golden.support import cli, options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from . import shared
from .pictures import read_array

HELP = f"""\
Send the images of a .npy file to a board, and write their logits to another:
int32 (images, outputs). Images are uint8 (images, inputs), as the engine takes
them; samples of another shape or type are prepared as the model file says.

  sobolpath host infer images.npy --out build/logits.npy --port /dev/ttyUSB1

{shared.PORTS}
exit codes: 0 all logits are there and right; 2 they cannot be had: one line
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    parser.reads("images", metavar="IMAGES", help="a .npy file of images or of samples")
    options.out(parser, "the .npy file of the logits", "-o")
    options.named_model(parser, "the model to load, if it is not there")
    shared.arguments(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Infer, write, print. Raises ``HostError``, and ``InputError`` for another file."""
    samples = read_array(options.images)
    with shared.opened(options) as board:
        name = shared.load(board, options.model, say)
        assert board.model is not None
        images = prepared(samples, board.model)
        with cli.progress(total=len(images), unit="image", desc="infer", leave=False) as bar:
            began = time.monotonic()
            logits = board.infer(images, progress=lambda done, _: bar.update(done - bar.n))
            seconds = time.monotonic() - began
    buffer = io.BytesIO()
    np.save(buffer, logits)
    cli.write_atomically(options.out, buffer.getvalue())
    say(f"{options.out}: {len(logits):,} x {logits.shape[1]} logits, {seconds:.2f} s")
    return Outcome(
        {
            "port": options.port,
            "model": name,
            "images": len(logits),
            "outputs": logits.shape[1],
            "seconds": round(seconds, 3),
        }
    )


def prepared(samples: np.ndarray, model: Model) -> np.ndarray:
    """Samples as ``uint8`` (n, n_0): as they are, or as the model's file says."""
    width = model.topology.layers[0]
    if samples.dtype == np.uint8 and samples.ndim == 2 and samples.shape[1] == width:
        return samples
    if model.preparation is None:
        raise InputError(
            f"images must be uint8 (images, {width}), as the model does not know how others are "
            f"prepared, not {samples.dtype} of {samples.shape}"
        )
    return model.preparation.apply(samples)
