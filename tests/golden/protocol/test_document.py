"""The bytes of docs/host-protocol.md, run against the device in software."""

import re

import pytest

from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Opcode
from sobolpath.golden.protocol.identity import Identity
from sobolpath.hw.config import CONFIGS
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "host-protocol.md").read_text()
LINES = re.search(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
BYTES = [(line.split()[0], bytes.fromhex("".join(line.split()[1:]))) for line in LINES]
ICEBREAKER = Identity.of(
    CONFIGS["icebreaker"], clock_hz=48_000_000, divisor=48, overlap=True, flash=True
)


def test_the_session():
    """Each line's reply comes with its last byte."""
    device, replies = Device(ICEBREAKER), 0
    for (name, command), (what, reply) in zip(BYTES[::2], BYTES[1::2], strict=True):
        assert what == "reply"
        assert device.take(command[:-1]) == b""
        assert device.take(command[-1:]) == reply
        assert Opcode(command[0] & ~3 if command[0] > 15 else command[0]).name == name
        replies += 1
    assert replies == 6
    assert bytes(device.memories[Space.BIASES][16:20]) == b"\x01\x02\x03\x04"


def test_it_is_what_the_functions_make():
    """And what the text says: 128 bytes an INFER, one bias, the digest, 256 bytes."""
    (_, content) = next(pair for pair in BYTES if pair[0] == "CHECK")
    digest = int.from_bytes(content[11:15], "little")
    assert [command for _, command in BYTES[::2]] == [
        frames.identify(1),
        frames.load(128, 2),
        frames.write(Space.BIASES, 16, b"\x01\x02\x03\x04", 3),
        frames.check(digest, 4),
        frames.identify(5),
        frames.command(Opcode.INFER, tag=6, data=bytes(256))[: frames.HEADER_BYTES],
    ]
    found = frames.parse_reply(BYTES[9][1])
    identity = Identity.parse(found.payload)
    assert (identity.digest, identity.infer_bytes, identity.network) == (digest, 128, True)


@pytest.mark.parametrize("mhz", [12, 25, 40, 48, 50, 96])
def test_the_time_of_silence(mhz):
    """The shortest power of two of cycles above 50 ms is at most 100 ms."""
    cycles = 1 << (50_000 * mhz).bit_length()
    assert 50 < cycles / mhz / 1000 <= 100
    assert "the shortest power of two of clock cycles above 50 ms" in " ".join(PAGE.split())
    assert "so it is at most 100 ms" in " ".join(PAGE.split())
