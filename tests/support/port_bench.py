"""A host port in simulation beside the device in software: the same bytes to both."""

import random
from dataclasses import dataclass
from fractions import Fraction

from amaranth.hdl import Module
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from sobolpath.boards.gateware.boot import BootLoader
from sobolpath.boards.gateware.flash import FlashReader
from sobolpath.boards.gateware.host import identity
from sobolpath.boards.gateware.port import Port
from sobolpath.golden.protocol.device import Device
from sobolpath.hw.engines import component
from tests.support.serial_flash import SerialFlash
from tests.support.streams import at_random, put

CLOCK, DIVISOR = 12_000_000, 12
SILENCE = 1 << 10  # cycles, more than an engine or a stalled link is ever quiet for
BREAK = "break"
PAUSE = "silence"
BOOT = "boot"  # until the boot loader has ended
FIRST = 0x020000  # of the flash's content


@dataclass(frozen=True)
class Cut:
    """Bytes, and some cycles after the last one was taken a break."""

    content: bytes
    after: int


class PortBench:
    """Runs a script on a port and on its twin.

    A script is a list of bytes, ``BREAK``, ``PAUSE``, ``BOOT`` and :class:`Cut`; a number: as many
    cycles. Between two of them all that is to come has come. ``replies`` and ``expected`` : a
    ``bytes`` for each item. ``seed`` : of the stalls; 0: there are none. ``flash`` : what the
    device boots from, by default it has none; the twin has booted from the beginning.
    """

    def __init__(self, config, *, seed=0, flash=None):
        print("seed", seed)
        self.rng = random.Random(seed)
        self.stalls = at_random(self.rng, 0.2) if seed else None
        self.flash, boot = flash, None
        if flash is not None:
            boot = BootLoader(reader=FlashReader(address=FIRST, half=1, wake=64))
        how = {"clock_hz": CLOCK, "divisor": DIVISOR}
        self.port = Port(engine=component(config), boot=boot, silence=SILENCE, **how)
        self.twin = Device(identity(config, flash=flash is not None, **how), flash or b"")
        self.replies, self.expected = [], []
        self._sent = bytearray()

    def run(self, script):
        simulator = Simulator(self._design())
        simulator.add_clock(Fraction(1, 1_000_000))

        async def link(ctx):
            for item in script:
                self._sent.clear()
                await self._step(ctx, item)
                self.replies.append(bytes(self._sent))
                self.expected.append(self._twin(item))

        simulator.add_testbench(link)
        simulator.add_testbench(self._listen, background=True)
        simulator.run()
        assert len(self.replies) == len(self.expected) == len(script)
        return self

    def _design(self):
        """The port, and the part that it boots from."""
        if self.flash is None:
            return self.port
        m, pins = Module(), self.port.boot.reader
        m.submodules.port, m.submodules.part = self.port, (part := SerialFlash(wake=8))
        depth = 1 << len(self.flash).bit_length()
        memory = Memory(shape=8, depth=depth, init=self.flash.ljust(depth, b"\xff"))
        m.submodules.memory, read = memory, memory.read_port()
        m.d.comb += [
            *(getattr(part, name).eq(getattr(pins, name)) for name in ("cs_n", "sclk", "mosi")),
            pins.miso.eq(part.miso),
            read.addr.eq(part.address - FIRST),
            part.data.eq(read.data),
        ]
        return m

    async def _step(self, ctx, item):
        port = self.port
        if isinstance(item, int):
            await ctx.tick().repeat(item)
        elif item == BOOT:
            while ctx.get(port.boot.booting):
                await ctx.tick()
            await ctx.tick().repeat(100)
            self.lamps = {name: ctx.get(getattr(port, name)) for name in ("ready", "busy", "error")}
        elif item == BREAK:
            await self._break(ctx)
        elif isinstance(item, Cut):
            ctx.set(port.active, 1)
            await put(ctx, port.i, item.content)
            await ctx.tick().repeat(item.after)
            await self._break(ctx)
        elif item == PAUSE:
            ctx.set(port.active, 0)
            while not ctx.get(port.silence):
                await ctx.tick()
            await ctx.tick().repeat(200)
        else:
            ctx.set(port.active, 1)
            await put(ctx, port.i, item, stalls=self.stalls)
            await self._settle(ctx)

    async def _break(self, ctx):
        ctx.set(self.port.line_break, 1)
        await ctx.tick()
        ctx.set(self.port.line_break, 0)
        await ctx.tick().repeat(4)
        self._sent.clear()  # what was being taken
        await ctx.tick().repeat(40)

    async def _settle(self, ctx):
        """Until nothing was sent or under way for some time, or something is for very long."""
        quiet = busy = 0
        while quiet < 150 and busy < 1500:
            _, _, sent, under_way = await ctx.tick().sample(self.port.o.valid, self.port.busy)
            quiet = 0 if sent or under_way else quiet + 1
            busy = 0 if sent else busy + 1

    async def _listen(self, ctx):
        while True:
            if self.stalls:
                ctx.set(self.port.o.ready, 0)
                await ctx.tick().repeat(1 + 3 * self.stalls())
            ctx.set(self.port.o.ready, 1)
            valid = False
            while not valid:
                _, _, valid, byte = await ctx.tick().sample(self.port.o.valid, self.port.o.payload)
            self._sent.append(byte)

    def _twin(self, item):
        if item == BOOT or isinstance(item, int):
            return b""
        if isinstance(item, Cut):
            self.twin.take(item.content)
            return self.twin.line_break() or b""
        if item == BREAK:
            return self.twin.line_break() or b""
        return self.twin.silence() if item == PAUSE else self.twin.take(bytes(item))
