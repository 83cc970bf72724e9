"""What images are drawn on: whether their borders are dark or bright.

A picture of black ink on white paper is the opposite of the digits that networks are trained on,
which are bright on black. A model file keeps what its own images are drawn on.
"""

from collections.abc import Iterable

import numpy as np

MOST = 0.9  # the share of images that must be alike
LOOKED = 1000  # images that are looked at


def border(pixels: np.ndarray, middle: float = 127.5) -> str:
    """``"dark"`` or ``"bright"``: the median of the border of an image (rows, columns)."""
    ends = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return "bright" if np.median(ends) > middle else "dark"


def background(images: Iterable[np.ndarray], middle: float = 127.5) -> str | None:
    """What most of the images (rows, columns) have; ``None`` where they differ."""
    bright = [border(image, middle) == "bright" for image in images]
    share = sum(bright) / max(len(bright), 1)
    return "bright" if share >= MOST else "dark" if 1 - share >= MOST else None
