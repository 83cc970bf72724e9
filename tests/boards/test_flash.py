# amaranth: UnusedElaboratable=no
"""The flash reader against a part that is as strict as a real one."""

import math

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, Out, connect, flipped
from amaranth.sim import Simulator

from sobolpath.boards.gateware.flash import FlashReader, half_cycles, wake_cycles
from tests.support.serial_flash import SerialFlash

CONTENT = bytes(np.random.default_rng(3).integers(0, 256, 64).astype(np.uint8))


class Bench(Component):
    """A reader, a part, and the part's bytes from ``first`` on."""

    o: Out(stream.Signature(8))

    def __init__(self, *, reader, part, content, first):
        self.reader, self.part, self.content, self.first = reader, part, content, first
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.reader, m.submodules.part = reader, part = self.reader, self.part
        memory = Memory(shape=8, depth=64, init=self.content)
        m.submodules.memory = memory
        port = memory.read_port()
        connect(m, reader.o, flipped(self.o))
        for name in ("cs_n", "sclk", "mosi"):
            m.d.comb += getattr(part, name).eq(getattr(reader, name))
        m.d.comb += [
            reader.miso.eq(part.miso),
            port.addr.eq(part.address - self.first),
            part.data.eq(port.data),
        ]
        return m


def bench(half=1, wake=64, part_wake=8, first=0x123456):
    reader = FlashReader(address=first, half=half, wake=wake)
    return Bench(reader=reader, part=SerialFlash(wake=part_wake), content=CONTENT, first=first)


def run(dut, process, *, cycles=20_000):
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    done = []

    async def whole(ctx):
        await process(ctx)
        done.append(True)

    simulator.add_testbench(whole)
    simulator.run_until(cycles * 1e-6)
    assert done, f"must end within {cycles} cycles"


@pytest.mark.parametrize("half", [1, 2, 4])
@pytest.mark.parametrize("first", [0, 0x100000, 2**24 - 64])
@pytest.mark.parametrize("stall", [0.0, 0.5, 0.99])
def test_bytes_in_order(half, first, stall):
    dut, random, found = bench(half=half, wake=256, first=first), np.random.default_rng(1), []

    async def process(ctx):
        while len(found) < len(CONTENT):
            ready = random.random() >= stall
            ctx.set(dut.o.ready, ready)
            if ready and ctx.get(dut.o.valid):
                found.append(ctx.get(dut.o.payload))
            await ctx.tick()

    run(dut, process)
    assert bytes(found) == CONTENT


@pytest.mark.parametrize("half", [1, 2])
def test_cycles_a_byte(half):
    dut, times = bench(half=half, wake=256), []

    async def process(ctx):
        ctx.set(dut.o.ready, 1)
        for cycle in range(256 + 32 * half * 20):
            if ctx.get(dut.o.valid):
                times.append(cycle)
            await ctx.tick()

    run(dut, process)
    assert len(times) > 20
    assert times[0] > 256 + 64 * half
    assert set(np.diff(times)) <= {16 * half, 16 * half + 1, 16 * half + half}


def test_a_part_that_wakes_too_late_is_not_heard():
    """The wait is there for a reason: what is read before it is all ones."""
    dut, found = bench(wake=64, part_wake=400), []

    async def process(ctx):
        ctx.set(dut.o.ready, 1)
        while len(found) < 4:
            if ctx.get(dut.o.valid):
                found.append(ctx.get(dut.o.payload))
            await ctx.tick()

    run(dut, process)
    assert found == [0xFF] * 4


@pytest.mark.parametrize("clock_hz", [12e6, 25e6, 48e6, 62.5e6, 100e6, 150e6])
def test_times(clock_hz):
    half, wake = half_cycles(clock_hz), wake_cycles(clock_hz)
    assert clock_hz / (2 * half) <= 33e6 * (1 + 1e-9)
    assert half == 1 or clock_hz / half > 33e6
    assert math.log2(wake) % 1 == 0
    assert 35e-6 <= (wake - 20 * half) / clock_hz < 100e-6
    assert wake >= 32 * half


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"address": -1}, "address must be 0 to 2..24 - 1, not -1"),
        ({"address": 1 << 24}, "address must be 0 to 2..24 - 1, not 16777216"),
        ({"half": 0}, "half must be a power of two, not 0"),
        ({"half": 3}, "half must be a power of two, not 3"),
        ({"wake": 16}, "wake must be a power of two of at least 32, not 16"),
        ({"wake": 48}, "wake must be a power of two of at least 32, not 48"),
    ],
)
def test_parameters(given, message):
    with pytest.raises(ValueError, match=message):
        FlashReader(**{"address": 0, "half": 1, "wake": 64, **given})
