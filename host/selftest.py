"""Checks of a device by itself: known logits, and random networks against the golden model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.learner import Learner
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.model import Model
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.protocol.network import pack
from sobolpath.golden.topology.paths import Topology

from .board import Board

IMAGES = 3  # for a random network: the last one is alone where two are inferred together
MOST = 2048  # paths of all junctions of a random network: it is loaded in 20 ms at 1 Mbaud
DRAWS = 10_000  # of a shape, until one fits
#: Of a model that ships, the first four logits of the image 0, 1, 2, ... (modulo 256).
KNOWN: dict[str, tuple[int, ...]] = {
    "digits": (-9874, -11700, -1890, -11591),
    "digits-nested": (-2096, -9767, 2388, -11659),
    "fashion-37k": (-32297, -28790, -16094, -40064),
    "fsdd": (-20227, -18910, -51714, -31892),
    "mitbih": (44747, -33608, 12639, -10513),
    "mnist-12k": (-49874, -35437, -6377, -21256),
    "mnist-37k": (-26328, -117728, -44723, -34984),
    "mnist-nested": (-23705, -16540, 8461, -2717),
}


@dataclass(frozen=True)
class Difference:
    """What is wrong: the ``network``, the ``image``, the ``logit``, what came and what must."""

    network: str
    image: int
    logit: int
    got: int
    expected: int

    def __str__(self) -> str:
        return (
            f"{self.network}, image {self.image}: logit {self.logit} must be {self.expected}, "
            f"not {self.got}"
        )


def known(board: Board) -> Iterator[tuple[str, Difference | None]]:
    """Each model that ships and fits, with numbers that stand in this file: (name, what differs).

    Raises as ``Board.load`` and ``Board.infer`` do.
    """
    for name, expected in KNOWN.items():
        model = models.load(name)
        try:
            board.pack(model)
        except InputError:
            continue
        board.load(model)
        image = np.arange(model.topology.layers[0]).astype(np.uint8)
        wanted = np.array([expected], np.int32)
        if board.identity.learns:  # it has the model's floats, in digits of its own
            assert board.model is not None
            wanted = engine.infer(board.model, image[None])[:, : len(expected)]
        yield name, differs(name, board.infer(image)[:, : len(expected)], wanted)


def random_networks(
    board: Board, count: int, seed: int, progress: Callable[[], object]
) -> Iterator[Difference]:
    """Run ``count`` random networks, several images each; what differs, once a network at most.

    ``progress`` is called after each. Raises as ``Board.load`` and ``Board.infer`` do.
    """
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        model = random_network(rng, board.identity)
        layers = model.topology.layers
        images = rng.integers(0, 256, (IMAGES, layers[0]), dtype=np.uint8)
        board.load(model)
        name = f"network {number} of seed {seed} ({'-'.join(map(str, layers))})"
        found = differs(name, board.infer(images), engine.infer(model, images))
        if found is None and board.identity.learns:
            found = differs(f"{name}, learning", *_learnt(board, rng, images))
        progress()
        if found is not None:
            yield found


def _learnt(board, rng, images):
    """The logits of a device that learns images twice, and those that it must have."""
    topology, twice = board.model.topology, np.concatenate([images, images])
    labels = rng.integers(0, topology.layers[-1], len(twice))
    rate, fixed = int(rng.integers(2, 8)), bool(rng.integers(2))
    shifts = FRACTIONS.shifts(len(topology.paths), rate)
    learner = Learner(board.parameters(), shifts, fixed=fixed)
    wanted = [
        learner.step(image, label).ravel() for image, label in zip(twice, labels, strict=True)
    ]
    return board.learn(twice, labels, rate=rate, fixed=fixed), np.array(wanted).astype(np.int32)


def differs(network: str, got: np.ndarray, expected: np.ndarray) -> Difference | None:
    """The first of the logits (images, n_L) that is another; ``None`` where all are right."""
    wrong = np.argwhere(got != expected)
    if not len(wrong):
        return None
    image, logit = (int(place) for place in wrong[0])
    return Difference(network, image, logit, int(got[image, logit]), int(expected[image, logit]))


def random_network(rng: np.random.Generator, identity: Identity, most: int = MOST) -> Model:
    """A network of random shape and numbers that fits a device, of at most ``most`` paths.

    Raises ``InputError`` where none is found.
    """
    for _ in range(DRAWS):
        try:
            topology = _shape(rng, identity, most)
            if topology.total_paths > most:
                continue
            model = (_masters if identity.learns else _numbers)(rng, topology)
            pack(model, identity)
        except InputError:
            continue
        return model
    raise InputError(f"a random network of at most {most} paths must fit, but none does")


def _shape(rng, identity, most):
    """Layers and paths that may fit."""
    junctions = int(rng.integers(1, 4))
    least = [identity.lanes] * junctions + [max(identity.lanes // identity.max_copies, 1)]
    largest = min(identity.max_neurons, max(most // 2, identity.lanes))
    layers = [_power(rng, low, largest) for low in least]
    paths = []
    for source, target in pairwise(layers):
        fewest = max(source, target, identity.lanes)
        paths.append(_power(rng, fewest, max(min(source * target, most), fewest)))
    return Topology(tuple(layers), tuple(paths))


def _power(rng, low, high):
    """A power of two from ``low`` to ``high``, both powers of two; small ones more often."""
    steps = max(high // low, 1).bit_length()
    return low << min(int(rng.integers(steps)), int(rng.integers(steps)))


def _masters(rng, topology):
    """Master weights and biases at random, as a model."""
    parameters = Parameters(
        topology,
        tuple(rng.integers(-8000, 8000, count) for count in topology.paths),
        tuple(rng.integers(-(2**20), 2**20, count) for count in topology.layers[1:]),
    )
    return parameters.model(FRACTIONS, topology.layers[-1])


def _numbers(rng, topology):
    """Weights and biases at random; shifts that let the activations use their whole range."""
    fan_ins = [topology.fan_in(junction) for junction in topology.junctions]
    shifts = [int(fan_in).bit_length() // 2 + 6 for fan_in in fan_ins[:-1]]
    counts, neurons = topology.paths, topology.layers[1:]
    return Model(
        topology=topology,
        weights=tuple(rng.integers(-128, 128, count).astype(np.int8) for count in counts),
        biases=tuple(rng.integers(-20000, 20000, count).astype(np.int32) for count in neurons),
        shifts=(*shifts, 0),
        float_weights=tuple(np.zeros(count, np.float32) for count in counts),
        float_biases=tuple(np.zeros(count, np.float32) for count in neurons),
        input_scale=1.0,
        classes=topology.layers[-1],
    )
