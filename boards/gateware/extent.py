"""Where the data of a command goes and how much of it there is, counted bit by bit."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

ADDRESS_BITS, LENGTH_BITS = 24, 16
TURN = ADDRESS_BITS  # cycles of a count


class Extent(wiring.Component):
    """The address of a WRITE's next byte, and how many bytes of data are to come.

    Both are shift registers, lowest bit out first, filled from a header as it comes. A count takes
    ``TURN`` cycles, in which both go around through a half adder: less than half the cells that
    counters with a load take.

    Parameters
    ----------
    sizes : bytes of each space, by its number; a missing one has none.
    stays : whether there is an address that is not counted.

    Members
    -------
    bit : In(1), of the header.
    in_address, in_length : In(1), ``bit`` belongs there.
    count : In(1), the cycles of a count, which is one more address and one less byte.
    short : In(1), of these cycles the first ``LENGTH_BITS``.
    still : In(1), with ``stays``, from the cycle before a count on: the address stays as it is.
    address : Out(24), length : Out(16), before and after a count.
    space : In(2), the space; ``beyond`` : Out(1), it has no byte of this address.
    """

    def __init__(self, *, sizes: Mapping[int, int], stays: bool = False):
        self._sizes, self._stays = sizes, stays
        super().__init__(
            {
                "bit": In(1),
                "in_address": In(1),
                "in_length": In(1),
                "count": In(1),
                "short": In(1),
                **({"still": In(1)} if stays else {}),
                "address": Out(ADDRESS_BITS),
                "length": Out(LENGTH_BITS),
                "space": In(2),
                "beyond": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        more = Signal(init=1)  # the carry of the address
        less = Signal(init=1)  # the borrow of the length
        m.d.sync += [more.eq(~self.still if self._stays else 1), less.eq(1)]
        with m.If(self.count):
            m.d.sync += [more.eq(more & self.address[0]), less.eq(less & ~self.length[0])]
        with m.If(self.in_address):
            m.d.sync += self.address.eq(Cat(self.address[1:], self.bit))
        with m.Elif(self.count):
            m.d.sync += self.address.eq(Cat(self.address[1:], self.address[0] ^ more))
        with m.If(self.in_length):
            m.d.sync += self.length.eq(Cat(self.length[1:], self.bit))
        with m.Elif(self.count & self.short):
            m.d.sync += self.length.eq(Cat(self.length[1:], self.length[0] ^ less))
        m.d.comb += self.beyond.eq(
            Array(_beyond(self.address, self._sizes.get(space, 0)) for space in range(4))[
                self.space
            ]
        )
        return m


def _beyond(address, size):
    """Whether an address is not below a size, the odd part of which is small."""
    if not size:
        return 1
    digits = (size & -size).bit_length() - 1
    return address[digits:] >= size >> digits
