"""The training of one network beside a processor: what is timed on one core, and what chips take.

Every way learns the same images from the same start: a network that is new in each timing, so that
all timings do the same work. Timed is the processor's time of this process, on one thread, which
other work on the machine hardly changes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sobolpath.boards import NAMES, load
from sobolpath.boards.report import kept
from sobolpath.golden.data import INPUT_SCALE
from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import compiled, loop
from sobolpath.golden.learn.learner import Learner
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.program import fitted
from sobolpath.golden.learn.start import FRACTIONS, RATE, begin
from sobolpath.golden.support import packages
from sobolpath.golden.topology.paths import Paths, Topology
from sobolpath.golden.training import initialize
from sobolpath.golden.training.loop import Recipe, train
from sobolpath.hw.learn.config import LearnConfig

#: The boards whose engine learns.
CHIPS = tuple(name for name in NAMES if isinstance(load(name).config, LearnConfig))
MEASURED = "measured"
SHORTEST = 1e-6  # seconds that the processor's clock tells apart


@dataclass(frozen=True)
class Work:
    """What is learnt.

    Parameters
    ----------
    topology : the network.
    images, labels, classes : ``uint8`` (B, n_0), integers (B,), and how many there are.
    epoch : images of a whole epoch.
    """

    topology: Paths
    images: np.ndarray
    labels: np.ndarray
    classes: int
    epoch: int

    def parameters(self, topology: Paths | None = None) -> Parameters:
        """The integers that a network begins with: this one's, or another's."""
        return begin(initialize.initialize(topology or self.topology), self.classes)


@dataclass(frozen=True)
class Way:
    """A way to learn: ``prepare`` makes a network anew, and returns what learns all the images."""

    name: str
    prepare: Callable[[Work], Callable[[], object]]


def _integers(work, make):
    """The chip's arithmetic, image by image, by the learner that ``make`` makes."""
    shifts = FRACTIONS.shifts(len(work.topology.paths), RATE)
    learner, course = make(work.parameters(), shifts), loop.Course(epochs=1, rate=RATE, halve=1)
    return lambda: loop.train(learner, FRACTIONS, work.images, work.labels, course, quiet=True)


def _floats(work, batch):
    network, recipe = initialize.initialize(work.topology), Recipe(epochs=1, batch=batch)
    what = work.images, work.labels, work.classes
    return lambda: train(network, *what, recipe, INPUT_SCALE, quiet=True)


def _torch(work, batch, masked):
    """What :func:`_floats` does, in PyTorch: the same optimizer, at one rate."""
    import torch

    from sobolpath.pytorch.masked import Masked
    from sobolpath.pytorch.network import PathNetwork

    recipe = Recipe(batch=batch)
    network: Any = PathNetwork.from_network(initialize.initialize(work.topology))
    network = Masked(network) if masked else network
    settings = {"lr": recipe.rate, "weight_decay": recipe.decay, "fused": True}
    optimizer = torch.optim.AdamW(network.parameters(), **settings)
    images, labels = (torch.from_numpy(np.asarray(each)) for each in (work.images, work.labels))

    def learn():
        order = torch.from_numpy(np.random.default_rng(0).permutation(len(images)))
        for chosen in order.split(batch):
            logits = network(images[chosen].float() * INPUT_SCALE)[:, : work.classes]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels[chosen].long()).backward()
            optimizer.step()

    return learn


def ways(batch: int) -> tuple[list[Way], list[str]]:
    """What can be timed here, and a line for each thing that cannot.

    Floats learn one image at a time, as the chip does, and ``batch`` of them.
    """
    found, missing = [], []
    library = compiled.library()
    if library is None:
        missing.append("C++ is left out: a C++ compiler must be there")
    else:

        def make(parameters, shifts):
            return compiled.CompiledLearner(library, parameters, shifts)

        found.append(Way("C++, integers", lambda work: _integers(work, make)))
    found.append(Way("NumPy, integers", lambda work: _integers(work, Learner)))
    sizes = sorted({1, batch})
    for size in sizes:
        name = f"NumPy, floats, batch {size}"
        found.append(Way(name, lambda work, size=size: _floats(work, size)))
    try:
        packages.module("torch", "to time it", "torch")
    except InputError as error:
        missing.append(f"PyTorch is left out: {error}")
        return found, missing
    for size in sizes:
        name = f"PyTorch, paths, batch {size}"
        found.append(Way(name, lambda work, size=size: _torch(work, size, False)))
    name = f"PyTorch, masks, batch {batch}"
    found.append(Way(name, lambda work: _torch(work, batch, True)))
    return found, missing


