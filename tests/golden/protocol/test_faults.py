"""Faults on the line, at the level of bytes: an error or the right answer, never a wrong one."""

import random

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import Device
from tests.support.loaded import ENGINES, loaded, small

pytestmark = pytest.mark.timeout(120)


def recovers(device, name):
    """After a break and the network once more, the logits are right."""
    _, net, images, wanted = small(name)
    device.line_break()
    assert device.take(frames.identify(0))[:2] == b"\x00\x00"
    device.line_break()
    for tag, frame in enumerate(net.frames()):
        assert device.take(frame) == frames.reply(tag)
    assert device.take(frames.infer(images, 1)) == frames.reply(1, wanted.tobytes())
    return True


@pytest.mark.parametrize("name", ENGINES)
def test_every_flipped_bit_of_every_command(name):
    """No command with a flipped bit is answered OK, and no network is taken for another."""
    _, net, images, _ = small(name)
    statuses, flips = {}, 0
    for frame in [*net.frames(), frames.identify(3), frames.infer(images, 4)]:
        for bit in range(8 * len(frame)):
            flipped = bytearray(frame)
            flipped[bit // 8] ^= 1 << bit % 8
            device = loaded(name)
            answer = frames.parse_reply(device.take(bytes(flipped)))
            assert answer.status != frames.Status.OK
            statuses[answer.status.name] = statuses.get(answer.status.name, 0) + 1
            assert device.identity.digest == net.digest or not device.network
            flips += 1
            if bit % 50 == 0:
                assert recovers(device, name)
    assert set(statuses) == {"HEADER", "DATA"}
    assert sum(statuses.values()) == flips > 2000


def test_every_flipped_bit_of_every_reply():
    _, _, images, wanted = small("row-lane")
    device, found = loaded("row-lane"), 0
    replies = [device.take(frames.identify(1)), device.take(frames.infer(images, 2))]
    replies += [frames.reply(3, status=status) for status in frames.Status]
    assert replies[1] == frames.reply(2, wanted.tobytes())
    for reply in replies:
        for bit in range(8 * len(reply)):
            flipped = bytearray(reply)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(InputError, match="the reply's CRC must be"):
                frames.parse_reply(bytes(flipped))
            found += 1
    assert found == 8 * sum(map(len, replies)) > 1000


def test_two_bits_and_bursts():
    """Version 3 missed two bits 127 apart, and bursts of four bytes: here none of 20,000 pass."""
    rng = random.Random(4)
    reply = frames.reply(2, rng.randbytes(128))
    for number in range(20_000):
        flipped = bytearray(reply)
        first = rng.randrange(8 * len(reply) - 127)
        if number % 2:
            for bit in (first, first + 127):
                flipped[bit // 8] ^= 1 << bit % 8
        else:
            first //= 8
            burst = rng.randbytes(3) + bytes([rng.randrange(1, 256)])
            for place, byte in enumerate(burst):
                flipped[first + place] ^= byte
        with pytest.raises(InputError, match="the reply's CRC must be"):
            frames.parse_reply(bytes(flipped))


@pytest.mark.parametrize("name", ENGINES)
def test_bytes_lost_doubled_or_swapped(name):
    """In a whole session that goes on as if nothing was: either all of it is answered as ever, or
    not all is good; and a break and the network again bring the right logits."""
    identity, net, images, wanted = small(name)
    rng, kept = random.Random(8), 0
    session = b"".join([*net.frames(), frames.infer(images, 200)])
    answers = Device(identity).take(session)
    assert answers.endswith(frames.reply(200, wanted.tobytes()))
    for number in range(1500):
        damaged, place = bytearray(session), rng.randrange(len(session) - 1)
        if number % 3 == 0:
            del damaged[place]
        elif number % 3 == 1:
            damaged.insert(place, damaged[place])
        else:
            damaged[place : place + 2] = damaged[place : place + 2][::-1]
        device = Device(identity)
        found = device.take(bytes(damaged)) + device.silence()
        if damaged == session:
            kept += 1
            assert found == answers
        else:
            assert not found.endswith(answers[-20:]), (number, place)
            assert not device.network or device.digest == net.digest
        if number % 20 == 0:
            assert recovers(device, name)
    assert kept < 400


def test_a_million_random_bytes():
    """With silence now and then, so that many headers are looked at; then a good command."""
    device, rng, statuses = loaded("row-lane"), random.Random(2), set()
    for _ in range(40_000):
        answer = device.take(rng.randbytes(25)) + device.silence()
        statuses.add(frames.parse_reply(answer).status.name if answer else None)
    assert device.network
    assert statuses == {"HEADER"} | (statuses & {"SILENCE", None})
    assert recovers(device, "row-lane")


def test_random_commands_with_good_headers():
    """What a random opcode, address and length do: an answer or silence, no error in between."""
    device, rng, statuses = loaded("row-lane"), random.Random(2), set()
    for _ in range(3000):
        opcode = rng.choice([1, 2, 3, 4, 16, 17, 18, rng.randrange(256)])
        data = rng.randbytes(rng.choice([0, 2, 4, 32, rng.randrange(64)]))
        frame = frames.command(opcode, tag=1, address=rng.randrange(2000), data=data)
        answer = device.take(frame[: rng.choice([len(frame), len(frame), rng.randrange(40)])])
        answer += device.silence()
        if answer:
            statuses.add(frames.parse_reply(answer).status.name)
        device.line_break()
    assert statuses == {status.name for status in frames.Status} - {"HEADER", "DATA"}
    assert recovers(device, "row-lane")
