"""A device in software: bytes in, bytes out, with memories of its own.

It answers as the hardware does (``boards.gateware``), but at once: a reply comes out with the last
byte of its command. INFER is computed from what the memories hold.
"""

import zlib
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..learn import interpret as learn
from ..learn.task import Task
from ..machine import interpret as row_lane
from ..machine.image import Space
from ..machine.interpret import Hangs
from ..path_order import interpret as path_order
from . import boot, frames
from .frames import CRC_BYTES, HEADER_BYTES, Opcode, Status
from .identity import STATES, Identity

#: The length of each command's data but INFER's, WRITE's and READ's.
LENGTHS: dict[int, int] = {Opcode.IDENTIFY: 0, Opcode.LOAD: 2, Opcode.CHECK: 4}
WRITES: dict[int, Space] = {Opcode.WRITE + space: space for space in Space}
READS: dict[int, Space] = {Opcode.READ + space: space for space in frames.READABLE}


def sizes(identity: Identity) -> dict[Space, int]:
    """Bytes of each space of a device; of one that it does not have, 0."""
    planes = 1 + identity.learns  # of bytes: the high one, and the low one
    return {
        Space.WEIGHTS: planes * identity.weight_words * identity.lanes,
        Space.BIASES: 0 if identity.path_order else 4 * identity.bias_neurons,
        Space.PROGRAM: 2 * identity.program_words,
    }


@lru_cache(maxsize=32)
def _interpreted(identity, weights, biases, program):
    """The program in the memories, once for each content: None where it is none."""
    engine = path_order if identity.path_order else row_lane
    return engine.interpret(identity, weights, biases, program)


@lru_cache(maxsize=32)
def _learning(identity, program):
    """The same of an engine that learns: its program alone."""
    return learn.interpret(identity, program)


