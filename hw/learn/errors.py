"""The errors of hidden neurons: from the sums of the backward sweep to 16 bits."""

from typing import Any

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.learn.arithmetic import HIGH

from ..checks import exact_log2
from .outputs import ERROR16, saturated


class HiddenErrors(wiring.Component):
    """``errors`` of ``sums``: rounded, half up, clamped to 16 bits, 0 where the neuron is clamped.

    Golden twin: the backward sweep of ``golden.learn.by_path.step``. Free-running. Throughput:
    ``values`` a cycle; latency: 2 cycles. Half of the shift does not carry over: a sum is at most
    2**31 - 2**24 in magnitude (``golden.learn.arithmetic``).

    Parameters
    ----------
    values : sums that come together, a power of two.

    Members
    -------
    sums : of weight times error, 32 bits; ``active`` : a bit each, whether the neuron's activation
        is neither 0 nor 255.
    errors : those of the sums of 2 cycles before.

    Raises ``TypeError`` or ``ValueError`` where ``values`` is no power of two.
    """

    latency = 2

    def __init__(self, *, values: int):
        exact_log2("values", values)
        super().__init__(
            {
                "sums": In(data.ArrayLayout(signed(32), values)),
                "active": In(values),
                "errors": Out(data.ArrayLayout(ERROR16, values)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for value, error in enumerate(self.errors):
            total = self.sums[value]
            rounded = Signal(signed(33 - HIGH), name=f"rounded_{value}", reset_less=True)
            active = Signal(name=f"active_{value}", reset_less=True)
            m.d.sync += [
                rounded.eq((total >> HIGH) + total[HIGH - 1]),
                active.eq(self.active[value]),
                error.eq(Mux(active, saturated(rounded), 0)),
            ]
        return m
