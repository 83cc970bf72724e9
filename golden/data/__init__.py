"""Data sets by name: ``uint8`` inputs, integer labels, one fixed split each.

What every one is stands in :mod:`golden.data.dataset`, how each is made in
:mod:`golden.data.sets`, where files are looked for in :mod:`golden.data.files`. A new one is a
function that returns a :class:`DataSet`, entered in ``REGISTRY``.
"""

from dataclasses import replace

from ..errors import InputError, check_name
from . import sets
from .dataset import INPUT_SCALE, DataSet, pad, to_uint8

__all__ = [
    "INPUT_SCALE",
    "REGISTRY",
    "DataSet",
    "check_fits",
    "load",
    "names",
    "pad",
    "to_uint8",
    "validation",
]

REGISTRY = {
    name: getattr(sets, name)
    for name in ("digits", "mnist", "fashion", "mitbih", "fsdd", "morse", "mnist1d")
}


def names():
    """What :func:`load` takes, in words."""
    return f"{', '.join(sorted(REGISTRY))} or a .npz file"


def load(name, download=False):
    """The data set called ``name``, or that in the ``.npz`` file of that path.

    ``download`` : fetch ``mnist`` or ``fashion`` from OpenML where it is not found; nothing is ever
    fetched otherwise. Raises ``InputError`` for an unknown name, a file that is missing or bad.
    """
    if name not in REGISTRY:
        if str(name).endswith(".npz"):
            return sets.from_npz(name)
        check_name("data set", name, sorted(REGISTRY), " or a .npz file")
    if download:
        try:
            return REGISTRY[name]()
        except sets.Missing:
            sets.download(name)
    return REGISTRY[name]()


def validation(data, count, seed):
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
        train, test = sets.split(x, y, count, seed)
    else:
        train, test = sets.split_groups(y, groups, count, seed)
        groups = groups[train]
    parts = {"x_train": x[train], "y_train": y[train], "x_test": x[test], "y_test": y[test]}
    return replace(data, **parts, groups=groups)


def check_fits(data, topology, classes=None):
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
