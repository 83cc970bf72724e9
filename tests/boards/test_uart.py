# amaranth: UnusedElaboratable=no
"""The serial port, against a line made bit by bit."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from amaranth.sim import Simulator

from sobolpath.boards.gateware.uart import Receiver, Transmitter, baud_divisor
from sobolpath.golden.errors import InputError
from tests.support.serial_line import receive, send, send_break
from tests.support.streams import at_random, put

pytestmark = pytest.mark.timeout(120)
BYTES = bytes([0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E])


def simulate(component, *benches, background=()):
    simulator = Simulator(component)
    simulator.add_clock(Fraction(1, 1_000_000))
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


def listen(component, got, events, *, ready=True):
    """A background test bench that takes every byte and counts the error pulses."""

    async def bench(ctx):
        ctx.set(component.o.ready, ready)
        async for _, _, valid, byte, *errors in ctx.tick().sample(
            component.o.valid,
            component.o.payload,
            component.framing,
            component.overrun,
            component.line_break,
        ):
            if valid and ready:
                got.append(byte)
            for name, error in zip(("framing", "overrun", "line_break"), errors, strict=True):
                events.extend([name] * error)

    return bench


class TestDivisor:
    @pytest.mark.parametrize(
        ("clock_hz", "baud", "divisor"),
        [(48e6, 1_000_000, 48), (48e6, 115_200, 417), (48e6, 6_000_000, 8), (12e6, 9600, 1250)],
    )
    def test_nearest(self, clock_hz, baud, divisor):
        assert baud_divisor(clock_hz=clock_hz, baud=baud) == divisor

    @pytest.mark.parametrize(
        ("clock_hz", "baud", "message"),
        [
            (48e6, 4_500_000, r"baud must be within 2 % of 4363636, the nearest .* not 4500000"),
            (48e6, 12_000_000, r"baud must be at most 6000000 at 48 MHz, not 12000000"),
            (48e6, 300, r"baud must be at least 732 at 48 MHz, not 300"),
            (48e6, 0, r"clock and baud must be above 0, not 48000000.0 and 0"),
            (-1, 9600, r"clock and baud must be above 0, not -1 and 9600"),
        ],
    )
    def test_rejects(self, clock_hz, baud, message):
        with pytest.raises(InputError, match=message):
            baud_divisor(clock_hz=clock_hz, baud=baud)

    @pytest.mark.parametrize("kind", [Receiver, Transmitter])
    @pytest.mark.parametrize("divisor", [7, 0, 8.0, None])
    def test_components_reject(self, kind, divisor):
        with pytest.raises(ValueError, match=r"divisor must be an integer of at least 8, not "):
            kind(divisor=divisor)


class TestReceiver:
    @pytest.mark.parametrize(("divisor", "bit"), [(8, 8), (48, 48), (49, 50), (49, 48)])
    def test_bytes_back_to_back(self, divisor, bit):
        dut, got, events = Receiver(divisor=divisor), [], []

        async def sender(ctx):
            await send(ctx, dut.rx, BYTES, bit)
            await ctx.tick().repeat(2 * bit)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert bytes(got) == BYTES
        assert events == []

    def test_latency(self):
        dut, cycles = Receiver(divisor=16), []

        async def sender(ctx):
            await ctx.tick().repeat(5)  # past the check that the line is at rest
            await send(ctx, dut.rx, b"\x5a", 16)

        async def watch(ctx):
            await ctx.tick().repeat(5)
            cycle = 0
            while not ctx.get(dut.o.valid):
                await ctx.tick()
                cycle += 1
            cycles.append(cycle)

        simulate(dut, sender, watch)
        assert cycles == [16 * 19 // 2 + 3]

    def test_glitch_is_no_start_bit(self):
        dut, got, events = Receiver(divisor=16), [], []

        async def sender(ctx):
            for width in (1, 4, 7):
                ctx.set(dut.rx, 0)
                await ctx.tick().repeat(width)
                ctx.set(dut.rx, 1)
                await ctx.tick().repeat(40)
            await send(ctx, dut.rx, b"\x42", 16, pause=16)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert got == [0x42]
        assert events == []

    def test_framing_error_silences_until_a_break(self):
        dut, got, events = Receiver(divisor=10), [], []

        async def sender(ctx):
            await send(ctx, dut.rx, b"\x11", 10)
            await send(ctx, dut.rx, b"\x22", 10, stop=0, pause=200)
            await send(ctx, dut.rx, b"\x33\x44", 10, pause=50)
            await send_break(ctx, dut.rx, 10)
            await send(ctx, dut.rx, b"\x55", 10, pause=20)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert got == [0x11, 0x55]
        assert events == ["framing", "line_break"]

    def test_listens_again(self):
        """What lost its place drops bytes until it is told that nothing is in the middle."""
        dut, got, events = Receiver(divisor=10), [], []

        async def sender(ctx):
            await send(ctx, dut.rx, b"\x22", 10, stop=0, pause=200)
            await send(ctx, dut.rx, b"\x44", 10, pause=50)
            ctx.set(dut.listen, 1)
            await ctx.tick()
            ctx.set(dut.listen, 0)
            await send(ctx, dut.rx, b"\x55", 10, pause=50)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert got == [0x55]
        assert events == ["framing"]

    @pytest.mark.parametrize("percent", [-2.5, 2.5])
    def test_drift(self, percent):
        """A hundred bytes back to back, of a sender whose clock is another, at the fastest rate."""
        dut, got, events = Receiver(divisor=8), [], []
        content = random.Random(1).randbytes(100)

        async def sender(ctx):
            await send(ctx, dut.rx, content, 8 * (1 + percent / 100))
            await ctx.tick().repeat(20)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert bytes(got) == content
        assert events == []

    @pytest.mark.parametrize("phase", range(0, 100, 7))
    def test_break_within_a_byte(self, phase):
        """Whatever the receiver is in the middle of, 20 bits at 0 are seen as a break."""
        dut, got, events = Receiver(divisor=10), [], []

        async def sender(ctx):
            for level in (0, 1, 1, 0, 1, 0, 0, 1, 1, 1)[: phase // 10]:
                ctx.set(dut.rx, level)
                await ctx.tick().repeat(10)
            ctx.set(dut.rx, 1)
            await ctx.tick().repeat(1 + phase % 10)
            await send_break(ctx, dut.rx, 10, bits=20)
            await send(ctx, dut.rx, b"\x99", 10, pause=20)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert got[-1] == 0x99
        assert events.count("line_break") >= 1
        assert "overrun" not in events

    @pytest.mark.parametrize("phase", range(10))
    def test_a_byte_right_after_a_break(self, phase):
        """The line is at 1 for a single cycle; the bit timer stands anywhere."""
        dut, got, events = Receiver(divisor=10), [], []

        async def sender(ctx):
            ctx.set(dut.rx, 0)
            await ctx.tick().repeat(200 + phase)
            ctx.set(dut.rx, 1)
            await ctx.tick()
            await send(ctx, dut.rx, b"\xa5", 10, pause=20)

        simulate(dut, sender, background=[listen(dut, got, events)])
        assert got == [0xA5]
        assert events == ["line_break"]

    @pytest.mark.parametrize("ends", ["line_break", "listen"])
    def test_overrun_withdraws_and_silences(self, ends):
        dut, got, events = Receiver(divisor=10), [], []

        async def sender(ctx):
            await send(ctx, dut.rx, b"\x11\x22\x33", 10, pause=20)
            assert not ctx.get(dut.o.valid)
            if ends == "line_break":
                await send_break(ctx, dut.rx, 10)
            ctx.set(dut.listen, ends == "listen")
            await ctx.tick()
            ctx.set(dut.listen, 0)
            await send(ctx, dut.rx, b"\x44", 10, pause=20)
            assert ctx.get(dut.o.valid)
            assert ctx.get(dut.o.payload) == 0x44

        simulate(dut, sender, background=[listen(dut, got, events, ready=False)])
        assert events == ["overrun", "line_break"][: 1 + (ends == "line_break")]

    def test_a_byte_waits_for_a_bit(self):
        """Taken just before the next start bit's middle is in time."""
        dut, got, events = Receiver(divisor=20), [], []

        async def sender(ctx):
            await send(ctx, dut.rx, b"\x11\x22", 20, pause=40)

        async def taker(ctx):
            for _ in range(2):
                while not ctx.get(dut.o.valid):
                    await ctx.tick()
                await ctx.tick().repeat(18)
                ctx.set(dut.o.ready, 1)
                got.append(ctx.get(dut.o.payload))
                await ctx.tick()
                ctx.set(dut.o.ready, 0)

        simulate(dut, sender, taker, background=[listen(dut, [], events, ready=False)])
        assert got == [0x11, 0x22]
        assert events == []


class TestTransmitter:
    @pytest.mark.parametrize("divisor", [8, 48])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_bytes(self, divisor, seed):
        print("seed", seed)
        rng = random.Random(seed)
        dut, taken = Transmitter(divisor=divisor), []
        content = BYTES + rng.randbytes(9)

        async def source(ctx):
            stalls = at_random(rng, 0.3, longest=3 * divisor) if seed > 1 else None
            taken.extend(await put(ctx, dut.i, content, stalls=stalls))

        async def sink(ctx):
            assert await receive(ctx, dut.tx, len(content), divisor) == content
            await ctx.tick().repeat(divisor)
            assert ctx.get(dut.tx) == 1

        simulate(dut, source, sink)
        assert len(taken) == len(content)
        if seed == 1:  # back to back
            assert {after - before for before, after in pairwise(taken)} == {10 * divisor + 1}
