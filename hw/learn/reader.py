"""Reads the trained weights and biases back, byte by byte."""

from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..delay import delay
from .config import LearnConfig


class ByteReader(wiring.Component):
    """The byte that stands where ``hw.learn.engine.LearnEngine.write`` would put one.

    An address is taken once its byte is there: 4 cycles after it is offered, 6 with
    ``memory_register``, where a byte is chosen in two steps. Throughput: a byte every 6 cycles, 8
    with ``memory_register``.

    Members
    -------
    idle : the engine is idle; nothing is read otherwise.
    i : stream of ``LearnConfig.peek_layout``. ``o`` : stream of bytes.
    peek_weights, row : a row of weights is read, its plane in the lowest digit, and is at
        ``weights`` 2 cycles later, 3 with ``memory_register``.
    peek_biases, place : so is a group of biases, at ``biases`` from the next cycle on.
    """

    def __init__(self, config: LearnConfig) -> None:
        self._config = config
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
                "biases": In(32 * config.requantizers),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self._config
        address, weights = self.i.payload.address, self.i.payload.weights
        lane, byte = config.lane_bits, (4 * config.requantizers).bit_length() - 1
        rows, wait = config.step_bits, 2 + 2 * config.memory_register
        peeks = Signal()  # the memories are asked in this cycle
        left = Signal(range(wait + 1))  # cycles until the byte is there, which is the last of them
        there = left == 1
        m.d.comb += [
            self.i.ready.eq(there),
            self.peek_weights.eq(peeks & weights),
            self.peek_biases.eq(peeks & ~weights),
            self.row.eq(Cat(address[lane + rows], address[lane : lane + rows])),
            self.place.eq(address[byte:]),
        ]
        begins = self.i.valid & self.idle & ~peeks & (left == 0) & ~self.o.valid
        m.d.sync += peeks.eq(begins)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(peeks):
            m.d.sync += left.eq(wait)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        found = Mux(
            weights,
            self._byte(m, self.weights, address[:lane], "weights"),
            self._byte(m, self.biases, address[:byte], "biases"),
        )
        with m.If(there):
            m.d.sync += [self.o.payload.eq(found), self.o.valid.eq(1)]
        return m

    def _byte(self, m: Module, word: Any, number: Any, name: str) -> Any:
        """The byte of that number; with ``memory_register`` that of a cycle before."""
        if self._config.memory_register:
            low = number[: len(number) // 2]
            each = 8 << len(low)
            few = [_chosen(word[at : at + each], low) for at in range(0, len(word), each)]
            word = delay(m, Cat(few), 1, name, reset_less=True)
            number = number[len(low) :]
        return _chosen(word, number)


def _chosen(word: Any, number: Any) -> Any:
    """The byte of that number."""
    return Array(word[start : start + 8] for start in range(0, len(word), 8))[number]
