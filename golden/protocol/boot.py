"""The image in a boot flash: the commands that load a network, as a host would send them.

LOAD, the WRITEs and CHECK, all of tag 0, one after the other. A flash that begins with FF has none.
The device reads them at power-up as if they came from the line, and answers nothing.
"""

from collections.abc import Callable

from . import frames
from .frames import CRC_BYTES, HEADER_BYTES, Opcode, Status
from .network import Network

ERASED = 0xFF  # of a byte of the flash


def image(network: Network) -> bytes:
    """The bytes that belong into the flash of a device, behind its bitstream."""
    commands = [frames.load(network.infer_bytes, 0)]
    commands += [frames.write(*record, 0) for record in network.records]
    return b"".join([*commands, frames.check(network.digest, 0)])


def read(flash: bytes, take: Callable[[bytes], bytes]) -> bool:
    """Give a flash's commands to ``take``, which returns the replies, up to that to CHECK or to the
    first that is not OK. Whether it was a bad image: one that does not end with a good CHECK.

    ``flash`` : its bytes from the image's first on; what lies behind them is ``ERASED``.
    """
    if not flash or flash[0] == ERASED:
        return False
    place = 0
    while True:
        header = _part(flash, place, HEADER_BYTES)
        length = int.from_bytes(header[5:7], "little")
        rest = _part(flash, place + HEADER_BYTES, length + CRC_BYTES if length else 0)
        answer = take(header) or take(rest)
        if not answer or frames.parse_reply(answer).status != Status.OK:
            return True
        if header[0] == Opcode.CHECK:
            return False
        place += len(header) + len(rest)


def _part(flash, first, size):
    """Some bytes of a flash."""
    return flash[first : first + size].ljust(size, bytes([ERASED]))
