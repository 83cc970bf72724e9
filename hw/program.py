"""The program memory: written byte by byte, read word by word through several ports at once."""

from typing import Any

from amaranth import Module, Mux, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .checks import exact_log2
from .config import PROGRAM_BITS
from .stream import byte_port


def read_port(words: int) -> wiring.Signature:
    """What a reader sees of the program: ``word`` is that at ``address``, 1 cycle later.

    It holds while ``enable`` is 0.
    """
    return wiring.Signature({"address": Out(range(words)), "enable": Out(1), "word": In(16)})


class Program(wiring.Component):
    """``words`` words of 16 bits; each reader has a port of its own (block RAM: a copy each).

    Members
    -------
    write : stream of {address, data}: one byte, at word * 2 + byte; always ready.
    read_0 and so on : ``readers`` ports, see :func:`read_port`. Throughput 1 word a cycle, latency
        1; a word that is written in the same cycle is undefined.

    Raises ``TypeError`` or ``ValueError`` where ``words`` is no power of two.
    """

    def __init__(self, *, words: int, readers: int):
        exact_log2("words", words, minimum=2)
        self._words = words
        self._names = [f"read_{reader}" for reader in range(readers)]
        super().__init__(
            {
                "write": In(byte_port(2 * words)),
                **{name: In(read_port(words)) for name in self._names},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=unsigned(PROGRAM_BITS), depth=self._words, init=[]
        )
        write = memory.write_port(granularity=8)
        byte, word = self.write.payload.address[0], self.write.payload.address[1:]
        m.d.comb += [write.addr.eq(word), write.data.eq(self.write.payload.data.replicate(2))]
        with m.If(self.write.valid):
            m.d.comb += write.en.eq(Mux(byte, 0b10, 0b01))
        for name in self._names:
            port = getattr(self, name)
            read = memory.read_port()
            m.d.comb += [
                read.addr.eq(port.address),
                read.en.eq(port.enable),
                port.word.eq(read.data),
            ]
        return m
