"""How a session begins and begins again: what answers, and what it is told to be."""

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Status
from sobolpath.host import Board, Damaged, NoReply, NotOurs, OtherVersion
from sobolpath.host.links import TwinLink
from sobolpath.host.session import Session
from tests.support.sessions import counted, identity

WHO = identity()


class Answers:
    """A device that answers each write with the next of some contents, then with the last."""

    def __init__(self, *contents):
        self.contents, self.tags = list(contents), []

    def take(self, data):
        self.tags.append(data[1])
        content = self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]
        return content(data[1]) if callable(content) else content

    def silence(self):
        return b""

    def line_break(self):
        pass


def start(*contents, retries=2):
    device = Answers(*contents)
    session = Session(TwinLink(device), retries=retries)
    try:
        session.start()
    finally:
        assert len(device.tags) == len(set(device.tags)) == retries + 1
    return session


def good(tag):
    return frames.reply(tag, WHO.payload())


def newer(tag):
    return frames.reply(tag, WHO.payload()[:2] + b"\5" + WHO.payload()[3:] + b"more")


OLD = bytes.fromhex("00535003030b0e0a0708000101 00fb")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", NoReply, r"^twin:: the device must answer, but nothing came: is it programmed, is"),
        (OLD, OtherVersion, r"^the device's protocol version must be 4, not 3: build and program"),
        (newer, OtherVersion, r"must be 4, not 5: build and program the board again, or use"),
        (b"hello, world" * 9, NotOurs, r"^what is at the port must be a sobolpath device, but the"),
        (b"ok", NotOurs, r"the reply must have 30 bytes, not 2|must have 6 bytes, not 2: "),
        (
            lambda tag: frames.reply(tag, b"XY" + WHO.payload()[2:]),
            NotOurs,
            r"^the device must identify itself with 24 bytes that begin with b'SP', not",
        ),
        (
            lambda tag: frames.reply(tag ^ 1, WHO.payload()),
            NotOurs,
            r"the reply's tag must be 3, not 2",
        ),
        (
            lambda tag: frames.reply(tag, status=Status.HEADER),
            NotOurs,
            r"the device received a damaged command \(HEADER\)",
        ),
    ],
)
def test_what_answers_is_none_of_ours(content, error, message):
    with pytest.raises(error, match=message):
        start(content)


@pytest.mark.parametrize("wrong", [b"", OLD, b"junk" * 20, newer])
def test_it_is_asked_again(wrong):
    session = start(wrong, wrong, good)
    assert session.identity == WHO


def test_a_line_that_is_never_quiet():
    link = TwinLink(Device(WHO))
    link.read = lambda most, seconds: (setattr(link, "_time", link._time + 0.01), b"x" * most)[1]
    with pytest.raises(NotOurs, match=r"^the line must become quiet after a break, but bytes keep"):
        Session(link).start()


def test_without_breaks_it_waits_for_silence():
    """Half a command is ended by silence, once for its answer and once to be heard again."""
    link = counted(WHO)
    link.can_break = False
    link.device.take(frames.write(0, 0, b"1234", 5)[:13])
    session = Session(link)
    assert session.start() == link.device.identity
    assert link.breaks == 0
    assert link.now() >= 0.2
    assert link.opcodes.count(1) <= 2


def test_a_device_that_stops_answering():
    link = counted(WHO)
    with Board(link=link, retries=2) as board:
        sent = len(link.opcodes)
        link.device.take = lambda data: b""
        with pytest.raises(NoReply, match=r"^twin:: the device must answer"):
            board.identify()
        assert len(link.opcodes) == sent + 3
        del link.device.take
        assert board.identify().lanes == WHO.lanes


def test_damaged_again_and_again():
    link = counted(WHO)
    with Board(link=link, retries=1) as board:
        true, link.device.take = link.device.take, lambda data: true(data)[:-1] + b"\0"
        with pytest.raises(Damaged, match=r"^the reply's CRC must be .*: look at the cable, or"):
            board.identify()


def test_retries_are_a_number():
    with pytest.raises(InputError, match=r"^retries must be at least 0, not -1$"):
        Session(TwinLink(Device(WHO)), retries=-1)
