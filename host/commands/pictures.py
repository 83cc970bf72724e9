"""Images: read from a file, and shown in a terminal beside bars."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sobolpath.golden.data.background import border
from sobolpath.golden.data.pictures import MODES, SUFFIXES, read
from sobolpath.golden.data.preparation import Preparation
from sobolpath.golden.errors import InputError

OPPOSITE = {"dark": "bright", "bright": "dark"}
PLAIN = " .:-=+*#%@"  # from black to white
UPPER = "\N{UPPER HALF BLOCK}"
FULL, HALF = "\N{FULL BLOCK}", "\N{LEFT HALF BLOCK}"
GREYS = 24  # of a terminal with 256 colours: number 232 is the darkest
WIDEST = 40  # columns of a picture
BAR = 20  # columns of the longest bar
MOST_BARS = 16


def read_array(path: str | Path) -> np.ndarray:
    """The array of a .npy file. Raises ``InputError`` where it is none."""
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())[:60]
        raise InputError(f"{path}: must be a .npy file of numbers, but {reason}") from None
    if not isinstance(array, np.ndarray) or array.ndim == 0:
        raise InputError(f"{path}: must be a .npy file with one array of images")
    return array


def sample(
    path: str | Path, preparation: Preparation, background: str | None = "dark"
) -> tuple[np.ndarray, str]:
    """A sample from a .npy file, or from a picture: (1, *shape), and what was done to it.

    A picture becomes as large as the samples, and grey where they have no channels; where the
    samples' ``background`` is ``"dark"`` and its border is bright, or the other way around, dark
    and bright change places. Raises ``InputError``.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        return _of_array(path, preparation), ""
    shape = preparation.shape
    channels, area = _channels(shape)
    if channels is None or preparation.by_feature:
        raise InputError(
            f"{path}: must be a .npy file for this model: its samples are no pictures, but "
            f"{'x'.join(map(str, shape))} numbers"
        )
    pixels, size = read(path, MODES[channels], area)
    said = [] if size == area else [f"{size[0]}x{size[1]} became {area[0]}x{area[1]}"]
    if channels == 1 and background in OPPOSITE and border(pixels) == OPPOSITE[background]:
        pixels = 255 - pixels
        said.append(f"dark and bright changed places, as its border is {OPPOSITE[background]}")
    low, high = preparation.least[0], preparation.largest[0]
    scaled = low + pixels / 255 * (high - low)
    return preparation.arranged(scaled[np.newaxis]), "; ".join(said)


def _channels(shape):
    """How many channels samples have and the area of one; ``None`` where they are no pictures."""
    if len(shape) == 2:
        return 1, shape
    if len(shape) == 3:
        for place, area in ((0, shape[1:]), (2, shape[:2])):
            if shape[place] in MODES:
                return shape[place], area
    return None, shape


def _of_array(path, preparation):
    """One sample, or one of its bytes as the engine takes it."""
    array, shape = read_array(path), preparation.shape
    for each in (array[np.newaxis], array):
        try:
            if len(each) == 1:
                return preparation.arranged(each)
        except InputError:
            pass
    wanted = "x".join(map(str, shape))
    raise InputError(f"{path}: must be one sample of {wanted} numbers, not {array.shape}")


def colours() -> bool:
    """Whether standard output is a terminal that shows grey levels."""
    wanted = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()


def shown(pixels: np.ndarray, *, coloured: bool) -> list[str]:
    """Grey levels, floats 0 to 1 (rows, columns), as lines: a character is two pixels high."""
    step = -(-pixels.shape[1] // WIDEST)
    pixels = pixels[::step, ::step]
    pixels = np.pad(pixels, ((0, len(pixels) % 2), (0, 0)))
    pairs = pixels.reshape(len(pixels) // 2, 2, -1)
    if not coloured:
        levels = np.rint(pairs.mean(axis=1) * (len(PLAIN) - 1)).astype(int)
        return ["".join(PLAIN[level] for level in line) for line in levels]
    greys = 232 + np.rint(pairs * (GREYS - 1)).astype(int)
    return [
        "".join(f"\x1b[38;5;{a};48;5;{b}m{UPPER}" for a, b in zip(*pair, strict=True)) + "\x1b[0m"
        for pair in greys
    ]


def bars(names: Sequence[str], values: np.ndarray, best: int) -> list[str]:
    """A line for each class: its name, a bar from the least value to the largest, its logit.

    Of more than ``MOST_BARS`` classes those of the largest logits, in their order.
    """
    order = sorted(np.argsort(-values, kind="stable")[:MOST_BARS].tolist())
    low, high = int(values.min()), int(values.max())
    wide = min(max(len(names[place]) for place in order), 12)
    lines = []
    for place in order:
        halves = round(2 * BAR * (int(values[place]) - low) / max(high - low, 1))
        bar = FULL * (halves // 2) + HALF * (halves % 2)
        mark = "<" if place == best else ""
        text = f"{names[place][:wide]:>{wide}} {bar:<{BAR}} {int(values[place]):>10,} {mark}"
        lines.append(text.rstrip())
    return lines


def beside(left: Sequence[str], width: int, right: Sequence[str]) -> list[str]:
    """Two blocks of lines beside each other; ``width`` is what is seen of the left one's lines."""
    count = max(len(left), len(right))
    lefts = [*left, *[" " * width] * (count - len(left))]
    rights = [*right, *[""] * (count - len(right))]
    return [f"{a}  {b}".rstrip() for a, b in zip(lefts, rights, strict=True)]
