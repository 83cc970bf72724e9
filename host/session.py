"""One device at the end of one link: commands, their replies, and the way back from any doubt.

A reply that is late, damaged, of another command or not good raises :class:`.errors.Doubt`. Then
nothing is known of what the device received. :meth:`Session.recover` begins again: a break (or
silence, on a link that has none), what arrives is dropped until the line is quiet, and IDENTIFY
must be answered. :meth:`Session.persist` does so, and repeats what was to be done, a bounded number
of times.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.frames import Status
from sobolpath.golden.protocol.identity import IDENTITY_BYTES, MAGIC, Identity

from .errors import Damaged, Doubt, HostError, NoReply, NotOurs, OtherVersion, Refused
from .links import BITS, SILENCE, Link

SLACK = 2.0  # times the line's own time
DRAINED = 5.0  # seconds in which the line becomes quiet
ADVICE = ": look at the cable, or use a lower baud rate"

T = TypeVar("T")
#: What the device says where the bytes went wrong on their way to it.
GARBLED = (Status.HEADER, Status.DATA, Status.SILENCE)


@dataclass(frozen=True)
class Waiting:
    """A command without its reply yet: its ``tag``, and the bytes of payload that are expected."""

    opcode: int
    tag: int
    payload: int


class Session:
    """Commands over ``link``.

    Parameters
    ----------
    link : what carries the bytes; the session does not close it.
    retries : how often something is repeated after the first time, 0 or more.

    Members
    -------
    identity : what the last IDENTIFY said; ``None`` before the first.
    """

    def __init__(self, link: Link, *, retries: int = 3) -> None:
        if retries < 0:
            raise InputError(f"retries must be at least 0, not {retries}")
        self.link = link
        self.retries = retries
        self.identity: Identity | None = None
        self._waiting: deque[Waiting] = deque()
        self._under_way = 0  # bytes, of commands and of their replies
        self._tag = 0
        self._sure = False

    def post(self, make: Callable[[int], bytes], payload: int) -> None:
        """Send the command that ``make`` makes for a tag; its reply has ``payload`` bytes if good.

        Raises ``Doubt`` where it cannot be sent in time, ``Unplugged`` where the port went away.
        """
        self._sure = False
        self._tag = (self._tag + 1) % 256
        frame = make(self._tag)
        self._waiting.append(Waiting(frame[0], self._tag, payload))
        self._under_way += len(frame) + frames.FEWEST_REPLY_BYTES + payload
        self.link.write(frame)

    def collect(self) -> bytes:
        """The payload of the oldest reply that is missing. Raises ``Doubt`` and ``Unplugged``."""
        asked = self._waiting[0]
        content = self._read_reply(asked)
        self._waiting.popleft()
        if not self._waiting:
            self._under_way, self._sure = 0, True
        return content

    def ask(self, make: Callable[[int], bytes], payload: int = 0) -> bytes:
        """Send a command, and wait for its reply: the payload. Raises as these two do."""
        self.post(make, payload)
        return self.collect()

    def identify(self) -> Identity:
        """What the device says of itself now. Raises ``Doubt`` and ``Unplugged``."""
        payload = self.ask(frames.identify, IDENTITY_BYTES)
        try:
            self.identity = Identity.parse(payload)
        except InputError as error:
            self._sure = False
            raise Doubt(_stranger(payload, str(error))) from None
        return self.identity

    def recover(self) -> Identity:
        """Begin again, whatever was before. Raises ``Doubt`` where there is no answer."""
        self._sure = False
        self._waiting.clear()
        self._under_way = 0
        link = self.link
        if link.can_break:
            link.send_break()
            quiet = link.quiet
        else:  # half a command: SILENCE answers it, and then the device waits for silence again
            quiet = 2.5 * SILENCE
        end = link.now() + DRAINED
        while link.read(4096, quiet):
            if link.now() > end:
                raise Doubt(
                    NotOurs("the line must become quiet after a break, but bytes keep coming")
                )
        return self.identify()

    def settle(self) -> bool:
        """Recover if anything is in doubt, as after an exception; whether that had to be."""
        if self._sure:
            return False
        self.recover()
        return True

    def doubt(self) -> None:
        """Whatever comes next begins with :meth:`recover`."""
        self._sure = False

    def persist(self, action: Callable[[], T]) -> T:
        """Do ``action``, and again after a doubt: ``retries`` times, then raise what was wrong."""
        for left in reversed(range(self.retries + 1)):
            try:
                self.settle()
                return action()
            except Doubt as doubt:
                self._sure = False
                if not left:
                    raise doubt.error from None
            except BaseException:
                self._sure = False
                raise
        raise AssertionError  # the last round returns or raises

    def start(self) -> Identity:
        """Find the device. Raises ``NoReply``, ``NotOurs``, ``OtherVersion``, ``Unplugged``."""
        self._sure = False
        try:
            self.persist(lambda: None)
        except Damaged as error:
            if self.identity is None:
                raise NotOurs(
                    "what is at the port must be a sobolpath device, but "
                    f"{str(error).removesuffix(ADVICE)}: compare the baud rate with that of the "
                    "build"
                ) from None
            raise
        assert self.identity is not None
        return self.identity

    def _patience(self):
        """Seconds in which all that is under way must have arrived."""
        cycles = 0.0
        if self.identity is not None and self.identity.clock_hz:
            each = 64 if self.identity.learns else 16  # a step goes through all weights three times
            cycles = each * self.identity.weight_words / self.identity.clock_hz
        line = BITS * self._under_way / self.link.baud if self.link.baud else 0.0
        return self.link.margin + self.link.pace * (SLACK * line + cycles)

    def _read_reply(self, asked):
        """The bytes of the reply to ``asked``, read and checked: its payload."""
        end = self.link.now() + self._patience()
        got = self._read(bytearray(), frames.FEWEST_REPLY_BYTES, end, asked)
        if got[0] == Status.OK and asked.payload:
            self._read(got, frames.FEWEST_REPLY_BYTES + asked.payload, end, asked)
        try:
            reply = frames.parse_reply(bytes(got))
        except InputError as error:
            raise Doubt(_damaged(asked, got, str(error))) from None
        if reply.tag != asked.tag:
            what = f"the reply's tag must be {asked.tag}, not {reply.tag}"
            raise Doubt(_damaged(asked, got, what))
        if reply.status in GARBLED:
            what = f"the device received a damaged command ({reply.status.name})"
            raise Doubt(_damaged(asked, got, what))
        if reply.status != Status.OK:
            raise Doubt(_refused(asked, reply.status))
        return reply.payload

    def _read(self, got, count, end, asked):
        """Read until ``got`` has ``count`` bytes. Raises ``Doubt`` at the time ``end``."""
        while len(got) < count:
            left = end - self.link.now()
            part = self.link.read(count - len(got), max(left, 0.0))
            got += part
            if not part and self.link.now() >= end:
                if got:
                    what = f"the reply must have {count} bytes, not {len(got)}"
                    raise Doubt(_damaged(asked, got, what))
                raise Doubt(_silent(self.link))
        return got


def _silent(link: Link) -> HostError:
    rate = f" at {link.baud:,} baud" if link.baud else ""
    return NoReply(
        f"{link.name}: the device must answer, but nothing came{rate}: is it programmed, is this "
        "its port, and is the baud rate that of the build?"
    )


def _damaged(asked: Waiting, got: bytearray, what: str) -> HostError:
    """The error for a reply that is not as it must be."""
    if asked.opcode == frames.Opcode.IDENTIFY:
        for start in (1, 2):  # version 3 has no tags
            if got[start : start + len(MAGIC)] == MAGIC and len(got) > start + len(MAGIC):
                found = got[start + len(MAGIC)]
                if found != frames.VERSION:
                    return _version(found)
    return Damaged(f"{what}{ADVICE}")


def _stranger(payload: bytes, what: str) -> HostError:
    """The error for a whole reply to IDENTIFY that does not identify one of ours."""
    if payload[: len(MAGIC)] == MAGIC and payload[len(MAGIC)] != frames.VERSION:
        return _version(payload[len(MAGIC)])
    return NotOurs(what)


def _version(found: int) -> HostError:
    return OtherVersion(
        f"the device's protocol version must be {frames.VERSION}, not {found}: build and program "
        "the board again, or use the sobolpath that built it"
    )


def _refused(asked: Waiting, status: Status) -> HostError:
    name = f"WRITE to space {asked.opcode - frames.Opcode.WRITE}"
    if asked.opcode >= frames.Opcode.READ:
        name = f"READ of space {asked.opcode - frames.Opcode.READ}"
    if asked.opcode in list(frames.Opcode)[:4]:
        name = frames.Opcode(asked.opcode).name
    return Refused(
        f"the device must take the command {name}, but it refuses it ({status.name}): build and "
        "program it again"
    )
