"""``sobolpath sim bench-learn``: an epoch of learning, on chips and on one core of this machine."""

import platform
import textwrap
from argparse import Namespace

import numpy as np

from sobolpath.golden import data
from sobolpath.golden.commands.bench import RANDOM_IMAGES
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli, options, packages, tables, threads
from sobolpath.golden.support.cli import Parser
from sobolpath.golden.support.command import Outcome, Say
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.topology.patterns import check_integer

from .learn import NETWORKS

HELP = """\
Set an epoch of learning on the boards that learn beside the same on one core
of this machine: the chip's integers, compiled and in NumPy, which learn image
by image; and floats in NumPy and in PyTorch (as paths, and as matrices with
masks), image by image and in batches. All are timed in turns, in the
processor's time, and of each the least of --repeats counts.

  sobolpath sim bench-learn
  sobolpath sim bench-learn --data random --images 2000 --repeats 3
  sobolpath sim bench-learn --data fsdd --batch 64 --json build/learn.json

Without --data these are digits and MNIST; noise stands in for MNIST where it is
not found, and is what --data random is. The time hardly depends on the images.
'ratio' is that of the images per second to those of the first row. Of a chip,
'simulated' are its cycles, by the closed form that simulation agrees with, and
'routed' is its clock, which place and route met. PyTorch and C++ are left out
where they are not installed. The exit code is 0, or 2 where the input is wrong.
"""

MOST = 2**20
IMAGES = 10_000
COLUMNS = (
    ("", "name", ""),
    ("images/s", "images_per_second", ",.0f"),
    ("s/epoch", "seconds_per_epoch", ",.3f"),
    ("ratio", "ratio", ",.2f"),
    ("how it is known", "known", ""),
)


def arguments(parser: Parser) -> None:
    """Add the options."""
    options.data(parser, required=False, what="a data set as for train, or random")
    options.layers(parser, required=False)
    options.paths(parser, required=False)
    what = "images per step, where floats learn in batches (%(default)s)"
    parser.add_argument("--batch", type=int, default=16, metavar="N", help=what)
    options.images(parser, f"learn only the first N images in each timing ({IMAGES})")
    options.repeats(parser, 5, "how often each is timed")
    options.json(parser)


def run(options: Namespace, say: Say) -> Outcome:
    """Measure and print; the figures as a dict for ``--json``. Raises ``InputError``."""
    from ..learn import beside

    images = IMAGES if options.images is None else options.images
    for name, value, most in (
        ("batch", options.batch, MOST),
        ("images", images, MOST),
        ("repeats", options.repeats, 1000),
    ):
        check_integer(value, name, 1, most)
    works = _works(options, images)
    found, missing = beside.ways(options.batch)
    versions = packages.versions("numpy", "torch")
    say(f"machine     {platform.machine()}, one core, {_named(versions)}")
    say(f"times       the least of {options.repeats}, in turns, {images:,} images at most")
    for line in missing:
        say(line)
    results, total = [], len(works) * len(found) * options.repeats
    with (
        threads.limit(1),
        cli.progress(total=total, desc="bench-learn", unit="time") as bar,
    ):
        for name, noise, work in works:
            timings = beside.measure(found, work, options.repeats, bar.update)
            results.append((name, noise, work, beside.rows(work, timings)))
    for name, noise, work, rows in results:
        for line in _report(name, noise, work, rows):
            say(line)
    summary = {
        "machine": platform.machine(),
        **versions,
        "batch": options.batch,
        "repeats": options.repeats,
        "data_sets": [_summary(*result) for result in results],
    }
    return Outcome(summary)


def _works(options, images):
    """What is learnt: (the name, whether it is noise, :class:`sim.learn.beside.Work`)."""
    if options.data is not None:
        return [_work(options, str(options.data), images)]
    if options.layers is not None or options.paths is not None:
        raise InputError("--layers and --paths must be left out without --data")
    both = [_work(options, "digits", images)]
    return [*both, _work(options, "mnist", images, stand_in=True)]


def _work(options, name, images, stand_in=False):
    """``stand_in`` : noise stands in for images that are not found."""
    from ..learn.beside import Work

    random = name == "random"
    known = NETWORKS.get("mnist" if random else name, (None, None))
    layers, paths = (
        own if given is None else given
        for own, given in zip(known, (options.layers, options.paths), strict=True)
    )
    if layers is None or paths is None:
        raise InputError("--layers and --paths are required for data of which no model ships")
    topology = Topology(cli.integers(layers, "-", "--layers"), cli.integers(paths, ",", "--paths"))
    dataset = None
    if not random:
        try:
            dataset = data.load(name, download=options.download)
        except InputError:
            if not stand_in:
                raise
    if dataset is None:
        rng, classes = np.random.default_rng(0), min(topology.layers[-1], 10)
        count = min(images, RANDOM_IMAGES)
        noise = rng.integers(0, 256, (count, topology.layers[0])).astype(np.uint8)
        labels = rng.integers(0, classes, count)
        return name, True, Work(topology, noise, labels, classes, RANDOM_IMAGES)
    data.check_fits(dataset, topology)
    x, y = dataset.x_train, dataset.y_train
    return name, False, Work(topology, x[:images], y[:images], dataset.classes, len(x))


def _report(name, noise, work, rows):
    """The lines that a person reads."""
    topology = work.topology
    yield ""
    yield (
        f"{name}{' (noise)' if noise else ''}: {'-'.join(map(str, topology.layers))}, "
        f"{topology.total_paths:,} weights, {work.epoch:,} images an epoch"
    )
    shown, notes = [], []
    for row in rows:
        label = row["name"]
        if "clock_hz" in row:
            label += f", {row['clock_hz'] / 1e6:g} MHz"
            if row["misfit"]:
                notes.append(f"{row['name']}: {row['misfit']}")
            elif row["outputs"] != topology.layers[-1]:
                label += " *"
                notes.append(f"* {row['name']} needs a last layer of {row['outputs']} neurons")
        shown.append({**row, "name": label})
    yield from tables.table(COLUMNS, shown)
    for note in notes:
        yield from textwrap.wrap(note, tables.MOST)


def _summary(name, noise, work, rows):
    return {
        "data": name,
        "noise": noise,
        "layers": list(work.topology.layers),
        "paths": list(work.topology.paths),
        "weights": work.topology.total_paths,
        "images": len(work.images),
        "epoch_images": work.epoch,
        "ways": rows,
    }


def _named(versions):
    """The versions of what is installed, in words."""
    names = {"numpy": "NumPy", "torch": "PyTorch"}
    return ", ".join(f"{names[name]} {own}" for name, own in versions.items() if own is not None)
