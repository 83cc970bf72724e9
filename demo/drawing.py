"""A drawing becomes an image as MNIST's are: the pen's way, scaled, centred, drawn in 28 x 28.

MNIST's digits were scaled into a box of 20 x 20 pixels, shape kept, and put into the middle of the
image by their centre of mass (LeCun, Cortes & Burges). A drawing comes as the points that the pen
went through, so it is scaled before it is drawn: its lines are as thick as MNIST's, whether it was
large or small.
"""

from typing import Any

import numpy as np
from scipy import ndimage

from sobolpath.golden.errors import InputError

SIDE = 28  # pixels of an image, across and down
BOX = 20.0  # of the digit in it
RADIUS = 1.1  # pixels, of the round pen; its edge is one pixel of grey
MOST_POINTS = 4000  # of a drawing
FARTHEST = 10.0  # a point from the square's corner, in sides of it


def strokes_of(given: Any) -> list[np.ndarray]:
    """What a browser sent, lists of lists of pairs, as strokes: ``float64`` (points, 2) each.

    A point is (x, y), 0 to 1 from the left and from the top of the square that is drawn on. Strokes
    without a point are left out. Raises ``InputError`` where it is anything else, or empty.
    """
    try:
        strokes = [np.asarray(stroke, np.float64) for stroke in given if len(stroke)]
        points = np.concatenate(strokes) if strokes else np.zeros((0, 2))
    except (TypeError, ValueError):
        raise InputError("a drawing must be lists of points [x, y], all numbers") from None
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) <= FARTHEST).all():
        raise InputError(
            f"a drawing must be lists of points [x, y], from {-FARTHEST:g} to {FARTHEST:g}"
        )
    if not 1 <= len(points) <= MOST_POINTS:
        raise InputError(f"a drawing must have 1 to {MOST_POINTS} points, not {len(points)}")
    return strokes


def image_of(strokes: list[np.ndarray]) -> np.ndarray:
    """The image of a drawing (:func:`strokes_of`), as MNIST has it: ``uint8`` (28, 28)."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    scale = (BOX - 2 * RADIUS) / extent if extent > 0 else 0.0  # a dot has no size to scale
    middle = (SIDE - 1) / 2  # of the pixels' centres
    placed = [(stroke - (low + high) / 2) * scale + middle for stroke in strokes]
    drawn = _draw(placed)
    shift = middle - centre_of_mass(drawn)
    drawn = _draw([stroke + shift for stroke in placed])
    return np.rint(drawn * 255).astype(np.uint8)


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    """Where an image (h, w), not all 0, has its centre of mass: ``float64`` (x, y), in pixels."""
    return np.array(ndimage.center_of_mass(image.astype(np.float64)))[::-1]


def scaled(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image (h, w) at another size, linear between its pixels: ``float64`` (height, width)."""
    factors = height / image.shape[0], width / image.shape[1]
    return np.asarray(ndimage.zoom(image, factors, order=1, mode="nearest", grid_mode=True))


def centred(digit: np.ndarray) -> np.ndarray:
    """A digit (h, w), at most 28 x 28, in an image by its centre of mass, to the nearest pixel.

    Returns ``uint8`` (28, 28).
    """
    x, y = centre_of_mass(digit)
    height, width = digit.shape
    left, top = (
        int(np.clip(round((SIDE - 1) / 2 - centre), 0, SIDE - size))
        for centre, size in ((x, width), (y, height))
    )
    image = np.zeros((SIDE, SIDE))
    image[top : top + height, left : left + width] = digit
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def _draw(strokes):
    """Ink by pixel, 0 to 1: by how near its centre is to the nearest line."""
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), axis=-1).astype(np.float64)
    nearest = np.full((SIDE, SIDE), np.inf)
    for stroke in strokes:
        for start, end in zip(stroke, [*stroke[1:], stroke[-1]], strict=True):
            along = end - start
            length = float(along @ along)
            place = np.clip((grid - start) @ along / length, 0, 1) if length else np.zeros(())
            away = grid - start - place[..., None] * along
            nearest = np.minimum(nearest, (away**2).sum(axis=-1))
    return np.clip(RADIUS + 0.5 - np.sqrt(nearest), 0, 1)
