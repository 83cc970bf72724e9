"""The boot image: what a device reads from its flash at power-up."""

from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import boot, frames
from sobolpath.golden.protocol.device import Device
from tests.support.loaded import ENGINES, small

pytestmark = pytest.mark.timeout(120)
FLASH = boot.image(small("row-lane")[1])


def state(device):
    return device.network, device.bad_boot


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("behind", [b"", b"\xff" * 100, b"\x00" * 100])
def test_a_good_one(name, behind):
    identity, net, images, wanted = small(name)
    device = Device(identity, flash=boot.image(net) + behind)
    assert device.identity == replace(
        identity, flash=True, network=True, infer_bytes=net.infer_bytes, digest=net.digest
    )
    answer = frames.parse_reply(device.take(frames.infer(images, 1)))
    assert np.array_equal(frames.logits(answer.payload).reshape(wanted.shape), wanted)


def test_it_is_the_commands_that_load():
    """In the order of a session; all tags are 0."""
    net, place, found = small("row-lane")[1], 0, []
    while place < len(FLASH):
        length = int.from_bytes(FLASH[place + 5 : place + 7], "little")
        found.append(FLASH[place : place + 15 + length])
        place += 15 + length
    commands = net.frames()
    assert found[0] == commands[0]
    assert [frame[1] for frame in found] == [0] * len(commands)
    for frame, command in zip(found, commands, strict=True):
        assert (frame[0], frame[2:7], frame[11:-4]) == (command[0], command[2:7], command[11:-4])


@pytest.mark.parametrize("flash", [b"", b"\xff", b"\xff" + FLASH])
def test_none(flash):
    device = Device(replace(small("row-lane")[0], flash=True), flash=flash)
    assert state(device) == (False, False)
    assert device.identity.flash


def test_no_flash():
    assert not Device(small("row-lane")[0]).identity.flash


def test_every_flipped_bit_is_found():
    """Bad, but for those that make the first byte FF; and the host works afterwards."""
    identity, net, *_ = small("row-lane")
    seen = 0
    for bit in range(0, 8 * len(FLASH), 3):
        flash = bytearray(FLASH)
        flash[bit // 8] ^= 1 << bit % 8
        device = Device(identity, flash=flash)
        assert state(device) == (False, True), bit
        seen += 1
        if bit % 100 == 0:
            device.take(b"".join(net.frames()))
            assert state(device) == (True, True)
            device.reset()
            assert state(device) == (False, True)
    assert seen > 700


@pytest.mark.parametrize("size", range(1, len(FLASH), 23))
def test_cut_short(size):
    assert state(Device(small("row-lane")[0], flash=FLASH[:size])) == (False, True)


@pytest.mark.parametrize(
    "flash",
    [
        frames.identify(0) * 3,
        frames.check(0, 1),
        frames.check(1, 0),
        frames.command(2, tag=0, data=b"a"),
        frames.write(Space.PROGRAM, 2**20, b"a", 0) + FLASH,
        bytes(1000),
    ],
)
def test_other_commands(flash):
    """A CHECK of nothing is good: its digest is that of nothing; all others are errors."""
    good = flash == frames.check(0, 1)
    assert state(Device(small("row-lane")[0], flash=flash)) == (good, not good)
