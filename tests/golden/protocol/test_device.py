"""The device in software: every answer that the protocol has, and what a break keeps."""

from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import Device, sizes
from sobolpath.golden.protocol.frames import Opcode, Status
from tests.support.loaded import ENGINES, asked, bad, bare, loaded, logits, small, split, status

IDENTITY = small("row-lane")[0]
INFER = frames.infer(small("row-lane")[2], 9)
SIZE = sizes(IDENTITY)[Space.PROGRAM]


@pytest.fixture(params=ENGINES)
def name(request):
    return request.param


class TestGood:
    def test_from_power_up_to_logits(self, name):
        identity, net, images, wanted = small(name)
        device = Device(identity)
        assert asked(device) == identity
        for frame in net.frames():
            assert not device.network
            device.take(frame)
        assert asked(device) == replace(
            identity, network=True, infer_bytes=net.infer_bytes, digest=net.digest
        )
        for _ in range(3):
            assert np.array_equal(logits(device, images), wanted)

    def test_one_network_after_the_other(self, name):
        """The second has other weights: it infers what a device does that has only ever had it."""
        identity, net, images, wanted = small(name)
        (space, address, content), *rest = net.records
        other = replace(net, records=((space, address, content[::-1]), *rest))
        device, fresh = loaded(name), Device(identity)
        assert np.array_equal(logits(device, images), wanted)
        for own in (device, fresh):
            own.take(b"".join(other.frames()))
        found = logits(device, images)
        assert np.array_equal(found, logits(fresh, images))
        assert not np.array_equal(found, wanted)

    def test_memories(self):
        device = Device(IDENTITY)
        for space, size in sizes(IDENTITY).items():
            content = bytes(range(5))
            for address in (0, size - 5, 3):
                assert status(device.take(frames.write(space, address, content, 1))) == Status.OK
                assert device.memories[space][address : address + 5] == content
            assert len(device.memories[space]) == size

    def test_the_address_of_other_commands_is_ignored(self, name):
        device = loaded(name)
        _, net, images, wanted = small(name)
        frame = frames.infer(images, 3)
        for opcode, data, payload in (
            (Opcode.IDENTIFY, b"", device.identity.payload()),
            (Opcode.INFER, frame[11:-4], wanted.tobytes()),
            (Opcode.CHECK, net.digest.to_bytes(4, "little"), b""),
        ):
            command = frames.command(opcode, tag=3, address=0x123456, data=data)
            assert device.take(command) == frames.reply(3, payload)

    def test_two_inferences_in_a_row(self, name):
        _, _, images, wanted = small(name)
        commands = [frames.infer(images ^ number, number) for number in range(2)]
        first, second = split(loaded(name).take(b"".join(commands)), [wanted.nbytes] * 2)
        assert (first.tag, second.tag) == (0, 1)
        assert first.payload == wanted.tobytes()
        assert np.array_equal(
            frames.logits(second.payload).reshape(wanted.shape), logits(loaded(name), images ^ 1)
        )


