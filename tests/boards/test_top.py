"""The top of the boards: pins of every board, and a flash and lamps at simulated pins."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.build import Pins, PinsN, Resource, ResourceError, Subsignal
from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Fragment, Module, Signal
from amaranth.lib import io
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out
from amaranth.sim import Simulator

from sobolpath.boards import NAMES, load
from sobolpath.boards.gateware.boot import BootLoader
from sobolpath.boards.gateware.flash import FlashReader
from sobolpath.boards.gateware.top import LAMPS, Top, _flash_lines
from sobolpath.hw.config import CONFIGS
from tests.support.serial_flash import SerialFlash

CONTENT = bytes(np.random.default_rng(4).integers(0, 255, 64).astype(np.uint8))
FIRST = 0x20000
BOOTS = {"icebreaker", "icebreaker-1", "upduino", "hx8k", "ulx3s", "ulx3s-paper"}
#: Where the last bitstream ends of those that a device may choose from: the UP5K's one; the HX8K's
#: four, with 32 kB of room around each; an ECP5's second one, which begins at 2 MB.
BITSTREAMS = {
    "iCE40UP5K": 104_161,
    "iCE40HX8K": 4 * (135_183 + 0x8000),
    "LFE5U-85F": 0x200000 + 1_953_000,
}
FLASH = 4 << 20  # bytes of the smallest part in use


class Clocking(Component):
    """Makes the clock and no reset; the test toggles it."""

    clock: Out(1)
    reset: Out(1)

    def __init__(self):
        self.toggle = Signal()
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.clock.eq(self.toggle)
        return m


class Core(Component):
    """Takes what the boot loader offers; its lamps are the test's."""

    rx: In(1)
    tx: Out(1)
    ready: Out(1)
    busy: Out(1)
    error: Out(1)

    def __init__(self, boot):
        self.boot, self.lamps = boot, Signal(3)
        self.taken, self.count = Signal(8), Signal(8)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [getattr(self, name).eq(self.lamps[n]) for n, name in enumerate(LAMPS)]
        m.d.comb += self.tx.eq(~self.rx)
        if self.boot is not None:
            m.submodules.boot = self.boot
            m.d.comb += self.boot.o.ready.eq(1)
            with m.If(self.boot.o.valid):
                m.d.sync += [self.taken.eq(self.boot.o.payload), self.count.eq(self.count + 1)]
        return m


class Platform:
    """Pins in simulation: what is requested is kept."""

    def __init__(self, *resources):
        self.resources = {each.name: each for each in resources}
        self.ports = {}

    def lookup(self, name, number):
        if (name, number) not in {(each.name, each.number) for each in self.resources.values()}:
            raise ResourceError(name)
        return self.resources[name]

    def request(self, name, number, *, dir):
        resource = self.lookup(name, number)
        if isinstance(resource.ios[0], Subsignal):
            assert dir == {line.name: "-" for line in resource.ios}
            ports = {line.name: self._port(line.ios[0]) for line in resource.ios}
            self.ports |= {f"{name}.{line}": port for line, port in ports.items()}
            return SimpleNamespace(**ports)
        assert dir == "-"
        self.ports[name] = self._port(resource.ios[0])
        return self.ports[name]

    @staticmethod
    def _port(pins):
        return io.SimulationPort(pins.dir, 1, invert=pins.invert)


LINES = ("cs", "clk", "copi", "cipo")
UART = Resource("uart", 0, Subsignal("rx", Pins("1", dir="i")), Subsignal("tx", Pins("2", dir="o")))
LEDS = [Resource(f"led_{name}", 0, PinsN(str(n), dir="o")) for n, name in enumerate(LAMPS)]


def flash(name, *more, clock=True):
    lines = [Subsignal("cs", PinsN("a", dir="o"))]
    lines += [Subsignal("clk", Pins("b", dir="o"))] * clock
    lines += [Subsignal("copi", Pins("c", dir="o")), Subsignal("cipo", Pins("d", dir="i"))]
    return Resource(name, 0, *lines, *(Subsignal(each, PinsN(each, dir="o")) for each in more))


class FlashClock:
    """In place of a cell without pins: keeps what drives it."""

    def __init__(self):
        self.driven = []

    def __call__(self, clock):
        self.driven.append(clock)
        return Module()


