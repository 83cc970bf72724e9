"""Bit reversal in hardware: of an address, and of the items of a stream of blocks.

The block permuter's memory is no larger than its largest block. Bit reversal is an involution, so
block n + 1 can be written where block n is being read: word w of block n + 1 goes where word w of
the permuted block n has just left. The layout alternates between two, natural and reversed.

Take word w (s bits) and lane j (q bits) of a block of 2**m items, m = q + s. Let tau be the
involution that exchanges bit t of the lane with bit s - 1 - t of the word for t < min(s, q), and
reverses the word's bits between these. In the natural layout item (w, j) lies in bank j ^ f(w) at
address w, with f(w) the low q bits of w reversed in s bits; in the reversed layout it lies where
the natural one puts tau(w, j), which is in bank j ^ f(w) again. So whatever the layout, lane j of
word w meets bank j ^ f(w): no two lanes meet in one bank, and one XOR crossbar before the banks and
one behind are all that the data pass. Bit reversal is tau where s >= q - 1. For smaller blocks the
lane bits from s on are also reversed, and in blocks below one word (m < q) only the lane bits below
m are: a fixed permutation of the lanes within a word for each of these m.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, ShapeLike, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.bitrev import reverse

from .checks import exact_log2
from .crossbar import XorCrossbar


def _integer(name, value, low, high):
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low} to {high}, not {value!r}")


def _reversed(value):
    return Cat(*reversed([*value]))


class BitReversal(wiring.Component):
    """The low ``bits`` bits of an index in reverse order; twin: ``golden.machine.bitrev.reverse``.

    Combinational: one barrel shifter of log2(max_bits + 1) stages. The index's bits from ``bits``
    on are dropped. Where ``bits`` is above max_bits (its width allows it unless max_bits + 1 is a
    power of two) the index counts as extended by zeros and the address is cut to max_bits.

    Parameters
    ----------
    max_bits : the index's width, 1 to 32.

    Members
    -------
    index : the index; ``bits`` : m, how many bits are reversed; ``address`` : 0 to 2**m - 1.

    Raises ``TypeError`` or ``ValueError`` if max_bits is no integer from 1 to 32.
    """

    def __init__(self, *, max_bits: int):
        _integer("max_bits", max_bits, 1, 32)
        super().__init__(
            {"index": In(max_bits), "bits": In(range(max_bits + 1)), "address": Out(max_bits)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        # The index is extended to 2**k - 1 bits, k the width of self.bits: after all of them are
        # reversed, the amount to shift by, 2**k - 1 - bits, is ~bits.
        extended = Cat(self.index, Const(0, 2 ** len(self.bits) - 1 - len(self.index)))
        m.d.comb += self.address.eq(_reversed(extended) >> ~self.bits)
        return m


class BlockWalk(wiring.Component):
    """The places in the banks of one word after the other, in layouts that alternate by block.

    The word's number w is counted twice, in the low and in the high bits of an address, so that its
    reversal in any number of bits is wires only. Latency 0; one word a cycle.

    Parameters
    ----------
    lanes : items of a word, 2**q; ``address_width`` : of each bank.
    layout : the first block's: 0 natural, 1 reversed.

    Members
    -------
    mask : the s top bits set, for blocks of 2**s words; may change between blocks.
    enable : the next word is wanted from the next cycle on.
    position : w in the bits of the mask; ``last`` : it is the block's last.
    exchange : f(w): lane j belongs to bank j ^ exchange.
    addresses : where word w lies in each bank.
    """

    def __init__(self, *, lanes: int, address_width: int, layout: int):
        self._layout = layout
        super().__init__(
            {
                "mask": In(address_width),
                "enable": In(1),
                "position": Out(address_width),
                "last": Out(1),
                "exchange": Out(exact_log2("lanes", lanes)),
                "addresses": Out(data.ArrayLayout(address_width, lanes)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word = Signal.like(self.position)
        layout = Signal(init=self._layout)
        m.d.comb += [
            self.last.eq(self.position == self.mask),
            self.exchange.eq(_reversed(self.position)),
        ]
        with m.If(self.enable):
            m.d.sync += [
                # To subtract the mask is to add its lowest bit; after the last word this gives 0.
                self.position.eq(self.position - self.mask),
                word.eq(Mux(self.last, 0, word + 1)),
                layout.eq(layout ^ self.last),
            ]
        for bank in range(len(self.addresses)):
            lane = (self.exchange ^ bank)[: len(self.exchange)]
            there = _reversed(Cat(lane, word)[: len(word)]) & self.mask
            m.d.comb += self.addresses[bank].eq(Mux(layout, there, self.position))
        return m


class BitReversalPermuter(wiring.Component):
    """Moves item i of every block of 2**m items to position ``golden.machine.bitrev.reverse(i,
    m)``.

    Blocks enter in natural order, item w * lanes + j in lane j of word w, and leave in the same
    format; twin: ``golden.machine.bitrev.reverse_blocks``. A block has W = 2**m / lanes words.
    Every m from 0 is allowed: a word then holds lanes / 2**m whole blocks where that is more than
    one, and W is 1.

    Throughput: one word a cycle in and out, without gaps from block to block, while neither end
    stalls. Latency: W cycles; a block's first word is offered in the cycle after its last one
    was taken, and the block leaves whether or not another follows. Memory: 2**max_log2_block items
    in ``lanes`` banks (and at least 2 words).

    A word m of ``control`` is taken between two blocks, once all blocks before it have been read
    from memory, and holds for the blocks after it; those before keep theirs. Until a block's first
    word is taken ``control`` goes before it, so m offered no later than that word is that block's.
    A change costs at most W + 1 cycles without input beside what the output stalls, W the words of
    the block before. From reset, m is max_log2_block; a larger one counts as max_log2_block.

    Parameters
    ----------
    lanes : items of a word, a power of two from 1 to 64.
    max_log2_block : the largest m, 0 to 24.
    item_shape : shape-castable, the shape of an item.

    Members
    -------
    control : stream of m; ``i`` : stream of arrays of items.
    o : stream of {items, last}: permuted items, and whether the word is its block's last.
    ends : the word that is offered at ``i`` is its block's last.
    empty : no item is in memory or at ``o``.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(self, *, lanes: int, max_log2_block: int, item_shape: ShapeLike):
        self._bits = exact_log2("lanes", lanes)
        _integer("lanes", lanes, 1, 64)
        _integer("max_log2_block", max_log2_block, 0, 24)
        try:
            Shape.cast(item_shape)
        except TypeError:
            raise TypeError(f"item_shape must be shape-castable, not {item_shape!r}") from None
        self._lanes, self._max_log2_block = lanes, max_log2_block
        self._address_width = max(max_log2_block - self._bits, 1)
        self._items = data.ArrayLayout(item_shape, lanes)
        log2_block = unsigned(max(max_log2_block.bit_length(), 1))
        word = data.StructLayout({"items": self._items, "last": 1})
        super().__init__(
            {
                "control": In(stream.Signature(log2_block)),
                "i": In(stream.Signature(self._items)),
                "o": Out(stream.Signature(word)),
                "ends": Out(1),
                "empty": Out(1, init=1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        size = {"lanes": self._lanes, "address_width": self._address_width}
        m.submodules.write = write = BlockWalk(**size, layout=0)
        m.submodules.read = read = BlockWalk(**size, layout=1)
        log2_block = Signal.like(self.control.payload, init=self._max_log2_block)
        filled = Signal()  # a whole block is in memory, and some of it has not been read
        between, completes = write.position == 0, write.enable & write.last
        m.d.comb += [
            write.mask.eq(self._mask(log2_block)),
            read.mask.eq(self._mask(log2_block)),
            self.control.ready.eq(between & ~filled),
            self.i.ready.eq(
                # Where a block is being read, a word goes where one has been read before.
                (~filled | (write.position != read.position)) & ~(between & self.control.valid)
            ),
            write.enable.eq(self.i.valid & self.i.ready),
            read.enable.eq((filled | completes) & (~self.o.valid | self.o.ready)),
            self.ends.eq(write.last),
            self.empty.eq(between & ~filled & ~self.o.valid),
        ]
        m.d.sync += filled.eq((filled | completes) & ~(read.enable & read.last))
        with m.If(self.control.valid & self.control.ready):
            too_large = self.control.payload > self._max_log2_block
            m.d.sync += log2_block.eq(Mux(too_large, self._max_log2_block, self.control.payload))
        self._connect_banks(m, write, read, log2_block)
        return m

    def _mask(self, log2_block):
        """Of an address the s top bits, for blocks of 2**s words."""
        return _reversed([log2_block > self._bits + k for k in range(self._address_width)])

    def _connect_banks(self, m, write, read, log2_block):
        """From ``i`` through the crossbar into the banks, and from there to ``o``."""
        m.submodules.entry = entry = XorCrossbar(lanes=self._lanes, shape=self._items.elem_shape)
        m.submodules.exit = exit = XorCrossbar(lanes=self._lanes, shape=self._items.elem_shape)
        m.d.comb += [entry.i.eq(self.i.payload), entry.distance.eq(write.exchange)]
        for lane in range(self._lanes):
            depth = 2**self._address_width
            bank = Memory(shape=self._items.elem_shape, depth=depth, init=[])
            m.submodules[f"bank_{lane}"] = bank
            writer = bank.write_port()
            # The first word to leave can need items of the block's last, which is being written.
            reader = bank.read_port(transparent_for=(writer,))
            m.d.comb += [
                writer.addr.eq(write.addresses[lane]),
                writer.data.eq(entry.o[lane]),
                writer.en.eq(write.enable),
                reader.addr.eq(read.addresses[lane]),
                reader.en.eq(read.enable),
                exit.i[lane].eq(reader.data),
            ]
        leaving = Signal.like(log2_block)
        last = Signal()
        m.d.comb += self.o.payload.last.eq(last)
        with m.If(read.enable):
            m.d.sync += [
                self.o.valid.eq(1),
                last.eq(read.last),
                exit.distance.eq(read.exchange),
                leaving.eq(log2_block),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        self._permute_within_words(m, leaving, exit.o)

    def _permute_within_words(self, m, log2_block, items):
        """Reverse the lane bits that the banks do not: in blocks below lanes**2 / 2 items."""
        with m.Switch(log2_block):
            for block in range(min(2 * self._bits - 1, self._max_log2_block + 1)):
                low, high = max(block - self._bits, 0), min(block, self._bits)
                with m.Case(block):
                    for lane in range(self._lanes):
                        within = int(reverse(lane >> low, high - low)) << low
                        other = lane >> high << high | within | lane % (1 << low)
                        m.d.comb += self.o.payload.items[lane].eq(items[other])
            with m.Default():
                m.d.comb += self.o.payload.items.eq(items)
