"""The CRC of the host protocol, a bit a cycle: CRC-32/ISO-HDLC, as in ``golden.protocol.frames``.

Its register is 0xFFFFFFFF at first, moves towards its lowest bit, and is complemented to be read.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

POLYNOMIAL = 0xEDB88320  # its lowest bit belongs to x**31
BITS = 32
RESIDUE = 0xDEBB20E3  # what the register holds once the CRC of all that came before was taken too


class SerialCrc(wiring.Component):
    """Takes a bit a cycle, a byte's lowest one first; the CRC is read in the same order.

    Parameters
    ----------
    reset_less : it goes through a reset as it is; what uses it gives ``start``.

    Members
    -------
    start : In(1), begin again. ``resume`` : In(1), go on as behind a CRC that was taken. Both go
        before all others.
    step : In(1), take ``bit``.
    bit : In(1).
    turn : In(1), move by one place, around; not together with ``step``. 32 turns show the bits of
        the CRC at ``low``, and all is as before.
    low : Out(1), the lowest bit of the CRC of all that was taken, in the cycle after.
    """

    def __init__(self, *, reset_less: bool = False):
        self._reset_less = reset_less
        inputs = ("start", "resume", "step", "bit", "turn")
        super().__init__({**dict.fromkeys(inputs, In(1)), "low": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        register = Signal(BITS, init=-1, reset_less=self._reset_less)
        entering = Signal()  # at the top, where the polynomial has a bit, as everywhere else
        fed = entering & ~self.turn
        taps = Cat(fed & (POLYNOMIAL >> place & 1) for place in range(BITS - 1))
        m.d.comb += [self.low.eq(~register[0]), entering.eq((self.bit & ~self.turn) ^ register[0])]
        with m.If(self.start):
            m.d.sync += register.eq(-1)
        with m.Elif(self.resume):
            m.d.sync += register.eq(RESIDUE)
        with m.Elif(self.step | self.turn):
            m.d.sync += register.eq(Cat(register[1:] ^ taps, entering))
        return m
