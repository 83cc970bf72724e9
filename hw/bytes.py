"""The byte router: each byte of a network to the memory of its space."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .config import EngineConfig
from .memories import spaces
from .path_order.config import PathOrderConfig
from .stream import byte_port


class ByteRouter(wiring.Component):
    """Takes bytes while the engine is idle; each is written in the cycle after.

    Throughput: a byte a cycle; latency: 1 cycle from ``write`` to the memory's port.

    Parameters
    ----------
    config : hw.config.EngineConfig or hw.path_order.config.PathOrderConfig

    Members
    -------
    write : stream of {space, address, data}, ready while ``idle``.
    waiting : an input is there. ``offered`` : and no bytes are, so that an inference may begin.
    weights, biases, program : stream of {address, data}: a byte of that space; always ready. Only
        of the spaces that the engine has.
    """

    def __init__(self, config: EngineConfig | PathOrderConfig) -> None:
        self._spaces = tuple(spaces(config))
        sizes = {space.name.lower(): size.bytes for space, size in spaces(config).items()}
        super().__init__(
            {
                "write": In(stream.Signature(config.write_layout)),
                "idle": In(1),
                "waiting": In(1),
                "offered": Out(1),
                **{name: Out(byte_port(size)) for name, size in sizes.items()},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        byte = Signal.like(self.write.payload, name="byte", reset_less=True)
        written = Signal()
        offered = Signal()
        m.d.sync += [
            written.eq(self.write.valid & self.write.ready),
            byte.eq(self.write.payload),
            offered.eq(self.waiting & ~written),  # the program is read again by then
        ]
        m.d.comb += [
            self.write.ready.eq(self.idle),
            self.offered.eq(offered & ~self.write.valid & ~written),
        ]
        for space in self._spaces:
            port = getattr(self, space.name.lower())
            m.d.comb += [
                port.valid.eq(written & (byte.space == space)),
                port.payload.address.eq(byte.address),
                port.payload.data.eq(byte.data),
            ]
        return m
