"""The Sobol' address generator: a matrix of flip-flops times a counter, unrolled into an XOR tree.

Keller & Van keirsbilck, section 4.4: the loop over the digits of the index is unrolled, and parts
of the circuit are replicated for the values of the m least significant digits, so that 2^m values
of the permutation come in parallel.
"""

from functools import reduce
from operator import xor
from typing import Any

from amaranth import Array, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2


class SobolGenerator(wiring.Component):
    """Addresses x = C i of the indices of one block after the other.

    Block b is the ``lanes`` aligned indices i = b * lanes + j; all of its addresses come at once.
    Golden twin: ``golden.topology.sobol.points`` in natural order; any matrix over GF(2) may be
    loaded.

    Throughput: one block a cycle; a start is taken once the one before has come to its end, which
    costs a cycle. Latency: a block is offered 2 cycles after its start is taken. With back-pressure
    a block waits; none is lost.

    A column is used from the cycle after it is taken. Digit t of a block is first set in block
    2**t of a start from 0, so columns may follow a start at one a cycle, lowest first.

    Parameters
    ----------
    index_bits : digits of an index, at least log2(lanes) + 1.
    address_bits : digits of an address.
    lanes : addresses a cycle, a power of two.

    Members
    -------
    column : stream of {index: t, value: column t as an integer}; always ready.
    start : stream of {first, last, backward}: the first and the last block to come, first <= last,
        or where ``backward`` is 1 first >= last: the numbers then run down.
    o : stream of {block, last, addresses}: the block's number, whether it ends its start, and
        ``lanes`` addresses, that of index block * lanes + j at [j].

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    latency = 2

    def __init__(self, *, index_bits: int, address_bits: int, lanes: int = 1):
        self._low = exact_log2("lanes", lanes)
        for name, value, low in (
            ("index_bits", index_bits, self._low + 1),
            ("address_bits", address_bits, 1),
        ):
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, not {value!r}")
            if value < low:
                raise ValueError(f"{name} must be at least {low}, not {value!r}")
        self._index_bits, self._address_bits, self._lanes = index_bits, address_bits, lanes
        block = unsigned(index_bits - self._low)
        addresses = data.ArrayLayout(unsigned(address_bits), lanes)
        super().__init__(
            {
                "column": In(
                    stream.Signature(
                        data.StructLayout({"index": range(index_bits), "value": address_bits}),
                        always_ready=True,
                    )
                ),
                "start": In(
                    stream.Signature(
                        data.StructLayout({"first": block, "last": block, "backward": 1})
                    )
                ),
                "o": Out(
                    stream.Signature(
                        data.StructLayout({"block": block, "last": 1, "addresses": addresses})
                    )
                ),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        columns = [Signal(self._address_bits, name=f"column_{t}") for t in range(self._index_bits)]
        with m.If(self.column.valid):
            m.d.sync += Array(columns)[self.column.payload.index].eq(self.column.payload.value)

        def times(digits, some):
            """The sum of those columns in ``some`` whose digit is set."""
            return reduce(xor, (Mux(d, c, 0) for d, c in zip(digits, some, strict=True)))

        running = Signal()
        block = Signal.like(self.start.payload.first, reset_less=True)
        last = Signal.like(self.start.payload.last, reset_less=True)
        backward = Signal(reset_less=True)
        offer = Signal.like(self.o.payload, reset_less=True)
        advance = Signal()
        ending = Signal()
        m.d.comb += [
            self.o.payload.eq(offer),
            advance.eq(~self.o.valid | self.o.ready),
            ending.eq(block == last),
            self.start.ready.eq(~running),
        ]
        with m.If(advance):
            m.d.sync += [self.o.valid.eq(running), offer.block.eq(block), offer.last.eq(ending)]
            base = times(block, columns[self._low :])
            for j, address in enumerate(offer.addresses):
                within = [columns[t] for t in range(self._low) if j >> t & 1]
                m.d.sync += address.eq(reduce(xor, within, base))
            with m.If(running):
                m.d.sync += [block.eq(block + Mux(backward, -1, 1)), running.eq(~ending)]
        with m.If(self.start.valid & self.start.ready):
            m.d.sync += [
                running.eq(1),
                block.eq(self.start.payload.first),
                last.eq(self.start.payload.last),
                backward.eq(self.start.payload.backward),
            ]
        return m
