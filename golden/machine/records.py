"""The records that carry a memory image into an engine as one stream of bytes.

A record is

    byte 0       RECORD + space: 0 weights, 1 biases, 2 program (``golden.machine.image.Space``)
    bytes 1-3    the address of its first byte, little-endian
    bytes 4-5    the low 16 bits of the address of its last byte, little-endian
    and on       1 to RECORD_LIMIT bytes

The engine with AXI4-Stream ports takes them (``hw.export.axis``). The commands of a
board's host port are others: ``golden.protocol.frames``.
"""

from collections.abc import Iterable

from ..errors import InputError
from .image import MemoryImage, Space

RECORD = 0x10  # the first byte of a record of space 0
RECORD_LIMIT = 1 << 16  # bytes of one record, beside its first six


def write(space: Space, address: int, content: Iterable[int] | bytes) -> list[bytes]:
    """The records that put the bytes ``content`` at ``address`` of a space.

    Raises ``InputError`` where an address needs more than 24 bits.
    """
    content = bytes(content)
    if not 0 <= address <= address + len(content) <= 1 << 24:
        raise InputError(f"address and length must stay below 2**24, not {address}, {len(content)}")
    found = []
    for start in range(address, address + len(content), RECORD_LIMIT):
        part = content[start - address : start - address + RECORD_LIMIT]
        last = (start + len(part) - 1) % RECORD_LIMIT
        header = start.to_bytes(3, "little") + last.to_bytes(2, "little")
        found.append(bytes([RECORD + Space(space)]) + header + part)
    return found


def load(image: MemoryImage) -> list[bytes]:
    """The records that write a memory image."""
    return [record for space, content in image.spaces() for record in write(space, 0, content)]


def records(image: MemoryImage) -> bytes:
    """The same, one after the other."""
    return b"".join(load(image))
