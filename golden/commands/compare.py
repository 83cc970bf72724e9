"""``sobolpath compare``: topologies side by side, trained alike, over several seeds.

A seed makes the random topologies, the first weights where they are random, and the order of the
images. Sobol' paths are the same for every seed: there the spread is that of training alone. Random
paths with as many *different* edges as Sobol' paths are ``random-regular`` (fan-ins differ) and
``fixed-fan`` (Dey et al.); ``random-edge`` has as many on average only, and ``pseudo-random``
fewer: some repeat.
"""

import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import data
from ..errors import InputError
from ..support import cli, options, tables
from ..support.cli import Parser
from ..support.command import Outcome, Say
from ..topology.catalogue import TOPOLOGIES, build
from ..topology.paths import Paths
from ..topology.patterns import check_integer
from ..training import initialize, loop
from ..training.evaluate import float_accuracy
from . import shared

DEFAULT = "sobol,scrambled,random-regular,fixed-fan,random-edge,pseudo-random"
HELP = """\
Train one network with several topologies, each with several seeds, in floats,
and print mean and standard deviation of the accuracy on the held-out images,
and how far each mean is from the first topology's.

  sobolpath compare --data digits --layers 64-64-32-16 \\
      --paths 512,256,256 --topologies sobol,fixed-fan --seeds 3 --epochs 10

The paths of random topologies change with the seed. random-regular has as many
different edges as Sobol' paths, drawn at random; fixed-fan has a fixed fan-in
as well. The other names are in quality --help. With --within 0.5 the exit code
is 1 if the first topology's mean is more than 0.5 points below another's.
"""


def arguments(parser: Parser) -> None:
    """Add the options."""
    shared.data_arguments(parser)
    options.layers(parser)
    options.paths(parser)
    options.dimensions(parser)
    options.topologies(parser, DEFAULT, "topologies; the others are compared with the first")
    options.seeds(parser, 5, "train with seeds 0 to N - 1")
    shared.recipe_arguments(parser)
    options.threads(parser)
    what = "points by which the first may be below another"
    parser.add_argument("--within", type=float, metavar="X", help=what)
    options.json(parser)


def train_once(
    topology: Paths, dataset: data.DataSet, start: tuple[str, str], recipe: loop.Recipe
) -> float:
    """Float accuracy of ``topology`` trained by ``recipe``, 0 to 1, on what the data judge by.

    ``start`` : rule and magnitudes of :func:`golden.training.initialize.initialize`.
    """
    rule, magnitudes = start
    network = initialize.initialize(topology, rule, recipe.seed, magnitudes)
    samples = dataset.x_train, dataset.y_train, dataset.classes
    loop.train(network, *samples, recipe, data.INPUT_SCALE)
    return float_accuracy(network, dataset)


