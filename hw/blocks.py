"""The block reader: the program's blocks one after the other, and which word of them is needed."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.image import Kind

from .config import HEADER, PROGRAM_BITS
from .program import read_port
from .steps import FETCH


class BlockReader(wiring.Component):
    """Reads a chain of blocks (``golden.machine.image``): of each its header, its second and third
    word, and then, step by step, the words that ``hw.steps.StepWalker`` names.

    Blocks of kind HIDDEN are followed by the next one, any other ends the chain. All cycles are
    those in which ``advance`` is 1; in others everything holds. Latency: the first ``fetch`` comes
    7 cycles after ``go``, and 7 cycles after the last one of a block, more where the block's third
    word, ``keep`` or ``hold`` make it wait.

    Parameters
    ----------
    entry : the word of the program that points to the first block; None where a port says which.
    words : of the program.
    step_bits : log2 of the most steps of a block.
    wait_bits : digits of the longest wait before a block's first step; none if it is 0.

    Members
    -------
    program : see ``hw.program.read_port``.
    entry : the word that points to the first block; not to change in the 3 cycles before ``go``.
    go, idle, keep, hold, header, base, begin : as of ``hw.walker.Walker``.
    advance, restart, zeros, fetch, ended : as of ``hw.steps.StepWalker``.
    """

    def __init__(
        self, *, entry: int | None, words: int, step_bits: int, wait_bits: int = 0
    ) -> None:
        self._entry, self._step_bits, self._wait_bits = entry, step_bits, wait_bits
        super().__init__(
            {
                "program": Out(read_port(words)),
                **({"entry": In(range(words))} if entry is None else {}),
                "go": In(1),
                "idle": Out(1, init=1),
                "keep": In(1),
                "hold": In(1),
                "header": Out(HEADER),
                "base": Out(PROGRAM_BITS),
                "begin": Out(1),
                "advance": In(1),
                "restart": Out(1),
                "zeros": In(range(step_bits + 1)),
                "fetch": Out(FETCH),
                "ended": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()

        def register(like: Any, name: str) -> Any:
            return Signal.like(like, reset_less=True, name=name)

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
            self.program.enable.eq(self.advance),
            self.program.address.eq(self._address),
            self._next.eq(self._base + self._offset + ~self._first),
            self.header.eq(self._header),
            self.base.eq(self._row),
            self.fetch.valid.eq(self._valid & ~self._end),
            self.fetch.first.eq(self._first),
            self.ended.eq(self._end),
        ]
        m.d.sync += self.begin.eq(0)
        with m.If(self.advance):
            m.d.sync += self._address.eq(self._next)
            fsm = self._blocks(m)
        m.d.comb += self.restart.eq(fsm.ongoing("WAIT"))
        return m

    def _blocks(self, m: Module) -> Any:
        """The states: header, first row, wait, then the steps. Returns the state machine."""
        word = self.program.word
        entry = self.entry if self._entry is None else self._entry
        wait = Signal(self._wait_bits + 1, reset_less=True)  # counts up to 0
        m.d.sync += [self._first.eq(1), self._offset.eq(0), self._valid.eq(0), self._end.eq(0)]
        with m.FSM(init="IDLE") as fsm:
            with m.State("REWIND"):
                m.d.sync += self._address.eq(entry)
                m.next = "POINTER"
            with m.State("POINTER"):
                m.d.sync += [self._address.eq(entry), self.idle.eq(1)]
                m.next = "IDLE"
            with m.State("IDLE"):
                m.d.sync += [self._address.eq(entry), self._base.eq(word)]
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
                    self._offset.eq(self.zeros),
                ]
                m.d.sync += self._end.eq(self.zeros == self.header.steps)
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
