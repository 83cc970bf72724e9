"""The addresses of a block: of both sides, sorted by bank.

Two address generators give the neurons that a block's P paths join. A neuron's leading digits are
its bank, the others its row there. Every bank of a side is met once, so each has one row a block.
"""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..delay import delay
from ..sobol import SobolGenerator
from .config import PathOrderConfig
from .crossbar import BankCrossbar, InversePermutation
from .operands import OperandBanks


def block(config: PathOrderConfig) -> data.StructLayout:
    """What is known of a block where its operands are.

    Of every bank that is added to: ``banks``, the bank that its operand is in; ``lanes``, the lane
    that its weight is in; ``rows``, its row. ``first`` : the rows are met for the first time.
    ``last`` : no block follows.
    """
    banks = data.ArrayLayout(config.bank_bits, config.lanes)
    rows = data.ArrayLayout(config.row_bits, config.lanes)
    return data.StructLayout({"rows": rows, "banks": banks, "lanes": banks, "first": 1, "last": 1})


class BlockAddresses(wiring.Component):
    """Gives the addresses of one block after the other, from the first to the last or back.

    Throughput: one block a cycle, without gaps. Latency: ``latency`` cycles from a start to the
    rows that its first block reads; what else is known of it comes with its operands.

    Parameters
    ----------
    config : hw.path_order.config.PathOrderConfig

    Members
    -------
    read, add : streams of columns, as of ``hw.sobol.SobolGenerator``: of the layer that is read and
        of that which is added to. The column of the index's highest digit is the digital shift.
    start : stream of {last, backward, epoch}: blocks 0 to ``last``, or the other way round;
        ``epoch`` + 1 blocks are one, and the first epoch's rows are new.
    issued, number, word : for simulation: a block's addresses are there, its number, and the bank
        of its first path's source, by which the banks of all blocks of a junction differ.
    rows : of every bank that is read, its row.
    valid, o : the block of the operands at these rows, see :func:`block`, ``OperandBanks.latency``
        later.
    """

    latency = SobolGenerator.latency + 1

    def __init__(self, config: PathOrderConfig) -> None:
        self._config = config
        size = {"index_bits": config.index_bits, "address_bits": config.address_bits}
        self.readers = SobolGenerator(lanes=config.lanes, **size)
        self.adders = SobolGenerator(lanes=config.lanes, **size)
        column = self.readers.signature.members["column"]
        start = data.StructLayout(
            {"last": config.block_bits, "backward": 1, "epoch": config.row_bits}
        )
        super().__init__(
            {
                "read": column,
                "add": column,
                "start": In(stream.Signature(start)),
                "issued": Out(1),
                "number": Out(config.block_bits),
                "word": Out(config.bank_bits),
                "rows": Out(data.ArrayLayout(config.row_bits, config.lanes)),
                "valid": Out(1),
                "o": Out(block(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.readers, m.submodules.adders = readers, adders = self.readers, self.adders
        connect(m, flipped(self.read), readers.column)
        connect(m, flipped(self.add), adders.column)
        start = self.start.payload
        always = 1 << self._config.block_bits  # the digit that the shift is the column of
        taken, later = self.start.valid & self.start.ready, OperandBanks.latency
        m.d.comb += [
            self.start.ready.eq(readers.start.ready),
            readers.start.valid.eq(self.start.valid),
            # The other side's addresses are not needed before the operands are there.
            adders.start.valid.eq(delay(m, taken, later, "start")),
        ]
        for generator in (readers, adders):
            m.d.comb += [
                generator.start.payload.first.eq(always | Mux(start.backward, start.last, 0)),
                generator.start.payload.last.eq(always | Mux(start.backward, 0, start.last)),
                generator.start.payload.backward.eq(start.backward),
                generator.o.ready.eq(1),
            ]
        left = Signal.like(
            start.epoch, reset_less=True
        )  # blocks of the first epoch to come, less 1
        new = Signal(reset_less=True)
        with m.If(adders.start.valid):
            m.d.sync += [left.eq(start.epoch), new.eq(1)]
        with m.Elif(adders.o.valid):
            m.d.sync += [left.eq(left - 1), new.eq(new & (left != 0))]
        first = readers.o.payload.addresses[0]
        m.d.comb += [
            self.issued.eq(readers.o.valid),
            self.number.eq(readers.o.payload.block),
            self.word.eq(first[self._config.row_bits :]),
        ]
        m.d.sync += [
            self.valid.eq(adders.o.valid),
            self.o.first.eq(new),
            self.o.last.eq(adders.o.payload.last),
        ]
        self._sort(m)
        return m

    def _sort(self, m):
        """From lanes to banks, in one cycle: invert both permutations, and use them."""
        bits, later = self._config.row_bits, OperandBanks.latency
        lanes = range(self._config.lanes)
        sources, targets = (
            generator.o.payload.addresses for generator in (self.readers, self.adders)
        )
        read = self._inverse(m, "read_inverse", sources)
        add = self._inverse(m, "add_inverse", targets)
        banks = [
            delay(m, sources[lane][bits:], later, f"bank_{lane}", reset_less=True) for lane in lanes
        ]
        for name, select, items, output in (
            ("read_rows", read, [sources[lane][:bits] for lane in lanes], self.rows),
            ("add_rows", add, [targets[lane][:bits] for lane in lanes], self.o.rows),
            ("banks", add, banks, self.o.banks),
        ):
            crossbar = BankCrossbar(lanes=len(lanes), shape=len(items[0]))
            m.submodules[name] = crossbar
            m.d.comb += crossbar.select.eq(select)
            m.d.comb += [own.eq(item) for own, item in zip(crossbar.i, items, strict=True)]
            m.d.sync += output.eq(crossbar.o)
        m.d.sync += self.o.lanes.eq(add)

    def _inverse(self, m, name, addresses):
        """The lane that meets each bank."""
        m.submodules[name] = inverse = InversePermutation(lanes=len(addresses))
        m.d.comb += [
            bank.eq(address[self._config.row_bits :])
            for bank, address in zip(inverse.banks, addresses, strict=True)
        ]
        return inverse.o
