"""The control: reads the program, word by word, and has one thing done after the other.

Inputs are taken, then for each junction its header and columns are read, its blocks run, and its
neurons swept. Nothing overlaps.
"""

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from sobolpath.golden.path_order import image

from ..program import Program
from .config import PathOrderConfig

#: The first word of a junction: the fields of ``golden.path_order.image.HEADER``.
HEADER = data.StructLayout(dict(image.HEADER))


class Control(wiring.Component):
    """Reads a program, and tells the other parts when to begin, and with what.

    Members
    -------
    write : stream of {address, data}: a byte of the program; always ready.
    offered : an inference may begin. ``idle`` : none is under way.
    known : from when the inputs of this inference are known to be 2**``digits`` to its end.
    load : inputs are wanted; ``loaded`` : the last one was taken.
    digits : of a neuron of the layer that is loaded or swept. ``step`` : as of
        ``hw.path_order.sweep.Sweep``, of that layer.
    read, add : columns, as of ``hw.path_order.addresses.BlockAddresses``.
    start : stream of {last, backward, epoch}, as of that. ``first_weight`` : the word of the first
        block's weights. ``first_bias`` : that of the first bias.
    run_done : the last block's sums are written.
    header : of the junction in hand. ``sweep`` : its sums are complete, begin; ``swept`` : done.
    """

    def __init__(self, config: PathOrderConfig) -> None:
        self._config = config
        self.program = Program(words=config.program_words, readers=1)
        column = stream.Signature(
            data.StructLayout({"index": range(config.index_bits), "value": config.address_bits}),
            always_ready=True,
        )
        start = data.StructLayout(
            {"last": config.block_bits, "backward": 1, "epoch": config.row_bits}
        )
        super().__init__(
            {
                "write": self.program.signature.members["write"],
                "offered": In(1),
                "idle": Out(1),
                "known": Out(1),
                "load": Out(1),
                "loaded": In(1),
                "digits": Out(range(config.address_bits + 1)),
                "step": Out(config.address_bits),
                "read": Out(column),
                "add": Out(column),
                "start": Out(stream.Signature(start)),
                "first_weight": Out(range(config.weight_words)),
                "first_bias": Out(range(config.weight_words)),
                "run_done": In(1),
                "header": Out(HEADER),
                "sweep": Out(1),
                "swept": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self._config
        m.submodules.program = program = self.program
        connect(m, flipped(self.write), program.write)
        pointer = Signal(range(config.program_words), reset_less=True)
        rewind = Signal()
        take = Signal()
        word = Signal(16)
        following = Signal.like(pointer)
        m.d.comb += [
            following.eq(Mux(rewind, 0, pointer + take)),
            program.read_0.address.eq(following),
            program.read_0.enable.eq(1),
            word.eq(program.read_0.word),
        ]
        m.d.sync += pointer.eq(following)
        self._take_turns(m, word, take, rewind)
        return m

    def _take_turns(self, m, word, take, rewind):
        """One thing after the other; each word of the program has a state that takes it."""
        config = self._config
        limit = Signal(config.block_bits, reset_less=True)
        most = Signal(config.block_bits, reset_less=True)
        digits = Signal.like(self.digits, reset_less=True)
        index = Signal(range(config.index_bits), reset_less=True)
        adding = Signal(reset_less=True)
        ending = Signal()  # the column in hand is a digital shift
        number = Signal.like(index)
        header = Signal(HEADER, reset_less=True)
        last = Signal(config.block_bits, reset_less=True)
        weight = Signal(range(config.weight_words), reset_less=True)
        bias = Signal(range(config.weight_words), reset_less=True)
        m.d.comb += [
            self.header.eq(header),
            self.digits.eq(digits),
            self.step.eq((1 << config.address_bits) >> digits),
            ending.eq(index == header.path_digits),
            number.eq(Mux(ending, config.index_bits - 1, index)),
            self.start.payload.last.eq(last),
            self.start.payload.backward.eq(header.backward),
            self.start.payload.epoch.eq(((1 << header.digits) >> config.bank_bits) - 1),
            self.first_bias.eq(bias),
            self.first_weight.eq(weight | Mux(header.backward, last, 0)),
        ]
        for column in (self.read, self.add):
            m.d.comb += [column.payload.index.eq(number), column.payload.value.eq(word)]

        def takes(state, then, *statements):
            """A state that takes the word in hand, whatever it is."""
            with m.State(state):
                m.d.comb += take.eq(1)
                m.d.sync += statements
                m.next = then

        beginning = ["IDLE", "NEURONS"]
        with m.FSM() as turns:
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                m.d.comb += rewind.eq(~self.offered)
                m.d.sync += limit.eq(word)
                with m.If(self.offered):
                    m.d.comb += take.eq(1)
                    m.next = "NEURONS"
            if config.input_width == 1:
                takes("NEURONS", "LOAD", digits.eq(word))
            else:  # the loader is told the digits before the first word
                beginning.append("BEGIN")
                takes("NEURONS", "BEGIN", digits.eq(word))
                with m.State("BEGIN"):
                    m.next = "LOAD"
            with m.State("LOAD"):
                m.d.comb += self.load.eq(1)
                with m.If(self.loaded):
                    m.next = "HEADER"
            takes("HEADER", "MOST", header.eq(word), index.eq(0), adding.eq(0))
            takes("MOST", "LEAST", most.eq(word), digits.eq(header.digits))
            takes("LEAST", "WEIGHTS", last.eq((limit | word) & most))
            takes("WEIGHTS", "BIASES", weight.eq(word))
            takes("BIASES", "COLUMN", bias.eq(word))
            with m.State("COLUMN"):
                m.d.comb += [take.eq(1), self.read.valid.eq(~adding), self.add.valid.eq(adding)]
                m.d.sync += adding.eq(~adding)
                with m.If(adding):
                    m.d.sync += index.eq(index + 1)
                    with m.If(ending):
                        m.next = "START"
            with m.State("START"):
                m.d.comb += self.start.valid.eq(1)
                with m.If(self.start.ready):
                    m.next = "RUN"
            with m.State("RUN"), m.If(self.run_done):
                m.d.comb += self.sweep.eq(1)
                m.next = "SWEEP"
            with m.State("SWEEP"), m.If(self.swept):
                m.next = "HEADER"
                with m.If(header.last):
                    m.d.comb += rewind.eq(1)
                    m.next = "IDLE"
        m.d.comb += self.known.eq(~Cat(turns.ongoing(state) for state in beginning).any())
