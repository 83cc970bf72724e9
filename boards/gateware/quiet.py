"""How long a line has rested."""

import math
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

SILENCE_SECONDS = 0.05  # at least; what a host may pause within a command


def silence_cycles(clock_hz: float) -> int:
    """Cycles of a silence: the power of two next above ``SILENCE_SECONDS``."""
    return 1 << math.ceil(math.log2(clock_hz * SILENCE_SECONDS))


class Quiet(wiring.Component):
    """Tells when nothing came for a while, and again each time that the same while has passed.

    Parameters
    ----------
    cycles : of a silence, a power of two, at least 2.

    Members
    -------
    active : In(1), something comes.
    silence : Out(1), for one cycle: ``cycles`` cycles have passed since ``active`` was 1, or since
        ``silence`` was.

    Raises ``ValueError`` for another number of cycles.
    """

    def __init__(self, *, cycles: int):
        if not isinstance(cycles, int) or cycles < 2 or cycles & (cycles - 1):
            raise ValueError(f"cycles must be a power of two, at least 2, not {cycles!r}")
        self.cycles = cycles
        super().__init__({"active": In(1), "silence": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        counter = Signal(exact_log2(self.cycles) + 1)
        m.d.comb += self.silence.eq(counter[-1])
        with m.If(self.active):
            m.d.sync += counter.eq(0)
        with m.Else():
            m.d.sync += counter.eq(counter[:-1] + 1)
        return m
