"""Pictures as files, PNG and JPEG: one as an array, and a folder of them as samples.

A folder has a folder for each class, called as the class is; or two, ``train`` and ``test``, that
are such. Pillow reads the files (the extra ``host``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..support import cli, packages
from .preparation import sizes
from .reading import Reading
from .samples import Samples

SUFFIXES = (".png", ".jpg", ".jpeg")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # of Pillow, by the channels that samples have
GREY = ("1", "L", "LA", "La")  # of Pillow: without colours
MOST = 2**31  # bytes that are taken


def read(path: str | Path, mode: str, area: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, int]]:
    """A picture as ``uint8``, (rows, columns) for mode L, else (rows, columns, channels).

    ``area`` : the rows and columns that it gets, each the mean of what it covers. Also returns the
    rows and columns that the file has. Raises ``InputError`` for a file that is no picture.
    """
    picture = _opened(path)
    from PIL import Image

    try:
        with picture:
            whole = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        raise InputError(f"{path}: must be a whole picture (PNG or JPEG)") from None
    if mode != "RGBA":
        white = Image.new("RGBA", whole.size, "white")  # what is not painted is paper
        whole = Image.alpha_composite(white, whole).convert(mode)
    size = (whole.height, whole.width)
    if size != tuple(area):
        whole = whole.resize((area[1], area[0]), Image.Resampling.BOX)
    return np.asarray(whole), size


def _opened(path):
    """A picture of which the head alone is read."""
    packages.module("PIL.Image", "to read a picture", "host")
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise InputError(f"{path}: must be a whole picture (PNG or JPEG)") from None


def from_folder(path: str, reading: Reading, before: Mapping[str, Any] | None = None) -> Samples:
    """What a folder of pictures has: ``uint8`` (B, rows, columns), or with 3 channels behind.

    Pictures are in colour where one of them is, and all of one size, or ``reading.shape`` is that
    which they get. ``before`` : ``Samples.table`` of the one that the network was trained on; its
    size and its colours are taken. Raises ``InputError`` where it is no such folder.
    """
    reading.leave_out(f"{path} has no columns", "label", "drop")
    root = Path(path)
    parts = [root / "train", root / "test"]
    parts = parts if all(part.is_dir() for part in parts) else [root]
    found = [_files(part) for part in parts]
    every = [file for files, _ in found for file in files]
    known = before if before is not None and "mode" in before else _look(every, reading.shape)
    mode, area = known["mode"], tuple(known["area"])
    if len(every) * area[0] * area[1] * (1 if mode == "L" else 3) > MOST:
        raise InputError(f"must have pictures of at most {MOST} bytes: --shape makes them smaller")
    with cli.progress(total=len(every), unit="picture", desc="pictures", delay=1) as bar:
        pairs = []
        for files, labels in found:
            pixels = []
            for file in files:
                pixels.append(read(file, mode, area)[0])
                bar.update()
            pairs.append((np.stack(pixels), np.array(labels)))
    fact = f"{len(every):,} {'grey' if mode == 'L' else 'coloured'} of {area[0]}x{area[1]} pixels"
    return Samples(
        *pairs[0],
        test=pairs[1] if len(pairs) > 1 else None,
        table={"mode": mode, "area": list(area)},
        facts=(("pictures", fact),),
    )


def _files(folder):
    """The pictures in the folders of a folder, in order, and what these are called."""
    classes = sorted(each for each in folder.iterdir() if each.is_dir() and each.name[0] != ".")
    found = [
        (file, each.name)
        for each in classes
        for file in sorted(each.iterdir())
        if file.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise InputError(f"{folder}: must have a folder of pictures (PNG or JPEG) for each class")
    return [file for file, _ in found], [name for _, name in found]


def _look(files, shape):
    """The mode and the size of pictures, by their heads."""
    mode, area = "L", None
    for file in files:
        with _opened(file) as picture:
            mode = mode if picture.mode in GREY else "RGB"
            own = (picture.height, picture.width)
        if shape is None and area not in (None, own):
            raise InputError(
                f"{file}: must be of {area[0]}x{area[1]} pixels as the others, not "
                f"{own[0]}x{own[1]} (--shape 32x32 makes all of one size)"
            )
        area = own
    if shape is not None and len(shape) != 2:
        raise InputError(f"--shape must be rows and columns of pictures, not {sizes(shape)}")
    return {"mode": mode, "area": area if shape is None else shape}
