"""The step walker: the address of each step of a block, one XOR a step.

A junction's address is a matrix over GF(2) times the step number. From step i to i + 1 the digits 0
to t of the number change, t the trailing zeros of i + 1; so the address changes by the sum s(t) of
the columns 0 to t, which is one word of the program: one XOR a step, and no matrix is kept. This
is the natural order's twin of the Gray code's one column a step (Antonov and Saleev, 1979).
``hw.sobol`` computes the same addresses from all columns at once, a block a cycle.
"""

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import PROGRAM_BITS
from .ruler import Ruler

#: What is known of a word that is asked for: it is a step's, and the first of its block.
FETCH = data.StructLayout({"valid": 1, "first": 1})


class StepWalker(wiring.Component):
    """Says which word each step needs, and adds up those words to the steps' addresses.

    Throughput: one step a cycle. Latency: a step is offered 3 cycles after its ``fetch``; the word
    that belongs to it is there 2 cycles after. All counts cycles in which ``advance`` is 1: with
    back-pressure everything holds, and so must what fetches the words.

    Parameters
    ----------
    step_bits : log2 of the most steps of a block.
    address_bits : digits of an address.

    Members
    -------
    advance : this cycle counts.
    restart : the next cycle's ``zeros`` is that of the number 1.
    zeros : the trailing zeros of the number of the step after: 0, 1, 0, 2, ...
    fetch : the flags of the word that is asked for. ``ended`` : that before was its block's last.
    word : the word that was asked for 2 cycles before: the address of a first step, and of any
        other one how it differs from the step before.
    o : stream of {address, first, last}: a step, and whether its block begins or ends with it.
    """

    def __init__(self, *, step_bits: int, address_bits: int) -> None:
        self._step_bits = step_bits
        step = data.StructLayout({"address": address_bits, "first": 1, "last": 1})
        super().__init__(
            {
                "advance": Out(1),
                "restart": In(1),
                "zeros": Out(range(step_bits + 1)),
                "fetch": In(FETCH),
                "ended": In(1),
                "word": In(PROGRAM_BITS),
                "o": Out(stream.Signature(step)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.ruler = ruler = Ruler(bits=self._step_bits)
        step = Signal.like(self.o.payload, name="step", reset_less=True)
        fetching = Signal(FETCH)  # its word's address is at the program
        fetched = Signal(FETCH)  # its word is there
        last = Signal()  # and the last of its block
        m.d.comb += [
            self.advance.eq(~self.o.valid | self.o.ready),
            ruler.advance.eq(self.advance),
            ruler.restart.eq(self.restart),
            self.zeros.eq(ruler.zeros),
            self.o.payload.eq(step),
        ]
        with m.If(self.advance):
            m.d.sync += [
                fetching.eq(self.fetch),
                fetched.eq(fetching),
                last.eq(self.ended),
                self.o.valid.eq(fetched.valid),
                Cat(step.first, step.last).eq(Cat(fetched.first, last)),
            ]
            with m.If(fetched.valid):
                m.d.sync += step.address.eq(Mux(fetched.first, 0, step.address) ^ self.word)
        return m
