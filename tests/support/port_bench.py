"""A host port, compiled, beside the device in software: the same bytes to both."""

import ctypes
import random
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sobolpath.boards.gateware.boot import BootLoader
from sobolpath.boards.gateware.flash import FlashReader
from sobolpath.boards.gateware.host import identity
from sobolpath.boards.gateware.port import LAMPS, Port
from sobolpath.golden.protocol.device import Device
from sobolpath.hw.engines import component
from sobolpath.sim.backends import designs, library
from sobolpath.sim.board import machine
from tests.support import serial_flash
from tests.support.streams import at_random

CLOCK, DIVISOR = 12_000_000, 12
SILENCE = 1 << 10  # cycles, more than an engine or a stalled link is ever quiet for
BREAK = "break"
PAUSE = "silence"
BOOT = "boot"  # until the boot loader has ended
FIRST = 0x020000  # of the flash's content
HOW = {"clock_hz": CLOCK, "divisor": DIVISOR}
INPUTS = {"item": 8, "offered": 1, "wanted": 1, "line_break": 1, "active": 1, "data": 8}
OUTPUTS = {"taken": 1, "sent": 1, "answer": 8, "silence": 1, "booting": 1, "address": 24}
OUTPUTS |= dict.fromkeys(LAMPS, 1)
PLACES = {name: place for names in (INPUTS, OUTPUTS) for place, name in enumerate(names)}
MADE_OF = machine.SOURCES, *(Path(file).read_text() for file in (__file__, serial_flash.__file__))


class Bench(wiring.Component):
    """A port, and the part that it boots from but for the bytes in it: plain ports."""

    def __init__(self, config, flash, silence=SILENCE):
        boot = None
        if flash:
            boot = BootLoader(reader=FlashReader(address=FIRST, half=1, wake=64))
        self.port = Port(engine=component(config), boot=boot, silence=silence, **HOW)
        ports = {name: In(bits) for name, bits in INPUTS.items()}
        super().__init__(ports | {name: Out(bits) for name, bits in OUTPUTS.items()})

    def elaborate(self, platform):
        m = Module()
        m.submodules.port = port = self.port
        m.d.comb += [
            port.i.payload.eq(self.item),
            port.i.valid.eq(self.offered),
            self.taken.eq(port.i.valid & port.i.ready),
            port.o.ready.eq(self.wanted),
            self.sent.eq(port.o.valid & port.o.ready),
            self.answer.eq(port.o.payload),
            *(getattr(port, name).eq(getattr(self, name)) for name in ("line_break", "active")),
            *(getattr(self, name).eq(getattr(port, name)) for name in ("silence", *LAMPS)),
        ]
        if port.boot is not None:
            m.submodules.part = part = serial_flash.SerialFlash(wake=8)
            pins = port.boot.reader
            m.d.comb += [
                *(getattr(part, name).eq(getattr(pins, name)) for name in ("cs_n", "sclk", "mosi")),
                pins.miso.eq(part.miso),
                self.address.eq(part.address),
                part.data.eq(self.data),
                self.booting.eq(port.boot.booting),
            ]
        return m


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
    device boots from, by default it has none; the twin has booted from the beginning. ``silence`` :
    cycles.
    """

    def __init__(self, config, *, seed=0, flash=None, silence=SILENCE):
        print("seed", seed)
        self.seed, self.rng = seed, random.Random(seed)
        self.stalls = at_random(self.rng, 0.2) if seed else lambda: 0
        self.flash, boots = flash or b"", flash is not None
        design = designs.Design(
            name="port",
            make=lambda: Bench(config, boots, silence),
            made_of=(MADE_OF, config, boots, silence),
            harness=Path(__file__).with_name("port.cpp"),
        )
        self.library = library.opened(library.compiled(design))
        self.library.bench_open.restype = ctypes.c_void_p
        self.twin = Device(identity(config, flash=boots, **HOW), self.flash)
        self.replies, self.expected = [], []
        self._sent, self._wait = bytearray(), 0
        self._in, self._out = ((ctypes.c_uint32 * len(n))() for n in (INPUTS, OUTPUTS))

    def run(self, script):
        self._bench = ctypes.c_void_p(self.library.bench_open())
        self._put(wanted=1)
        for item in script:
            self._sent.clear()
            self._step(item)
            self.replies.append(bytes(self._sent))
            self.expected.append(self._twin(item))
        self.library.bench_close(self._bench)
        assert len(self.replies) == len(self.expected) == len(script)
        return self

    def _put(self, **values):
        for name, value in values.items():
            self._in[PLACES[name]] = value

    def _get(self, name):
        """What a port had in the last cycle."""
        return self._out[PLACES[name]]

    def _tick(self, cycles=1):
        for _ in range(cycles):
            self._put(wanted=self._wait == 0)
            self.library.bench_tick(self._bench, self._in, self._out)
            self._wait = max(self._wait - 1, 0)
            if self._get("sent"):
                self._sent.append(self._get("answer"))
                self._wait = 1 + 3 * self.stalls() if self.seed else 0
            place = self._get("address") - FIRST
            self._put(data=self.flash[place] if 0 <= place < len(self.flash) else 0xFF)

    def _step(self, item):
        if isinstance(item, int):
            self._tick(item)
        elif item == BOOT:
            self._until(lambda: not self._get("booting"))
            self._tick(100)
            self.lamps = {name: self._get(name) for name in LAMPS}
        elif item == BREAK:
            self._break()
        elif isinstance(item, Cut):
            self._send(item.content)
            self._tick(item.after)
            self._break()
        elif item == PAUSE:
            self._put(active=0)
            self._until(lambda: self._get("silence"))
            self._tick(200)
        else:
            self._send(item)
            self._settle()

    def _until(self, done, most=1_000_000):
        """Cycles until something holds."""
        for _ in range(most):
            self._tick()
            if done():
                return
        raise AssertionError(f"it must be done in {most} cycles")

    def _send(self, content):
        self._put(active=1)
        for byte in content:
            self._tick(self.stalls())
            self._put(item=byte, offered=1)
            self._until(lambda: self._get("taken"))
            self._put(offered=0)

    def _break(self):
        self._put(line_break=1)
        self._tick()
        self._put(line_break=0)
        self._tick(4)
        self._sent.clear()  # what was being taken
        self._tick(40)

    def _settle(self):
        """Until nothing was sent or under way for some time, or something is for very long."""
        quiet = busy = 0
        while quiet < 150 and busy < 1500:
            self._tick()
            sent, under_way = self._get("sent"), self._get("busy")
            quiet = 0 if sent or under_way else quiet + 1
            busy = 0 if sent else busy + 1

    def _twin(self, item):
        if item == BOOT or isinstance(item, int):
            return b""
        if isinstance(item, Cut):
            self.twin.take(item.content)
            return self.twin.line_break() or b""
        if item == BREAK:
            return self.twin.line_break() or b""
        return self.twin.silence() if item == PAUSE else self.twin.take(bytes(item))
