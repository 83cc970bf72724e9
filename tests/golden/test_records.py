"""Records: the bytes that write a memory image, by their description, and taken apart again."""

import random

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import records
from sobolpath.golden.machine.image import Space

pytestmark = pytest.mark.slow


def read(content):
    """{(space, address): byte} of records one after the other, and how many there were."""
    memory, place, count = {}, 0, 0
    while place < len(content):
        space = Space(content[place] - 0x10)
        address = int.from_bytes(content[place + 1 : place + 4], "little")
        last = int.from_bytes(content[place + 4 : place + 6], "little")
        size = (last - address) % (1 << 16) + 1
        part = content[place + 6 : place + 6 + size]
        assert len(part) == size
        memory.update({(space, address + n): byte for n, byte in enumerate(part)})
        place, count = place + 6 + size, count + 1
    return memory, count


@pytest.mark.parametrize("space", Space)
@pytest.mark.parametrize("size", [1, 2, 65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("address", [0, 1, 65535, 70_000])
def test_every_byte_once(space, size, address):
    content = random.Random(size).randbytes(size)
    made = records.write(space, address, content)
    memory, count = read(b"".join(made))
    assert memory == {(space, address + n): byte for n, byte in enumerate(content)}
    assert count == len(made) == -(-size // 65536)


def test_nothing_is_no_record():
    assert records.write(Space.WEIGHTS, 5, b"") == []


@pytest.mark.parametrize(("address", "size"), [(-1, 1), (1 << 24, 1), ((1 << 24) - 1, 2)])
def test_addresses_have_24_bits(address, size):
    with pytest.raises(InputError, match=rf"must stay below 2\*\*24, not {address}, {size}"):
        records.write(Space.BIASES, address, bytes(size))
    assert records.write(Space.BIASES, (1 << 24) - 1, b"x")[0][1:4] == b"\xff\xff\xff"
