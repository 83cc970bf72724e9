"""Breaks, errors on the line and damaged memories, at the device in software."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Opcode
from tests.support.loaded import ENGINES, asked, loaded, logits, small

IDENTITY = small("row-lane")[0]
INFER = frames.infer(small("row-lane")[2], 9)


@pytest.fixture(params=ENGINES)
def name(request):
    return request.param


class TestBreaks:
    def test_at_any_byte_of_a_session(self, name):
        """Half a command is forgotten; the network stays unless it was being written."""
        identity, net, images, wanted = small(name)
        session = [*net.frames(), frames.identify(1), frames.infer(images, 2)]
        whole = b"".join(session)
        for size in range(0, len(whole), 7):
            device = Device(identity)
            device.take(whole[:size])
            device.line_break()
            assert asked(device).lanes == identity.lanes
            if not device.network:
                device.take(b"".join(net.frames()))
            assert np.array_equal(logits(device, images), wanted)

    @pytest.mark.parametrize(
        ("event", "framing", "overrun"),
        [
            (Device.line_break, False, False),
            (lambda device: device.line_error(), True, False),
            (lambda device: device.line_error(overrun=True), False, True),
        ],
    )
    def test_flags(self, event, framing, overrun):
        """Told once."""
        device = Device(IDENTITY)
        event(device)
        device.silence()
        found = asked(device)
        assert (found.framing_error, found.overrun) == (framing, overrun)
        assert asked(device) == IDENTITY

    def test_an_error_on_the_line_drops_half_a_command(self):
        for ends in (Device.line_break, Device.silence):
            device = loaded("row-lane")
            device.take(INFER[:20])
            device.line_error()
            assert device.take(INFER[20:]) == b""
            ends(device)
            assert asked(device).framing_error
            assert device.network


class TestDamage:
    def test_a_damaged_memory_gives_other_logits(self, name):
        _, _, images, wanted = small(name)
        device = loaded(name)
        weight = bytes([device.memories[Space.WEIGHTS][0] ^ 0x40])
        device.poke(Space.WEIGHTS, 0, weight)
        images = images | 1
        assert not np.array_equal(logits(device, images), logits(loaded(name), images))
        assert wanted.shape == (len(images), 16)

    def test_a_network_that_is_none_hangs_until_a_break(self, name):
        identity, _, images, wanted = small(name)
        device = loaded(name)
        good = bytes(device.memories[Space.PROGRAM])
        device.poke(Space.PROGRAM, 0, bytes(len(good)))
        assert device.take(frames.infer(images, 1)) == b""
        assert device.take(frames.identify(1)) == b""
        assert device.silence() == b""
        assert device.take(frames.identify(1)) == b""
        device.line_break()
        assert asked(device).lanes == identity.lanes
        device.poke(Space.PROGRAM, 0, good)
        assert np.array_equal(logits(device, images), wanted)

    def test_another_width_than_the_network_s_hangs(self, name):
        device = loaded(name)
        device.infer_bytes = 8
        assert device.take(frames.command(Opcode.INFER, tag=0, data=bytes(8))) == b""
        assert device.take(frames.identify(1)) == b""


GOOD = [
    *small("row-lane")[1].frames(),
    frames.identify(3),
    INFER,
    frames.load(5, 4),
    frames.write(Space.BIASES, 2, b"some bytes", 5),
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(GOOD) | st.binary(max_size=20), max_size=12),
    st.data(),
)
def test_any_split_gives_the_same(parts, data):
    """Bytes one by one, in any parts, or all at once: the same replies and the same state."""
    whole = b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=20).map(sorted))
    once, split_up, single = (loaded("row-lane") for _ in range(3))
    wanted = once.take(whole)
    ends = zip([0, *cuts], [*cuts, len(whole)], strict=True)
    assert b"".join(split_up.take(whole[first:end]) for first, end in ends) == wanted
    assert b"".join(single.take(bytes([byte])) for byte in whole) == wanted
    assert once.identity == split_up.identity == single.identity
    assert once.memories == split_up.memories == single.memories
    assert once.silence() == split_up.silence() == single.silence()
