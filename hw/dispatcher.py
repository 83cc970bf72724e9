"""The dispatcher: what becomes of each step of a phase."""

from amaranth import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.image import Kind

from .config import ACTIVATION, HEADER
from .rows import RowPacer


class Dispatcher(wiring.Component):
    """Takes the steps that the address generator offers, each as its phase's kind asks.

    - INPUT: a step takes one activation from ``i`` and writes it at its row and lane (``load``).
    - HIDDEN, OUTPUT: a step reads a source row for the lanes (``issue``), one a cycle; after the
      last of a row the next row waits until the requantizers can keep up: max(fan-in, groups)
      cycles a row.
    - READ: a step reads one result, when ``read`` has room.

    Latency 0, but for ``load`` and ``taken``, which are registers.

    Members
    -------
    begin, following : the phase that may be taken from the next cycle on, to its last step.
    taken : the phase's last step was taken in the cycle before.
    step : stream of {block, last, addresses} from the address generator.
    i : stream of input activations.
    load : write, last, row, lanes (one bit set), data: an input, and whether it is the last one,
        to the activation memory.
    issue : valid, row, distance, first and last of the target's row, final of the junction.
    read : stream of {address, last}: a result to read, row * lanes + lane.
    """

    def __init__(self, config, step):
        self._lane_bits = config.lane_bits
        self._pacer = RowPacer(fan_in_bits=config.neuron_bits, groups=config.groups)
        row = range(config.rows)
        load = {
            "write": Out(1),
            "last": Out(1),
            "row": Out(row),
            "lanes": Out(config.lanes),
            "data": Out(ACTIVATION),
        }
        flags = {name: Out(1) for name in ("valid", "first", "last", "final")}
        issue = {**flags, "row": Out(row), "distance": Out(config.lane_bits)}
        read = data.StructLayout({"address": range(config.max_outputs), "last": 1})
        super().__init__(
            {
                "begin": In(1),
                "following": In(HEADER),
                "taken": Out(1),
                "step": In(step),
                "i": In(stream.Signature(ACTIVATION)),
                "load": Out(wiring.Signature(load)),
                "issue": Out(wiring.Signature(issue)),
                "read": Out(stream.Signature(read)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.pacer = pacer = self._pacer
        step, address = self.step, self.step.payload.addresses[0]
        lane, row = address[: self._lane_bits], address[self._lane_bits :]
        taken = step.valid & step.ready
        loading, issuing, reading = Signal(), Signal(), Signal()  # what the phase does, if it may
        kind = self.following.kind
        with m.If(self.begin):
            m.d.sync += [
                loading.eq(kind == Kind.INPUT),
                issuing.eq((kind == Kind.HIDDEN) | (kind == Kind.OUTPUT)),
                reading.eq(kind == Kind.READ),
            ]
        with m.Elif(taken & step.payload.last):
            m.d.sync += [loading.eq(0), issuing.eq(0), reading.eq(0)]
        m.d.comb += [
            pacer.begin.eq(self.begin),
            pacer.fan_in.eq(self.following.fan_in),
            pacer.step.eq(self.issue.valid),
            self.issue.first.eq(pacer.first),
            self.issue.last.eq(pacer.last),
            self.issue.final.eq(step.payload.last),
            self.issue.row.eq(row),
            self.issue.distance.eq(lane),
            self.read.payload.address.eq(address),
            self.read.payload.last.eq(step.payload.last),
        ]
        m.d.sync += [
            self.taken.eq(taken & step.payload.last),
            self.load.write.eq(loading & taken),
            self.load.last.eq(step.payload.last),
            self.load.row.eq(row),
            self.load.lanes.eq(Cat(lane == number for number in range(len(self.load.lanes)))),
            self.load.data.eq(self.i.payload),
        ]
        m.d.comb += [
            self.i.ready.eq(loading & step.valid),
            self.issue.valid.eq(issuing & step.valid & pacer.free),
            self.read.valid.eq(reading & step.valid),
            step.ready.eq(
                (loading & self.i.valid) | (issuing & pacer.free) | (reading & self.read.ready)
            ),
        ]
        return m
