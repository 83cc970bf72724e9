"""``sobolpath bench``: what training costs, as paths and as matrices, and how it grows.

Networks are trained by :func:`golden.training.loop.train` itself, on the same images in turns; of
each the fastest of several times counts. What else runs on the machine only ever adds.
"""

import platform
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import data
from ..errors import InputError
from ..support import cli, options, tables
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..topology.catalogue import build
from ..topology.patterns import check_integer
from ..training import initialize, loop
from ..training.dense import Dense

HELP = """\
Time the training of one network in three ways, on the same images in turns: as
paths; as matrices with a mask, which have the same edges and weights; and as
matrices without a mask, which have every edge. Then time it as paths for
several numbers of paths, and fit a straight line. Each time is the least of
--repeats.

  sobolpath bench --data random --batches 20 --repeats 3
  sobolpath bench --data mnist --threads 2 --json build/bench.json

--sizes are the paths per junction. Where a junction cannot have so few or so
many, it has the nearest number that it can. --data random is noise and needs no
files; the time hardly depends on the images.
"""

RANDOM_IMAGES = 60000  # in an epoch of --data random: as many as of MNIST
MOST_IMAGES = 2**20  # of one time
RECIPE = {"epochs": 1, "rate": 1e-3}


def arguments(parser: Parser) -> None:
    """Add the options."""
    add = parser.add_argument
    options.data(parser, "mnist", what="a data set as for train, or random")
    options.layers(parser, "1024-256-256-16")
    options.paths(parser, "16384,16384,4096", "paths per junction, for the three ways")
    options.sizes(parser, "4096,8192,16384,32768,65536", "paths per junction, for the line")
    options.topology(parser)
    add(
        "--optimizer",
        type=str,
        default="adam",
        metavar="NAME",
        help=f"the optimizer, {' or '.join(loop.OPTIMIZERS)} (%(default)s)",
    )
    add("--batch", type=int, default=64, metavar="N", help="images per step (%(default)s)")
    options.batches(parser, 50)
    options.repeats(parser, 5, "how often each is timed")
    options.threads(parser)
    options.json(parser)


@dataclass(frozen=True)
class Timing:
    """Training seconds of one network: each time's, for ``images`` images; of ``epoch`` in all."""

    name: str
    weights: int
    seconds: list
    images: int
    epoch: int

    @property
    def per_image(self) -> float:
        """Seconds an image, the least."""
        return min(self.seconds) / self.images

    def report(self) -> dict[str, Any]:
        """The figures as a dictionary."""
        return {
            "name": self.name,
            "weights": self.weights,
            "seconds_per_epoch": self.per_image * self.epoch,
            "nanoseconds_per_image": self.per_image * 1e9,
            "timings": self.seconds,
        }


def measure(
    networks: Sequence[Any], samples: Any, recipe: loop.Recipe, repeats: int, bar: Any
) -> list[list[float]]:
    """Seconds of training on the samples: per network a list of ``repeats``, taken in turns.

    ``networks`` are trained on; ``samples`` are the images, labels and classes of
    :func:`golden.training.loop.train`. Each is trained on one batch before, for its buffers.
    """
    seconds = [[] for _ in networks]
    first = samples.images[: recipe.batch], samples.labels[: recipe.batch]
    every, how = (samples.images, samples.labels), (samples.classes, recipe, data.INPUT_SCALE)
    for network in networks:
        loop.train(network, *first, *how, quiet=True)
    for _ in range(repeats):
        for own, network in zip(seconds, networks, strict=True):
            began = time.perf_counter()
            loop.train(network, *every, *how, quiet=True)
            own.append(time.perf_counter() - began)
            bar.update()
    return seconds


