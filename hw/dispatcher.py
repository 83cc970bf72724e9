"""The dispatcher: what becomes of each step of a phase."""

from amaranth import Array, Cat, Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.image import Kind

from .config import ACTIVATION, HEADER


class Dispatcher(wiring.Component):
    """Takes the steps that the address generator offers, each as its phase's kind asks.

    - INPUT: a step takes one activation from ``i`` and writes it at its row and lane (``load``).
    - HIDDEN, OUTPUT: a step reads a source row for the lanes (``issue``), one a cycle; after the
      last of a row the next row waits until the requantizers can keep up: max(fan-in, groups)
      cycles a row.
    - READ: a step reads one result, when ``read`` has room.

    Steps pass with latency 0.

    Members
    -------
    phase, begin, enable : from the sequencer.
    taken, loaded : the phase's last step was taken, the last input was written, in the cycle
        before.
    step : stream of {block, last, addresses} from the address generator.
    i : stream of input activations.
    load : write, row, lanes (one bit set), data: an input to the activation memory.
    issue : valid, row, distance, first and last of the target's row, final of the junction.
    read : stream of {address, last}: a result to read, row * lanes + lane.
    """

    def __init__(self, config, step):
        self._config = config
        row = range(config.rows)
        load = {
            "write": Out(1),
            "row": Out(row),
            "lanes": Out(config.lanes),
            "data": Out(ACTIVATION),
        }
        flags = {name: Out(1) for name in ("valid", "first", "last", "final")}
        issue = {**flags, "row": Out(row), "distance": Out(config.lane_bits)}
        read = data.StructLayout({"address": range(config.max_outputs), "last": 1})
        super().__init__(
            {
                "phase": In(HEADER),
                "begin": In(1),
                "enable": In(1),
                "taken": Out(1),
                "loaded": Out(1),
                "step": In(step),
                "i": In(stream.Signature(ACTIVATION)),
                "load": Out(wiring.Signature(load)),
                "issue": Out(wiring.Signature(issue)),
                "read": Out(stream.Signature(read)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        step, address = self.step, self.step.payload.addresses[0]
        lane, row = address[: self._config.lane_bits], address[self._config.lane_bits :]
        m.d.comb += [
            self.load.row.eq(row),
            self.load.lanes.eq(Cat(lane == number for number in range(self._config.lanes))),
            self.load.data.eq(self.i.payload),
            self.issue.row.eq(row),
            self.issue.distance.eq(lane),
            self.issue.final.eq(step.payload.last),
            self.read.payload.address.eq(address),
            self.read.payload.last.eq(step.payload.last),
        ]
        m.d.sync += [
            self.taken.eq(step.valid & step.ready & step.payload.last),
            self.loaded.eq(self.load.write & step.payload.last),
        ]
        free = self._rows(m)
        with m.If(self.enable), m.Switch(self.phase.kind):
            with m.Case(Kind.INPUT):
                m.d.comb += [
                    self.i.ready.eq(step.valid),
                    step.ready.eq(self.i.valid),
                    self.load.write.eq(step.valid & self.i.valid),
                ]
            with m.Case(Kind.READ):
                m.d.comb += [self.read.valid.eq(step.valid), step.ready.eq(self.read.ready)]
            with m.Default():
                m.d.comb += [step.ready.eq(free), self.issue.valid.eq(step.valid & free)]
        return m

    def _rows(self, m):
        """Where rows begin and end; the result is 1 where the next step may be taken."""
        groups = self._config.groups
        epochs = Signal(unsigned(self._config.step_bits))  # 1 where a digit belongs to the epoch
        wait, free = Signal(range(groups + 1)), Signal(init=1)  # free: wait is 0
        gap = Signal.like(wait)
        m.d.comb += [
            epochs.eq(Cat(self.phase.fan_in > digit for digit in range(len(epochs)))),
            self.issue.last.eq((self.step.payload.block | ~epochs).all()),
            gap.eq(Array(max(0, groups - (1 << log2)) for log2 in range(16))[self.phase.fan_in]),
        ]
        with m.If(self.begin):
            m.d.sync += [self.issue.first.eq(1), wait.eq(0), free.eq(1)]
        with m.Elif(self.issue.valid):
            m.d.sync += self.issue.first.eq(self.issue.last)
            with m.If(self.issue.last):
                m.d.sync += [wait.eq(gap), free.eq(gap == 0)]
        with m.Elif(~free):
            m.d.sync += [wait.eq(wait - 1), free.eq(wait == 1)]
        return free
