"""The bytes of commands and replies, by their description."""

import random
import zlib

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.frames import Opcode, Reply, Status


def test_the_crc_is_the_catalogue_s():
    assert frames.crc(b"123456789") == 0xCBF43926.to_bytes(4, "little")  # CRC-32/ISO-HDLC


def test_the_crc_bit_by_bit():
    content, register = random.Random(5).randbytes(100), 2**32 - 1
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    assert frames.crc(content) == (register ^ 2**32 - 1).to_bytes(4, "little")


def test_a_command_without_data():
    frame = frames.command(0x42, tag=0x17, address=0x030201)
    assert frame[:7] == bytes([0x42, 0x17, 1, 2, 3, 0, 0])
    assert len(frame) == frames.HEADER_BYTES
    assert int.from_bytes(frame[7:], "little") == zlib.crc32(frame[:7])


@pytest.mark.parametrize("size", [1, 255, 256, 65535])
def test_a_command_with_data(size):
    content = random.Random(size).randbytes(size)
    frame = frames.command(2, tag=255, data=content)
    assert frame[:7] == bytes([2, 255, 0, 0, 0, size % 256, size // 256])
    assert frame[11:-4] == content
    assert int.from_bytes(frame[-4:], "little") == zlib.crc32(frame[:-4])
    assert len(frame) == 15 + size


def test_each_command():
    inputs = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for frame, opcode, address, data in (
        (frames.identify(9), Opcode.IDENTIFY, 0, b""),
        (frames.infer(inputs, 9), Opcode.INFER, 0, bytes([0, 3, 1, 4, 2, 5])),
        (frames.infer(inputs[1], 9), Opcode.INFER, 0, bytes([3, 4, 5])),
        (frames.load(0x0102, 9), Opcode.LOAD, 0, b"\x02\x01"),
        (frames.check(0x01020304, 9), Opcode.CHECK, 0, b"\x04\x03\x02\x01"),
        (frames.write(Space.WEIGHTS, 5, b"ab", 9), 0x10, 5, b"ab"),
        (frames.write(Space.PROGRAM, 2**24 - 1, [7], 9), 0x12, 2**24 - 1, b"\x07"),
    ):
        assert frame == frames.command(opcode, tag=9, address=address, data=data)


def test_replies_there_and_back():
    assert frames.parse_reply(frames.reply(3, b"payload")) == Reply(Status.OK, 3, b"payload")
    for status in Status:
        answer = frames.reply(200, status=status)
        assert answer[:2] == bytes([status, 200])
        assert len(answer) == frames.FEWEST_REPLY_BYTES == 6
        assert frames.parse_reply(answer) == Reply(status, 200)


def test_logits():
    values = [-(2**31), 2**31 - 1, 0, -1]
    found = frames.logits(np.array(values, "<i4").tobytes())
    assert found.dtype == np.int32
    assert found.tolist() == values


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frames.command(256, tag=0), r"opcode must be 0 to 255, not 256"),
        (lambda: frames.command(1, tag=-1), r"tag must be 0 to 255, not -1"),
        (lambda: frames.command(1, tag=0, address=2**24), r"address must be 0 to 16777215, not"),
        (
            lambda: frames.command(1, tag=0, data=bytes(65536)),
            r"data must be at most 65535 bytes, not 65536",
        ),
        (
            lambda: frames.infer([1, 2], 0),
            r"activations must be uint8 of shape \(images, n\) or \(n,\), not int64 of \(2,\)",
        ),
        (lambda: frames.infer(np.zeros((1, 1, 4), np.uint8), 0), r"not uint8 of \(1, 1, 4\)"),
        (lambda: frames.load(0, 0), r"bytes of one INFER must be 1 to 65535, not 0"),
        (lambda: frames.load(65536, 0), r"bytes of one INFER must be 1 to 65535, not 65536"),
        (lambda: frames.write(Space.BIASES, 0, b"", 0), r"data of a WRITE must be 1 to 65535"),
        (
            lambda: frames.write(Space.BIASES, 2**24 - 1, b"ab", 0),
            r"the last address must be at most 16777215, not 16777216",
        ),
        (lambda: frames.check(2**32, 0), r"digest must be 0 to 2\*\*32 - 1, not 4294967296"),
        (lambda: frames.parse_reply(bytes(5)), r"reply must have at least 6 bytes, not 5"),
        (lambda: frames.parse_reply(bytes(6)), r"reply's CRC must be ff12d941, not 00000000"),
        (lambda: frames.parse_reply(frames.reply(0, status=7)), r"status must be 0 to 6, not 7"),
        (
            lambda: frames.parse_reply(frames.reply(0, b"a", status=1)),
            r"a reply of status HEADER must have no payload, not b'a'",
        ),
        (lambda: frames.logits(bytes(5)), r"logits must be a multiple of 4 bytes, not 5"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call()
