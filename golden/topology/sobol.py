"""The Sobol' sequence as generator matrices, in natural order.

The components of the sequence are x_i = C a(i) over GF(2), where a(i) are the digits of the index
i, least significant first (Keller & Van keirsbilck, section 4.2, equation 5). Column t of the
generator matrix C is direction number v_t; row 0 is the most significant digit of the result.
Dimension 0 is the van der Corput sequence: bit reversal. The direction numbers are those of Joe &
Kuo (new-joe-kuo-6) as SciPy ships them.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from . import gf2

MAX_DIMENSION = 21200
MAX_COLUMNS = 30


@lru_cache(maxsize=256)
def _directions(dimension: int, count: int) -> tuple[int, ...]:
    """The first ``count`` direction numbers of a dimension, as integers of 30 digits."""
    from scipy.stats import qmc  # only where matrices are made: models carry theirs

    # SciPy fails with fewer bits than the degree of the dimension's polynomial (18 at the most).
    sequence = qmc.Sobol(dimension + 1, scramble=False, bits=MAX_COLUMNS)
    result, position = [], 0
    for t in range(count):
        # SciPy enumerates in Gray-code order: index 2^(t+1)-1 has the Gray code 2^t.
        sequence.fast_forward(2 ** (t + 1) - 1 - position)
        position = 2 ** (t + 1)
        result.append(int(sequence.random(1)[0, dimension] * 2**MAX_COLUMNS))
    return tuple(result)


def generator_matrix(dimension: int, rows: int, columns: int) -> np.ndarray:
    """The generator matrix of one dimension of the Sobol' sequence.

    Parameters: ``dimension`` >= 0; ``rows`` digits of the result, most significant first;
    ``columns`` digits of the index, least significant first (at most 30).
    Returns ``uint8`` of shape (rows, columns), upper triangular with a unit diagonal.
    Raises ``ValueError`` for sizes out of range.
    """
    for name, value, low, high in (
        ("dimension", dimension, 0, MAX_DIMENSION),
        ("rows", rows, 0, MAX_COLUMNS),
        ("columns", columns, 0, MAX_COLUMNS),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} must be {low} to {high}, not {value!r}")
    directions = np.array(_directions(dimension, columns), np.int64)
    return np.ascontiguousarray(gf2.bits(directions, MAX_COLUMNS).T[:rows])


def points(dimension: int, rows: int, indices: ArrayLike) -> np.ndarray:
    """The ``rows`` leading digits of component ``dimension`` of the points ``indices``.

    ``indices`` is any array of integers >= 0, in natural (not Gray-code) order; the result is
    ``int64`` of the same shape, in 0 to 2**rows - 1: the neuron that each path visits in a layer
    of 2**rows neurons (equation 6).
    """
    indices = np.asarray(indices, dtype=np.int64)
    columns = int(indices.max()).bit_length() if indices.size else 0
    return gf2.apply(generator_matrix(dimension, rows, columns)[:, ::-1], indices)
