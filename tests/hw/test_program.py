# amaranth: UnusedElaboratable=no
"""The program memory: bytes in, words out, for several readers at once."""

import random

import pytest

from sobolpath.hw.program import Program
from tests.support.streams import put, simulate

pytestmark = pytest.mark.timeout(60)


def bytes_of(rng, words):
    """The words as items of the write stream, in random order."""
    items = [
        {"address": 2 * at + byte, "data": word >> 8 * byte & 255}
        for at, word in enumerate(words)
        for byte in (0, 1)
    ]
    rng.shuffle(items)
    return items


@pytest.mark.parametrize(("words", "readers"), [(2, 1), (16, 3), (256, 2)])
def test_every_reader_has_its_own_address(words, readers):
    """Random reads by all readers in every cycle; one that is not enabled holds its word."""
    dut, rng = Program(words=words, readers=readers), random.Random(words)
    content = [rng.randrange(2**16) for _ in range(words)]
    content[:2] = 0, 2**16 - 1
    ports = [getattr(dut, f"read_{reader}") for reader in range(readers)]
    compared = held = 0

    async def bench(ctx):
        nonlocal compared, held
        assert await put(ctx, dut.write, bytes_of(rng, content)) == list(range(2 * words))
        shown = [None] * readers
        for _ in range(300):
            for reader, port in enumerate(ports):
                address, enable = rng.randrange(words), rng.randrange(2)
                ctx.set(port.address, address)
                ctx.set(port.enable, enable)
                if enable:
                    shown[reader] = content[address]
                held += not enable
            await ctx.tick()
            for word, port in zip(shown, ports, strict=True):
                if word is not None:
                    assert ctx.get(port.word) == word
                    compared += 1

    simulate(dut, bench)
    assert compared > 250 * readers
    assert held > 100 * readers


def test_one_byte_alone():
    """A byte changes nothing beside it and is read in the cycle after; none is written unasked."""
    dut, rng, words = Program(words=8, readers=1), random.Random(1), list(range(0x1111, 0x1119))
    port, got = dut.read_0, []

    async def bench(ctx):
        await put(ctx, dut.write, bytes_of(rng, words))
        ctx.set(port.enable, 1)
        for byte in (0, 1):
            ctx.set(port.address, 7)
            await put(ctx, dut.write, [{"address": 2 * 5 + byte, "data": 0xA0 + byte}])
            ctx.set(port.address, 5)
            ctx.set(dut.write.payload, {"address": 2 * 5 + byte, "data": 0xFF})
            for _ in range(2):
                await ctx.tick()
                got.append(ctx.get(port.word))
        for address in range(8):
            ctx.set(port.address, address)
            await ctx.tick()
            got.append(ctx.get(port.word))

    simulate(dut, bench)
    words[5] = 0xA1A0
    assert got == [0x11A0, 0x11A0, 0xA1A0, 0xA1A0, *words]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (24, ValueError, "words must be a power of two of at least 2, not 24"),
        (1, ValueError, "words must be a power of two of at least 2, not 1"),
        (16.0, TypeError, r"words must be an integer, not 16\.0"),
    ],
)
def test_rejects(words, error, message):
    with pytest.raises(error, match=message):
        Program(words=words, readers=1)
