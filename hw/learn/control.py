"""The control of learning: what says when each input, step and logit goes, and where."""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from sobolpath.golden.machine.image import Kind

from ..program import Program
from ..sequencer import Sequencer
from ..walker import Walker
from . import tags
from .config import LearnConfig
from .issuer import LearnIssuer
from .tags import Does

LOAD, RUN, READ, LEARN = range(4)  # the words of the program that point to its chains


class LearnControl(wiring.Component):
    """The program and the three walkers that read it, the sequencer that starts and holds them,
    and the issuer that makes steps of what the runner's walker offers.

    The runner walks the forward sweep, and then, where the image is to be learnt, the chain of what
    learns. The reader walks the outputs for the place of the image's label, while the forward sweep
    runs, and once more to read the logits.

    Members
    -------
    write : stream of {address, data}: one byte of the program; always ready.
    task : stream of ``LearnConfig.task``: what is to be done with an image; taken when it begins.
    offered : an input is offered, and no bytes are. ``idle`` : nothing is under way. ``updating`` :
        weights and biases are being changed.
    loading, load_half, at_once, loaded : as of ``hw.control.Control``.
    issue : a step, see ``hw.learn.tags.issue``. ``again``, ``renew``, ``renewed`` : as of
        ``hw.learn.issuer``.
    half : of the activation memory, in which the image runs.
    labelled, true : the place of the label, row * lanes + lane, where there is one.
    written, reading, left : as of ``hw.control.Control``.
    """

    def __init__(self, config: LearnConfig) -> None:
        self._config = config
        words, places = config.program_words, config.row_bits + config.lane_bits
        results = ceil_log2(config.max_outputs)
        self.program = Program(words=words, readers=3)
        self.load = Walker(
            entry=LOAD, words=words, step_bits=config.neuron_bits, address_bits=places
        )
        self.run = Walker(
            entry=None,
            words=words,
            step_bits=config.step_bits,
            address_bits=config.address_bits,
            wait_bits=config.wait_bits,
        )
        self.read = Walker(entry=READ, words=words, step_bits=results, address_bits=results)
        self.sequencer = Sequencer()
        self.issuer = LearnIssuer(config, self.run.o.signature)
        wide = config.input_width > 1
        super().__init__(
            {
                "write": self.program.signature.members["write"],
                "task": In(stream.Signature(config.task)),
                "offered": In(1),
                "idle": Out(1),
                "updating": Out(1),
                "loading": Out(self.load.o.signature),
                "load_half": Out(1),
                "loaded": In(1),
                **({"at_once": Out(4)} if wide else {}),
                "issue": Out(tags.issue(config)),
                **{name: Out(1) for name in ("again", "renew", "renewed")},
                "half": Out(1),
                "labelled": Out(1),
                "true": Out(range(config.max_outputs)),
                "written": In(1),
                "reading": Out(self.read.o.signature),
                "left": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.program, m.submodules.sequencer = self.program, self.sequencer
        for number, name in enumerate(("load", "run", "read")):
            m.submodules[name] = walker = getattr(self, name)
            connect(m, walker.program, getattr(self.program, f"read_{number}"))
        m.submodules.issuer = self.issuer
        connect(m, flipped(self.write), self.program.write)
        connect(m, self.load.o, flipped(self.loading))
        connect(m, self.run.o, self.issuer.step)
        task = Signal(self._config.task, reset_less=True)  # of the image that runs
        learns = Signal()  # the chain of what learns is to come
        searching = self._search(m, task)
        self._connect_sequencer(m, learns, searching)
        self._connect_runner(m, task, learns)
        return m

    def _connect_sequencer(self, m: Module, learns: Signal, searching: Signal) -> None:
        """What the walkers and the others tell it, and what it tells them."""
        sequencer, load, run = self.sequencer, self.load, self.run
        output = run.header.kind == Kind.OUTPUT
        held = Signal()
        m.d.sync += held.eq(output & searching)
        m.d.comb += [
            sequencer.offered.eq(self.offered & self.task.valid),
            sequencer.load_idle.eq(load.idle),
            sequencer.loaded.eq(self.loaded),
            sequencer.alone.eq(load.base[0]),
            sequencer.run_idle.eq(run.idle & ~learns),
            sequencer.output.eq(output),
            sequencer.begin.eq(run.begin),
            sequencer.written.eq(self.written),
            sequencer.left.eq(self.left),
            load.go.eq(sequencer.load),
            load.hold.eq(sequencer.load_hold),
            run.go.eq(sequencer.run | (run.idle & learns)),
            run.hold.eq(sequencer.run_hold | held),
            self.load_half.eq(sequencer.load_half),
        ]
        if self._config.input_width > 1:
            m.d.comb += self.at_once.eq(load.header.fan_in)
        # What is in hand when the last step was issued: new weights are the last to be written.
        machine = self._config.machine
        drained = machine.learnt + 4
        left = Signal(range(drained + 1))
        quiet = Signal(init=1)  # so it was in the cycle before
        m.d.sync += quiet.eq((left == 0) & ~self.issue.step.valid)
        with m.If(self.issue.step.valid):
            m.d.sync += left.eq(drained)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += self.idle.eq(sequencer.idle & quiet)
        with m.If(self.issue.step.valid):
            does = self.issue.step.row.does
            m.d.sync += self.updating.eq((does == Does.UPDATE) | (does == Does.BIAS))
        with m.Elif(left == 0):
            m.d.sync += self.updating.eq(0)

    def _connect_runner(self, m: Module, task: Any, learns: Signal) -> None:
        """The two chains of an image, and their steps."""
        sequencer, run, issuer = self.sequencer, self.run, self.issuer
        m.d.comb += [
            run.entry.eq(Mux(learns, LEARN, RUN)),
            self.task.ready.eq(sequencer.run),
            issuer.begin.eq(run.begin),
            issuer.header.eq(run.header),
            issuer.base.eq(run.base),
            issuer.rewind.eq(sequencer.rewind),
            issuer.half.eq(sequencer.run_half),
            self.half.eq(sequencer.run_half),
            issuer.rate.eq(task.rate),
            issuer.fixed.eq(task.fixed),
            self.issue.eq(issuer.o),
            *(getattr(self, n).eq(getattr(issuer, n)) for n in ("again", "renew", "renewed")),
        ]
        with m.If(sequencer.run):
            m.d.sync += [task.eq(self.task.payload), learns.eq(self.task.payload.learn)]
        with m.Elif(run.idle & learns):
            m.d.sync += learns.eq(0)

    def _search(self, m: Module, task: Any) -> Signal:
        """Walks the outputs up to the label: that is still to be done."""
        read, sequencer = self.read, self.sequencer
        searching = Signal()
        begun = Signal()
        due = Signal()  # results that the reader is soon to read
        number = Signal.like(task.label, name="number", reset_less=True)
        step, begins = read.o, searching & ~begun & read.idle & ~due
        m.d.comb += [
            read.go.eq(sequencer.read | begins),
            self.reading.valid.eq(step.valid & ~begun),
            self.reading.payload.eq(step.payload),
            step.ready.eq(self.reading.ready | begun),
        ]
        with m.If(sequencer.run & self.task.payload.learn):
            m.d.sync += [searching.eq(1), self.labelled.eq(0)]
        with m.If(sequencer.begin & sequencer.output):
            m.d.sync += due.eq(1)
        with m.Elif(sequencer.read):
            m.d.sync += due.eq(0)
        with m.If(begins):
            m.d.sync += [begun.eq(1), number.eq(0)]
        with m.Elif(begun & step.valid):
            m.d.sync += number.eq(number + 1)
            with m.If(number == task.label):
                m.d.sync += [self.labelled.eq(1), self.true.eq(step.payload.address)]
            with m.If(step.payload.last):
                m.d.sync += [searching.eq(0), begun.eq(0)]
        return searching
