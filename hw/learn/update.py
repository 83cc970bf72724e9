"""The update of master weights: what is taken of each, and where it stops."""

from typing import Any

from amaranth import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..checks import exact_log2
from ..delay import delay

#: The two bytes of a master weight: 256 high + low.
MASTER = data.StructLayout({"low": signed(8), "high": signed(8)})
#: A bias, of whose high part 17 digits are in use.
BIAS = data.StructLayout({"low": signed(8), "high": signed(24)})
PRODUCT_BITS = 24  # of an error and an activation
MIDDLE = 128  # of a low part


class MasterUpdate(wiring.Component):
    """New masters: the old ones less ``products``, shifted and rounded half up, clamped.

    Golden twin: the update of ``golden.learn.by_path.step``, of weights and of biases.
    Free-running. Throughput: ``lanes`` masters a cycle; latency: ``latency`` cycles, 3 of them from
    the masters on. What is taken fits 25 bits, and what is left 26. Masters saturate, and where
    signs are ``fixed`` they stop short of the other sign.

    Parameters
    ----------
    lanes : masters that come together, a power of two.
    registered : a register in the middle of the shift. What is shifted, and how far, comes a cycle
        before all the others then.

    Members
    -------
    products : error times activation, a lane each; ``masters`` : what they are taken from, weights
        extended to biases' digits. ``biases`` : they are biases.
    shift : 0 to 24 (``golden.learn.arithmetic.Shifts``); ``fixed`` : signs stay.
    o : the new masters of the masters of 3 cycles before.

    Raises ``TypeError`` or ``ValueError`` where ``lanes`` is no power of two.
    """

    def __init__(self, *, lanes: int, registered: bool = False):
        exact_log2("lanes", lanes)
        self.latency, self._registered = 3 + registered, registered
        row = data.ArrayLayout(BIAS, lanes)
        super().__init__(
            {
                "products": In(data.ArrayLayout(signed(PRODUCT_BITS), lanes)),
                "masters": In(row),
                "biases": In(1),
                "shift": In(range(PRODUCT_BITS + 1)),
                "fixed": In(1),
                "o": Out(row),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        fixed = Signal(name="fixed_1", reset_less=True)
        stopping = Signal(reset_less=True)
        biases = Signal(name="biases_1", reset_less=True)
        wide = Signal(reset_less=True)
        m.d.sync += [fixed.eq(self.fixed), stopping.eq(fixed), biases.eq(self.biases)]
        m.d.sync += wide.eq(biases)
        coarse, fine = C(0, 1), self.shift
        if self._registered:  # by multiples of 8 a cycle earlier
            coarse = Cat(C(0, 3), self.shift[3:])
            fine = delay(m, self.shift[:3], 1, "fine", reset_less=True)
        for lane, new in enumerate(self.o):
            product, master = self.products[lane], self.masters[lane]
            # Below the product a 0: what is shifted out last is the digit that rounds.
            whole = (product << 1) >> coarse
            whole = delay(m, whole, self._registered, f"coarse_{lane}", reset_less=True)
            # All masters here are 128 more than they are: then their parts only stand side by side.
            old = Signal(signed(25), name=f"old_{lane}", reset_less=True)
            negative = Signal(name=f"negative_{lane}", reset_less=True)
            shifted = Signal(signed(PRODUCT_BITS + 1), name=f"shifted_{lane}", reset_less=True)
            less = Signal(signed(26), name=f"less_{lane}", reset_less=True)
            taken, half = shifted >> 1, shifted[0]
            m.d.sync += [
                shifted.eq(whole >> fine),
                old.eq(Cat(master.low.as_unsigned() ^ MIDDLE, master.high).as_signed()),
                # old - taken - half; the last is what enters below.
                less.eq((Cat(1, old).as_signed() + Cat(~half, ~taken).as_signed()) >> 1),
                negative.eq(_negative(old)),
            ]
            m.d.sync += new.eq(_stopped(less, wide, negative, stopping))
        return m


def _negative(more: Any) -> Any:
    """Whether a master is below 0, of which ``more`` is 128 more."""
    return more[-1] | ~more[7:].any()


def _stopped(less: Any, wide: Any, negative: Any, stopping: Any) -> Any:
    """The two parts of ``less``, 128 more than a master; at an end, where it is beyond that.

    Written as gates, of few levels, and so that no digit has a reset of its own.
    """
    high, sign = less[8:], less[-1]
    # Digits that must be those of the sign; and of the end below, which is no power of 2, all 0.
    beyond = (high[16] ^ sign) | (~wide & (high[7:16] ^ sign.replicate(9)).any())
    least = sign & ~(high[:7].any() | (wide & high[7:16].any()))
    end, crossed = beyond | least, stopping & (_negative(less) ^ negative)

    def digit(own, last):  # a digit of the high part, and what it is at the ends
        return Mux(end, last, own) & ~crossed

    above = Mux(wide, ~sign, sign)  # of +-127 and of +-65,535 the digits from 7 on
    highs = [
        digit(high[0], 1),
        *(digit(own, ~sign) for own in high[1:7]),
        *(digit(own, above) for own in high[7:16]),
        *[sign & ~crossed] * 8,
    ]
    low = less[:8] ^ MIDDLE
    ends = Cat((~sign).replicate(7), sign)
    return Cat(Mux(crossed, negative.replicate(8), Mux(end, ends, low)), *highs)
