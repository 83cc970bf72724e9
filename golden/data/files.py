"""Files of data sets: where they are looked for, and the two formats, ``.npz`` and idx.

idx is the format of MNIST (LeCun, Cortes & Burges): two zero bytes, a type (8 is ``uint8``), the
number of axes, one big-endian 32-bit size for each, the values; ``.gz`` or not. Nothing in a file
is trusted: no pickles, and no more is unpacked than the header announces.
"""

import gzip
import io
import os
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..support import cache, foreign

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"  # beside the checkout
VARIABLE = "SOBOLPATH_DATA"
LARGEST = 2**31  # bytes of an idx file that are taken
IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def downloads() -> Path:
    """Where what is downloaded is kept. Raises ``InputError`` where that can be nowhere."""
    return cache.folder("data")


def folders() -> list[Path]:
    """Where data sets are looked for, in order; those that exist.

    ``$SOBOLPATH_DATA``, ``../shared/data`` beside the checkout, then what ``--download`` kept.
    Raises ``InputError`` where the variable names no folder.
    """
    named = os.environ.get(VARIABLE)
    if named and not Path(named).is_dir():
        raise InputError(f"{VARIABLE} must be a folder, not {named!r}")
    places = [Path(named)] if named else []
    places.append(BESIDE)
    with suppress(InputError):
        places.append(downloads())
    return [place for place in places if place.is_dir()]


def find(*names: str) -> Path | None:
    """The first file of any of these names in :func:`folders`, or ``None``."""
    candidates = (folder / name for folder in folders() for name in names)
    return next((path for path in candidates if path.is_file()), None)


def find_idx(*names: str) -> Path | None:
    """The first folder of any of these names, or its ``data``, with idx files in it, or ``None``.

    It is in one of :func:`folders`, or that itself where it has the name: the file names of MNIST
    and Fashion-MNIST are the same, so only the folder tells them apart.
    """
    for folder in folders():
        own = [folder] if folder.resolve().name in names else []
        for place in own + [folder / name for name in names]:
            for path in (place, place / "data"):
                if any(_idx_file(path, name) for name in IDX.values()):
                    return path
    return None


def _idx_file(folder, name):
    names = (name, name + ".gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz")
    return next((folder / n for n in names if (folder / n).is_file()), None)


def read_idx_folder(folder: Path) -> dict[str, np.ndarray]:
    """The four idx files of a folder: ``{"x_train": array, ...}``."""
    result = {}
    for key, name in IDX.items():
        path = _idx_file(folder, name)
        if path is None:
            raise InputError(f"{folder}: {name} or {name}.gz must be there beside the others")
        result[key] = read_idx(path)
    return result


def read_idx(path: Path) -> np.ndarray:
    """One idx file of ``uint8``, packed or not, as an array. ``InputError`` where it is not one."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 4:
                raise InputError(f"{path}: must be an idx file of uint8, but its head is another")
            sizes = file.read(4 * head[3])
            if len(sizes) < 4 * head[3]:
                raise EOFError
            shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
            count = 1
            for size in shape:
                count *= size
            if count > LARGEST:
                raise InputError(f"{path}: must have at most {LARGEST} bytes, not {count}")
            values = file.read(count + 1)
    except OSError as error:
        reason = error.strerror or "it is damaged"
        raise InputError(f"{path}: must be a readable idx file: {reason}") from None
    except (EOFError, zlib.error):
        raise InputError(f"{path}: must be a whole idx file, but it is truncated") from None
    if len(values) != count:
        more = "truncated" if len(values) < count else "longer than its head says"
        raise InputError(f"{path}: must be a whole idx file, but it is {more}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def names_in(path: str | Path) -> list[str]:
    """The names of the fields of a ``.npz`` file. Raises ``InputError`` where it is none."""
    with _opened(path) as archive:
        return list(archive.files)


def read_npz(path: str | Path, *fields: str) -> dict[str, np.ndarray]:
    """The named fields of a ``.npz`` file: ``{name: array}``. ``InputError`` where one is missing.

    Pickled objects are refused, not loaded.
    """
    with _opened(path) as archive:
        twice = foreign.twice(archive.files)
        if twice is not None:
            raise InputError(f"{path}: must have every field once, but {twice} is twice there")
        return {name: _field(path, archive, name, fields) for name in fields}


def _opened(path):
    """The archive of a ``.npz`` file, to read from."""
    try:
        content = Path(path).read_bytes()
        archive = np.load(io.BytesIO(content), allow_pickle=False)
    except OSError as error:
        if error.strerror:
            raise InputError(f"{path}: must be a readable .npz file: {error.strerror}") from None
        archive = None
    except (ValueError, EOFError, zipfile.BadZipFile):
        archive = None
    if not isinstance(archive, np.lib.npyio.NpzFile):
        kind = foreign.kind(content)
        raise InputError(
            f"{path}: must be a .npz file of NumPy, whole and without pickled objects"
            + (f", but it is {kind}" if kind else "")
        )
    return archive


def _field(path, archive, name, fields):
    if name not in archive.files:
        kind = foreign.kind(Path(path).read_bytes())
        raise InputError(
            f"{path}: must have the fields {', '.join(fields)}, but {name} is missing"
            + (f"; it is {kind}" if kind and not any(n in archive.files for n in fields) else "")
        )
    try:
        array = archive[name]
    except ValueError as error:
        if "pickle" in str(error) or "Object arrays" in str(error):
            raise InputError(
                f"{path}: field {name} must be an array of numbers, not pickled objects "
                "(before np.savez: .astype(float), or .astype(str) for labels)"
            ) from None
        array = None
    except Exception:  # whatever zipfile, zlib and struct raise for bytes that are not theirs
        array = None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: field {name} must be a whole array, but the file is damaged")
    return array
