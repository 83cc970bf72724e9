"""The walker: reads blocks of the program and enumerates the addresses of their steps."""

from typing import Any

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .blocks import BlockReader
from .config import HEADER, PROGRAM_BITS
from .program import read_port
from .steps import StepWalker


class Walker(wiring.Component):
    """Reads a chain of blocks (``golden.machine.image``) and offers the steps of each, address by
    address.

    Blocks of kind HIDDEN are followed by the next one, any other ends the chain. Throughput: one
    step a cycle. Latency: the first step is offered 10 cycles after ``go``, and 7 cycles after the
    last step of a block, more where the block's second word, ``keep`` or ``hold`` make it wait.
    With back-pressure everything holds.

    Parameters
    ----------
    entry : the word of the program that points to the first block; None where a port says which.
    words : of the program.
    step_bits : log2 of the most steps of a block.
    address_bits : digits of an address.
    wait_bits : digits of the longest wait before a block's first step; none if it is 0.

    Members
    -------
    program : see ``hw.program.read_port``.
    entry : as of ``hw.blocks.BlockReader``.
    go : begin a chain, while ``idle``.
    idle : no chain is under way, and the pointer is at hand.
    keep : the header in hand is needed still: none is fetched.
    hold : the first step of the block in hand must wait.
    header, base : words 0 and 1 of the block in hand.
    begin : its steps follow, the first 3 cycles later.
    o : stream of {address, first, last}: a step, and whether its block begins or ends with it.
    """

    def __init__(
        self,
        *,
        entry: int | None,
        words: int,
        step_bits: int,
        address_bits: int,
        wait_bits: int = 0,
    ) -> None:
        self.blocks = BlockReader(
            entry=entry, words=words, step_bits=step_bits, wait_bits=wait_bits
        )
        self.steps = StepWalker(step_bits=step_bits, address_bits=address_bits)
        self._entries = {"entry": In(range(words))} if entry is None else {}
        super().__init__(
            {
                "program": Out(read_port(words)),
                **self._entries,
                "go": In(1),
                "idle": Out(1, init=1),
                "keep": In(1),
                "hold": In(1),
                "header": Out(HEADER),
                "base": Out(PROGRAM_BITS),
                "begin": Out(1),
                "o": Out(self.steps.o.signature),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.blocks, m.submodules.steps = blocks, steps = self.blocks, self.steps
        for name in self._entries:
            m.d.comb += getattr(blocks, name).eq(getattr(self, name))
        connect(m, blocks.program, flipped(self.program))
        connect(m, steps.o, flipped(self.o))
        m.d.comb += [
            blocks.go.eq(self.go),
            blocks.keep.eq(self.keep),
            blocks.hold.eq(self.hold),
            self.idle.eq(blocks.idle),
            self.header.eq(blocks.header),
            self.base.eq(blocks.base),
            self.begin.eq(blocks.begin),
            blocks.advance.eq(steps.advance),
            blocks.zeros.eq(steps.zeros),
            steps.restart.eq(blocks.restart),
            steps.fetch.eq(blocks.fetch),
            steps.ended.eq(blocks.ended),
            steps.word.eq(self.program.word),
        ]
        return m
