"""The walker: reads blocks of the program and enumerates the addresses of their steps.

A junction's address is a matrix over GF(2) times the step number. From step i to i + 1 the digits 0
to t of the number change, t the trailing zeros of i + 1; so the address changes by the sum s(t) of
the columns 0 to t, which is one word of the program: one XOR a step, and no matrix is kept. This
is the natural order's twin of the Gray code's one column a step (Antonov and Saleev, 1979).
``hw.sobol`` computes the same addresses from all columns at once, a block a cycle.
"""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.image import Kind

from .config import HEADER, PROGRAM_BITS
from .program import read_port
from .ruler import Ruler


class Walker(wiring.Component):
    """Reads a chain of blocks (``golden.machine.image``) and offers the steps of each, address by
    address.

    Blocks of kind HIDDEN are followed by the next one, any other ends the chain. Throughput: one
    step a cycle. Latency: the first step is offered 10 cycles after ``go``, and 7 cycles after the
    last step of a block, more where the block's second word, ``keep`` or ``hold`` make it wait.
    With back-pressure everything holds.

    Parameters
    ----------
    entry : the word of the program that points to the first block.
    words : of the program.
    step_bits : log2 of the most steps of a block.
    address_bits : digits of an address.
    wait_bits : digits of the longest wait before a block's first step; none if it is 0.

    Members
    -------
    program : see ``hw.program.read_port``.
    go : begin a chain, while ``idle``.
    idle : no chain is under way, and the pointer is at hand.
    keep : the header in hand is needed still: none is fetched.
    hold : the first step of the block in hand must wait.
    header, base : words 0 and 1 of the block in hand.
    begin : its steps follow, the first 3 cycles later.
    o : stream of {address, first, last}: a step, and whether its block begins or ends with it.
    """

    def __init__(self, *, entry, words, step_bits, address_bits, wait_bits=0):
        self._entry, self._step_bits, self._wait_bits = entry, step_bits, wait_bits
        step = data.StructLayout({"address": address_bits, "first": 1, "last": 1})
        super().__init__(
            {
                "program": Out(read_port(words)),
                "go": In(1),
                "idle": Out(1, init=1),
                "keep": In(1),
                "hold": In(1),
                "header": Out(HEADER),
                "base": Out(PROGRAM_BITS),
                "begin": Out(1),
                "o": Out(stream.Signature(step)),
            }
        )

    def elaborate(self, platform):
        m = Module()

        def register(like, name):
            return Signal.like(like, reset_less=True, name=name)

        self._advance = Signal()
        self._address = register(self.program.address, name="address")
        self._base = register(self.program.address, name="block")  # its start, then that of x(0)
        self._offset = Signal(range(max(self._step_bits + 1, 4)), reset_less=True)  # from there
        self._first = Signal(init=1, reset_less=True)  # and 1 more, unless this is 1
        self._next = Signal.like(self.program.address)
        self._valid = Signal()  # offset is a step's
        self._end = Signal()  # offset is one past the last
        self._header = register(self.header, name="head")
        self._row = register(self.base, name="row")
        m.d.comb += [
            self._advance.eq(~self.o.valid | self.o.ready),
            self.program.enable.eq(self._advance),
            self.program.address.eq(self._address),
            self._next.eq(self._base + self._offset + ~self._first),
            self.header.eq(self._header),
            self.base.eq(self._row),
        ]
        step = Signal.like(self.o.payload, reset_less=True)
        m.submodules.ruler = ruler = self._ruler = Ruler(bits=self._step_bits)
        m.d.comb += [self.o.payload.eq(step), ruler.advance.eq(self._advance)]
        m.d.sync += self.begin.eq(0)
        with m.If(self._advance):
            m.d.sync += self._address.eq(self._next)
            self._steps(m, step)
            fsm = self._blocks(m)
        m.d.comb += ruler.restart.eq(fsm.ongoing("WAIT"))
        return m

    def _steps(self, m, step):
        """The stages behind the offset: the word's address, the word, the sum of the words."""
        word = self.program.word
        reading = Signal()
        first = Signal()
        ready = Signal()
        began = Signal()
        ended = Signal()
        m.d.sync += [
            Cat(reading, first).eq(Cat(self._valid & ~self._end, self._first)),
            Cat(ready, began, ended).eq(Cat(reading, first, self._end)),
            self.o.valid.eq(ready),
            Cat(step.first, step.last).eq(Cat(began, ended)),
        ]
        with m.If(ready):
            m.d.sync += step.address.eq(Mux(began, 0, step.address) ^ word)

    def _blocks(self, m):
        """The states: header, first row, wait, then the steps. Returns the state machine."""
        word = self.program.word
        wait = Signal(self._wait_bits + 1, reset_less=True)  # counts up to 0
        m.d.sync += [self._first.eq(1), self._offset.eq(0), self._valid.eq(0), self._end.eq(0)]
        with m.FSM(init="IDLE") as fsm:
            with m.State("REWIND"):
                m.d.sync += self._address.eq(self._entry)
                m.next = "POINTER"
            with m.State("POINTER"):
                m.d.sync += [self._address.eq(self._entry), self.idle.eq(1)]
                m.next = "IDLE"
            with m.State("IDLE"):
                m.d.sync += [self._address.eq(self._entry), self._base.eq(word)]
                with m.If(self.go):
                    m.d.sync += self.idle.eq(0)
                    m.next = "BLOCK"
            with m.State("KEEP"), m.If(~self.keep):
                m.next = "BLOCK"
            with m.State("BLOCK"):
                m.d.sync += self._offset.eq(1)
                m.next = "SECOND"
            with m.State("SECOND"):
                m.d.sync += self._offset.eq(2)
                m.next = "HEADER"
            with m.State("HEADER"):
                m.d.sync += [self._header.eq(word), self._offset.eq(3)]
                m.next = "BASE"
            with m.State("BASE"):
                m.d.sync += [self._row.eq(word), self._base.eq(self._next)]
                m.next = "LENGTH"
            with m.State("LENGTH"):
                m.d.sync += wait.eq(word)
                m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += wait.eq(wait + wait[-1])
                with m.If(~wait[-1] & ~self.hold):
                    m.d.sync += [self._valid.eq(1), self.begin.eq(1)]
                    m.next = "STEPS"
            with m.State("STEPS"):
                m.d.sync += [
                    self._first.eq(0),
                    self._valid.eq(1),
                    self._offset.eq(self._ruler.zeros),
                ]
                m.d.sync += self._end.eq(self._ruler.zeros == self.header.steps)
                with m.If(self._end):
                    m.d.sync += [self._first.eq(1), self._valid.eq(0), self._end.eq(0)]
                    m.d.sync += self._base.eq(self._next)
                    m.d.sync += self._offset.eq(~self.keep)
                    with m.If(self.header.kind != Kind.HIDDEN):
                        m.next = "REWIND"
                    with m.Elif(self.keep):
                        m.next = "KEEP"
                    with m.Else():
                        m.next = "SECOND"
        return fsm
