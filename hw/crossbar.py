"""The XOR crossbar: lane t of the output is lane t xor D of the input.

A butterfly of q stages; stage s swaps the lanes that differ in digit s where that digit of D is 1:
q P multiplexers instead of the P^2 of a full crossbar, and no routing conflict can be expressed.
"""

from collections.abc import Collection
from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.hdl import ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .config import ACTIVATION


class XorCrossbar(wiring.Component):
    """``o[t] = i[t ^ distance]`` for a word of ``lanes`` items, every cycle.

    Golden twin: ``word[numpy.arange(lanes) ^ distance]``. Throughput: one word a cycle; latency:
    the number of ``registers``. Data only: the caller delays what belongs to it by ``latency``.

    Parameters
    ----------
    lanes : items of a word, a power of two.
    shape : the shape of an item.
    registers : the stages, 0 to log2(lanes) - 1, that end in a register.

    Members
    -------
    i : the word; ``distance`` : D; ``o`` : the word, permuted.

    Raises ``TypeError`` or ``ValueError`` for parameters out of range.
    """

    def __init__(
        self, *, lanes: int, shape: ShapeLike = ACTIVATION, registers: Collection[int] = ()
    ):
        self._bits = exact_log2("lanes", lanes)
        if not isinstance(registers, tuple | list | set | frozenset):
            raise TypeError(f"registers must be stages, not {registers!r}")
        if not all(isinstance(stage, int) and 0 <= stage < self._bits for stage in registers):
            raise ValueError(
                f"registers must be stages from 0 to {self._bits - 1}, not {registers!r}"
            )
        self._registers = frozenset(registers)
        word = data.ArrayLayout(shape, lanes)
        super().__init__({"i": In(word), "distance": In(self._bits), "o": Out(word)})

    @property
    def latency(self) -> int:
        """Cycles from ``i`` and ``distance`` to ``o``."""
        return len(self._registers)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word, distance = self.i, self.distance
        for stage in range(self._bits):
            domain = "sync" if stage in self._registers else "comb"
            swapped = Signal.like(self.o, name=f"stage_{stage}", reset_less=True)
            for lane in range(len(self.o)):
                other = word[lane ^ (1 << stage)]
                m.d[domain] += swapped[lane].eq(Mux(distance[stage], other, word[lane]))
            if domain == "sync":
                delayed = Signal.like(distance, name=f"distance_{stage}", reset_less=True)
                m.d.sync += delayed.eq(distance)
                distance = delayed
            word = swapped
        m.d.comb += self.o.eq(word)
        return m
