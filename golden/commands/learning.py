"""What ``sobolpath train --arithmetic chip`` does in place of the float training."""

from argparse import Namespace
from typing import Any

from ..data import DataSet
from ..errors import InputError
from ..learn import arithmetic, compiled, loop
from ..learn.start import FRACTIONS, RATE, begin, digits_of, resume
from ..machine.model import Model
from ..topology.paths import Paths
from ..training.loop import Recipe
from ..training.network import Network
from ..training.quantize import BITS

LEFT_OUT = ("batch", "optimizer", "momentum", "decay", "qat", "nested", "grow_at")


def course_of(
    options: Namespace, topology: Paths, recipe: Recipe, known: Model | None
) -> loop.Course | None:
    """The course of the options; ``None`` where what learns are floats.

    What the options leave out is that of ``known``, where the chip made it. Raises ``InputError``,
    also for options that this arithmetic has no use for.
    """
    if options.arithmetic == "float":
        if options.halve is not None:
            raise InputError("--halve must be left out without --arithmetic chip")
        return None
    given = [name for name in LEFT_OUT if getattr(options, name) not in (None, 0)]
    if options.bits != BITS:
        given.append("bits")
    if given:
        raise InputError(
            f"--{given[0].replace('_', '-')} must be left out with --arithmetic chip, which learns "
            "image by image in integers"
        )
    arithmetic.check(topology)
    before: dict[str, Any] = {} if known is None else known.info
    before = before if before.get("arithmetic") == "chip" else {}
    rate = before.get("rate", 2.0**-RATE) if options.rate is None else options.rate
    halve = before.get("halve", -(-recipe.epochs // 3)) if options.halve is None else options.halve
    done = before.get("epochs", 0)
    digits = digits_of(rate)
    return loop.Course(epochs=recipe.epochs, rate=digits, halve=halve, first=done, seed=recipe.seed)


def train(
    network: Network,
    dataset: DataSet,
    course: loop.Course,
    signs: str,
    info: dict[str, Any],
    known: Model | None,
) -> tuple[Network, Model]:
    """Learn ``dataset`` from ``network`` on; the network with its masters, and the model.

    A new network begins with 3/8 of its weights, one that is ``known`` as it is. ``info`` : facts
    for the model's, to which those of the course are added.
    """
    fixed = signs == "fixed"
    start = begin if known is None else resume
    parameters = start(network, dataset.classes, fixed=fixed)
    shifts = FRACTIONS.shifts(len(parameters.weights), course.rate)
    learner = compiled.learner(parameters, shifts, fixed=fixed)
    shares = loop.train(learner, FRACTIONS, dataset.x_train, dataset.y_train, course)
    learned = learner.parameters
    facts = {
        "arithmetic": "chip",
        "epochs": course.first + course.epochs,
        "rate": 2.0**-course.rate,
        "halve": course.halve,
        "accuracy_learning": shares[-1],
    }
    model = learned.model(FRACTIONS, dataset.classes, {**info, **facts}, dataset.preparation)
    return learned.network(FRACTIONS), model
