"""The loader: where each input goes in the activation memory."""

from typing import Any

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .activations import mirrored
from .config import EngineConfig
from .crossbar import XorCrossbar


class Loader(wiring.Component):
    """Joins the inputs with the addresses of their places, and writes them when it may.

    A step is 2**at_once neurons in a row, of the ``config.input_width`` that a word has: neuron j
    of a step goes to lane j xor that of its address, and to row j xor that one. So of the lanes
    whose higher digits are those of the address, lane t takes the item of the word whose number is
    the low digits of t xor lane xor (first neuron of the step), and the lanes that are equal modulo
    ``input_width``, which are a bank of the activation memory, have one row.

    Throughput: one step a cycle in which ``slot`` is 1: the write in hand leaves, the next step is
    taken, and with a word's last step the word. Latency: 1 cycle from input to write, and those
    without ``slot``. Golden twin: ``golden.machine.lanes.places``.

    Members
    -------
    step : stream of {address, first, last} from the loader's walker.
    at_once : log2 of the neurons of a step, constant from 2 cycles before the first step on; there
        is no such port where ``input_width`` is 1.
    i : stream of words of inputs: the activations of ``input_width`` neurons in each image.
    half : the half of the memory that the inputs go to.
    slot : the memory's write port is free in this cycle.
    write, row, chosen, data : the write: the lanes whose bit is 1 take the data, lane t the item
        t % ``input_width``, in the row of that number: ``row`` has them all, the first one lowest.
    last : the last step is being taken.
    """

    def __init__(self, config: EngineConfig, step: stream.Signature) -> None:
        self._config = config
        super().__init__(
            {
                "step": In(step),
                "i": In(stream.Signature(config.input_bits)),
                "half": In(1),
                "slot": In(1),
                "write": Out(1),
                "row": Out(config.row_bits * config.input_width),
                "chosen": Out(config.lanes),
                "data": Out(config.input_bits),
                "last": Out(1),
                **({"at_once": In(4)} if config.input_width > 1 else {}),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        address, lane_bits = self.step.payload.address, self._config.lane_bits
        lane, row = address[:lane_bits], address[lane_bits:]
        m.d.comb += [
            self.i.ready.eq(self.step.valid & self.slot),
            self.step.ready.eq(self.i.valid & self.slot),
            self.last.eq(self.step.valid & self.step.ready & self.step.payload.last),
        ]
        if self._config.input_width > 1:
            row, places, items = self._several(m, lane, row)
        else:
            row, items = mirrored(row, self.half), self.i.payload
            places = Cat(lane == number for number in range(len(self.chosen)))
        own_row = Signal.like(self.row, reset_less=True)
        chosen = Signal.like(self.chosen, reset_less=True)
        activations = Signal.like(self.data, reset_less=True)
        m.d.comb += [self.row.eq(own_row), self.chosen.eq(chosen), self.data.eq(activations)]
        with m.If(self.slot):
            m.d.sync += [
                self.write.eq(self.step.valid & self.i.valid),
                own_row.eq(row),
                chosen.eq(places),
                activations.eq(items),
            ]
        return m

    def _several(self, m: Module, lane: Any, row: Any) -> tuple[Any, Any, Any]:
        """Takes a word with its last step. Of a step: the banks' rows, the lanes, their items."""
        width, item = self._config.input_width, self._config.item_bits
        m.submodules.crossbar = crossbar = XorCrossbar(lanes=width, shape=item)
        digits = ceil_log2(width)
        within = Signal(digits)  # digits of the number of a neuron of a step
        first = Signal(digits)  # the number in the word of the step's first one
        low, reached = lane[:digits], first | within
        m.d.sync += within.eq(Cat(self.at_once > digit for digit in range(digits)))
        with m.If(self.step.valid & self.step.ready):
            m.d.sync += first.eq(reached + 1)
        with m.If(~reached.all()):
            m.d.comb += self.i.ready.eq(0)
        m.d.comb += [
            crossbar.i.as_value().eq(self.i.payload),
            crossbar.distance.eq(low ^ first),
        ]
        rows = Cat(
            mirrored((row ^ ((low ^ bank) & within))[: len(row)], self.half)[: len(row)]
            for bank in range(width)
        )
        places = Cat(
            (lane[digits:] == number // width) & (((low ^ number % width) & ~within) == 0)
            for number in range(len(self.chosen))
        )
        return rows, places, crossbar.o.as_value()