def _one_thread():
    """PyTorch's threads set to one, where it is installed; what sets them back."""
    try:
        torch = packages.module("torch", "to time it", "torch")
    except InputError:
        return lambda: None
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    return lambda: torch.set_num_threads(before)


def measure(
    found: Sequence[Way], work: Work, repeats: int, tell: Callable[[], object]
) -> dict[str, list[float]]:
    """The processor's seconds of every way for all the images, ``repeats`` times in turns.

    Each way learns a few images before, for its buffers. ``tell`` is called after each timing.
    """
    few = replace(work, images=work.images[:64], labels=work.labels[:64])
    timings, back = {way.name: [] for way in found}, _one_thread()
    try:
        for way in found:
            way.prepare(few)()
        for _ in range(repeats):
            for way in found:
                learn = way.prepare(work)
                began = time.process_time()
                learn()
                timings[way.name].append(time.process_time() - began)
                tell()
    finally:
        back()
    return timings


@dataclass(frozen=True)
class Chip:
    """A board that learns a network.

    Parameters
    ----------
    name, clock_hz : the board, and its clock.
    topology : the network, whose last layer has as many neurons as the board needs.
    cycles : of a learnt image, by the closed form that simulation agrees with; ``None`` where the
        network does not fit.
    known : how the speed is known.
    misfit : why it does not fit; ``None`` where it does.
    """

    name: str
    clock_hz: float
    topology: Paths | None
    cycles: int | None
    known: str
    misfit: str | None


def chip(name: str, work: Work) -> Chip:
    """What the board called ``name`` takes for an image of ``work``."""
    board = load(name)
    config: Any = board.config
    layers = list(work.topology.layers)
    layers[-1] = max(layers[-1], config.lanes)
    known = f"simulated{_routed(board)}"
    try:
        topology = work.topology
        if layers[-1] != topology.layers[-1]:
            topology = Topology(tuple(layers), topology.paths)
        fitted(work.parameters(topology), FRACTIONS, config, name)
        cycles = int(config.schedule(topology).cycles["image"])
    except InputError as error:
        return Chip(name, board.clock_hz, None, None, "does not fit", str(error))
    return Chip(name, board.clock_hz, topology, cycles, known, None)


def _routed(board):
    """Whether place and route have met its clock, by docs/boards.json; empty without that file."""
    boards = kept()
    if not boards:
        return ""
    own = boards.get(board.name)
    met = own is not None and own["met"] and own["clock_mhz"] * 1e6 == board.clock_hz
    return ", routed" if met else ", not routed"


def rows(work: Work, timings: dict[str, list[float]]) -> list[dict[str, Any]]:
    """What is to be told of the chips, and then of what :func:`measure` timed.

    ``ratio`` is that of the images per second to those of the first chip that the network fits.
    What does not fit has no figures.
    """
    found: list[dict[str, Any]] = []
    for name in CHIPS:
        own = chip(name, work)
        speed = None if own.cycles is None else own.clock_hz / own.cycles
        outputs = None if own.topology is None else own.topology.layers[-1]
        of_chip = {"clock_hz": own.clock_hz, "image_cycles": own.cycles, "outputs": outputs}
        of_chip |= {"known": own.known, "misfit": own.misfit}
        found.append({"name": name, "images_per_second": speed, **of_chip})
    for name, seconds in timings.items():
        speed = len(work.images) / max(min(seconds), SHORTEST)
        of_way = {"known": MEASURED, "timings": seconds}
        found.append({"name": name, "images_per_second": speed, **of_way})
    first = next(row["images_per_second"] for row in found if row["images_per_second"])
    for row in found:
        speed = row["images_per_second"]
        row["seconds_per_epoch"] = None if speed is None else work.epoch / speed
        row["ratio"] = None if speed is None else speed / first
    return found
