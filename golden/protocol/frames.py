"""The bytes of the host protocol: commands, replies, and their CRCs.

Little-endian throughout. A command is

    byte 0       the opcode
    byte 1       the tag: any, chosen by the host; the reply has it too
    bytes 2-4    the address, of a WRITE or a READ; of an INFER the task of an engine that learns
    bytes 5-6    the length of the data; of a READ that of its reply's payload
    bytes 7-10   the CRC of bytes 0 to 6
    and on       the data; behind them, where there are any, the CRC of all of this frame's bytes
                 before it, that of the header included

A reply is a status, the tag, a payload only if the status is OK, and the CRC of all of that.

The CRC is CRC-32/ISO-HDLC: that of Ethernet, ``zlib.crc32``.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..learn.task import Task
from ..machine.image import Space, interleaved

VERSION = 4
HEADER_BYTES = 11
CRC_BYTES = 4
FEWEST_REPLY_BYTES = 2 + CRC_BYTES
MAX_LENGTH = 2**16 - 1  # of the data of one command
MAX_ADDRESS = 2**24 - 1
READABLE = (Space.WEIGHTS, Space.BIASES)
POLYNOMIAL = 0xEDB88320  # of the CRC


class Opcode(IntEnum):
    """The first byte of a command; that of a WRITE is ``WRITE`` + its space, READ alike."""

    IDENTIFY = 0x01
    INFER = 0x02
    LOAD = 0x03
    CHECK = 0x04
    WRITE = 0x10
    READ = 0x20


class Status(IntEnum):
    """The first byte of a reply."""

    OK = 0x00
    HEADER = 0x01
    DATA = 0x02
    COMMAND = 0x03
    ADDRESS = 0x04
    NETWORK = 0x05
    SILENCE = 0x06


@dataclass(frozen=True)
class Reply:
    """A reply whose CRC is right; ``payload`` is empty unless ``status`` is OK."""

    status: Status
    tag: int
    payload: bytes = b""


def crc(content: bytes | bytearray) -> bytes:
    """The CRC-32 of ``content``: 4 bytes, lowest first."""
    return zlib.crc32(content).to_bytes(CRC_BYTES, "little")


def command(opcode: int, *, tag: int, address: int = 0, data: bytes = b"") -> bytes:
    """The bytes of a command.

    ``tag`` : 0 to 255; ``address`` : 0 to ``MAX_ADDRESS``; ``data`` : at most ``MAX_LENGTH`` bytes.
    Raises ``InputError`` for a value out of range.
    """
    for name, value, most in (
        ("opcode", opcode, 255),
        ("tag", tag, 255),
        ("address", address, MAX_ADDRESS),
    ):
        if not 0 <= value <= most:
            raise InputError(f"{name} must be 0 to {most}, not {value}")
    if len(data) > MAX_LENGTH:
        raise InputError(f"data must be at most {MAX_LENGTH} bytes, not {len(data)}")
    frame = _header(opcode, tag, address, len(data))
    if data:
        frame += data
        frame += crc(frame)
    return frame


def _header(opcode, tag, address, length):
    frame = bytes([opcode, tag]) + address.to_bytes(3, "little") + length.to_bytes(2, "little")
    return frame + crc(frame)


def identify(tag: int) -> bytes:
    """The command IDENTIFY: the reply's payload is a ``golden.protocol.identity.Identity``."""
    return command(Opcode.IDENTIFY, tag=tag)


def infer(activations: ArrayLike, tag: int, *, task: Task | None = None) -> bytes:
    """The command INFER; 4 n_L bytes come back for each image: see :func:`logits`.

    ``activations``: ``uint8`` (images, n_0), or (n_0,) for one, in natural neuron order: as many
    images as the device infers together. ``task`` : what a device that learns is to learn of it.
    Raises ``InputError`` for another kind.
    """
    inputs = np.asarray(activations)
    if inputs.dtype != np.uint8 or inputs.ndim not in (1, 2):
        raise InputError(
            f"activations must be uint8 of shape (images, n) or (n,), not {inputs.dtype} of "
            f"{inputs.shape}"
        )
    inputs = np.atleast_2d(inputs)
    address = 0 if task is None else task.word
    data = interleaved(inputs, len(inputs)).tobytes()
    return command(Opcode.INFER, tag=tag, address=address, data=data)