class Device:
    """The twin of a device with a host port.

    A network that is none makes its engine hang: such an INFER, and all that follows, is not
    answered until a break. Memories are 0 when the power comes.

    Parameters
    ----------
    identity : its sizes; the fields that tell a state are not looked at.
    flash : the bytes of its boot flash from where an image belongs on; what lies behind them reads
        as FF.

    Members
    -------
    memories : the bytes of each space. :meth:`poke` changes them.
    network, digest, infer_bytes : as of ``golden.protocol.identity.Identity``.
    """

    def __init__(self, identity: Identity, flash: bytes = b""):
        self._kind = replace(
            identity,
            flash=identity.flash or bool(flash),
            **dict.fromkeys(STATES, False),
            infer_bytes=0,
            digest=0,
        )
        self._flash = bytes(flash)
        self.memories = {space: bytearray(size) for space, size in sizes(identity).items()}
        self._program = None  # what the memories hold; none but where _known
        self._known = False
        self.reset()

    def reset(self) -> None:
        """As at power-up, and the flash is read again; but the memories keep their content."""
        self.digest, self.infer_bytes, self.network = 0, 0, False
        self._framing_error = self._overrun = self.bad_boot = False
        self._tag = 0
        self._restart()
        self.bad_boot = boot.read(self._flash, self.take)
        self._restart()

    @property
    def identity(self) -> Identity:
        """What IDENTIFY answers now."""
        return replace(
            self._kind,
            framing_error=self._framing_error,
            overrun=self._overrun,
            network=self.network,
            bad_boot=self.bad_boot,
            infer_bytes=self.infer_bytes,
            digest=self.digest,
        )

    def poke(self, space: Space, address: int, data: bytes) -> None:
        """Change bytes of a memory behind the protocol's back."""
        self.memories[space][address : address + len(data)] = data
        self._known = False

    def take(self, data: bytes) -> bytes:
        """Bytes come; the bytes of the replies that they cause."""
        out, place = bytearray(), 0
        while place < len(data) and not self._deaf:
            if len(self._header) < HEADER_BYTES:
                part = data[place : place + HEADER_BYTES - len(self._header)]
                self._header += part
                if len(self._header) > 1:
                    self._tag = self._header[1]
                if len(self._header) == HEADER_BYTES:
                    out += self._begin()
            elif self._left:
                part = data[place : place + self._left]
                self._crc = zlib.crc32(part, self._crc)
                self._left -= len(part)
                out += self._data(part)
            else:
                part = data[place : place + CRC_BYTES - len(self._check)]
                self._check += part
                if len(self._check) == CRC_BYTES:
                    out += self._end()
            place += len(part)
        return bytes(out)

    def line_break(self) -> None:
        """The line was at 0 for 20 bits: the next byte is a command."""
        self._restart()

    def line_error(self, *, overrun: bool = False) -> None:
        """A byte came without its stop bit, or one was lost: all are dropped until a break."""
        self._framing_error |= not overrun
        self._overrun |= overrun
        self._restart()
        self._deaf = True

    def silence(self) -> bytes:
        """No byte came for T: half a command is answered, and dropping ends."""
        if self._hangs:
            return b""
        if self._deaf:
            self._restart()
            return b""
        return self._refuse(Status.SILENCE) if self._header else b""

    def _restart(self):
        """The next byte is a command's first."""
        self._header = bytearray()
        self._check, self._content = bytearray(), bytearray()
        self._left, self._crc, self._address = 0, 0, 0
        self._deaf = self._hangs = False

    def _refuse(self, status):
        """Any answer but OK: bytes are dropped from now on."""
        self._restart()
        self._deaf = True
        return frames.reply(self._tag, status=status)

    def _answer(self, payload=b""):
        self._restart()
        return frames.reply(self._tag, payload)

    def _begin(self):
        """A header is there."""
        opcode, length = self._header[0], int.from_bytes(self._header[5:7], "little")
        self._address = int.from_bytes(self._header[2:5], "little")
        self._left, self._crc = length, zlib.crc32(self._header)
        if frames.crc(self._header[:-CRC_BYTES]) != self._header[-CRC_BYTES:]:
            return self._refuse(Status.HEADER)
        if opcode == Opcode.INFER:
            right = self.network and length == self.infer_bytes and length > 0
            return b"" if right else self._refuse(Status.NETWORK)
        space = WRITES.get(opcode)
        if space is None and self._kind.learns:
            space = READS.get(opcode)
        if space is not None:
            if not length:
                return self._refuse(Status.COMMAND)
            if self._address >= len(self.memories[space]):
                return self._refuse(Status.ADDRESS)
        elif LENGTHS.get(opcode) != length:
            return self._refuse(Status.COMMAND)
        if opcode == Opcode.IDENTIFY:
            payload = self.identity.payload()
            self._framing_error = self._overrun = False
            return self._answer(payload)
        if opcode in READS:
            memory = self.memories[READS[opcode]]
            places = (np.arange(length) + self._address) % len(memory)
            return self._answer(np.frombuffer(memory, np.uint8)[places].tobytes())
        self.network = False
        if opcode == Opcode.LOAD:
            self.digest = 0
        return b""

    def _data(self, part):
        """Some data is there: of a WRITE it goes to its memory at once."""
        opcode = self._header[0]
        if opcode in WRITES:
            memory, first = self.memories[WRITES[opcode]], self._address
            kept = part[: len(memory) - first]
            memory[first : first + len(kept)] = kept
            self._known, self._address = False, first + len(kept)
            self.digest = zlib.crc32(kept, self.digest)
            return b"" if len(kept) == len(part) else self._refuse(Status.ADDRESS)
        self._content += part
        if opcode == Opcode.LOAD:
            self.digest = zlib.crc32(part, self.digest)
            if not self._left:
                self.infer_bytes = int.from_bytes(self._content, "little")
        return b""

    def _end(self):
        """A frame with data is there."""
        opcode = self._header[0]
        if self._check != self._crc.to_bytes(CRC_BYTES, "little"):
            return self._refuse(Status.DATA)
        if opcode == Opcode.CHECK:
            self.network = int.from_bytes(self._content, "little") == self.digest
            return self._answer() if self.network else self._refuse(Status.NETWORK)
        if opcode == Opcode.INFER:
            return self._infer()
        return self._answer()

    def _infer(self):
        if self._kind.learns:
            return self._learn()
        if not self._known:
            contents = (bytes(self.memories[space]) for space in Space)
            self._program, self._known = _interpreted(self._kind, *contents), True
        program = self._program
        if program is None or program.infer_bytes != len(self._content):
            return self._hang()
        logits = program.infer(np.frombuffer(self._content, np.uint8))
        return self._answer(logits.astype("<i4").tobytes())

    def _learn(self):
        """An inference, and where the command says so a step."""
        program = _learning(self._kind, bytes(self.memories[Space.PROGRAM]))
        if program is None or program.infer_bytes != len(self._content):
            return self._hang()
        task = Task.of(self._address)
        weights, biases = self.memories[Space.WEIGHTS], self.memories[Space.BIASES]
        try:
            logits = program.run(weights, biases, np.frombuffer(self._content, np.uint8), task)
        except Hangs:
            return self._hang()
        if task is not None:
            self.digest = frames.learnt(self.digest)
        return self._answer(logits.astype("<i4").tobytes())

    def _hang(self):
        """Nothing is answered until a break."""
        self._restart()
        self._deaf = self._hangs = True
        return b""