def fit(x: ArrayLike, y: ArrayLike) -> tuple[float, float, float]:
    """The least-squares line: its slope, its intercept, and R squared (1 where y is constant)."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    slope, intercept = np.polyfit(x, y, 1)
    spread = ((y - y.mean()) ** 2).sum()
    rest = ((y - slope * x - intercept) ** 2).sum()
    return float(slope), float(intercept), float(1 - rest / spread) if spread else 1.0


def sized(layers: Sequence[int], size: int) -> tuple[int, ...]:
    """The paths of each junction that are nearest to ``size``: a tuple."""
    return tuple(min(max(size, n, m), n * m) for n, m in pairwise(layers))


def _samples(options, layers):
    """Images, labels, classes of one time; ``epoch``, the images of a whole epoch."""
    count = options.batch * options.batches
    check_integer(count, "batch times batches", 1, MOST_IMAGES)
    if options.data == "random":
        random, classes = np.random.default_rng(0), min(layers[-1], 10)
        images = random.integers(0, 256, (count, layers[0])).astype(np.uint8)
        labels = random.integers(0, classes, count)
        return SimpleNamespace(images=images, labels=labels, classes=classes, epoch=RANDOM_IMAGES)
    dataset = data.load(options.data, options.download)
    data.check_fits(dataset, SimpleNamespace(layers=layers))
    chosen = np.resize(np.arange(len(dataset.x_train)), count)  # again from the first, if few
    return SimpleNamespace(
        images=dataset.x_train[chosen],
        labels=dataset.y_train[chosen],
        classes=dataset.classes,
        epoch=len(dataset.x_train),
    )


def _three_ways(topology):
    """The same network as paths, as masked matrices, and with every edge."""
    paths = initialize.initialize(topology)
    masked = Dense.of(paths)
    return {"paths": paths, "masked": masked, "dense": Dense(topology.layers, masked.matrices)}


def _topologies(options, layers):
    """That of the ratio, and those of the sizes. Raises ``InputError``."""
    sizes = sorted({sized(layers, n) for n in cli.integers(options.sizes, ",", "--sizes")})
    if len(sizes) < 3:
        raise InputError(
            f"sizes must be 3 or more different ones that fit the layers, not {len(sizes)}"
        )
    paths = cli.integers(options.paths, ",", "--paths")
    topology = build(options.topology, layers, paths)
    return topology, [build(options.topology, layers, each) for each in sizes]


def _timings(names, networks, seconds, samples):
    return [
        Timing(name, _edges(network), own, len(samples.images), samples.epoch)
        for name, network, own in zip(names, networks, seconds, strict=True)
    ]


def _edges(network):
    return sum(network.edges) if isinstance(network, Dense) else network.topology.total_paths


TIMES = (
    ("weights", "weights", ","),
    ("s/epoch", "epoch", ".2f"),
    ("us/image", "image", ".2f"),
)
WAYS = (("", "name", ""), *TIMES, ("to paths", "ratio", ".2f"))
LINE = (("paths", "name", ""), *TIMES, ("line", "line", ".2f"))


def _row(timing, **more):
    """What a table shows of a timing."""
    epoch, image = timing.per_image * timing.epoch, timing.per_image * 1e6
    return {"name": timing.name, "weights": timing.weights, "epoch": epoch, "image": image, **more}


def _report(options, ways, line, figures):
    """The lines that a person reads."""
    layers = options.layers
    yield f"network     {layers}, paths {options.paths}, {options.topology}"
    yield (
        f"training    {options.data}, {options.optimizer}, batches of {options.batch}, "
        f"threads {options.threads}"
    )
    yield f"times       the least of {options.repeats}, {options.batches} batches each, in turns"
    yield ""
    rows = [_row(way, ratio=way.per_image / ways[0].per_image) for way in ways]
    yield from tables.table(WAYS, rows)
    ratio, names = figures["ratio_masked"], ["Paths", "Masked matrices"]
    slow, fast = reversed(names) if ratio > 1 else names
    yield f"\n{slow} take {max(ratio, 1 / ratio):.2f} times as long as {fast.lower()}.\n"
    slope, intercept = figures["slope_ns"], figures["intercept_ns"]
    rows = [_row(each, line=(slope * each.weights + intercept) / 1e3) for each in line]
    yield from tables.table(LINE, rows)
    yield (
        f"\nline        {slope:.3f} ns a path and image, and {intercept / 1e3:.2f} us an image; "
        f"R^2 {figures['r_squared']:.4f}"
    )


def run(options: Namespace, say: Say) -> Outcome:
    """Measure and print; the figures as a dict for ``--json``. Raises ``InputError``."""
    for name, most in (("batch", MOST_IMAGES), ("batches", MOST_IMAGES), ("repeats", 1000)):
        check_integer(getattr(options, name), name, 1, most)
    layers = cli.integers(options.layers, "-", "--layers")
    recipe = loop.Recipe(batch=options.batch, optimizer=options.optimizer, **RECIPE)
    topology, sizes = _topologies(options, layers)
    samples = _samples(options, layers)
    ways = _three_ways(topology)
    line = [initialize.initialize(each) for each in sizes]
    total = (len(ways) + len(line)) * options.repeats
    with cli.progress(total=total, desc="bench", unit="time") as bar:
        networks = list(ways.values())
        seconds = measure(networks, samples, recipe, options.repeats, bar)
        ways = _timings(ways, networks, seconds, samples)
        seconds = measure(line, samples, recipe, options.repeats, bar)
        names = [",".join(_short(n) for n in each.paths) for each in sizes]
        line = _timings(names, line, seconds, samples)
    slope, intercept, r_squared = fit(
        [each.weights for each in line], [each.per_image * 1e9 for each in line]
    )
    figures = {
        "ratio_masked": ways[1].per_image / ways[0].per_image,
        "ratio_dense": ways[2].per_image / ways[0].per_image,
        "slope_ns": slope,
        "intercept_ns": intercept,
        "r_squared": r_squared,
    }
    for each in _report(options, ways, line, figures):
        say(each)
    names = ("data", "topology", "optimizer", "batch", "batches", "repeats", "threads")
    summary = {
        "layers": list(layers),
        "paths": list(topology.paths),
        **{name: getattr(options, name) for name in names},
        "machine": platform.machine(),
        "numpy": np.__version__,
        "ways": [way.report() for way in ways],
        "line": [each.report() for each in line],
        **figures,
    }
    return Outcome(summary)


def _short(count):
    return f"{count // 1024}k" if count % 1024 == 0 else str(count)