class TestRefused:
    """Each case: what is sent, and the status; the answer comes with the last byte of it."""

    DIGEST = small("row-lane")[1].digest

    @pytest.mark.parametrize(
        ("sent", "wanted"),
        [
            (bad(frames.identify(9), 0), Status.HEADER),
            (bad(frames.identify(9), 10), Status.HEADER),
            *((bare(opcode, 0), Status.COMMAND) for opcode in (0, 5, 0x0F, 0x13, 0xFF)),
            *((bare(Opcode.IDENTIFY, length), Status.COMMAND) for length in (1, 256, 65535)),
            *((bare(Opcode.LOAD, length), Status.COMMAND) for length in (0, 1, 3, 0x102)),
            *((bare(Opcode.CHECK, length), Status.COMMAND) for length in (0, 3, 5, 0x104)),
            *((bare(Opcode.WRITE + space, 0), Status.COMMAND) for space in Space),
            *((bare(Opcode.INFER, length), Status.NETWORK) for length in (0, 31, 33, 256 + 32)),
            (bad(frames.load(32, 9), 14), Status.DATA),
            (bad(frames.write(Space.PROGRAM, 0, b"abc", 9), 12), Status.DATA),
            (bad(frames.check(DIGEST, 9), 18), Status.DATA),
            (bad(INFER, 20), Status.DATA),
            (bare(0x12, 1, address=SIZE), Status.ADDRESS),
            (bare(0x12, 1, address=2**24 - 1), Status.ADDRESS),
            (frames.write(Space.PROGRAM, SIZE - 2, b"abc", 9)[: 11 + 3], Status.ADDRESS),
            (frames.check(DIGEST ^ 1, 9), Status.NETWORK),
        ],
    )
    def test_and_dropping_until_a_break_or_silence(self, sent, wanted):
        for ends in (Device.line_break, Device.silence):
            device = loaded("row-lane")
            *before, last = (sent[n : n + 1] for n in range(len(sent)))
            assert [device.take(byte) for byte in before] == [b""] * len(before)
            answer = device.take(last)
            assert status(answer) == wanted
            assert answer[1] == (sent[1] if wanted == Status.HEADER else 9)
            assert device.take(frames.identify(1) * 3) == b""
            assert not ends(device)
            assert asked(device).lanes == IDENTITY.lanes

    def test_tag_of_a_bad_header(self):
        assert Device(IDENTITY).take(bad(frames.identify(9), 1))[:2] == bytes([Status.HEADER, 8])

    def test_an_inference_without_a_network(self):
        device = Device(IDENTITY)
        assert status(device.take(INFER[:11])) == Status.NETWORK

    def test_an_inference_of_no_bytes(self):
        """A LOAD may say 0, but no INFER has as few."""
        device = Device(IDENTITY)
        digest = int.from_bytes(frames.crc(bytes(2)), "little")
        assert status(device.take(frames.command(Opcode.LOAD, tag=9, data=bytes(2)))) == Status.OK
        assert status(device.take(frames.check(digest, 9))) == Status.OK
        assert status(device.take(bare(Opcode.INFER, 0))) == Status.NETWORK

    def test_silence_in_half_a_command(self):
        frame = frames.write(Space.PROGRAM, 0, b"abc", 9)
        for size in range(2, len(frame)):
            device = loaded("row-lane")
            assert device.take(frame[:size]) == b""
            assert device.silence() == frames.reply(9, status=Status.SILENCE)
            assert device.take(frames.identify(1)) == b""
            assert device.silence() == b""
            assert device.silence() == b""
            assert asked(device).network == (size < 11)

    def test_the_device_has_no_such_memory(self):
        device = Device(small("path-order")[0])
        assert status(device.take(bare(0x11, 1))) == Status.ADDRESS

    def test_a_write_up_to_the_end_and_beyond(self):
        device = Device(IDENTITY)
        sent = frames.write(Space.PROGRAM, SIZE - 2, b"abc", 9)
        assert status(device.take(sent)) == Status.ADDRESS
        assert device.memories[Space.PROGRAM][-2:] == b"ab"


class TestNetworkIsThere:
    """Only after a good CHECK, and until anything else is written or begun."""

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            (frames.identify(0), True),
            (bare(0x12, 1, address=SIZE), True),
            (bare(Opcode.LOAD, 3), True),
            (bad(frames.load(32, 0), 0), True),
            (frames.load(32, 0)[:10], True),
            (frames.load(32, 0)[:11], False),
            (frames.write(Space.WEIGHTS, 0, b"a", 0)[:11], False),
            (frames.check(0, 0)[:11], False),
            (frames.check(0, 0), False),
            (frames.check(small("row-lane")[1].digest, 0), True),
            (bad(frames.check(small("row-lane")[1].digest, 0), 18), False),
        ],
    )
    def test_after(self, sent, kept):
        device = loaded("row-lane")
        device.take(sent)
        device.line_break()
        assert device.network == kept == asked(device).network
        answer = device.take(INFER)
        assert answer[0] == (Status.OK if kept else Status.NETWORK)

    def test_a_network_can_be_checked_again(self):
        device, net = loaded("row-lane"), small("row-lane")[1]
        assert status(device.take(frames.check(net.digest ^ 1, 0))) == Status.NETWORK
        device.line_break()
        assert status(device.take(frames.check(net.digest, 0))) == Status.OK
        assert device.network

    def test_the_digest_is_of_what_was_taken(self):
        """In the order taken; headers are not in it, nor is a byte behind the memory."""
        device, net = Device(IDENTITY), small("row-lane")[1]
        frame = frames.write(Space.PROGRAM, SIZE - 1, b"ab", 0)
        device.take(frames.load(net.infer_bytes, 0) + frame)
        wanted = int.from_bytes(frames.crc(net.infer_bytes.to_bytes(2, "little") + b"a"), "little")
        assert device.digest == wanted

    def test_bytes_of_one_inference(self):
        device = loaded("row-lane")
        device.take(frames.load(0x0102, 0))
        assert (device.infer_bytes, device.network) == (0x0102, False)
        device.line_break()
        assert device.infer_bytes == 0x0102
        device.reset()
        assert (device.infer_bytes, device.digest, device.network) == (0, 0, False)
