# amaranth: UnusedElaboratable=no
"""The parts of the host port, each against its software: CRC, quiet line, address and length."""

import zlib

import pytest

from sobolpath.boards.gateware.crc import BITS, SerialCrc
from sobolpath.boards.gateware.extent import TURN, Extent
from sobolpath.boards.gateware.quiet import Quiet, silence_cycles
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)


def bits(number, count):
    return [number >> place & 1 for place in range(count)]


async def pulse(ctx, dut, name):
    ctx.set(getattr(dut, name), 1)
    await ctx.tick()
    ctx.set(getattr(dut, name), 0)


class TestCrc:
    @pytest.mark.parametrize("content", [b"", b"\0", b"123456789", bytes(range(256))])
    def test_zlib_s(self, content):
        """Read twice, since it turns around; and then it goes on as behind its own four bytes."""
        dut, found, whole = SerialCrc(), [], []

        async def step(ctx, data):
            ctx.set(dut.step, 1)
            for byte in data:
                for bit in bits(byte, 8):
                    ctx.set(dut.bit, bit)
                    await ctx.tick()
            ctx.set(dut.step, 0)

        async def read(ctx):
            value = 0
            ctx.set(dut.turn, 1)
            for place in range(BITS):
                value |= ctx.get(dut.low) << place
                await ctx.tick()
            ctx.set(dut.turn, 0)
            return value

        async def bench(ctx):
            await step(ctx, b"anything before")
            await pulse(ctx, dut, "start")
            await step(ctx, content)
            found.extend([await read(ctx), await read(ctx)])
            await pulse(ctx, dut, "resume")
            await step(ctx, content)
            whole.append(await read(ctx))

        simulate(dut, bench)
        crc = zlib.crc32(content)
        assert found == [crc, crc]
        assert whole == [zlib.crc32(content + crc.to_bytes(4, "little") + content)]

    def test_the_catalogue_s(self):
        assert zlib.crc32(b"123456789") == 0xCBF43926  # CRC-32/ISO-HDLC


class TestQuiet:
    @pytest.mark.parametrize("cycles", [2, 8, 64])
    def test_cycles(self, cycles):
        dut, told = Quiet(cycles=cycles), []

        async def bench(ctx):
            ctx.set(dut.active, 1)
            await ctx.tick().repeat(3 * cycles)
            ctx.set(dut.active, 0)
            for cycle in range(1, 4 * cycles):
                _, _, silence = await ctx.tick().sample(dut.silence)
                told.extend([cycle - 1] * silence)

        simulate(dut, bench)
        assert told == [cycles, 2 * cycles, 3 * cycles]

    @pytest.mark.parametrize(("clock_hz", "cycles"), [(48e6, 1 << 22), (12e6, 1 << 20)])
    def test_seconds(self, clock_hz, cycles):
        assert silence_cycles(clock_hz) == cycles
        assert 0.05 <= cycles / clock_hz < 0.1

    @pytest.mark.parametrize("cycles", [0, 1, 3, 4.0, None])
    def test_rejects(self, cycles):
        with pytest.raises(ValueError, match="cycles must be a power of two, at least 2, not "):
            Quiet(cycles=cycles)


class TestExtent:
    SIZES = {0: 1 << 17, 1: 4096, 2: 9 << 9}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("space", "address", "length"),
        [
            (0, 0, 1),
            (0, (1 << 17) - 2, 4),
            (1, 4094, 5),
            (2, (9 << 9) - 1, 3),
            (0, 0xFFFE, 65535),
            (2, 0xFFFFFE, 3),
            (3, 0, 2),
        ],
    )
    def test_counts(self, space, address, length):
        dut, found, wanted = Extent(sizes=self.SIZES), [], []
        for step in range(4):
            place, left = (address + step) % (1 << 24), (length - step) % (1 << 16)
            wanted.append((place, left, place >= self.SIZES.get(space, 0)))

        async def bench(ctx):
            ctx.set(dut.space, space)
            for name, number, size in (("address", address, 24), ("length", length, 16)):
                ctx.set(getattr(dut, f"in_{name}"), 1)
                for bit in bits(number, size):
                    ctx.set(dut.bit, bit)
                    await ctx.tick()
                ctx.set(getattr(dut, f"in_{name}"), 0)
            for _ in wanted:
                await ctx.tick()
                values = (dut.address, dut.length, dut.beyond)
                found.append(tuple(ctx.get(value) for value in values))
                for place in range(TURN):
                    ctx.set(dut.count, 1)
                    ctx.set(dut.short, place < 16)
                    await ctx.tick()
                ctx.set(dut.count, 0)

        simulate(dut, bench)
        assert found == wanted
