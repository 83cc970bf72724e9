"""What a device says of itself: the payload of IDENTIFY, 24 bytes.

0-1      "SP"
2        the protocol's version
3-9      seven sizes, a byte each: see :func:`_digit`
10       log2 of images | log2 of input_width << 4
11       registers | log2 of max_copies << 4
12       flags of the device's kind: ``KINDS``, lowest bit first
13       flags of its state: ``STATES``
14-15    the clock in units of 10 kHz
16-17    clock cycles a bit of the serial line
18-19    bytes of one INFER
20-23    the digest of what was loaded
"""

from dataclasses import dataclass, fields
from typing import Any

from ..errors import InputError
from ..learn.schedule import Machine as LearnMachine
from ..machine.schedule import Machine
from ..path_order.image import PathOrderMachine
from ..topology.paths import log2_exact
from .frames import VERSION

MAGIC = b"SP"
IDENTITY_BYTES = 24
CLOCK_UNIT = 10_000  # Hz


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What IDENTIFY answers: the engine's sizes, the line, and what is loaded.

    Parameters
    ----------
    lanes, max_neurons, weight_words, bias_neurons, max_outputs, program_words, requantizers : as of
        ``hw.config.EngineConfig``, each a power of two or that times an odd number up to 15. The
        path-order engine tells the most paths of a junction in the place of bias_neurons: its
        biases stand behind the weights.
    images, input_width : powers of two, at most 2**15.
    registers : of its pipeline, which networks are packed for, at most 15.
    max_copies : a power of two, at most 2**15, of a neuron of the last layer.
    path_order : it is the path-order engine, ``golden.path_order.image`` packs its networks.
    overlap : two INFERs may be unanswered at a time. ``flash`` : it boots from a flash.
    learns : its engine learns, ``golden.learn.program`` packs its networks; ``two_ports`` : and has
        a memory of two ports for its weights; ``leaving`` : and has registers behind its sums
        (``golden.learn.schedule.Machine``). They are packed for that.
    framing_error, overrun : since the last IDENTIFY a byte came without its stop bit, or too soon.
    network : a network is there whose digest was checked. ``bad_boot`` : the flash had a bad one.
    clock_hz : the clock, a multiple of 10 kHz below 655.36 MHz; it is rounded to one.
    divisor : clock cycles a bit of the serial line; 0: there is none.
    infer_bytes : bytes of one INFER; 0: none was told since power-up.
    digest : the CRC-32 of the data of LOAD and of all WRITEs since, 0 at power-up.
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
    overlap: bool = False
    flash: bool = False
    learns: bool = False
    two_ports: bool = False
    leaving: bool = False
    framing_error: bool = False
    overrun: bool = False
    network: bool = False
    bad_boot: bool = False
    clock_hz: int = 0
    divisor: int = 0
    infer_bytes: int = 0
    digest: int = 0

    def __post_init__(self):
        units = (self.clock_hz + CLOCK_UNIT // 2) // CLOCK_UNIT
        object.__setattr__(self, "clock_hz", units * CLOCK_UNIT)
        for name, value in (("clock_hz", units), ("divisor", self.divisor)):
            if not 0 <= value < 2**16:
                most = (2**16 - 1) * (CLOCK_UNIT if name == "clock_hz" else 1)
                raise InputError(f"{name} must be 0 to {most}, not {getattr(self, name)}")

    @classmethod
    def of(cls, config: Any, **more: Any) -> "Identity":
        """The identity of an engine made with ``config``: anything that has the sizes' names.

        ``path_order`` is whether its machine is the path-order engine's, ``learns`` whether it is
        that of an engine that learns; ``more`` are other fields.
        """
        sizes = {name: getattr(config, name) for name in (*SIZES, *PACKED)}
        path_order = isinstance(config.machine, PathOrderMachine)
        if path_order:
            sizes["bias_neurons"] = config.max_paths
        learns = isinstance(config.machine, LearnMachine)
        kind = {"path_order": path_order, "learns": learns}
        kind |= {
            "two_ports": learns and config.ports == 2,
            "leaving": learns and config.machine.leaving > 0,
        }
        return cls(**{**sizes, **kind, **more})

    @classmethod
    def parse(cls, payload: bytes) -> "Identity":
        """Read the payload of IDENTIFY. Raises ``InputError``."""
        if len(payload) < 3 or payload[: len(MAGIC)] != MAGIC:
            raise InputError(
                f"the device must identify itself with {IDENTITY_BYTES} bytes that begin with "
                f"{MAGIC!r}, not {bytes(payload)!r}"
            )
        if payload[2] != VERSION:
            raise InputError(
                f"the device's protocol version must be {VERSION}, not {payload[2]}: build and "
                "program it again"
            )
        if len(payload) != IDENTITY_BYTES:
            raise InputError(
                f"the device must identify itself with {IDENTITY_BYTES} bytes, not {len(payload)}"
            )
        found: dict[str, Any] = {
            name: _size(digit) for name, digit in zip(SIZES, payload[3:10], strict=True)
        }
        together, packed = payload[10:12]
        for place, names in ((12, KINDS), (13, STATES)):
            found |= {name: bool(payload[place] >> digit & 1) for digit, name in enumerate(names)}

        def number(first, last):
            return int.from_bytes(payload[first : last + 1], "little")

        return cls(
            **found,
            images=1 << (together & 15),
            input_width=1 << (together >> 4),
            registers=packed & 15,
            max_copies=1 << (packed >> 4),
            clock_hz=number(14, 15) * CLOCK_UNIT,
            divisor=number(16, 17),
            infer_bytes=number(18, 19),
            digest=number(20, 23),
        )

    @property
    def machine(self) -> Machine | PathOrderMachine | LearnMachine:
        """What networks are packed for: see ``pack`` of the engine's image."""
        if self.path_order:
            digits = log2_exact(self.max_neurons, "max_neurons")
            return PathOrderMachine(
                lanes=self.lanes, address_bits=digits, input_width=self.input_width
            )
        if self.learns:
            return LearnMachine(
                lanes=self.lanes,
                requantizers=self.requantizers,
                ports=1 + self.two_ports,
                registers=self.registers,
                leaving=int(self.leaving),
                rows=2 * self.max_neurons // self.lanes,
                error_rows=self.bias_neurons // self.lanes,
                input_width=self.input_width,
            )
        return Machine.of(self)

    @property
    def baud(self) -> int:
        """Bits a second of the serial line, rounded; 0 where there is none."""
        return round(self.clock_hz / self.divisor) if self.divisor else 0

    def payload(self) -> bytes:
        """The bytes that :meth:`parse` reads."""
        sizes = bytes(_digit(getattr(self, name)) for name in SIZES)
        together = _exponent(self, "images") | _exponent(self, "input_width") << 4
        packed = self.registers | _exponent(self, "max_copies") << 4
        flags = [
            sum(getattr(self, name) << digit for digit, name in enumerate(names))
            for names in (KINDS, STATES)
        ]
        numbers = (
            (self.clock_hz // CLOCK_UNIT, 2),
            (self.divisor, 2),
            (self.infer_bytes, 2),
            (self.digest, 4),
        )
        tail = b"".join(value.to_bytes(size, "little") for value, size in numbers)
        return MAGIC + bytes([VERSION]) + sizes + bytes([together, packed, *flags]) + tail


def _exponent(identity, name):
    return log2_exact(getattr(identity, name), name)


def _digit(size):
    """A size as a byte: its power of two in the low five bits, its odd factor, halved, above."""
    exponent = (size & -size).bit_length() - 1
    return exponent | size >> exponent + 1 << 5


def _size(digit):
    """The size that :func:`_digit` made a byte of."""
    return (digit >> 5 << 1 | 1) << (digit & 31)


PACKED = ("images", "input_width", "registers", "max_copies")  # half a byte each
#: The seven sizes, in the order of their bytes.
SIZES = tuple(field.name for field in fields(Identity))[:7]
#: The flags of byte 12 and of byte 13, from the lowest bit on.
KINDS = ("path_order", "overlap", "flash", "learns", "two_ports", "leaving")
STATES = ("framing_error", "overrun", "network", "bad_boot")