def simulate(platform, process, *, boot=True, flash_clock=None):
    """Run ``process(ctx, core, tick)`` on a top whose flash has ``CONTENT`` from ``FIRST`` on."""
    reader = FlashReader(address=FIRST, half=1, wake=64) if boot else None
    core = Core(BootLoader(reader=reader) if boot else None)
    clocking = Clocking()
    m = Module()
    m.submodules.top = Top(clocking=clocking, core=core, flash_clock=flash_clock)
    if boot:
        m.domains.part = ClockDomain(reset_less=True)
        part = SerialFlash(wake=8)
        memory = Memory(shape=8, depth=64, init=CONTENT)
        m.submodules.part = DomainRenamer("part")(part)
        port = memory.read_port()
        m.submodules.memory = DomainRenamer("part")(memory)
        m.d.comb += [port.addr.eq(part.address - FIRST), part.data.eq(port.data)]
        m.d.comb += ClockSignal("part").eq(clocking.toggle)
    done = []

    async def bench(ctx):
        async def tick():
            if boot:
                name = next(each for each in platform.ports if each.endswith(".cs"))[:-3]
                ports = {line: platform.ports.get(f"{name}.{line}") for line in LINES}
                ctx.set(part.cs_n, ctx.get(ports["cs"].o))  # inverted by the pin
                clock = ports["clk"].o if ports["clk"] is not None else driven[0]
                ctx.set(part.sclk, ctx.get(clock))
                ctx.set(part.mosi, ctx.get(ports["copi"].o))
                ctx.set(ports["cipo"].i, ctx.get(part.miso))
            for level in (1, 0):
                ctx.set(clocking.toggle, level)
                await ctx.delay(1e-6)

        await process(ctx, core, tick)
        done.append(True)

    driven = getattr(flash_clock, "driven", [])
    simulator = Simulator(Fragment.get(m, platform))
    simulator.add_testbench(bench)
    simulator.run()
    assert done


@pytest.mark.parametrize(
    ("name", "more", "clock"),
    [
        ("spi_flash", (), True),
        ("spi_flash_1x", ("wp", "hold"), True),
        ("spi_flash", ("hold", "wp"), False),
    ],
)
def test_the_flash_at_its_pins(name, more, clock):
    """Its bytes come in; lines that the board has beside are released, high."""
    platform = Platform(UART, *LEDS, flash(name, *more, clock=clock))
    found = []

    async def process(ctx, core, tick):
        for _ in range(64 + 64 + 20 * 17 * 2):
            await tick()
            if ctx.get(core.count) > len(found):
                found.append(ctx.get(core.taken))
        for line in more:
            assert ctx.get(platform.ports[f"{name}.{line}"].o) == 1

    simulate(platform, process, flash_clock=None if clock else FlashClock())
    assert len(found) >= 20
    assert bytes(found) == CONTENT[: len(found)]


def test_lamps_and_line():
    """Without a boot loader no flash is asked for."""
    platform, seen = Platform(UART, *LEDS), []

    async def process(ctx, core, tick):
        for lamps in range(8):
            ctx.set(core.lamps, lamps)
            ctx.set(platform.ports["uart.rx"].i, lamps & 1)
            await tick()
            lit = [1 - ctx.get(platform.ports[f"led_{name}"].o) for name in LAMPS]
            seen.append(sum(bit << n for n, bit in enumerate(lit)))
            assert ctx.get(platform.ports["uart.tx"].o) == 1 - (lamps & 1)

    simulate(platform, process, boot=False)
    assert seen == list(range(8))


def test_a_platform_without_a_flash():
    with pytest.raises(ResourceError, match="Platform has no boot flash: spi_flash, spi_flash_1x"):
        _flash_lines(Platform(UART, *LEDS))


@pytest.fixture(scope="module", params=NAMES)
def board(request):
    return load(request.param)


def test_which_boards_boot(board):
    """Behind their bitstreams, where nothing of these is erased with the image."""
    assert (board.flash is not None) == (board.name in BOOTS)
    if board.flash is not None:
        size = BITSTREAMS[board.new_platform().device]
        assert size <= board.flash < FLASH
        assert board.flash % 0x10000 == 0


@pytest.mark.slow
def test_pins(board):
    """Every board's top gets its pins, each once: lamps, line and flash."""
    board = replace(board, config=CONFIGS["tiny"])  # which is soon made
    platform = board.new_platform()
    top, _ = board.top(platform=platform, clock_hz=board.clock_hz, baud=board.baud)
    plan = platform.build(top, do_build=False, **board.family.synthesis)
    texts = [plan.files[name] for name in plan.files if name.endswith((".pcf", ".lpf", ".cst"))]
    text = "".join(each if isinstance(each, str) else each.decode() for each in texts)
    pins = re.findall(r"set_io (\S+) \S+|LOCATE COMP \"(\S+)\" SITE|IO_LOC \"(\S+)\"", text)
    names = [next(filter(None, found)) for found in pins]
    assert len(names) == len(set(names)) >= 6
    for name in LAMPS:
        assert any(f"led_{name}" in each for each in names)
    count = sum("spi_flash" in each for each in names)
    if board.flash is None:
        assert count == 0
    else:
        assert count >= (3 if board.family.flash_clock else 4)
        rtlil = plan.files["top.il"]
        rtlil = rtlil if isinstance(rtlil, str) else rtlil.decode()
        assert ("USRMCLK" in rtlil) == (board.family.flash_clock is not None)
