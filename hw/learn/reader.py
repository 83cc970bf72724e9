"""Reads the trained weights and biases back, byte by byte."""

from typing import Any

from amaranth import Array, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .config import LearnConfig


class ByteReader(wiring.Component):
    """The byte that stands where ``hw.learn.engine.LearnEngine.write`` would put one.

    Throughput: a byte every 4 cycles, 5 with ``memory_register``.

    Members
    -------
    idle : the engine is idle; nothing is taken otherwise.
    i : stream of ``LearnConfig.peek_layout``. ``o`` : stream of bytes.
    peek_weights, row : a row of weights is read, its plane in the lowest digit, and is at
        ``weights`` a cycle later, 2 with ``memory_register``.
    peek_biases, place : so is a group of biases, at ``biases`` a cycle later.
    """

    def __init__(self, config: LearnConfig) -> None:
        self._config = config
        group = 32 * config.requantizers
        super().__init__(
            {
                "idle": In(1),
                "i": In(stream.Signature(config.peek_layout)),
                "o": Out(stream.Signature(8)),
                "peek_weights": Out(1),
                "row": Out(1 + config.step_bits),
                "weights": In(8 * config.lanes),
                "peek_biases": Out(1),
                "place": Out(range(config.bias_neurons // config.requantizers)),
                "biases": In(group),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self._config
        asked = Signal(config.peek_layout, reset_less=True)
        peeks = Signal()  # the memories are asked in this cycle
        left = Signal(range(4))  # cycles until the byte is there
        own = asked.address
        lane, byte = config.lane_bits, (4 * config.requantizers).bit_length() - 1
        rows = config.step_bits
        taken = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(self.idle & ~peeks & (left == 0) & ~self.o.valid),
            self.peek_weights.eq(peeks & asked.weights),
            self.peek_biases.eq(peeks & ~asked.weights),
            self.row.eq(Cat(own[lane + rows], own[lane : lane + rows])),
            self.place.eq(own[byte:]),
        ]
        m.d.sync += peeks.eq(taken)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(taken):
            m.d.sync += asked.eq(self.i.payload)
        with m.If(peeks):
            m.d.sync += left.eq(1 + config.memory_register)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        found = Signal(8)
        with m.If(asked.weights):
            m.d.comb += found.eq(_byte(self.weights, own[:lane]))
        with m.Else():
            m.d.comb += found.eq(_byte(self.biases, own[:byte]))
        with m.If(left == 1):
            m.d.sync += [self.o.payload.eq(found), self.o.valid.eq(1)]
        return m


def _byte(word: Any, number: Any) -> Any:
    """The byte of that number."""
    return Array(word[start : start + 8] for start in range(0, len(word), 8))[number]
