"""The update of master weights: what is taken of each, and where it stops."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.learn.arithmetic import LIMIT

from ..checks import exact_log2

#: The two bytes of a master weight: 256 high + low.
MASTER = data.StructLayout({"low": signed(8), "high": signed(8)})
PRODUCT_BITS = 24  # of an error and an activation
LARGEST = LIMIT >> 8  # of a high byte


class MasterUpdate(wiring.Component):
    """New master weights: the old ones less ``products``, shifted and rounded half up, clamped.

    Golden twin: the update of ``golden.learn.by_path.step``. Free-running. Throughput: a row a
    cycle; latency: 3 cycles. A product of 16 and 8 bits, less what is taken, fits 25 bits; masters
    saturate, and where signs are ``fixed`` they stop short of the other sign.

    Parameters
    ----------
    lanes : weights of a row, a power of two.

    Members
    -------
    products : error times activation, a lane each; ``masters`` : what they are taken from.
    shift : 0 to 24 (``golden.learn.arithmetic.Shifts.weights``); ``fixed`` : signs stay.
    o : the new masters of what came 3 cycles before.

    Raises ``TypeError`` or ``ValueError`` where ``lanes`` is no power of two.
    """

    latency = 3

    def __init__(self, *, lanes: int):
        exact_log2("lanes", lanes)
        row = data.ArrayLayout(MASTER, lanes)
        super().__init__(
            {
                "products": In(data.ArrayLayout(signed(PRODUCT_BITS), lanes)),
                "masters": In(row),
                "shift": In(range(PRODUCT_BITS + 1)),
                "fixed": In(1),
                "o": Out(row),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        fixed = Signal(name="fixed_1", reset_less=True)
        stopping = Signal(reset_less=True)
        m.d.sync += [fixed.eq(self.fixed), stopping.eq(fixed)]
        for lane, new in enumerate(self.o):
            product, master = self.products[lane], self.masters[lane]
            old = Signal(signed(16), name=f"old_{lane}", reset_less=True)
            negative = Signal(name=f"negative_{lane}", reset_less=True)
            shifted = Signal(signed(PRODUCT_BITS + 1), name=f"shifted_{lane}", reset_less=True)
            less = Signal(signed(PRODUCT_BITS + 2), name=f"less_{lane}", reset_less=True)
            # Below the product a 0: what is shifted out last is the digit that rounds.
            m.d.sync += [
                shifted.eq((product << 1) >> self.shift),
                old.eq((master.high << 8) + master.low),
                less.eq(old - (shifted >> 1) - shifted[0]),
                negative.eq(old[-1]),
            ]
            high = Signal(signed(PRODUCT_BITS - 6), name=f"high_{lane}")
            m.d.comb += high.eq((less + 128) >> 8)
            m.d.sync += [new.low.eq(less[:8]), new.high.eq(high)]
            with m.If(stopping & (less[-1] != negative)):
                m.d.sync += [new.low.eq(Mux(negative, -1, 0)), new.high.eq(0)]
            with m.Elif(high > LARGEST):
                m.d.sync += [new.low.eq(127), new.high.eq(LARGEST)]
            with m.Elif(high < -LARGEST):
                m.d.sync += [new.low.eq(-128), new.high.eq(-LARGEST)]
        return m
