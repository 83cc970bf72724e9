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


def block(config: PathOrderConfig) -> data.StructLayout:
    """What is known of a block.

    ``read_rows`` : of every bank that is read, its row. Of every bank that is added to: ``banks``,
    the bank that its operand is in; ``lanes``, the lane that its weight is in; ``add_rows``, its
    row. ``first`` : the rows are met for the first time. ``last`` : no block follows.
    """
    rows = data.ArrayLayout(config.row_bits, config.lanes)
    banks = data.ArrayLayout(config.bank_bits, config.lanes)
    return data.StructLayout(
        {
            "read_rows": rows,
            "add_rows": rows,
            "banks": banks,
            "lanes": banks,
            "first": 1,
            "last": 1,
        }
    )


class BlockAddresses(wiring.Component):
    """Gives the addresses of one block after the other, from the first to the last or back.

    Throughput: one block a cycle, without gaps. Latency: ``latency`` cycles from a start to its
    first block.

    Parameters
    ----------
    config : hw.path_order.config.PathOrderConfig

    Members
    -------
    read, add : streams of columns, as of ``hw.sobol.SobolGenerator``: of the layer that is read and
        of that which is added to. The column of the index's highest digit is the digital shift.
    start : stream of {last, backward, epoch}: blocks 0 to ``last``, or the other way round;
        ``epoch`` + 1 blocks are one, and the first epoch's rows are new.
    valid, o : a block, see :func:`block`.
    """

    latency = SobolGenerator.latency + 2

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
        for generator in (readers, adders):
            m.d.comb += [
                generator.start.valid.eq(self.start.valid),
                generator.start.payload.first.eq(always | Mux(start.backward, start.last, 0)),
                generator.start.payload.last.eq(always | Mux(start.backward, 0, start.last)),
                generator.start.payload.backward.eq(start.backward),
                generator.o.ready.eq(1),
            ]
        m.d.comb += self.start.ready.eq(readers.start.ready)
        self._sort(m)
        return m

    def _sort(self, m):
        """From lanes to banks: two cycles, one to invert both permutations, one to use them."""
        config, valid = self._config, self.readers.o.valid
        left = Signal(config.row_bits, reset_less=True)  # blocks of the first epoch to come, less 1
        new = Signal(reset_less=True)
        with m.If(self.start.valid & self.start.ready):
            m.d.sync += [left.eq(self.start.payload.epoch), new.eq(1)]
        with m.Elif(valid):
            m.d.sync += [left.eq(left - 1), new.eq(new & (left != 0))]
        bits, lanes = config.row_bits, range(config.lanes)
        inverses, sides = [], {"read": self.readers, "add": self.adders}
        for name, generator in sides.items():
            m.submodules[f"{name}_inverse"] = inverse = InversePermutation(lanes=config.lanes)
            addresses = generator.o.payload.addresses
            m.d.comb += [inverse.banks[lane].eq(addresses[lane][bits:]) for lane in lanes]
            met = Signal.like(inverse.o, name=f"{name}_met", reset_less=True)
            m.d.sync += met.eq(inverse.o)
            kept = delay(m, addresses, 1, f"{name}_addresses", reset_less=True)
            inverses.append((met, kept))
        (read, sources), (add, targets) = inverses

        def sorted_by(name, select, items, shape):
            """Items of the lanes as items of the banks that ``select`` is of, a cycle later."""
            m.submodules[name] = crossbar = BankCrossbar(lanes=config.lanes, shape=shape)
            m.d.comb += crossbar.select.eq(select)
            m.d.comb += [crossbar.i[lane].eq(items(lane)) for lane in lanes]
            m.d.sync += self.o[name].eq(crossbar.o)

        sorted_by("read_rows", read, lambda lane: sources[lane][:bits], bits)
        sorted_by("add_rows", add, lambda lane: targets[lane][:bits], bits)
        sorted_by("banks", add, lambda lane: sources[lane][bits:], config.bank_bits)
        m.d.sync += self.o.lanes.eq(add)
        m.d.comb += [
            self.valid.eq(delay(m, valid, 2, "valid")),
            self.o.first.eq(delay(m, new, 2, "first", reset_less=True)),
            self.o.last.eq(delay(m, self.readers.o.payload.last, 2, "last", reset_less=True)),
        ]
