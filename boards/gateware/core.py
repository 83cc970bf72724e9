"""Everything behind the pins: an engine that a host drives over a serial line."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from sobolpath.hw.engines import Engine

from .boot import BootLoader
from .port import LAMPS, Port
from .uart import Receiver, Transmitter


class Core(wiring.Component):
    """A serial line, and the :class:`boards.gateware.port.Port` behind it.

    After a break the next byte is a command. After a framing error or an overrun all bytes are
    dropped until a break, or until the line was at rest for ``silence`` cycles.

    Parameters
    ----------
    engine, clock_hz, boot, silence : as of :class:`boards.gateware.port.Port`.
    divisor : clock cycles a bit of the line; see ``boards.gateware.uart.baud_divisor``.

    Members
    -------
    rx : In(1), ``tx`` : Out(1), the line.
    ready, busy, error : Out(1), as of :class:`boards.gateware.port.Port`.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        divisor: int,
        clock_hz: float = 0,
        boot: BootLoader | None = None,
        silence: int | None = None,
    ):
        self.receiver = Receiver(divisor=divisor)
        self.transmitter = Transmitter(divisor=divisor)
        self.port = Port(
            engine=engine, divisor=divisor, clock_hz=clock_hz, boot=boot, silence=silence
        )
        self.engine, self.boot, self.host = engine, boot, self.port.host
        outputs = dict.fromkeys(LAMPS, Out(1))
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), **outputs})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port, receiver, transmitter = self.port, self.receiver, self.transmitter
        m.submodules.port = port
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter
        connect(m, receiver.o, port.i)
        connect(m, port.o, transmitter.i)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        m.d.comb += receiver.listen.eq(port.silence)
        for name in ("line_break", "framing", "overrun", "active"):
            m.d.comb += getattr(port, name).eq(getattr(receiver, name))
        for name in LAMPS:
            m.d.comb += getattr(self, name).eq(getattr(port, name))
        return m
