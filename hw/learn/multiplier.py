"""The multiplier of the engine that learns: it does for all three sweeps."""

from typing import Any

from amaranth import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .update import PRODUCT_BITS

#: The ports: ``large``, a weight or an error; ``small``, an activation, or backwards a weight.
MULTIPLIER = {"large": In(signed(16)), "small": In(signed(9)), "product": Out(signed(PRODUCT_BITS))}


class LearnMultiplier(wiring.Component):
    """``product`` is ``large`` times ``small`` of 2 cycles before: portable form.

    An input and an output register, free-running. A product of an error and an activation, or of an
    error and a weight, is at most 2**15 * 255 < 2**23 in magnitude.
    """

    latency = 2

    def __init__(self) -> None:
        super().__init__(MULTIPLIER)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        large = Signal.like(self.large, reset_less=True)
        small = Signal.like(self.small, reset_less=True)
        product = Signal.like(self.product, reset_less=True)
        m.d.sync += [large.eq(self.large), small.eq(self.small), product.eq(large * small)]
        m.d.comb += self.product.eq(product)
        return m
