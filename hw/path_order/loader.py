"""The loaders: inputs to the operand banks, one at a time or P at a time.

A word of P consecutive neurons has all of them in one bank, since their leading digits are the
same. Bit reversal spreads them: word w of a block that is in bit-reversed order has in lane j the
neuron whose leading digits are those of j reversed, and whose other digits, its row, are those of w
reversed. So each lane has one bank, all banks one row, and every layer the same order, whatever its
generator matrix. The permuter holds a whole block, so the inputs of the next inference fill it
while this one runs.
"""

from typing import Any

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine.bitrev import reverse

from ..bitrev import BitReversalPermuter
from .config import PathOrderConfig
from .operands import row, store


class _Loader(wiring.Component):
    """What both loaders have.

    Members
    -------
    i : stream of words of inputs, the first neuron lowest, in natural order.
    known : the inputs of an inference are 2**``digits``, and were so in the cycle before.
    load : inputs may be written. ``loading`` : some are. ``loaded`` : among them is the last one.
    o : what is written to the operand banks.
    held : inputs are here that are not written yet.
    ends : the word that is offered is its inference's last.
    """

    def __init__(self, config: PathOrderConfig, o: Any) -> None:
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(config.input_bits)),
                "known": In(1),
                "digits": In(range(config.address_bits + 1)),
                "load": In(1),
                "loading": Out(1),
                "loaded": Out(1),
                "o": Out(o),
                "held": Out(1),
                "ends": Out(1),
            }
        )


class ItemLoader(_Loader):
    """Writes each input to its place. Throughput: one a cycle. Latency: 0. It holds none."""

    def __init__(self, config: PathOrderConfig) -> None:
        super().__init__(config, store(config))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        neuron = Signal(self._config.address_bits)
        following = Signal.like(neuron)
        m.d.comb += [
            following.eq(neuron + ((1 << self._config.address_bits) >> self.digits)),
            self.i.ready.eq(self.load),
            self.loading.eq(self.i.valid & self.load),
            self.ends.eq(following == 0),
            self.loaded.eq(self.loading & self.ends),
            self.o.enable.eq(self.loading),
            self.o.address.eq(neuron),
            self.o.data.eq(self.i.payload),
        ]
        with m.If(self.loading):
            m.d.sync += neuron.eq(following)
        return m


class WordLoader(_Loader):
    """Brings words of P inputs into bit-reversed order, and writes one to all banks at once.

    Throughput: a word a cycle, in and out. Latency: n_0 / P cycles from the first word taken to the
    first row written. The inputs of one inference are held while those of the one before are
    written, or are waiting for it. Golden twin: ``golden.machine.bitrev.reverse_blocks``.
    """

    def __init__(self, config: PathOrderConfig) -> None:
        super().__init__(config, row(config))
        self.permuter = BitReversalPermuter(
            lanes=config.lanes, max_log2_block=config.address_bits, item_shape=config.operand
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self._config
        m.submodules.permuter = permuter = self.permuter
        word = Signal(config.row_bits)
        opened = Signal()  # a block that is begun may be filled, though it is the next inference's
        m.d.comb += [
            opened.eq(self.known | self.held),
            self.held.eq(~permuter.empty),
            self.ends.eq(permuter.ends),
            permuter.control.valid.eq(~opened),
            permuter.control.payload.eq(self.digits),
            permuter.i.valid.eq(self.i.valid & opened),
            permuter.i.payload.eq(self.i.payload),
            self.i.ready.eq(permuter.i.ready & opened),
            permuter.o.ready.eq(self.load),
            self.loading.eq(self.load & permuter.o.valid),
            self.loaded.eq(self.loading & permuter.o.payload.last),
            self.o.enable.eq(self.loading),
            self.o.row.eq(Cat(reversed([*word]))),
        ]
        for lane in range(config.lanes):
            bank = int(reverse(lane, config.bank_bits))
            m.d.comb += self.o.items[bank].eq(permuter.o.payload.items[lane])
        with m.If(self.loading):
            m.d.sync += word.eq(word + 1)
        with m.If(self.loaded):
            m.d.sync += word.eq(0)
        return m


def loader(config: PathOrderConfig) -> ItemLoader | WordLoader:
    """The loader of a configuration: by its ``input_width``."""
    return ItemLoader(config) if config.input_width == 1 else WordLoader(config)
