"""The host protocol in software: what a driver sends, and how it reads the answers.

docs/host-protocol.md describes the bytes; ``boards.gateware.host`` is the hardware. A transaction
is a command and its reply; the reply is a status, a payload and a CRC-8 over every byte of the
transaction before it, in both directions. The commands WRITE are ``golden.machine.records``:
``write`` and ``load`` make them.
"""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from amaranth.lib.crc.catalog import CRC8_I_432_1
from amaranth.utils import exact_log2

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.image import interleaved
from sobolpath.golden.machine.records import RECORD
from sobolpath.golden.machine.records import load as load
from sobolpath.golden.machine.records import write as write
from sobolpath.golden.machine.schedule import Machine
from sobolpath.golden.path_order.image import PathOrderMachine
from sobolpath.hw.engines import Config
from sobolpath.hw.path_order.config import PathOrderConfig

VERSION = 3
MAGIC = b"SP"
CRC = CRC8_I_432_1(8)


class Command(IntEnum):
    """The first byte of a transaction; the low digits of a WRITE are its space."""

    IDENTIFY = 0x01
    INFER = 0x02
    WRITE = RECORD


class Status(IntEnum):
    """The first byte of a reply."""

    OK = 0x00
    UNKNOWN = 0xFF


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What IDENTIFY answers: the engine's sizes, as in ``hw.config.EngineConfig``, and two flags.

    ``images`` and ``input_width`` are powers of two, at most 2**15. ``registers`` : of its
    pipeline, which networks are packed for, at most 15. ``max_copies`` : a power of two, at most
    2**15, of a neuron of the last layer. See ``golden.machine.schedule.Machine``.

    ``path_order`` : it is the path-order engine, ``golden.path_order.image`` packs its networks.
    ``framing_error`` and ``overrun``: since the last IDENTIFY a byte came without its stop bit (a
    break is one), or came before the last one was taken.
    """

    lanes: int
    max_neurons: int
    weight_words: int
    bias_neurons: int
    max_outputs: int
    program_words: int
    requantizers: int
    images: int
    registers: int
    max_copies: int = 1
    input_width: int = 1
    path_order: bool = False
    framing_error: bool = False
    overrun: bool = False

    @classmethod
    def of(cls, config: Config) -> "Identity":
        """The identity of an engine made with ``config``."""
        sizes = {name: getattr(config, name) for name in (*SIZES, *PACKED)}
        return cls(**sizes, path_order=isinstance(config, PathOrderConfig))

    @classmethod
    def parse(cls, payload: bytes) -> "Identity":
        """Read an IDENTIFY payload of ``IDENTITY_BYTES``. Raises ``InputError``."""
        if len(payload) != IDENTITY_BYTES or payload[: len(MAGIC)] != MAGIC:
            raise InputError(
                f"the device must identify itself with {IDENTITY_BYTES} bytes that begin with "
                f"{MAGIC!r}, not {bytes(payload)!r}"
            )
        version, *digits, together, packed, flags = payload[len(MAGIC) :]
        if version != VERSION:
            raise InputError(
                f"the device's protocol version must be {VERSION}, not {version}; build it again"
            )
        sizes = {name: _size(digit) for name, digit in zip(SIZES, digits, strict=True)}
        names = "framing_error", "overrun", "path_order"
        errors = {name: bool(flags >> digit & 1) for digit, name in enumerate(names)}
        inputs = {"images": 1 << (together & 15), "input_width": 1 << (together >> 4)}
        pipeline = {"registers": packed & 15, "max_copies": 1 << (packed >> 4)}
        return cls(**sizes, **inputs, **pipeline, **errors)

    @property
    def machine(self) -> Machine | PathOrderMachine:
        """What networks are packed for: see ``pack`` of the engine's image."""
        if self.path_order:
            digits = exact_log2(self.max_neurons)
            return PathOrderMachine(
                lanes=self.lanes, address_bits=digits, input_width=self.input_width
            )
        return Machine.of(self)

    def payload(self) -> bytes:
        """The bytes that :meth:`parse` reads."""
        digits = bytes(_digit(getattr(self, name)) for name in SIZES)
        flags = self.framing_error | self.overrun << 1 | self.path_order << 2
        together = exact_log2(self.images) | exact_log2(self.input_width) << 4
        packed = self.registers | exact_log2(self.max_copies) << 4
        return MAGIC + bytes([VERSION]) + digits + bytes([together, packed, flags])


def _digit(size):
    """A size as a byte: its power of two in the low five bits, its odd factor, halved, above."""
    exponent = (size & -size).bit_length() - 1
    return exponent | size >> exponent + 1 << 5


def _size(digit):
    """The size that :func:`_digit` made a byte of."""
    return (digit >> 5 << 1 | 1) << (digit & 31)


PACKED = ("images", "input_width", "registers", "max_copies")  # half a byte each
SIZES = tuple(f.name for f in fields(Identity) if f.type is int and f.name not in PACKED)
IDENTITY_BYTES = len(MAGIC) + 1 + len(SIZES) + 3


def identify() -> bytes:
    """The command IDENTIFY; its payload is ``IDENTITY_BYTES`` long."""
    return bytes([Command.IDENTIFY])


def infer(inputs: np.ndarray) -> bytes:
    """The command INFER; 4 n_L bytes come back for each of the images that the device takes.

    ``inputs``: ``uint8`` (images, n_0), or (n_0,) for one, in natural neuron order: as many images
    as the device infers together.
    """
    inputs = np.asarray(inputs)
    if inputs.dtype != np.uint8 or inputs.ndim not in (1, 2):
        raise InputError(
            f"inputs must be uint8 of shape (images, n) or (n,), not {inputs.dtype} of "
            f"{inputs.shape}"
        )
    return bytes([Command.INFER]) + interleaved(inputs, np.atleast_2d(inputs).shape[0]).tobytes()


def reply(command: bytes, payload: bytes = b"", status: int = Status.OK) -> bytes:
    """The reply to ``command``, CRC included: what the device sends."""
    body = bytes([status]) + payload
    return body + bytes([CRC.compute(command + body)])


def payload(command: bytes, answer: bytes) -> bytes:
    """The payload of ``answer``, the reply to ``command``. Raises ``InputError``."""
    if len(answer) < 2:
        raise InputError(f"the reply must have at least 2 bytes, not {len(answer)}; send a break")
    if CRC.compute(command + answer[:-1]) != answer[-1]:
        raise InputError("the reply's CRC must be that of the transaction; send a break and repeat")
    if answer[0] != Status.OK:
        raise InputError(f"the device must know command {command[0]:#04x}; compare the versions")
    return bytes(answer[1:-1])


def logits(payload: bytes) -> np.ndarray:
    """The logits in an INFER payload: ``int32`` (images * n_L,), image after image."""
    return np.frombuffer(payload, "<i4").astype(np.int32)
