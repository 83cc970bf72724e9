"""The boot loader, with a strict flash part on one side and a pretended host on the other.

The host is the device in software: it takes the bytes, and says when CHECK was good and when a
command failed, as the gateware's own does.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, Out, connect, flipped
from amaranth.sim import Simulator

from sobolpath.boards.gateware.boot import BootLoader
from sobolpath.boards.gateware.flash import FlashReader
from sobolpath.golden.protocol import boot, frames, network
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Opcode, Status
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from tests.support.networks import random_model
from tests.support.serial_flash import SerialFlash

pytestmark = pytest.mark.timeout(120)
FIRST = 0x040000
IDENTITY = Identity.of(CONFIGS["tiny"], flash=True)
MODEL = random_model(np.random.default_rng(12), Topology((16, 16, 16), (16, 16)))
IMAGE = boot.image(network.pack(MODEL, IDENTITY))
MORE = 64  # cycles after the end in which nothing may happen


class Bench(Component):
    """A boot loader, and a part that has ``flash`` from the image's address on, then FF."""

    o: Out(stream.Signature(8))

    def __init__(self, *, flash):
        self.loader = BootLoader(reader=FlashReader(address=FIRST, half=1, wake=64))
        self.part, self.flash = SerialFlash(wake=8), flash
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.loader, m.submodules.part = loader, part = self.loader, self.part
        depth = 1 << 12
        m.submodules.memory = memory = Memory(
            shape=8, depth=depth, init=self.flash.ljust(depth, b"\xff")
        )
        port, reader = memory.read_port(), loader.reader
        connect(m, loader.o, flipped(self.o))
        for name in ("cs_n", "sclk", "mosi"):
            m.d.comb += getattr(part, name).eq(getattr(reader, name))
        m.d.comb += [
            reader.miso.eq(part.miso),
            port.addr.eq(part.address - FIRST),
            part.data.eq(port.data),
        ]
        return m


def load(flash, *, stall=0.3, abort=None, seed=1):
    """Boot from ``flash``; what came of it, seen by the host and at the pins.

    ``abort`` : the host breaks in after so many bytes.
    """
    dut, random = Bench(flash=flash), np.random.default_rng(seed)
    loader, host = dut.loader, Device(IDENTITY)
    found = SimpleNamespace(bytes=bytearray(), host=host, reset=False, cycles=0)

    async def process(ctx):
        while ctx.get(loader.booting):
            ready = random.random() >= stall
            ctx.set(dut.o.ready, ready)
            pulse = None
            if ready and ctx.get(dut.o.valid):
                found.bytes.append(ctx.get(dut.o.payload))
                opcode = host._header[0] if host._header else None
                answer = host.take(found.bytes[-1:])
                if answer and frames.parse_reply(answer).status != Status.OK:
                    pulse = loader.failed
                elif answer and opcode == Opcode.CHECK:
                    pulse = loader.checked
            if len(found.bytes) == abort:
                pulse = loader.abort
            if pulse is not None:
                ctx.set(pulse, 1)
            await ctx.tick()
            found.cycles += 1
            if pulse is not None:
                ctx.set(pulse, 0)
        ctx.set(dut.o.ready, 1)
        for cycle in range(MORE):
            assert not ctx.get(dut.o.valid), "nothing is offered after the end"
            assert cycle < 2 or ctx.get(loader.reader.cs_n), "the flash is deselected"
            assert not ctx.get(loader.booting)
            await ctx.tick()
        for late in (loader.failed, loader.checked):  # those of the line's host
            ctx.set(late, 1)
            await ctx.tick()
            ctx.set(late, 0)
        await ctx.tick()
        found.bad, found.ended = bool(ctx.get(loader.bad)), True

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run_until((2000 + 40 * len(IMAGE)) * 1e-6)
    assert getattr(found, "ended", False), "the boot must end"
    return found


@pytest.mark.parametrize("stall", [0.0, 0.9])
def test_a_good_image(stall):
    """All of it comes, none of what is behind it."""
    found = load(IMAGE + b"\x01" * 20, stall=stall)
    assert bytes(found.bytes) == IMAGE
    assert found.host.network
    assert not found.bad
    if not stall:
        assert found.cycles < 64 + 64 + 18 * (len(IMAGE) + 5) + 20


@pytest.mark.parametrize("flash", [b"", b"\xff" + IMAGE])
def test_none(flash):
    """An erased flash: the host sees no byte, and it is no error."""
    found = load(flash)
    assert (bytes(found.bytes), found.bad) == (b"", False)


def test_a_later_ff_is_a_byte():
    """Only the first one says that there is no image."""
    content = IMAGE[:1] + b"\xff" + IMAGE[2:]
    assert boot.read(content, Device(IDENTITY).take)
    found = load(content)
    assert (bytes(found.bytes), found.bad) == (content[: frames.HEADER_BYTES], True)


@pytest.mark.parametrize("seed", range(8))
def test_damaged(seed):
    """It is as bad as the model in software says, and no byte is taken after the one that tells."""
    random, content = np.random.default_rng([7, seed]), bytearray(IMAGE)
    bit = int(random.integers(8 * len(content)))
    content[bit // 8] ^= 1 << bit % 8
    twin, taken = Device(IDENTITY), bytearray()

    def take(part):
        answers = [twin.take(bytes([byte])) for byte in part]
        known = next((place for place, answer in enumerate(answers) if answer), len(part) - 1)
        taken.extend(part[: known + 1])
        return b"".join(answers)

    bad = boot.read(bytes(content), take)
    found = load(bytes(content), seed=seed)
    assert (found.bad, found.host.network) == (bad, not bad) == (True, False)
    assert found.bytes == taken


@pytest.mark.parametrize("size", [1, 11, 60, len(IMAGE) - 1])
def test_cut_short(size):
    found = load(IMAGE[:size], stall=0.0)
    assert found.bad
    assert not found.host.network


@pytest.mark.parametrize("after", [1, 40])
def test_a_host_breaks_in(after):
    """Then the line has the device; the image was not found bad."""
    found = load(IMAGE, abort=after)
    assert (bytes(found.bytes), found.bad) == (IMAGE[:after], False)
