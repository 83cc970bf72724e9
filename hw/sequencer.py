"""The sequencer: what of load, run and read may go on, so that one inference overlaps the next."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Sequencer(wiring.Component):
    """Starts the loader, the runner and the reader, each as soon as there is work and room.

    Inputs are loaded into either half of the activation memory in turns, and each inference runs
    with its whole place in the memory mirrored (XOR) into the half of its inputs. While one runs,
    the next is loaded; its last junction waits until the results before have left.

    Members
    -------
    offered : an input is offered, and no bytes of a network.
    load_idle, load : nothing is loaded; begin. ``loaded`` : the last input is being taken.
    alone, load_hold : the inputs need the place of the inference before; they wait for its end.
    run_idle, run : no junction is under way; begin. ``output``, ``begin`` : the junction in hand is
        the last one, it begins. ``run_hold`` : it must wait. Both holds follow a cycle later.
    rewind : the first junction of an inference begins.
    read : begin to read. ``written`` : the last result is being written; ``left`` : it has left.
    load_half, run_half : the halves.
    idle : nothing is under way; the network may be written.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "offered": In(1),
                "load_idle": In(1),
                "load": Out(1),
                "loaded": In(1),
                "alone": In(1),
                "load_hold": Out(1),
                "run_idle": In(1),
                "run": Out(1),
                "output": In(1),
                "begin": In(1),
                "run_hold": Out(1),
                "rewind": Out(1),
                "written": In(1),
                "read": Out(1),
                "left": In(1),
                "load_half": Out(1),
                "run_half": Out(1, init=1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        waiting = Signal()  # inputs are there to be run
        full = Signal()  # results are there to be read
        first = Signal()  # of its inference: the junction in hand is
        quiet = Signal(init=1)  # in the cycle before
        m.d.comb += [
            self.run.eq(self.run_idle & waiting),
            self.rewind.eq(self.begin & first),
            self.read.eq(self.written),
            self.idle.eq(quiet & ~self.load),
        ]
        m.d.sync += [  # registers: their paths lead into the walkers' state machines
            self.load_hold.eq(self.alone & ~self.run_idle),
            self.run_hold.eq(self.output & full),
            self.load.eq(self.load_idle & ~waiting & self.offered & ~self.load),
            quiet.eq(self.load_idle & ~self.load & ~waiting & self.run_idle & ~full),
        ]
        with m.If(self.loaded):
            m.d.sync += [waiting.eq(1), self.load_half.eq(~self.load_half)]
        with m.Elif(self.run):
            m.d.sync += waiting.eq(0)
        with m.If(self.run):
            m.d.sync += [self.run_half.eq(~self.run_half), first.eq(1)]
        with m.Elif(self.begin):
            m.d.sync += first.eq(0)
        with m.If(self.begin & self.output):
            m.d.sync += full.eq(1)
        with m.Elif(self.left):
            m.d.sync += full.eq(0)
        return m
