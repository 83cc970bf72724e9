"""A serial flash read from one address on: mode 0, one bit at a time.

The commands are those that common parts from 1 Mbit to 128 Mbit know (such as Winbond's W25Q128JV,
data sheet of revision H, its instructions "Release Power-down" and "Read Data"): AB wakes the part,
which the configuration of the device may have left asleep; 03 reads, from a 24-bit address on, for
as long as there is a clock.
"""

import math
from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

WAKE, READ = 0xAB, 0x03
WAKE_SECONDS = 35e-6  # from AB until the part listens; slow parts ask for 30 us
MAX_CLOCK_HZ = 33e6  # of READ: the slowest of common parts
ADDRESS_LIMIT = 1 << 24


def half_cycles(clock_hz: float) -> int:
    """Clock cycles of half a bit: the least power of two that keeps to ``MAX_CLOCK_HZ``."""
    return 1 << max(math.ceil(math.log2(clock_hz / 2 / MAX_CLOCK_HZ)), 0)


def wake_cycles(clock_hz: float) -> int:
    """Cycles from reset to reading: a power of two, ``WAKE_SECONDS`` or more behind the AB."""
    return 1 << math.ceil(math.log2(clock_hz * WAKE_SECONDS + 20 * half_cycles(clock_hz)))


class FlashReader(wiring.Component):
    """Bytes of a flash, in order, from ``address`` on.

    It begins when its reset ends: it wakes the part, waits, and reads. A byte takes 16 * ``half``
    cycles, and one more; while it waits at ``o`` the clock of the part stands, so that none is lost
    and none is read twice. A reset deselects the part and begins again.

    Parameters
    ----------
    address : of the first byte, below 2**24.
    half : clock cycles of half a bit, a power of two. What the part puts out behind a falling edge
        of ``sclk`` is taken just before the next one: 2 * ``half`` cycles, less the ways.
    wake : clock cycles from reset to reading, a power of two, at least 32 * ``half``.

    Members
    -------
    cs_n : Out(1), ``sclk`` : Out(1), ``mosi`` : Out(1), the pins; all are registers.
    miso : In(1), the pin.
    o : Out(stream of 8 bits), the bytes.

    Raises ``ValueError`` where a parameter is out of range.
    """

    def __init__(self, *, address: int, half: int, wake: int):
        if not 0 <= address < ADDRESS_LIMIT:
            raise ValueError(f"address must be 0 to 2**24 - 1, not {address!r}")
        if half < 1 or half & (half - 1):
            raise ValueError(f"half must be a power of two, not {half!r}")
        if wake < 32 * half or wake & (wake - 1):
            raise ValueError(f"wake must be a power of two of at least {32 * half}, not {wake!r}")
        self.address, self.half, self.wake = address, half, wake
        super().__init__(
            {
                "cs_n": Out(1, init=1),
                "sclk": Out(1),
                "mosi": Out(1, init=1),
                "miso": In(1),
                "o": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        timer = Signal(range(2 * self.wake))
        shift = Signal(8, init=WAKE)  # bits leave at the top, and come in below
        bit = Signal(3)
        sent = Signal(range(6))  # bytes: AB, 03, the address; from 5 on they are taken
        asleep = Signal(init=1)
        tick = Signal()
        falling = Signal()
        command = [READ, *self.address.to_bytes(3, "big"), 0, 0, 0, 0]
        m.d.comb += [
            tick.eq(timer[: exact_log2(self.half)].all() & ~self.cs_n & ~self.o.valid),
            falling.eq(tick & self.sclk),
            self.mosi.eq(shift[-1]),
            self.o.payload.eq(shift),
        ]
        with m.If(~timer[-1]):
            m.d.sync += timer.eq(timer + 1)
        with m.Elif(asleep):
            m.d.sync += asleep.eq(0)
        if self.half > 1:
            with m.Else():  # the low digits go on
                m.d.sync += timer[: exact_log2(self.half)].eq(timer + 1)
        m.d.sync += self.cs_n.eq(asleep & (sent == 1))
        with m.If(tick):
            m.d.sync += self.sclk.eq(~self.sclk)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(falling):
            m.d.sync += [shift.eq(Cat(self.miso, shift[:-1])), bit.eq(bit + 1)]
            with m.If(bit == 7):
                with m.If(sent == 5):
                    m.d.sync += self.o.valid.eq(1)
                with m.Else():
                    m.d.sync += [sent.eq(sent + 1), shift.eq(Array(command)[sent])]
                with m.If(sent == 0):
                    m.d.sync += self.cs_n.eq(1)
        return m
