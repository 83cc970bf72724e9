"""The issuer of learning: the steps of a block, and the rows that they read and write."""

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sobolpath.golden.learn.arithmetic import SLOWEST
from sobolpath.golden.learn.program import SWEEP
from sobolpath.golden.learn.schedule import Sweep
from sobolpath.golden.machine.image import Kind

from ..activations import mirrored
from ..config import HEADER, PROGRAM_BITS
from ..rows import RowPacer
from . import tags
from .config import LearnConfig
from .tags import Does


class LearnIssuer(wiring.Component):
    """Takes the steps that the runner's walker offers, at the pace at which rows may follow.

    Throughput: forwards and backwards a step a cycle, where a row takes no less than ``groups``
    cycles; of the update a step each turn, and one turn more before each row, for its biases
    (``golden.learn.schedule``). Latency: 1 cycle.

    Members
    -------
    begin, header, base : the steps of this block follow, the first 3 cycles later.
    rewind : with ``begin``: it is the first one of an image.
    step : stream of {address, first, last}.
    half : of the activations. ``rate``, ``fixed`` : of the image.
    o : the step, see ``hw.learn.tags.issue``.
    again : for one cycle: the weights are read from the first one on.
    renew : the update begins: weights and biases are written back from the first one on.
    renewed : the first block behind an update begins.
    """

    def __init__(self, config: LearnConfig, step: stream.Signature) -> None:
        self._config = config
        self._pacer = RowPacer(
            fan_in_bits=config.neuron_bits, groups=config.groups, least=int(config.row_gap)
        )
        super().__init__(
            {
                "begin": In(1),
                "header": In(HEADER),
                "base": In(PROGRAM_BITS),
                "rewind": In(1),
                "step": In(step),
                "half": In(1),
                "rate": In(range(SLOWEST + 1)),
                "fixed": In(1),
                "o": Out(tags.issue(config)),
                "again": Out(1),
                "renew": Out(1),
                "renewed": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self._config
        m.submodules.pacer = pacer = self._pacer
        does = Signal(Does, reset_less=True)
        offered, word = self.step.valid & pacer.free, self.step.payload
        slot, biases = self._turns(m, does, offered)
        found = Signal.like(self.o)
        updating = does == Does.UPDATE
        taken = Signal()
        m.d.comb += [
            pacer.begin.eq(self.begin),
            pacer.fan_in.eq(self.header.fan_in),
            pacer.step.eq(taken),
            self.step.ready.eq(pacer.free & slot & ~biases),
            taken.eq(self.step.valid & self.step.ready),
            found.step.valid.eq(offered & slot),
            found.step.first.eq(pacer.first | updating),
            found.step.last.eq(pacer.last | updating),
        ]
        self._rows(m, found, does, taken)
        tag = found.step.row
        m.d.comb += [
            found.distance.eq(word.address[: config.lane_bits]),
            tag.does.eq(Mux(biases, Does.BIAS, does)),
            tag.closing.eq(word.last),
        ]
        m.d.sync += self.o.eq(found)
        with m.If(self.begin):
            m.d.sync += does.eq(self.base[SWEEP:])
        return m

    def _turns(self, m, does, offered):
        """Whether a step may go in this cycle, and whether it is the biases' first."""
        pacer, turn = self._pacer, self._config.machine.turn
        biases = Signal()
        slot = Signal()
        with m.If(self.begin):
            m.d.sync += biases.eq(self.base[SWEEP:] == Sweep.UPDATE)
        with m.Elif(offered & slot):
            m.d.sync += biases.eq(~biases & (does == Does.UPDATE) & pacer.last)
        if turn == 1:
            m.d.comb += slot.eq(1)
            return slot, biases
        # Turns go on from the first step of the update on, whatever it is that waits.
        count = Signal(range(turn))
        turning = Signal()
        m.d.comb += slot.eq((does != Does.UPDATE) | (count == 0))
        with m.If(does != Does.UPDATE):
            m.d.sync += [count.eq(0), turning.eq(0)]
        with m.Elif(turning | offered):
            m.d.sync += [count.eq(count + 1), turning.eq(1)]
        return slot, biases

    def _rows(self, m, found, does, taken):
        """The rows that a step reads, and the row that its sums belong to."""
        config, header = self._config, self.header
        own = Signal(range(config.rows), reset_less=True)  # of its sums
        base = Signal(range(config.machine.error_rows), reset_less=True)  # of the block before
        targets = Signal.like(base, name="targets", reset_less=True)  # backwards
        weights = Signal(config.step_bits, reset_less=True)  # backwards: the junction's first row
        shift = Signal(5, reset_less=True)
        others = Signal(5, reset_less=True)  # of the biases
        output = Signal(reset_less=True)
        sweep, first = self.base[SWEEP:], self.base[: len(own)]
        size = Signal(config.step_bits)
        updates = sweep == Sweep.UPDATE
        m.d.comb += [
            size.eq(Cat(header.steps == digit for digit in range(config.step_bits))),
            self.again.eq((self.begin & self.rewind) | self.renew),
            self.renew.eq(self.begin & updates & (does != Does.UPDATE)),
            self.renewed.eq(self.begin & self.rewind & (does == Does.UPDATE)),
        ]
        with m.If(self.begin):
            m.d.sync += [
                own.eq(first),
                base.eq(first),
                targets.eq(base),
                shift.eq(header.shift + Mux(updates, self.rate, 0)),
                others.eq(self.rate + 9 - header.shift),
                output.eq(header.kind == Kind.OUTPUT),
            ]
            with m.If(sweep == Sweep.FORWARD):
                m.d.sync += weights.eq(Mux(self.rewind, 0, weights) + size)
            with m.Elif(sweep == Sweep.BACKWARD):
                m.d.sync += weights.eq(weights - size)
        with m.Elif(taken & self._pacer.last):
            m.d.sync += own.eq(own + 1)
        row = self.step.payload.address[config.lane_bits :]
        backward, tag = does == Does.BACKWARD, found.step.row
        m.d.comb += [
            found.activations.eq(mirrored(Mux(backward, own, row[: len(own)]), self.half)),
            found.weights.eq(weights + row),
            found.chooses.eq(found.step.valid & backward),
            found.errors.eq(Mux(backward, targets | (row >> shift[:4]), own)),
            tag.row.eq(own),
            tag.shift.eq(Mux(tag.does == Does.BIAS, others, shift)),
            tag.fixed.eq(self.fixed),
            tag.output.eq(output),
        ]
