"""A chip that learns a data set in simulation, epoch by epoch, held to the golden learner."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sobolpath.golden.data import DataSet
from sobolpath.golden.learn import by_path, compiled
from sobolpath.golden.learn.loop import Course
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.machine import engine

from .machine import LearnMachine, mismatches, wrong_errors

PIECE = 64  # images at a time
SAMPLES = 4  # steps of an epoch whose errors are compared


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Parameters
    ----------
    images, cycles : learnt, and simulated while they were, since the start.
    right : the share of the epoch's images whose class was right when they came.
    accuracy : of the held-out images, with what stands in the chip after it.
    compared, wrong : values of chip and golden learner: logits of all steps, errors of some, all
        weights and biases after the last one.
    """

    images: int
    cycles: int
    right: float
    accuracy: float
    compared: int
    wrong: int


def learn(
    machine: LearnMachine,
    parameters: Parameters,
    dataset: DataSet,
    course: Course,
    *,
    fixed: bool = False,
    tell: Callable[[int, float], object] = lambda images, right: None,
) -> Iterator[Epoch]:
    """Let ``machine``, which holds ``parameters``, learn the training images, epoch by epoch.

    ``tell`` : is told how many images more were learnt, and which share of the epoch's was right.
    """
    junctions, cycles, images = len(parameters.weights), 0, 0
    golden = compiled.learner(parameters, FRACTIONS.shifts(junctions, course.rate), fixed=fixed)
    for number in range(course.first, course.first + course.epochs):
        rate = course.rate_of(number)
        shifts = FRACTIONS.shifts(junctions, rate)
        golden.set(shifts)
        order = course.order(number, len(dataset.x_train))
        pieces = [order[first : first + PIECE] for first in range(0, len(order), PIECE)]
        sampled = {len(pieces) * (own + 1) // SAMPLES - 1 for own in range(SAMPLES)}
        right = compared = wrong = seen = 0
        for place, piece in enumerate(pieces):
            inputs, labels = dataset.x_train[piece], dataset.y_train[piece]
            before = machine.cycle
            logits = machine.run(inputs, labels, rate=rate, fixed=fixed)
            cycles += machine.cycle - before
            for image, label, found in zip(inputs[:-1], labels[:-1], logits[:-1], strict=True):
                wrong += int((golden.step(image, int(label))[:, 0] != found).sum())
            if place in sampled:  # the last step of the piece
                last = inputs[-1], int(labels[-1])
                _, step = by_path.step(golden.parameters, *last, shifts, fixed=fixed)
                wrong += wrong_errors(machine.errors, step)
                compared += sum(map(len, step.errors))
            last = golden.step(inputs[-1], int(labels[-1]))[:, 0]
            wrong += int((last != logits[-1]).sum())
            compared += logits.size
            right += int((logits.argmax(axis=1) == labels).sum())
            seen += len(piece)
            tell(len(piece), right / seen)
        images += seen
        wanted, found = golden.parameters, machine.parameters
        wrong += mismatches(found, wanted)
        compared += sum(map(len, (*wanted.weights, *wanted.biases)))
        model = found.model(FRACTIONS, dataset.classes, {}, dataset.preparation)
        said = engine.classify(model, engine.infer(model, dataset.x_test))
        accuracy = float((said == dataset.y_test).mean())
        yield Epoch(images, cycles, right / seen, accuracy, compared, wrong)


def held_out(machine: LearnMachine, dataset: DataSet) -> tuple[float, int]:
    """Infer the held-out images on the chip: its accuracy, and how many logits are wrong."""
    model = machine.parameters.model(FRACTIONS, dataset.classes, {}, dataset.preparation)
    logits = machine.run(dataset.x_test)
    wrong = int((logits != engine.infer(model, dataset.x_test)).sum())
    return float((engine.classify(model, logits) == dataset.y_test).mean()), wrong
