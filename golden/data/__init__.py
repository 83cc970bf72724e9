"""Data sets by name, and files of one's own: ``uint8`` inputs, integer labels, one split each.

What every one is stands in :mod:`golden.data.dataset`, how each is made in
:mod:`golden.data.sets`, one's own in :mod:`golden.data.own`, how numbers become inputs in
:mod:`golden.data.preparation`, what is held out in :mod:`golden.data.splits`, where files are
looked for in :mod:`golden.data.files`. A new one is a function that returns a :class:`DataSet`,
entered in ``REGISTRY``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, check_name
from . import fetching, own, sets, splits
from .dataset import INPUT_SCALE, DataSet
from .labels import Names
from .own import Known
from .preparation import Preparation
from .reading import TOLD, Reading
from .scalings import SCALINGS, VERSION_1

if TYPE_CHECKING:  # a model knows its preparation, so this package cannot know models
    from ..machine.model import Model

__all__ = [
    "INPUT_SCALE",
    "REGISTRY",
    "SCALINGS",
    "DataSet",
    "Preparation",
    "Reading",
    "check_fits",
    "load",
    "load_for",
    "names",
    "validation",
]

REGISTRY: dict[str, Callable[..., DataSet]] = {
    name: getattr(sets, name)
    for name in ("digits", "mnist", "fashion", "mitbih", "fsdd", "morse", "mnist1d")
}
JUDGING = Reading(judging=True)


def names() -> str:
    """What :func:`load` takes, in words."""
    return f"{', '.join(sorted(REGISTRY))} or {own.KINDS}"


def load(
    name: str,
    download: bool = False,
    *,
    scaling: str = "auto",
    reading: Reading | None = None,
    preparation: Preparation | None = None,
    labels: Names | None = None,
    origin: Mapping[str, Any] | None = None,
) -> DataSet:
    """The data set called ``name``, or that in the file of that path.

    Parameters
    ----------
    name : of ``REGISTRY``, or a path.
    download : fetch ``mnist`` or ``fashion`` from OpenML where it is not found; nothing is ever
        fetched otherwise.
    scaling : of a file's samples, see :func:`golden.data.own.from_file`.
    reading : what is told of a file.
    preparation, labels, origin : of a model that is there already, in place of the data set's own.

    Raises ``InputError`` for an unknown name, a file that is missing or bad.
    """
    reading = reading or Reading()
    if name not in REGISTRY:
        if own.is_own(name):
            return own.from_file(name, reading, scaling, Known(preparation, labels, origin))
        if Path(f"{name}.npz").is_file():
            raise InputError(f"data set must be {names()}, not {name!r}; did you mean {name}.npz?")
        check_name("data set", name, sorted(REGISTRY), f" or {own.KINDS}")
    reading.leave_out(f"{name} is no file of yours", *TOLD)
    if scaling not in ("auto", VERSION_1):
        raise InputError(f"scaling must be left out for {name}, which has its own, not {scaling!r}")
    given = {} if preparation is None else {"preparation": preparation}
    if download:
        try:
            return REGISTRY[name](**given)
        except fetching.Missing:
            fetching.download(name)
    return REGISTRY[name](**given)


def load_for(
    model: "Model", name: str, download: bool = False, reading: Reading = JUDGING
) -> DataSet:
    """The data set for a model, prepared as the samples that it was trained on.

    ``reading`` : what is told of a file; its samples are all there to judge by, but for those that
    the model was trained on, unless the model is trained further. A model file of version 1 does
    not tell how samples were prepared: the data set's own preparation is taken, as it was when such
    files were written. Raises ``InputError`` as :func:`load` and :func:`check_fits` do.
    """
    known, origin = model.preparation, model.info.get("origin")
    reading.leave_out("the model has it", "range", "shape", "drop")
    dataset = load(
        name,
        download,
        scaling=VERSION_1 if known is None else "auto",
        reading=reading,
        preparation=known,
        labels=tuple(model.info.get("labels") or range(model.classes)),
        origin=origin if isinstance(origin, dict) else None,
    )
    check_fits(dataset, model.topology, model.classes)
    if known is None and name not in REGISTRY:
        missing = "the model file does not tell how its samples were scaled: those of x_train are"
        dataset = replace(dataset, warnings=(missing, *dataset.warnings))
    return dataset


def validation(data: DataSet, count: int, seed: int) -> DataSet:
    """``data`` with ``count`` of its training images in place of the held-out ones.

    What is chosen by trial (epochs, rates, ...) is chosen on these, and the held-out images stay
    unseen. They are a stratified sample; where the data have ``groups``, whole groups, ``count`` at
    most. Raises ``InputError`` unless both parts have room for every class.
    """
    most = len(data.x_train) - data.classes
    if not data.classes <= count <= most:
        raise InputError(f"validation images must be {data.classes} to {most}, not {count}")
    x, y, groups = data.x_train, data.y_train, data.groups
    if groups is None:
        train, test = splits.split(x, y, count, seed)
    else:
        train, test = splits.split_groups(y, groups, count, seed)
        groups = groups[train]
    parts = {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}
    return replace(data, **parts, groups=groups, judged="validation")


def check_fits(data: DataSet, topology: Any, classes: int | None = None) -> None:
    """Raise ``InputError`` unless the layers have room for the inputs and the classes.

    ``classes`` are those of a model that is there already: they must be the data's.
    """
    if topology.layers[0] != data.inputs:
        raise InputError(
            f"layer 0 must have {data.inputs} neurons, one per input of {data.name}, "
            f"not {topology.layers[0]}"
        )
    if topology.layers[-1] < data.classes:
        raise InputError(
            f"layer {len(topology.layers) - 1} must have at least {data.classes} neurons, "
            f"one per class of {data.name}, not {topology.layers[-1]}"
        )
    if classes not in (None, data.classes):
        raise InputError(
            f"the model must have the {data.classes} classes of {data.name}, not {classes}"
        )
