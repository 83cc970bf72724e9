"""Checks of constructor parameters."""

from typing import Any

from amaranth.utils import ceil_log2


def at_least(name: str, value: Any, minimum: int) -> None:
    """A constructor's parameter must be an integer of at least ``minimum``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, not {value!r}")


def exact_log2(name: str, value: Any, *, minimum: int = 1) -> int:
    """log2 of a constructor's parameter that must be a power of two."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < minimum or value & (value - 1):
        raise ValueError(f"{name} must be a power of two of at least {minimum}, not {value!r}")
    return ceil_log2(value)
