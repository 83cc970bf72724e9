"""A serial flash in simulation: what a boot loader reads.

It knows the two commands of ``boards.gateware.flash``, and those as strictly as a part does: asleep
at power-up it hears AB alone, and only after ``wake`` cycles more the rest.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sobolpath.boards.gateware.flash import READ, WAKE


class SerialFlash(wiring.Component):
    """A flash part, in mode 0; its clock is seen by the design's, at most every other cycle.

    Parameters
    ----------
    wake : clock cycles after AB before it listens.

    Members
    -------
    cs_n : In(1), ``sclk`` : In(1), ``mosi`` : In(1), ``miso`` : Out(1), the pins; ``miso`` is 1
        while nothing is read, as a pull-up leaves it.
    address : Out(24), of the byte that is read; ``data`` : In(8), that byte, one cycle later.
    """

    def __init__(self, *, wake: int):
        self.wake = wake
        super().__init__(
            {
                "cs_n": In(1, init=1),
                "sclk": In(1),
                "mosi": In(1),
                "miso": Out(1, init=1),
                "address": Out(24),
                "data": In(8),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        last, shift, bits = Signal(), Signal(32), Signal(range(33))
        asleep, timer, out = Signal(init=1), Signal(range(self.wake + 1)), Signal(range(8))
        kept = Signal(8)  # the byte in hand, from its second bit on: the next one is fetched then
        reading, rise, fall = Signal(), Signal(), Signal()
        m.d.sync += last.eq(self.sclk)
        m.d.comb += [
            rise.eq(self.sclk & ~last & ~self.cs_n),
            fall.eq(~self.sclk & last & ~self.cs_n),
            self.miso.eq(~reading | Mux(out == 0, self.data, kept).bit_select(~out, 1)),
        ]
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.If(self.cs_n):
            m.d.sync += [bits.eq(0), reading.eq(0), out.eq(0)]
            with m.If((bits == 8) & (shift[:8] == WAKE) & asleep):
                m.d.sync += [asleep.eq(0), timer.eq(self.wake)]
        with m.Elif(rise & (bits != 32)):
            m.d.sync += [shift.eq(Cat(self.mosi, shift)), bits.eq(bits + 1)]
            listens = ~asleep & (timer == 0) & (shift[23:31] == READ)
            with m.If((bits == 31) & listens):
                m.d.sync += [reading.eq(1), self.address.eq(Cat(self.mosi, shift[:23])), out.eq(7)]
        with m.If(fall & reading):
            m.d.sync += out.eq(out + 1)
            with m.If(out == 0):
                m.d.sync += [kept.eq(self.data), self.address.eq(self.address + 1)]
        return m
