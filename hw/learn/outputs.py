"""The errors of the outputs: what each logit lacks, without exponential and without division."""

from typing import Any

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.learn.arithmetic import ERROR

from ..checks import exact_log2
from ..config import RESULT
from ..delay import delay

#: An error of a neuron.
ERROR16 = signed(16)

END = 2**15 - 1  # of errors


def saturated(value: Any) -> Any:
    """A signed value clamped to 16 bits."""
    above = value[15:-1]
    negative = value[-1]
    outside = Mux(negative, ~above.all(), above.any())
    return Mux(outside, END ^ negative.replicate(16), value[:16]).as_signed()


class OutputErrors(wiring.Component):
    """``errors`` of ``logits``: of the true class min(z - 1, 0), of the others max(z, 0).

    Golden twin: ``golden.learn.arithmetic.output_errors``. Free-running. Throughput: ``values`` a
    cycle; latency: 3 cycles, 4 where it is registered. Saturates at 16 bits.

    Parameters
    ----------
    values : logits that come together, a power of two.
    registered : a register behind the last shift, for a faster clock.

    Members
    -------
    logits : sums of the last junction, 32 bits; ``true`` : bit v is 1 where logit v is that of the
        true class.
    shift : from a logit left to an error, 0 to 14 (``golden.learn.arithmetic.Shifts.logits``).
    errors : those of the logits of ``latency`` cycles before.

    Raises ``TypeError`` or ``ValueError`` where ``values`` is no power of two.
    """

    def __init__(self, *, values: int, registered: bool = False):
        exact_log2("values", values)
        self.latency, self._registered = 3 + registered, registered
        super().__init__(
            {
                "logits": In(data.ArrayLayout(RESULT, values)),
                "true": In(values),
                "shift": In(range(ERROR + 1)),
                "errors": Out(data.ArrayLayout(ERROR16, values)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shifts = self.shift
        shift = delay(m, shifts, 2, "shift", reset_less=True)
        one = Signal(ERROR + 1, reset_less=True)
        lost = Signal(15)  # the digits below the sign that a shift loses
        m.d.comb += lost.eq(Cat(shift > 14 - digit for digit in range(15)))
        m.d.sync += one.eq((1 << ERROR) >> shifts)
        for value, error in enumerate(self.errors):
            logit = Signal(ERROR16, name=f"logit_{value}", reset_less=True)
            true = Signal(name=f"true_{value}", reset_less=True)
            missing = Signal(signed(17), name=f"missing_{value}")
            kept = Signal(ERROR16, name=f"kept_{value}", reset_less=True)
            negative = kept[-1]
            outside = ((kept[:15] ^ negative.replicate(15)) & lost).any()
            outside, shifted, sign = (
                delay(m, part, self._registered, f"{name}_{value}", reset_less=True)
                for part, name in (
                    *((outside, "outside"), ((kept << shift)[:16], "shifted")),
                    (negative, "sign"),
                )
            )
            below = missing[-1]
            m.d.comb += missing.eq(logit - Mux(true, one, 0))
            m.d.sync += [
                # At either end the error is that of the end, or 0: 1 is at most half of it.
                logit.eq(saturated(self.logits[value])),
                true.eq(self.true[value]),
                # Of the right sign, and no less than -2**15, which only is so of a true one.
                kept.eq(Mux((below == true) & (missing[15] == below), missing, 0)),
                kept[15].eq(below & true),
                error.eq(Mux(outside, END ^ sign.replicate(16), shifted)),
            ]
        return m
