"""A device learns what it was not trained for: 50 labelled samples on the device itself.

    .venv/bin/python examples/adapt.py
    .venv/bin/python examples/adapt.py --speaker george
    .venv/bin/python examples/adapt.py --port /dev/ttyUSB1

A network is trained here, in the integers of the device, and loaded into it. Then what it sees
changes: bright and dark are exchanged in pictures of digits, or a speaker is new to it. It infers
samples, learns 50 others ten times over, and infers the first ones again. The board is simulated
unless there is a port.
"""

import argparse

import numpy as np

from sobolpath import host
from sobolpath.golden import data
from sobolpath.golden.data import sets
from sobolpath.golden.learn import compiled
from sobolpath.golden.learn.loop import Course, train
from sobolpath.golden.learn.start import FRACTIONS, RATE, begin
from sobolpath.golden.machine.model import Model
from sobolpath.golden.topology.paths import Paths, Topology
from sobolpath.golden.training import initialize

EPOCHS, EACH, PASSES = 30, 5, 10  # of training; samples of each class that are learnt; how often
DIGITS = Topology((64, 128, 128, 16), (2048, 2048, 1024))
Samples = tuple[np.ndarray, np.ndarray]  # images, labels
SPEECH = Topology((256, 256, 128, 16), (8192, 8192, 1024))


def trained(topology: Paths, images: np.ndarray, labels: np.ndarray) -> Model:
    """A model that has learnt these images, of ten classes, from constant weights on."""
    parameters = begin(initialize.initialize(topology), 10)
    learner = compiled.learner(parameters, FRACTIONS.shifts(len(topology.paths), RATE))
    train(learner, FRACTIONS, images, labels, Course(epochs=EPOCHS, halve=EPOCHS // 3))
    return learner.parameters.model(FRACTIONS, 10)


def digits() -> tuple[Samples, Samples]:
    """Training images and labels, and images and labels of what the device meets."""
    dataset = data.load("digits")
    return (dataset.x_train, dataset.y_train), (255 - dataset.x_test, dataset.y_test)


def speech(speaker: str) -> tuple[Samples, Samples]:
    """The same of spoken digits: of five speakers, and of the sixth."""
    images, labels, speakers = sets.spoken()
    if speaker not in speakers:
        raise SystemExit(f"--speaker must be one of {', '.join(sorted(set(speakers)))}")
    new = speakers == speaker
    return (images[~new], labels[~new]), (images[new], labels[new])


def chosen(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``EACH`` samples of each class, at random, and all others."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(labels))
    few = np.concatenate([order[labels[order] == label][:EACH] for label in range(10)])
    return few, np.setdiff1d(order, few)


def accuracy(board: host.Board, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images that the device gives the right class."""
    return float((board.infer(images)[:, :10].argmax(axis=1) == labels).mean())


def main() -> None:
    """Train, load, infer, learn, infer again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", default="sim:icebreaker-learn", help="where the device is")
    parser.add_argument("--speaker", metavar="NAME", help="spoken digits, this speaker being new")
    options = parser.parse_args()
    topology = DIGITS if options.speaker is None else SPEECH
    before, (images, labels) = digits() if options.speaker is None else speech(options.speaker)
    few, rest = chosen(labels)
    with host.Board.open(options.port) as board:
        board.load(trained(topology, *before))
        print(f"before   {accuracy(board, images[rest], labels[rest]):.1%} of {len(rest)} samples")
        rng = np.random.default_rng(1)
        for _ in range(PASSES):
            order = rng.permutation(few)
            board.learn(images[order], labels[order], rate=RATE + 1)
        print(f"after    {accuracy(board, images[rest], labels[rest]):.1%}, by {len(few)} samples")


if __name__ == "__main__":
    main()