def summarize(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add ``mean``, ``deviation`` and ``difference`` to rows that have ``accuracies``.

    All are shares, 0 to 1; the deviation is that of a sample (``None`` for one seed), the
    difference that of the means to the first row's.
    """
    for row in rows:
        values = row["accuracies"]
        row["mean"] = float(np.mean(values))
        row["deviation"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        row["difference"] = row["mean"] - rows[0]["mean"]
    return rows


def builders(
    names: Sequence[str],
    layers: Sequence[int],
    paths: Sequence[int],
    dimensions: Sequence[int] | None,
) -> dict[str, Callable[..., Paths]]:
    """By name the function of ``seed`` that builds it, tried once: raises ``InputError``.

    ``dimensions`` go to those that have them, ``None`` leaves them alone.
    """
    owners = [name for name in names if name in TOPOLOGIES and "dimensions" in TOPOLOGIES[name][1]]
    result = {}
    for name in names:
        own = dimensions if name in owners or not owners else None
        result[name] = partial(build, name, layers, paths, dimensions=own)
        result[name]()
    return result


def _measure(topologies, dataset, recipes, start):
    """A row each: what the topologies of :func:`builders` reach with the recipes, one a seed."""
    rows = []
    with cli.progress(total=len(topologies) * len(recipes), desc="compare", unit="network") as bar:
        for name, make in topologies.items():
            row = {"topology": name, "edges": [], "duplicates_by_seed": [], "accuracies": []}
            for recipe in recipes:
                bar.set_postfix_str(f"{name}, seed {recipe.seed}")
                topology = make(seed=recipe.seed)
                repeated = sum(topology.duplicates(junction) for junction in topology.junctions)
                row["edges"].append(int(topology.total_paths - repeated))
                row["duplicates_by_seed"].append(int(repeated))
                row["accuracies"].append(train_once(topology, dataset, start, recipe))
                bar.update()
            rows.append(row)
    return summarize(rows)


COLUMNS = (
    ("topology", "topology", ""),
    ("edges", "edges", ",.0f"),
    ("repeated", "repeated", ",.0f"),
    ("mean", "mean", ".2%"),
    ("s.d.", "deviation", ".2f"),
    ("to first", "difference", "+.2f"),
)


def table(rows: list[dict[str, Any]]) -> list[str]:
    """The rows as lines, deviation and difference in points; the first row has no difference."""
    shown = []
    for row in rows:
        deviation, difference = row["deviation"], row["difference"]
        shown.append(
            {
                **row,
                "edges": np.mean(row["edges"]),
                "repeated": np.mean(row["duplicates_by_seed"]),
                "deviation": None if deviation is None else 100 * deviation,
                "difference": None if row is rows[0] else 100 * difference,
            }
        )
    return tables.table(COLUMNS, shown)


def run(options: Namespace, say: Say) -> Outcome:
    """Train, print; the figures as a dict for ``--json``, ``passed`` if ``--within`` holds."""
    names = shared.names(options.topologies, "--topologies", 2)
    layers = cli.integers(options.layers, "-", "--layers")
    paths = cli.integers(options.paths, ",", "--paths")
    check_integer(options.seeds, "seeds", 1, 1000)
    if options.within is not None and not 0 <= options.within < np.inf:
        raise InputError(f"within must be a finite number of at least 0, not {options.within}")
    recipes = [shared.recipe_of(options, seed) for seed in range(options.seeds)]
    dimensions = options.dimensions
    if dimensions is not None:
        dimensions = cli.integers(dimensions, ",", "--dimensions")
    topologies = builders(names, layers, paths, dimensions)
    first = topologies[names[0]]()
    dataset = shared.dataset_of(options, first, 0)
    start = options.initialization, options.magnitudes
    initialize.initialize(first, start[0], 0, start[1])  # complains
    began = time.perf_counter()
    rows = _measure(topologies, dataset, recipes, start)
    say(f"data        {dataset.name}, {len(dataset.x_test)} {dataset.judged} images")
    shared.describe_data(dataset, first.layers[-1], say)
    say(f"layers      {'-'.join(map(str, layers))}")
    say(f"paths       {','.join(map(str, paths))}")
    if dimensions is not None:
        say(f"dimensions  {','.join(map(str, dimensions))}")
    say(f"seeds       0 to {options.seeds - 1}, {recipes[0].epochs} epochs each\n")
    for line in table(rows):
        say(line)
    best = max(row["difference"] for row in rows)
    say(f"\n{names[0]} is {100 * best:.2f} points below the best mean")
    failures = ()
    if options.within is not None:
        passed = 100 * best <= options.within
        say(f"{'within' if passed else 'NOT within'} {options.within:g} points of every other")
        if not passed:
            failures = (
                f"{names[0]} must be within {options.within:g} points of the best mean, but is "
                f"{100 * best:.2f} below",
            )
    summary = {
        "data": dataset.name,
        **shared.data_facts(dataset),
        "validation": options.validation,
        "layers": list(layers),
        "paths": list(paths),
        "weights": sum(paths),
        "dimensions": None if dimensions is None else list(dimensions),
        "seeds": list(range(options.seeds)),
        "initialization": options.initialization,
        "magnitudes": options.magnitudes,
        "threads": options.threads,
        **{name: getattr(recipes[0], name) for name, *_ in shared.RECIPE},
        "topologies": rows,
        "below_best": best,
        "within": options.within,
        "passed": not failures,
        "seconds": round(time.perf_counter() - began, 3),
    }
    return Outcome(summary, failures)
