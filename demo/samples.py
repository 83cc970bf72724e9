"""Images that the page offers: held-out ones, of scikit-learn's digits or of a data set's 28 x 28.

scikit-learn's digits come with it (8 x 8 pixels, 0 to 16; Alpaydin & Kaynak, "Optical Recognition
of Handwritten Digits", 1998, CC BY 4.0). Scaled to MNIST's size they are blurred and come of other
hands, so a network that was trained on MNIST knows fewer of them than of MNIST's own.
"""

from dataclasses import dataclass

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.model import Model

from . import drawing

OF_EACH = 2  # images of a class that are offered
HEIGHT, WIDTH = 20, 18  # pixels of an 8 x 8 digit when scaled: few are as wide as high
GREY, CONTRAST = 50, 1.5  # what is darker than that is paper, the rest is stretched: blur goes


@dataclass(frozen=True)
class Sample:
    """An image that is offered: ``pixels`` ``uint8`` (28, 28), and its ``label``."""

    label: int
    pixels: np.ndarray


def origin(name: str) -> str:
    """Whose they are, a sentence for the page."""
    if name == "digits":
        return (
            "These are scikit-learn's digits of 8 x 8 pixels, enlarged. They are other people's "
            "than those the network learnt from, and blurred, so it gets some of them wrong."
        )
    return f"These are held-out images of {name}."


def of(name: str, model: Model, download: bool = False) -> list[Sample]:
    """The first images of every class among the held-out ones of a data set, in classes' order.

    ``name`` : ``"digits"``, scaled, or a data set whose images are the model's, 28 x 28.
    ``download`` : as of :func:`golden.data.load`. Raises ``InputError`` where there are none.
    """
    if name == "digits":
        found = data.load(name)
        images = [_enlarged(image.reshape(8, 8)) for image in found.x_test]
    else:
        found = data.load_for(model, name, download)
        images = [_inner(image, name) for image in found.x_test[:1000]]
    labels = found.y_test[: len(images)]
    return [
        Sample(each, images[place])
        for each in range(found.classes)
        for place in np.flatnonzero(labels == each)[:OF_EACH]
    ]


def _enlarged(image):
    """An image of scikit-learn's digits at MNIST's size."""
    grey = drawing.scaled(image.astype(np.float64), HEIGHT, WIDTH)
    return drawing.centred(np.clip((grey - GREY) * CONTRAST, 0, 255))


def _inner(image, name):
    """The 28 x 28 pixels of an image that was padded to 32 x 32."""
    if image.shape != (1024,):
        raise InputError(f"--data must have images of 28 x 28 pixels, not {name}")
    return image.reshape(32, 32)[2:30, 2:30]
