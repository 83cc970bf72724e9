"""The payload of IDENTIFY, there and back."""

from dataclasses import replace

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol import identity
from sobolpath.golden.protocol.identity import Identity
from sobolpath.hw.config import CONFIGS, EngineConfig
from sobolpath.hw.engines import boards
from sobolpath.hw.path_order.config import PathOrderConfig

ICEBREAKER = Identity.of(CONFIGS["icebreaker"], clock_hz=48_000_000, divisor=48)


@pytest.mark.parametrize("name", boards())
def test_of_every_configuration(name):
    config = boards()[name]
    found = Identity.of(config, clock_hz=25_000_000, divisor=25, overlap=True)
    assert len(found.payload()) == identity.IDENTITY_BYTES == 24
    assert Identity.parse(found.payload()) == found
    assert found.machine == config.machine
    assert found.path_order == isinstance(config, PathOrderConfig)
    if found.path_order:
        assert found.bias_neurons == config.max_paths


def test_each_flag_is_a_bit():
    plain = ICEBREAKER.payload()
    for place, names in ((12, identity.KINDS), (13, identity.STATES)):
        for digit, name in enumerate(names):
            changed = replace(ICEBREAKER, **{name: True})
            assert Identity.parse(changed.payload()) == changed
            differ = [one ^ other for one, other in zip(changed.payload(), plain, strict=True)]
            assert [(n, bits) for n, bits in enumerate(differ) if bits] == [(place, 1 << digit)]


def test_numbers():
    found = replace(ICEBREAKER, divisor=0x0102, infer_bytes=0x0304, digest=0x05060708)
    assert found.payload()[14:].hex() == "c012" + "0201" + "0403" + "08070605"
    assert Identity.parse(found.payload()) == found


def test_weight_words_with_an_odd_factor():
    """The factor, halved, is in the high three digits of the byte: 4,608 is 9 * 2**9."""
    assert Identity.of(CONFIGS["tangnano9k"]).payload()[5] == 4 << 5 | 9
    words = [odd << digits for odd in range(1, 16, 2) for digits in range(1, 13)]
    payloads = [replace(ICEBREAKER, weight_words=n).payload() for n in words]
    assert [Identity.parse(payload).weight_words for payload in payloads] == words
    assert len({payload[5] for payload in payloads}) == len(words) == 96


@pytest.mark.parametrize(("registers", "copies", "byte"), [(0, 1, 0), (10, 1024, 0xAA), (3, 4, 35)])
def test_registers_and_copies_share_a_byte(registers, copies, byte):
    sizes = {"lanes": 1024, "max_neurons": 2048, "bias_neurons": 2048, "max_outputs": 2048}
    stages = tuple(range(registers))
    config = EngineConfig(**sizes, max_copies=copies, crossbar_registers=stages)
    assert Identity.of(config).payload()[11] == byte
    assert Identity.parse(Identity.of(config).payload()).machine == config.machine


@pytest.mark.parametrize(("images", "width", "byte"), [(1, 1, 0), (16, 1024, 0xA4), (1, 8, 0x30)])
def test_images_and_the_input_width_share_a_byte(images, width, byte):
    found = replace(ICEBREAKER, images=images, input_width=width)
    assert found.payload()[10] == byte
    assert Identity.parse(found.payload()) == found


def test_the_clock_is_rounded_to_its_unit():
    assert replace(ICEBREAKER, clock_hz=39_999_600).clock_hz == 40_000_000
    assert replace(ICEBREAKER, clock_hz=12_004_999).clock_hz == 12_000_000


def test_baud():
    assert ICEBREAKER.baud == 1_000_000
    assert replace(ICEBREAKER, divisor=8).baud == 6_000_000
    assert replace(ICEBREAKER, divisor=7).baud == 6_857_143
    assert replace(ICEBREAKER, divisor=0).baud == 0


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"SP", r"must identify itself with 24 bytes that begin with b'SP', not b'SP'"),
        (b"XP" + bytes(22), r"must identify itself with 24 bytes that begin with b'SP', not"),
        (b"SP\x03" + bytes(10), r"version must be 4, not 3: build and program it again"),
        (b"SP\x04" + bytes(20), r"must identify itself with 24 bytes, not 23"),
    ],
)
def test_parse_refuses(payload, message):
    with pytest.raises(InputError, match=message):
        Identity.parse(payload)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"clock_hz": 655_360_000}, r"clock_hz must be 0 to 655350000, not 655360000"),
        ({"divisor": 65536}, r"divisor must be 0 to 65535, not 65536"),
        ({"divisor": -1}, r"divisor must be 0 to 65535, not -1"),
    ],
)
def test_out_of_range(fields, message):
    with pytest.raises(InputError, match=message):
        replace(ICEBREAKER, **fields)
