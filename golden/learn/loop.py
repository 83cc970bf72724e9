"""Learning image by image: which image comes when, and at what rate.

Epoch e (from 0 on) goes through all images in an order that follows from the seed and e, at the
rate 2**-(rate + e // halve). Nothing else is carried from one epoch to the next but the masters, so
who stops after any epoch and goes on later gets what he would have got without stopping.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..support.cli import progress
from .arithmetic import SLOWEST, Fractions
from .compiled import CompiledLearner
from .learner import Learner

SHOWN = 64  # images between two looks at the progress bar


@dataclass(frozen=True, kw_only=True)
class Course:
    """How to learn.

    Parameters
    ----------
    epochs : passes over the images, at least 1.
    rate : of the first learning rate, 2**-rate: 0 to 15.
    halve : epochs after which the rate is halved, again and again, down to 2**-15; at least 1.
    first : epochs that are done already, at least 0.
    seed : of the order of the images, at least 0.

    Raises ``InputError`` where these do not hold.
    """

    epochs: int
    rate: int = 5
    halve: int
    first: int = 0
    seed: int = 0

    def __post_init__(self):
        most = 2**32 - 1
        for name, least, largest in (
            ("epochs", 1, most),
            ("rate", 0, SLOWEST),
            ("halve", 1, most),
            ("first", 0, most),
            ("seed", 0, most),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise InputError(f"{name} must be an integer, not {value!r}")
            if not least <= value <= largest:
                raise InputError(f"{name} must be {least} to {largest}, not {value}")

    def __str__(self) -> str:
        last = self.first + self.epochs
        return (
            f"epochs {self.first + 1} to {last}, rate 2**-{self.rate}, halved every {self.halve}, "
            f"seed {self.seed}"
        )

    def rate_of(self, epoch: int) -> int:
        """The rate of an epoch: 2**-rate is what errors are multiplied by."""
        return min(self.rate + epoch // self.halve, SLOWEST)

    def order(self, epoch: int, images: int) -> np.ndarray:
        """The images of an epoch, in order: ``int64`` (images,)."""
        return np.random.default_rng([self.seed, epoch]).permutation(images)


def train(
    learner: Learner | CompiledLearner,
    fractions: Fractions,
    images: np.ndarray,
    labels: np.ndarray,
    course: Course,
    *,
    quiet: bool = False,
) -> list[float]:
    """Let ``learner`` learn ``images``, ``uint8`` (B, n_0), of the classes ``labels``, in place.

    ``quiet`` : show no progress bar. Returns per epoch the share of images whose class was right
    when they came, before they were learnt.
    """
    junctions, shares = len(learner.topology.paths), []
    total = course.epochs * len(images)
    with progress(total=total, desc="learn", unit="image", disable=quiet or None) as bar:
        for epoch in range(course.first, course.first + course.epochs):
            learner.set(fractions.shifts(junctions, course.rate_of(epoch)))
            right = 0
            for count, index in enumerate(course.order(epoch, len(images)), 1):
                label = int(labels[index])
                right += learner.step(images[index], label).argmax() == label
                if count % SHOWN == 0 or count == len(images):
                    bar.update((count - 1) % SHOWN + 1)
                    bar.set_postfix(epoch=epoch + 1, right=f"{right / count:.2%}", refresh=False)
            shares.append(float(right) / len(images))
    return shares