def load(infer_bytes: int, tag: int) -> bytes:
    """The command LOAD: a network begins, of which an INFER has ``infer_bytes`` bytes of data.

    Raises ``InputError`` unless that is 1 to ``MAX_LENGTH``.
    """
    if not 1 <= infer_bytes <= MAX_LENGTH:
        raise InputError(f"the bytes of one INFER must be 1 to {MAX_LENGTH}, not {infer_bytes}")
    return command(Opcode.LOAD, tag=tag, data=infer_bytes.to_bytes(2, "little"))


def write(space: Space, address: int, data: Iterable[int] | bytes, tag: int) -> bytes:
    """The command WRITE: the bytes ``data`` to ``address`` of a space and on.

    Raises ``InputError`` unless there are 1 to ``MAX_LENGTH`` of them, and where their addresses
    end beyond ``MAX_ADDRESS``.
    """
    data = bytes(data)
    if not data:
        raise InputError(f"the data of a WRITE must be 1 to {MAX_LENGTH} bytes, not 0")
    if address + len(data) > MAX_ADDRESS + 1:
        raise InputError(
            f"the last address must be at most {MAX_ADDRESS}, not {address + len(data) - 1}"
        )
    return command(Opcode.WRITE + Space(space), tag=tag, address=address, data=data)


def read(space: Space, address: int, length: int, tag: int) -> bytes:
    """The command READ: ``length`` bytes of a space come back, from ``address`` on.

    Raises ``InputError`` for the program, which cannot be read, unless there are 1 to
    ``MAX_LENGTH`` of them, and where their addresses end beyond ``MAX_ADDRESS``.
    """
    if space not in READABLE:
        raise InputError(f"space must be one of {READABLE}, which can be read, not {space}")
    if not 1 <= length <= MAX_LENGTH:
        raise InputError(f"the bytes of a READ must be 1 to {MAX_LENGTH}, not {length}")
    command(Opcode.READ + space, tag=tag, address=address)  # looks at them
    if address + length > MAX_ADDRESS + 1:
        raise InputError(
            f"the last address must be at most {MAX_ADDRESS}, not {address + length - 1}"
        )
    return _header(Opcode.READ + space, tag, address, length)


def check(digest: int, tag: int) -> bytes:
    """The command CHECK: the network is there if its digest is this one.

    ``digest`` : the CRC-32 of the data of LOAD and of every WRITE behind it, 0 to 2**32 - 1.
    """
    if not 0 <= digest < 2**32:
        raise InputError(f"digest must be 0 to 2**32 - 1, not {digest}")
    return command(Opcode.CHECK, tag=tag, data=digest.to_bytes(4, "little"))


def learnt(digest: int, steps: int = 1) -> int:
    """The digest of a device that had ``digest``, after so many steps of learning.

    Each is a bit more, a 0, that goes into its CRC: it comes back to where it was only after
    2**32 - 1 steps.
    """
    register = digest ^ 0xFFFFFFFF
    for _ in range(steps):
        register = register >> 1 ^ (POLYNOMIAL if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def reply(tag: int, payload: bytes = b"", status: int = Status.OK) -> bytes:
    """The bytes of a reply, as the device sends it."""
    body = bytes([status, tag]) + payload
    return body + crc(body)


def parse_reply(content: bytes) -> Reply:
    """Read the bytes of one whole reply.

    Raises ``InputError`` where it is too short, its CRC is wrong or its status unknown, or where it
    has a payload though its status is not OK.
    """
    if len(content) < FEWEST_REPLY_BYTES:
        raise InputError(
            f"the reply must have at least {FEWEST_REPLY_BYTES} bytes, not {len(content)}"
        )
    body, found = bytes(content[:-CRC_BYTES]), bytes(content[-CRC_BYTES:])
    if crc(body) != found:
        raise InputError(f"the reply's CRC must be {crc(body).hex()}, not {found.hex()}")
    if body[0] not in list(Status):
        raise InputError(f"the reply's status must be 0 to {max(Status)}, not {body[0]}")
    status, payload = Status(body[0]), body[2:]
    if payload and status != Status.OK:
        raise InputError(f"a reply of status {status.name} must have no payload, not {payload!r}")
    return Reply(status, body[1], payload)


def logits(payload: bytes) -> np.ndarray:
    """The logits in an INFER payload: ``int32`` (images * n_L,), image after image.

    Raises ``InputError`` unless it is whole logits.
    """
    if len(payload) % 4:
        raise InputError(f"logits must be a multiple of 4 bytes, not {len(payload)}")
    return np.frombuffer(payload, "<i4").astype(np.int32)
