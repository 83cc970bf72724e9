"""The control: what says when each input, step and result goes, and where."""

from typing import Any

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from sobolpath.golden.machine.image import Kind

from . import tags
from .config import EngineConfig
from .issuer import Issuer
from .program import Program
from .sequencer import Sequencer
from .walker import Walker


class Control(wiring.Component):
    """The program and the three walkers that read it, the sequencer that starts and holds them,
    and the issuer that makes steps of what the runner's walker offers.

    Members
    -------
    write : stream of {address, data}: one byte of the program; always ready.
    offered, idle : as of ``hw.sequencer.Sequencer``.
    loading : stream of {address, first, last}: where each input goes; ``load_half`` : which half
        of the memory that is. ``at_once`` : log2 of the inputs that a step is, where
        ``config.input_width`` is above 1. ``loaded`` : the
        last ones are being taken.
    begin, junction : the steps of ``junction`` follow; it is the one in hand until ``keep``, which
        is 1 from the cycle after on, is 0 again. ``rewind`` : it is the first one of an inference.
    issue : a step that is issued now.
    written : the last result is being written.
    reading : stream of {address, first, last}: where each result is; ``copies`` : log2 of those
        that are added. ``left`` : the last logit leaves.
    """

    def __init__(self, config: EngineConfig) -> None:
        words, places = config.program_words, config.neuron_bits + 1  # of either half
        results = ceil_log2(config.max_outputs * config.images)
        self.program = Program(words=words, readers=3)
        self.load, self.run, self.read = (
            Walker(entry=entry, words=words, step_bits=steps, address_bits=address, wait_bits=wait)
            for entry, steps, address, wait in (
                (0, config.neuron_bits, places, 0),
                (1, config.step_bits, places, config.wait_bits),
                (2, results, results, 0),
            )
        )
        at_once = {"at_once": Out(4)} if config.input_width > 1 else {}
        self._wide = bool(at_once)
        self.sequencer = Sequencer()
        self.issuer = Issuer(config, self.run.o.signature)
        super().__init__(
            {
                "write": self.program.signature.members["write"],
                "offered": In(1),
                "idle": Out(1),
                "loading": Out(self.load.o.signature),
                "load_half": Out(1),
                "loaded": In(1),
                "begin": Out(1),
                "junction": Out(tags.junction(config)),
                "keep": In(1),
                "rewind": Out(1),
                "issue": Out(tags.issue(config)),
                "written": In(1),
                "reading": Out(self.read.o.signature),
                "copies": Out(5),
                "left": In(1),
                **at_once,
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
        connect(m, self.read.o, flipped(self.reading))
        self._connect_sequencer(m)
        self._connect_runner(m)
        return m

    def _connect_sequencer(self, m: Module) -> None:
        """What the walkers and the others tell it, and what it tells them."""
        sequencer, load, run = self.sequencer, self.load, self.run
        m.d.comb += [
            self.idle.eq(sequencer.idle),
            sequencer.offered.eq(self.offered),
            sequencer.load_idle.eq(load.idle),
            sequencer.loaded.eq(self.loaded),
            sequencer.alone.eq(load.base[0]),
            sequencer.run_idle.eq(run.idle & ~self.keep),
            sequencer.output.eq(run.header.kind == Kind.OUTPUT),
            sequencer.begin.eq(run.begin),
            sequencer.written.eq(self.written),
            sequencer.left.eq(self.left),
            load.go.eq(sequencer.load),
            load.hold.eq(sequencer.load_hold),
            run.go.eq(sequencer.run),
            run.hold.eq(sequencer.run_hold),
            self.read.go.eq(sequencer.read),
            self.load_half.eq(sequencer.load_half),
            self.rewind.eq(sequencer.rewind),
        ]
        if self._wide:
            m.d.comb += self.at_once.eq(load.header.fan_in)

    def _connect_runner(self, m: Module) -> None:
        """The junction in hand and its steps."""
        run, issuer = self.run, self.issuer
        m.d.comb += [
            run.keep.eq(self.keep),
            self.begin.eq(run.begin),
            self.junction.header.eq(run.header),
            self.junction.base.eq(run.base),
            self.junction.half.eq(self.sequencer.run_half),
            issuer.begin.eq(run.begin),
            issuer.header.eq(run.header),
            self.issue.row.eq(issuer.row),
            self.issue.distance.eq(issuer.distance),
            self.issue.step.eq(issuer.tag),
            self.copies.eq(self.read.header.shift),
        ]
