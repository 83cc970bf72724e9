"""Networks trained by several seeds: what the reproductions of accuracies share.

Recipes are fixed, not tuned on the held-out images: the defaults of
:class:`golden.training.loop.Recipe` but for batches of 64.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import data
from ..data import DataSet, splits
from ..errors import InputError
from ..support import cli
from ..training import loop
from ..training.evaluate import float_accuracy
from ..training.network import Network

BATCH = 64
Row = dict[str, Any]
"""A row of the CSV: by the name of its column."""


def load(options: SimpleNamespace) -> DataSet:
    """The data set ``options.data``, with ``options.images`` of its training samples, 0 for all.

    They are the same ones for every seed, every class as often as in the whole set (to rounding).
    Raises ``InputError``.
    """
    dataset, count = data.load(options.data), options.images
    if not count:
        return dataset
    most = len(dataset.x_train) - dataset.classes
    if not dataset.classes <= count <= most:
        raise InputError(
            f"images must be {dataset.classes} to {most} of {dataset.name}, or 0 for all, "
            f"not {count}"
        )
    _, few = splits.split(dataset.x_train, dataset.y_train, count, 0)
    return replace(dataset, x_train=dataset.x_train[few], y_train=dataset.y_train[few])


def first(dataset: DataSet, count: int) -> DataSet:
    """The data set with the first ``count`` of its training samples, or all if there are fewer.

    Raises ``InputError`` where a class is not among them.
    """
    return replace(dataset, x_train=dataset.x_train[:count], y_train=dataset.y_train[:count])


def outputs(dataset: DataSet) -> int:
    """Neurons of the last layer: the classes, padded to a power of two."""
    return 1 << (dataset.classes - 1).bit_length()


def seeds(options: SimpleNamespace) -> range:
    """The seeds of the trials: ``range``."""
    return range(options.seed, options.seed + options.seeds)


def progress(description: str, total: int) -> Any:
    """A bar over ``total`` networks."""
    return cli.progress(total=total, desc=description, unit="network")


def train(
    network: Network, dataset: DataSet, options: SimpleNamespace, seed: int, **recipe: Any
) -> tuple[float, float]:
    """Train in place; the accuracy on the held-out samples, 0 to 1, and the CPU seconds.

    ``recipe`` is what differs in :class:`golden.training.loop.Recipe`.
    """
    return grow([network], (), dataset, options, seed, **recipe)


def grow(
    networks: Sequence[Network],
    later: Sequence[loop.Successor],
    dataset: DataSet,
    options: SimpleNamespace,
    seed: int,
    **recipe: Any,
) -> tuple[float, float]:
    """As :func:`train`, of the first of ``networks``, which grows ``later`` and ends as the last.

    ``networks`` and ``later`` : as of :func:`golden.training.growing.course`.
    """
    how = loop.Recipe(**{"epochs": options.epochs, "batch": BATCH, "seed": seed, **recipe})
    samples = dataset.x_train, dataset.y_train, dataset.classes
    began = time.process_time()
    loop.train(networks[0], *samples, how, data.INPUT_SCALE, later=later)
    seconds = time.process_time() - began
    return float_accuracy(networks[-1], dataset), seconds


def spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (``None`` of one value): two floats."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def percent(values: ArrayLike) -> np.ndarray:
    """Shares in per cent, to draw: a float or an array, NaN for ``None``."""
    return 100 * np.array(values, float)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's: a float, -1 to 1; 0 where one of the two is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.round(values, 6)) for values in (one, other)]  # beyond is rounding
    if min(np.ptp(rank) for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
