"""What the configurations of all engines have in common: checks, and the stream of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import unsigned
from amaranth.lib import data
from amaranth.utils import ceil_log2

from sobolpath.golden.machine.image import Space

if TYPE_CHECKING:
    from .memories import MemorySize


class Parameters:
    """A base of frozen sets of parameters: fields, and ``memories``."""

    @property
    def memories(self) -> dict[str, MemorySize]:
        """The engine's memories by name."""
        raise NotImplementedError

    @property
    def write_bits(self) -> int:
        """Digits of a byte address in the largest of the spaces."""
        sizes = self.memories.values()
        return ceil_log2(max(size.bytes for size in sizes if size.space is not None))

    @property
    def write_layout(self) -> data.StructLayout:
        """What the engine's ``write`` stream carries: one byte, its space and its address there."""
        return data.StructLayout(
            {"space": Space, "address": unsigned(self.write_bits), "data": unsigned(8)}
        )

    def check_powers(self, *ranges: tuple[str, int, int]) -> None:
        """Raise ``ValueError`` unless each field, (name, low, high), is a power of two there."""
        for name, low, high in ranges:
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not low <= value <= high or value & (value - 1):
                message = f"{name} must be a power of two from {low} to {high}, not {value!r}"
                raise ValueError(message)

    def check_flags(self, *names: str) -> None:
        """Raise ``ValueError`` unless each of these fields is True or False."""
        for name in names:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, not {getattr(self, name)!r}")
