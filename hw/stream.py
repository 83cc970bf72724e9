"""Streams that several components have: bytes of a memory, and a register in between."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


def byte_port(size: int) -> stream.Signature:
    """Bytes of a memory of ``size`` bytes, as they are written: a stream of {address, data}, always
    ready."""
    byte = data.StructLayout({"address": range(size), "data": 8})
    return stream.Signature(byte, always_ready=True)


class StreamRegister(wiring.Component):
    """One register in a stream: full throughput, 1 cycle of latency, ``ready`` combinational."""

    latency = 1

    def __init__(self, shape: Any) -> None:
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        payload = Signal.like(self.o.payload, reset_less=True)
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), self.o.payload.eq(payload)]
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), payload.eq(self.i.payload)]
        return m
