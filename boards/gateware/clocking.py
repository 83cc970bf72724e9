"""Clock and reset of a device: a phase-locked loop, and a reset that outlasts its start."""

import math
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

RESET_SECONDS = 20e-6  # block RAM reads 0 for some 3 us after configuration: six times that


def reset_cycles(clock_hz: float) -> int:
    """Cycles of the power-on reset: the power of two above 20 us."""
    return 1 << math.ceil(math.log2(clock_hz * RESET_SECONDS))


class PowerOnReset(wiring.Component):
    """Holds ``reset`` until ``lock`` has been 1 for at least 20 us without a break.

    Parameters: ``clock_hz``. Members: ``lock``: In(1), asynchronous; ``reset``: Out(1), registered.
    Its flip-flops start from configuration and have no reset: use it in a reset-less domain.
    """

    def __init__(self, *, clock_hz: float):
        self.cycles = reset_cycles(clock_hz)
        super().__init__({"lock": In(1), "reset": Out(1, init=1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        locked = Signal()
        timer = Signal(range(2 * self.cycles), name="timer")  # top.TIMER
        m.submodules.synchronizer = FFSynchronizer(self.lock, locked)
        done = timer[-1]
        m.d.comb += self.reset.eq(~done)
        with m.If(~locked):
            m.d.sync += timer.eq(0)
        with m.Elif(~done):
            m.d.sync += timer.eq(timer + 1)
        return m


class ClockAndReset(wiring.Component):
    """The platform's default clock through a PLL, and the power-on reset.

    A family's own class makes the PLL: its ``_pll(m, platform, lock)`` adds one that drives
    ``self.clock`` and ``lock``. Amaranth adds a start-up reset to a domain that it makes
    itself; to this one it adds none, so nothing but this holds the design until the PLL has locked.
    ``derived`` says that place and route knows the clock's frequency from the PLL: then there is no
    constraint on the signal, whose name synthesis may drop.

    Parameters: ``settings``, the family's PLL settings for the platform's default clock; their
    ``output_hz`` is the clock.
    Members: ``clock``: Out(1), constrained to that frequency; ``reset``: Out(1).
    """

    derived = False

    def __init__(self, *, settings: Any):
        self.settings = settings
        super().__init__({"clock": Out(1), "reset": Out(1)})

    def _pin(self, m, platform):
        """The default clock's pin, through an input buffer."""
        pin = platform.request(platform.default_clk, dir="-")
        m.submodules.pin = buffer = io.Buffer(io.Direction.Input, pin)
        return buffer.i

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lock = Signal()
        self._pll(m, platform, lock)
        if not self.derived:
            platform.add_clock_constraint(self.clock, self.settings.output_hz)
        m.domains.por = ClockDomain(reset_less=True, local=True)
        timer = PowerOnReset(clock_hz=self.settings.output_hz)
        m.submodules.timer = DomainRenamer("por")(timer)
        m.d.comb += [ClockSignal("por").eq(self.clock), timer.lock.eq(lock)]
        m.d.comb += self.reset.eq(timer.reset)
        return m
