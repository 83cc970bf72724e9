"""Packets of inputs of any length, made as long as an inference."""

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import EngineConfig
from .path_order.config import PathOrderConfig


def word(config: EngineConfig | PathOrderConfig) -> data.StructLayout:
    """A word of inputs in a packet: its bits, whether any of it counts (``keep``), and whether the
    packet ends with it (``last``)."""
    return data.StructLayout({"data": config.input_bits, "keep": 1, "last": 1})


class PacketFitter(wiring.Component):
    """One packet becomes one inference's inputs: what it lacks is 0, what is too much is dropped.

    So a source that sent too much or too little has its place again with the next packet. A word of
    which nothing counts is dropped, unless it is a packet's last.

    Throughput: a word a cycle; latency: none. The words that are filled in take a cycle each, and
    so do those that are dropped.

    Members
    -------
    i : stream of ``word(config)``; its ``ready`` does not depend on its ``valid``.
    o : stream of ``config.input_bits``. ``ends`` : the word that is taken is its inference's last.
    """

    def __init__(self, config: EngineConfig | PathOrderConfig) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(word(config))),
                "o": Out(stream.Signature(config.input_bits)),
                "ends": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        item = self.i.payload
        filling = Signal()  # the packet has ended, its inference's inputs have not
        dropping = Signal()  # the inputs have ended, the packet has not
        useless = Signal()
        m.d.comb += [
            useless.eq(dropping | ~(item.keep | item.last)),
            self.o.valid.eq(filling | (self.i.valid & ~useless)),
            self.o.payload.eq(Mux(filling, 0, item.data)),
            self.i.ready.eq(~filling & (self.o.ready | useless)),
        ]
        with m.If(self.o.valid & self.o.ready):
            ended = Signal()
            m.d.comb += ended.eq(filling | item.last)
            m.d.sync += [filling.eq(ended & ~self.ends), dropping.eq(self.ends & ~ended)]
        with m.Elif(self.i.valid & self.i.ready & item.last):
            m.d.sync += dropping.eq(0)
        return m
