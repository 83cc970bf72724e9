"""The multiplier of the path-order engine: a weight and an operand, which may be an error."""

from typing import Any

from amaranth import Module, Signal, signed
from amaranth.hdl import Shape
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


def multiplier_ports(operand: Shape) -> dict[str, wiring.Member]:
    """The ports of a multiplier: ``product`` of int8 ``weight`` and ``operand``."""
    return {
        "weight": In(signed(8)),
        "operand": In(operand),
        "product": Out(signed(8 + operand.width)),
    }


class OperandMultiplier(wiring.Component):
    """``product`` is ``weight`` times ``operand`` of 2 cycles before: portable form.

    An input and an output register, free-running. The product always fits: -128 times -2**15 is
    2**22, of 24 digits.

    Parameters: ``operand``, its shape.
    """

    latency = 2

    def __init__(self, *, operand: Shape) -> None:
        super().__init__(multiplier_ports(operand))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        weight = Signal.like(self.weight, reset_less=True)
        operand = Signal.like(self.operand, reset_less=True)
        product = Signal.like(self.product, reset_less=True)
        m.d.sync += [
            weight.eq(self.weight),
            operand.eq(self.operand),
            product.eq(weight * operand),
        ]
        m.d.comb += self.product.eq(product)
        return m
