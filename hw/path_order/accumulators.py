"""The accumulator banks: read, add and write back, one word of every bank a cycle.

A sum is kept in two parts, 16 digits and the others, each in banks of its own: the high one works a
cycle after the low one, with its carries. So no carry is longer than 16 digits.

**No hazard.** A word is read, added to and written in two cycles: a block reads in the cycle in
which the one before writes. Where both have the same rows, the sum is handed on. Two blocks meet
either the same neurons of a layer or none in common (they are cosets of one space), so it is enough
to compare the row of one bank. Blocks that are further apart never collide.
"""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.hdl import Cat
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..delay import delay
from ..mac import LOW
from .config import PathOrderConfig


class HalfAccumulators(wiring.Component):
    """Some digits of the sums of all banks, ``digits`` of them.

    Throughput: one word of every bank a cycle. Latency: ``words`` are those at ``rows`` of the
    cycle before. In that cycle, if ``valid``, they get ``addends`` and ``carries`` added, or with
    ``first`` are replaced by them, and are written back; ``carried`` are their carries.

    Members
    -------
    rows : one a bank; what follows is of the cycle after. ``valid``, ``first`` : of all.
    addends : ``digits`` a bank; ``carries``, ``carried`` : one digit a bank.
    words : as they stand in the memory: valid where the row was not written in the cycle before.
    """

    def __init__(self, config: PathOrderConfig, digits: int) -> None:
        self._config, self._digits = config, digits
        words = data.ArrayLayout(digits, config.lanes)
        super().__init__(
            {
                "rows": In(data.ArrayLayout(config.row_bits, config.lanes)),
                "valid": In(1),
                "first": In(1),
                "addends": In(words),
                "carries": In(config.lanes),
                "carried": Out(config.lanes),
                "words": Out(words),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        rows = delay(m, self.rows, 1, "rows", reset_less=True)
        again = Signal(reset_less=True)  # the block before has these rows, and is being written
        m.d.sync += again.eq(self.valid & (self.rows[0] == rows[0]))
        for number in range(len(self.words)):
            depth = 1 << self._config.row_bits
            bank = Memory(shape=self._digits, depth=depth, init=[])
            m.submodules[f"bank_{number}"] = bank
            read = bank.read_port()
            write = bank.write_port()
            last = Signal(self._digits, name=f"last_{number}", reset_less=True)
            word = Mux(self.first, 0, Mux(again, last, read.data))
            total = Signal(self._digits + 1, name=f"total_{number}")
            m.d.comb += [
                # The carry enters below: 1 + carry.
                total.eq((Cat(1, word) + Cat(self.carries[number], self.addends[number]))[1:]),
                self.carried[number].eq(total[-1]),
                self.words[number].eq(read.data),
                read.addr.eq(self.rows[number]),
                write.addr.eq(rows[number]),
                write.data.eq(total[:-1]),
                write.en.eq(self.valid),
            ]
            m.d.sync += last.eq(total[:-1])
        return m


class Accumulators(wiring.Component):
    """The sums of all neurons of a layer, bank by bank.

    Throughput: a product a bank and cycle, blocks back to back, with gaps or without. Latency: a
    block's sums are in the memory 2 cycles after its products; the low half of a word that is read
    comes 1 cycle after its row, the high half 2 cycles after.

    Members
    -------
    rows : one a bank. In the cycle after, if ``valid``, ``products`` are added to them, or replace
        them if ``first``.
    low, high : the halves of what is at ``rows``, as it stood before.
    """

    latency = 2

    def __init__(self, config: PathOrderConfig) -> None:
        upper = config.accumulator_bits - LOW
        self.halves = HalfAccumulators(config, LOW), HalfAccumulators(config, upper)
        members, higher = (half.signature.members for half in self.halves)
        width = 8 + config.operand.width
        super().__init__(
            {
                "rows": members["rows"],
                "valid": In(1),
                "first": In(1),
                "products": In(data.ArrayLayout(width, config.lanes)),
                "low": members["words"],
                "high": higher["words"],
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        low, high = self.halves
        m.submodules.low, m.submodules.high = low, high
        carries = delay(m, low.carried, 1, "carries", reset_less=True)
        m.d.comb += [
            low.rows.eq(self.rows),
            low.valid.eq(self.valid),
            low.first.eq(self.first),
            high.rows.eq(delay(m, self.rows, 1, "rows", reset_less=True)),
            high.valid.eq(delay(m, self.valid, 1, "valid")),
            high.first.eq(delay(m, self.first, 1, "first", reset_less=True)),
            high.carries.eq(carries),
            self.low.eq(low.words),
            self.high.eq(high.words),
        ]
        for number, product in enumerate(self.products):
            upper = delay(m, product[LOW - 1 :], 1, f"upper_{number}", reset_less=True)
            sign = upper[-1].replicate(len(high.addends[number]) + 1 - len(upper))
            m.d.comb += [
                low.addends[number].eq(product[:LOW]),
                high.addends[number].eq(Cat(upper, sign)[1:]),
            ]
        return m
