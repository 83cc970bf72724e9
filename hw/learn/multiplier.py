"""The multiplier of the engine that learns, and its accumulator: one a lane, for all sweeps."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..delay import delay
from .update import PRODUCT_BITS


def mac_ports() -> dict[str, wiring.Member]:
    """The ports of a multiplier and its accumulator."""
    return {
        "large": In(signed(16)),
        "small": In(signed(9)),
        "valid": In(1),
        "first": In(1),
        "total": Out(signed(32)),
    }


class LearnMac(wiring.Component):
    """``total`` is the sum of ``large`` times ``small`` over the steps of a row: portable form.

    Free-running: operands, 2 cycles later their ``valid`` and ``first``, with which the row's sum
    begins anew, and a cycle after that the sum. The steps of a row come in cycles that follow each
    other. A product of an error and an activation, or of an error and a weight, is at most
    2**15 * 255 < 2**23 in magnitude; no sum wraps (``golden.learn.arithmetic``).

    Parameters: ``registered``, a register behind the multiplier: ``valid`` a cycle later.

    Members
    -------
    large : a weight or an error; ``small`` : an activation, or backwards a weight.
    """

    latency = 2

    def __init__(self, *, registered: bool = False) -> None:
        self._registered = bool(registered)
        super().__init__(mac_ports())

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        product = Signal(signed(PRODUCT_BITS))
        self.multiply(m, product)
        found = delay(m, product, self._registered, "product", reset_less=True)
        total = Signal.like(self.total, name="sum", reset_less=True)
        m.d.comb += self.total.eq(total)
        with m.If(self.valid):  # chosen after the adder: one LUT a digit holds both
            m.d.sync += total.eq(Mux(self.first, found, total + found))
        return m

    def multiply(self, m: Module, product: Signal) -> None:
        """``product`` is that of the operands of 2 cycles before: here as logic infers it."""
        large = Signal.like(self.large, reset_less=True)
        small = Signal.like(self.small, reset_less=True)
        found = Signal.like(product, name="found", reset_less=True)
        m.d.sync += [large.eq(self.large), small.eq(self.small), found.eq(large * small)]
        m.d.comb += product.eq(found)
