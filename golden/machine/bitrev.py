"""Bit reversal of addresses and of blocks: the van der Corput permutation, Sobol' dimension 0."""

from typing import Any

import numpy as np

MAX_BITS = 62  # 2**m is an int64 too


def _bits(m):
    if isinstance(m, bool) or not isinstance(m, int | np.integer):
        raise TypeError(f"m must be an integer, not {m!r}")
    if not 0 <= m <= MAX_BITS:
        raise ValueError(f"m must be 0 to {MAX_BITS}, not {m!r}")
    return int(m)


def reverse(x: Any, m: int) -> np.ndarray:
    """The ``m`` least significant bits of the integers ``x`` in reverse order.

    ``x`` is any array of integers >= 0; bits above the low m are dropped. The result is ``int64``
    of the same shape, 0 to 2**m - 1. Raises ``TypeError`` if an argument is no integer,
    ``ValueError`` if one is negative or m is above 62.
    """
    m, x = _bits(m), np.asarray(x)
    if x.dtype.kind not in "ui" and x.size:
        raise TypeError(f"x must be integers, not {x.dtype}")
    if x.size and x.min() < 0:
        raise ValueError(f"x must be at least 0, not {x.min()}")
    x = x.astype(np.int64)
    result = np.zeros_like(x)
    for k in range(m):
        result |= (x >> k & 1) << (m - 1 - k)
    return result


def reverse_blocks(items: Any, m: int) -> np.ndarray:
    """A stream of blocks of 2**m items, the items of each block in bit-reversed order.

    ``items`` has shape (k 2**m, ...): the first axis counts items. Item i of a block moves to
    position ``reverse(i, m)`` of the same block; doing it twice gives ``items`` again. Raises
    ``ValueError`` where the length is no multiple of 2**m, and what :func:`reverse` raises.
    """
    m, items = _bits(m), np.asarray(items)
    if items.ndim < 1 or items.shape[0] % (1 << m):
        raise ValueError(f"items must be whole blocks of {1 << m}, not of shape {items.shape}")
    blocks = items.reshape(-1, 1 << m, *items.shape[1:]) if items.size else items
    return blocks[:, reverse(np.arange(1 << m), m)].reshape(items.shape) if items.size else items
