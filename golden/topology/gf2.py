"""Linear algebra over GF(2), the field of the two elements 0 and 1 (addition is XOR).

A bit matrix is a ``uint8`` array of 0 and 1. Vectors of digits have the **most significant digit
first**, so an integer x of w bits is the vector ``bits(x, w)`` and a linear map of integers is an
ordinary matrix product of such vectors.
"""

import numpy as np
from numpy.typing import ArrayLike


def _matrix(a: ArrayLike, name: str = "matrix") -> np.ndarray:
    a = np.asarray(a)
    if a.ndim != 2 or (a.size and (a.dtype.kind not in "uib" or a.min() < 0 or a.max() > 1)):
        raise ValueError(f"{name} must be a 2-dimensional array of 0 and 1, not {a!r}")
    return a.astype(np.uint8)


def bits(x: ArrayLike, width: int) -> np.ndarray:
    """Digits of the integers ``x`` (any shape), MSD first: ``uint8``, ``x.shape + (width,)``."""
    x = np.asarray(x, dtype=np.int64)
    if x.size and (x.min() < 0 or (width < 63 and x.max() >> width)):
        raise ValueError(f"integers must be in 0 to 2**{width} - 1, not {x!r}")
    return ((x[..., None] >> np.arange(width - 1, -1, -1)) & 1).astype(np.uint8)


def integers(digits: ArrayLike) -> np.ndarray:
    """The inverse of :func:`bits`: ``int64`` of shape ``digits.shape[:-1]``."""
    digits = np.asarray(digits, dtype=np.int64)
    return (digits << np.arange(digits.shape[-1] - 1, -1, -1)).sum(axis=-1)


def product(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The matrix product ``a b`` over GF(2): shapes (m, n) and (n, k) give (m, k)."""
    a, b = _matrix(a, "a"), _matrix(b, "b")
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"a must have as many columns as b has rows, not {a.shape} and {b.shape}")
    return ((a.astype(np.int64) @ b.astype(np.int64)) & 1).astype(np.uint8)


def _eliminate(a: np.ndarray, columns: int) -> tuple[np.ndarray, list[int]]:
    """Reduced row echelon form of ``a`` over its first ``columns`` columns; the pivots' columns."""
    a, pivots = a.copy(), []
    for column in range(columns):
        row = len(pivots)
        below = np.flatnonzero(a[row:, column])
        if below.size == 0:
            continue
        a[[row, row + below[0]]] = a[[row + below[0], row]]
        others = np.flatnonzero(a[:, column])
        a[others[others != row]] ^= a[row]
        pivots.append(column)
    return a, pivots


def echelon(a: ArrayLike) -> np.ndarray:
    """A basis of the space of the rows of ``a``, in reduced row echelon form: ``uint8`` (rank, n).

    As integers they fall, and the last is the least member of the space but 0.
    """
    a = _matrix(a)
    reduced, leading = _eliminate(a, a.shape[1])
    return reduced[: len(leading)]


def rank(a: ArrayLike) -> int:
    """The rank of ``a`` over GF(2)."""
    return len(echelon(a))


def pivots(a: ArrayLike) -> list[int]:
    """The first rows of ``a`` that are independent of those before, as a list of ``rank(a)``."""
    a = _matrix(a)
    return _eliminate(a.T, len(a))[1]


def nullspace(a: ArrayLike) -> np.ndarray:
    """A basis of the x with ``a x = 0``: ``uint8`` (n, n - rank), one vector a column."""
    a = _matrix(a)
    n = a.shape[1]
    reduced, leading = _eliminate(a, n)
    free = np.setdiff1d(np.arange(n), leading)
    basis = np.zeros((n, free.size), np.uint8)
    basis[free, np.arange(free.size)] = 1
    basis[leading] = reduced[: len(leading), free]
    return basis


def solve(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """A matrix x with ``a x = b`` over GF(2), free unknowns 0.

    ``a`` has shape (m, n), ``b`` (m, k); the result has shape (n, k).
    Raises ``ValueError`` where there is no solution.
    """
    a, b = _matrix(a, "a"), _matrix(b, "b")
    if a.shape[0] != b.shape[0]:
        raise ValueError(f"a must have as many rows as b, not {a.shape} and {b.shape}")
    n = a.shape[1]
    reduced, pivots = _eliminate(np.hstack([a, b]), n)
    if reduced[len(pivots) :, n:].any():
        raise ValueError("a x = b must have a solution: the equations contradict each other")
    x = np.zeros((n, b.shape[1]), np.uint8)
    x[pivots] = reduced[: len(pivots), n:]
    return x


def inverse(a: ArrayLike) -> np.ndarray:
    """The inverse of the square matrix ``a``. Raises ``ValueError`` if it is singular."""
    a = _matrix(a)
    if a.shape[0] != a.shape[1]:
        raise ValueError(f"matrix must be square, not of shape {a.shape}")
    if rank(a) < a.shape[0]:
        raise ValueError(f"matrix must be invertible, but its rank is {rank(a)} of {a.shape[0]}")
    return solve(a, np.eye(a.shape[0], dtype=np.uint8))


def columns(matrix: ArrayLike) -> np.ndarray:
    """The images of 1, 2, 4, ... as ``int64``: what a matrix of flip-flops is loaded with."""
    return integers(_matrix(matrix).T[::-1])


def from_columns(images: ArrayLike, rows: int) -> np.ndarray:
    """The inverse of :func:`columns`: the ``rows`` x ``len(images)`` matrix of the linear map."""
    return np.ascontiguousarray(bits(np.asarray(images, np.int64), rows)[::-1].T)


def apply(matrix: ArrayLike, x: ArrayLike) -> np.ndarray:
    """The linear map ``matrix`` of the integers ``x`` (any shape): ``int64`` of the same shape.

    The loop of the paper, section 4.2: for each digit set in x, add the digit's column.
    """
    matrix, x = _matrix(matrix), np.asarray(x, dtype=np.int64)
    if x.size and (x.min() < 0 or x.max() >> matrix.shape[1]):
        raise ValueError(f"integers must be in 0 to 2**{matrix.shape[1]} - 1, not {x!r}")
    result = np.zeros_like(x)
    for t, image in enumerate(columns(matrix)):
        result ^= np.where(x >> t & 1, image, 0)
    return result
