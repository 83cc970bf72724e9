"""What one cell comes to: a network trained as ``sobolpath train`` does, and boards that run it.

Cells that differ in their boards alone share one training, a :class:`Task`. A task is told what it
must find: the versions of what computes, and the contents of the files that it reads. It has a key,
a hash of all that, by which its results are known again.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import sobolpath
from sobolpath import boards
from sobolpath.golden import data
from sobolpath.golden.commands import shared, train
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import fitting, model, registry, shipped
from sobolpath.golden.support import cli, packages, threads
from sobolpath.golden.topology.catalogue import LINEAR
from sobolpath.hw import engines

from ..backends import designs
from . import plan

PACKAGES = ("numpy", "scipy", "scikit-learn")
FIGURES = ("layers", "paths", "weights", "accuracy_float", "accuracy_int", "loss")
ON_BOARD = ("clock_mhz", "images_together", "latency_cycles", "interval_cycles")
ON_BOARD += ("cycles_per_image", "images_per_second", "misfit")


class Differs(Exception):
    """A process that computes has another version or other data than the one that asks."""


@cache
def versions() -> dict[str, str | None]:
    """What computes, name -> version; ``source`` is a hash of the golden model and the hardware."""
    source = designs.sources(("golden", "hw", "boards"))[:12]
    own = {"sobolpath": sobolpath.__version__, "source": source}
    return {**own, **packages.versions(*PACKAGES)}


@cache
def digest(option: str, name: str, download: bool) -> str:
    """A hash of what an option that names a file, or a data set, stands for.

    Raises ``InputError`` where that cannot be read.
    """
    path, state = Path(shipped.find(name) if option == "extend" else name), hashlib.sha256()
    if option == "data" and not path.is_file():
        found = data.load(name, download)
        for array in (found.x_train, found.y_train, found.x_test, found.y_test):
            state.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).data)
        return state.hexdigest()
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: must be a file to read for {option}: {error.strerror}") from None


@dataclass(frozen=True)
class Task:
    """One training, and what is asked of it.

    Parameters
    ----------
    arguments : of ``sobolpath train``.
    boards : that are to run the network.
    digests : option that names a file -> :func:`digest`.
    versions : as of :func:`versions`.
    whole : whether the bytes of the model file are wanted.
    """

    arguments: tuple[str, ...]
    boards: tuple[str, ...]
    digests: dict[str, str]
    versions: dict[str, str | None]
    whole: bool = False

    @property
    def key(self) -> str:
        """A hash of all inputs of the training: options with their defaults, data, versions."""
        typed = plan.parse(self.arguments)
        options = {**vars(typed), **self.digests}
        if typed.arithmetic == "float":  # whose defaults are the recipe's
            recipe = shared.recipe_of(typed, typed.seed)
            options |= {name: getattr(recipe, name) for name, *_ in shared.RECIPE}
        without = (*plan.OWN, "download")
        inputs = {name: value for name, value in options.items() if name not in without}
        text = json.dumps([inputs, self.versions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def task_of(arguments: tuple[str, ...]) -> Task:
    """The task of these arguments, here, without boards.

    Raises ``InputError`` where a file that they name cannot be read.
    """
    return Task(arguments, (), _digests(arguments), versions())


def _digests(arguments):
    made = plan.parser()
    options = made.parse_args(arguments)
    named = {name: getattr(options, name) for name in made.read}
    return {
        name: digest(name, value, options.download)
        for name, value in named.items()
        if value is not None
    }


@dataclass(frozen=True)
class Done:
    """What came of a task.

    Parameters
    ----------
    figures : of the network: those named in ``FIGURES``, ``error`` (``None``, or what is wrong with
        its input, a line), and ``seconds``.
    boards : board -> what it makes of the network, those named in ``ON_BOARD``.
    model : the bytes of the model file, where there is one and it was asked for.
    """

    figures: dict[str, Any]
    boards: dict[str, dict[str, Any]]
    model: bytes | None = None


def serve(words: Mapping[str, Any]) -> Done:
    """:func:`compute` of a task's fields, which come from another machine.

    Raises :class:`Differs` too.
    """
    _check_versions(words["versions"])
    return compute(Task(**words))


def compute(task: Task) -> Done:
    """Train, quantize, judge. Raises :class:`Differs` where the result would be another's."""
    _check_versions(task.versions)
    _check_digests(task)
    began, options = time.perf_counter(), plan.parse(task.arguments)
    figures: dict[str, Any] = dict.fromkeys((*FIGURES, "error"))
    found: dict[str, dict[str, Any]] = {name: dict.fromkeys(ON_BOARD) for name in task.boards}
    content = None
    if options.fit is not None:
        registry.enter(engines.boards)
    with cli.quiet(), TemporaryDirectory() as folder:
        file = Path(folder, "model.npz") if options.topology in LINEAR else None
        options.out = None if file is None else str(file)
        try:
            with threads.limit(options.threads):
                summary = train.run(options, lambda line: None).summary
            figures |= {name: summary[name] for name in FIGURES if name in summary}
            if file is not None:
                found = {name: on_board(model.load(file), name) for name in task.boards}
                content = file.read_bytes() if task.whole else None
        except InputError as error:
            figures["error"] = " ".join(str(error).split())
    figures["seconds"] = round(time.perf_counter() - began, 3)
    return Done(figures, found, content)


def _check_versions(wanted):
    for name, own in versions().items():
        if wanted.get(name) != own:
            raise Differs(f"{name} {own or 'of none'}, not {wanted.get(name) or 'of none'}")


def _check_digests(task):
    try:
        own = _digests(task.arguments)
    except InputError as error:
        raise Differs(f"no such data: {error}") from None
    for name, wanted in task.digests.items():
        if own[name] != wanted:
            raise Differs(f"another content of what {name} names")


def on_board(trained: model.Model, name: str) -> dict[str, Any]:
    """What a board makes of a network: by the closed form, at the clock that it is built for.

    ``misfit`` says why it has no room for the network; then the other figures are ``None``.
    """
    board, topology = boards.load(name), trained.topology
    figures: dict[str, Any] = dict.fromkeys(ON_BOARD)
    figures["misfit"] = fitting.misfit(topology, board.config)
    if figures["misfit"] is not None:
        return figures
    schedule, together = board.config.schedule(topology), board.config.images
    per_image = schedule.interval / together
    return {
        **figures,
        "clock_mhz": board.clock_hz / 1e6,
        "images_together": together,
        "latency_cycles": schedule.latency,
        "interval_cycles": schedule.interval,
        "cycles_per_image": per_image,
        "images_per_second": board.clock_hz / per_image,
    }
