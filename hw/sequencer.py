"""The sequencer: walks the phases of the program, one inference after the other."""

from amaranth import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.image import Kind

from .config import HEADER, PROGRAM_BITS


class Program(wiring.Component):
    """The program memory: written byte by byte, read word by word in order.

    Members
    -------
    write : stream of {address, data}: one byte, at word * 2 + byte; always ready.
    rewind : the next word is the first one; ``advance`` : ``word`` is the next one from the
        following cycle on.
    word : the word; it holds until ``advance``.
    """

    def __init__(self, words):
        self._words = words
        write = data.StructLayout({"address": range(2 * words), "data": 8})
        super().__init__(
            {
                "write": In(stream.Signature(write, always_ready=True)),
                "rewind": In(1),
                "advance": In(1),
                "word": Out(PROGRAM_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=unsigned(PROGRAM_BITS), depth=self._words, init=[]
        )
        read, write = memory.read_port(), memory.write_port(granularity=8)
        pointer = Signal(range(self._words))
        byte, word = self.write.payload.address[0], self.write.payload.address[1:]
        m.d.comb += [
            write.addr.eq(word),
            write.data.eq(self.write.payload.data.replicate(2)),
            read.addr.eq(pointer),
            read.en.eq(self.advance),
            self.word.eq(read.data),
        ]
        with m.If(self.write.valid):
            m.d.comb += write.en.eq(Mux(byte, 0b10, 0b01))
        with m.If(self.rewind):
            m.d.sync += pointer.eq(0)
        with m.Elif(self.advance):
            m.d.sync += pointer.eq(pointer + 1)
        return m


class Sequencer(wiring.Component):
    """Fetches a phase's three words and its matrix, starts what it needs, waits for its end.

    The next phase is fetched as soon as the last step of this one is taken; its first step is
    held back until all of this one's writes are done (``begin``). The matrix is loaded while
    the phase already runs: column t is first used in step 2**t. Idle, it waits for ``request``.

    Latency: the address generator is started 3 cycles after ``taken``.

    Members
    -------
    write : stream of {address, data}: one byte of the program; always ready, meant for when
        ``idle``.
    request : an inference is asked for; ``idle`` : none is under way.
    weights, start, column : the starts of the weight streamer and the address generator, and
        the generator's columns.
    phase : the header of the phase whose steps may be taken; ``following`` : of the one that is
        fetched, valid with ``begin``.
    bank : the half of the activation memory that the phase writes.
    bias_row : the row of the phase's first bias, valid with ``begin``.
    begin : the phase's steps may be taken from the next cycle on.
    taken : the last step of the phase was taken in the cycle before; ``done`` : its last write is
        done by the end of the following cycle.
    """

    def __init__(self, config):
        self._program = Program(config.program_words)
        words, step = range(config.weight_words), unsigned(config.step_bits)
        weights = data.StructLayout({"address": words, "last": words})
        start = data.StructLayout({"first": step, "last": step})
        column = data.StructLayout({"index": range(config.step_bits), "value": config.neuron_bits})
        super().__init__(
            {
                "write": In(self._program.write.signature.flip()),
                "request": In(1),
                "idle": Out(1),
                "weights": Out(stream.Signature(weights)),
                "start": Out(stream.Signature(start)),
                "column": Out(stream.Signature(column, always_ready=True)),
                "phase": Out(HEADER),
                "following": Out(HEADER),
                "bank": Out(1),
                "bias_row": Out(range(config.bias_neurons // config.lanes)),
                "begin": Out(1),
                "taken": In(1),
                "done": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.program = program = self._program
        connect(m, flipped(self.write), program.write)
        following = self.following
        fetched, complete = Signal(), Signal()  # the following is here; no write is outstanding
        last_step = Signal.like(self.start.payload.last)
        m.d.comb += [
            last_step.eq((1 << following.steps) - 1),
            self.weights.payload.address.eq(program.word),
            self.weights.payload.last.eq(last_step),
            self.start.payload.last.eq(last_step),
            self.column.payload.value.eq(program.word),
            self.begin.eq(fetched & complete),
        ]
        with m.If(self.done):
            m.d.sync += complete.eq(1)
        with m.If(self.begin):
            m.d.sync += [
                self.phase.eq(following),
                self.bank.eq((following.kind != Kind.INPUT) & ~self.bank),
                fetched.eq(0),
                complete.eq(0),
            ]
        self._fetch(m, program, following, fetched, complete)
        return m

    def _fetch(self, m, program, following, fetched, complete):
        """The states: the program's words in their order, then the phase itself."""
        index = self.column.payload.index
        more = Signal()  # columns are to come
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), program.rewind.eq(1)]
                m.d.sync += complete.eq(1)
                with m.If(self.request):
                    m.next = "REWOUND"
            with m.State("REWOUND"):
                m.d.comb += program.advance.eq(1)
                m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += program.advance.eq(1)
                m.d.sync += following.eq(program.word)
                m.next = "WEIGHTS"
            with m.State("WEIGHTS"):
                junction = (following.kind == Kind.HIDDEN) | (following.kind == Kind.OUTPUT)
                m.d.comb += self.weights.valid.eq(junction)
                with m.If(~junction | self.weights.ready):
                    m.d.comb += program.advance.eq(1)
                    m.next = "BIASES"
            with m.State("BIASES"):
                m.d.comb += self.start.valid.eq(1)
                with m.If(self.start.ready):
                    m.d.comb += program.advance.eq(1)
                    m.d.sync += [self.bias_row.eq(program.word), fetched.eq(1)]
                    m.d.sync += [index.eq(0), more.eq(following.steps != 0)]
                    m.next = "COLUMNS"
            with m.State("COLUMNS"):  # past the last column, the word is the next phase's header
                m.d.comb += [program.advance.eq(more), self.column.valid.eq(more)]
                m.d.sync += [index.eq(index + 1), more.eq(index + 1 != following.steps)]
                with m.If(~more):
                    m.next = "RUN"
            with m.State("RUN"), m.If(self.taken):
                with m.If(following.kind == Kind.READ):
                    m.next = "FINISH"
                with m.Else():
                    m.next = "HEADER"
            with m.State("FINISH"), m.If(complete):
                m.next = "IDLE"
