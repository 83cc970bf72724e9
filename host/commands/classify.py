"""``sobolpath host classify``: an image, and the class that a board gives it."""

import textwrap
from argparse import Namespace

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.support import options
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say

from . import pictures, shared

HELP = f"""\
Have a board classify an image, and show it beside a bar for each class. The
image is a PNG or JPEG, of any size, in colour or not, or a .npy file with one
sample as the data set has them. It is prepared as the model file says; where a
model's images are all bright on dark and this one is not, or the other way
around, dark and bright change places.
Without --model the model is the one that the board holds.

  sobolpath host classify digit.png --port /dev/ttyUSB1
  sobolpath host classify digit.png --model mnist-37k --port sim:icebreaker

{shared.PORTS}
exit codes: 0 classified; 2 the file or the board cannot be read: one line
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    parser.reads("image", metavar="IMAGE", help="a picture (.png, .jpg), or one sample (.npy)")
    options.named_model(parser, "the model to load, if it is not there")
    shared.arguments(parser)
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Classify and show. Raises ``HostError``, and ``InputError`` for a file that is no image."""
    with shared.opened(options) as board:
        name = shared.load(board, options.model, say)
        model = board.model
        assert model is not None
        if model.preparation is None:
            raise InputError(f"{name}: must say how its samples are prepared, but it does not")
        origin = model.info.get("origin") or {}  # a data set by name is bright on black
        background = origin.get("background", "dark")
        sample, said = pictures.sample(options.image, model.preparation, background)
        logits = board.infer(model.preparation.apply(sample))
    best = int(engine.classify(model, logits)[0])
    names, values = model.names, logits[0, : model.classes]
    if said:
        for line in textwrap.wrap(f"{options.image}: {said}", 79):
            say(line)
    lines = pictures.bars(names, values, best)
    shape = model.preparation.shape
    if len(shape) == 2:
        pixels = np.clip(model.preparation.places(sample)[0], 0, 1)
        picture = pictures.shown(pixels, coloured=pictures.colours())
        step = -(-shape[1] // pictures.WIDEST)
        lines = pictures.beside(picture, -(-shape[1] // step), lines)
    for line in lines:
        say(line)
    say(f"class {model.called(best)}")
    return Outcome(
        {
            "port": options.port,
            "model": name,
            "file": str(options.image),
            "class": best,
            "class_name": names[best],
            "logits": values.tolist(),
        }
    )
