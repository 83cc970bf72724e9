"""The top of every board: clock, serial port, host protocol, path engine, lamps."""

from typing import Any

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Module,
    ResetInserter,
    ResetSignal,
    Signal,
)
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out, connect

from sobolpath.hw.engine import PathEngine
from sobolpath.hw.path_order.engine import PathOrderEngine

from .host import Host
from .uart import Receiver, Transmitter

#: The power-on timer's name in a :class:`Top` once that is flat: ``boards.flow.reset`` looks there.
TIMER = "clocking.timer.timer"


class Core(wiring.Component):
    """Everything behind the pins: an engine that a host drives over a serial line.

    A break, a framing error or an overrun resets host and engine within 2 cycles; the
    memories keep the network. After a break the next byte is a command.

    Parameters
    ----------
    engine : a ``hw.engine.PathEngine`` or ``hw.path_order.engine.PathOrderEngine``.
    divisor : clock cycles a bit of the line; see ``boards.gateware.uart.baud_divisor``.

    Members
    -------
    rx : In(1), ``tx`` : Out(1), the line.
    busy : Out(1), an inference is under way.
    """

    def __init__(
        self,
        *,
        engine: PathEngine | PathOrderEngine,
        divisor: int,
    ):
        self.engine, self.host = engine, Host(config=engine.config)
        self.receiver = Receiver(divisor=divisor)
        self.transmitter = Transmitter(divisor=divisor)
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "busy": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        engine, host = self.engine, self.host
        receiver, transmitter = self.receiver, self.transmitter
        restart = Signal(init=1)
        m.submodules.engine = ResetInserter(restart)(engine)
        m.submodules.host = ResetInserter(restart)(host)
        m.submodules.receiver = receiver
        m.submodules.transmitter = transmitter
        connect(m, receiver.o, host.i)
        connect(m, host.o, transmitter.i)
        connect(m, host.write, engine.write)
        connect(m, engine.o, host.logits)
        errors = Cat(receiver.framing, receiver.overrun)
        flags = Signal(2)
        m.d.comb += [
            *self._widened(),
            engine.i.valid.eq(host.inputs.valid),
            host.inputs.ready.eq(engine.i.ready),
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            self.busy.eq(engine.busy),
            host.flags.eq(flags),
        ]
        m.d.sync += restart.eq(errors.any() | receiver.line_break)
        with m.If(errors.any()):
            m.d.sync += flags.eq(flags | errors)
        with m.Elif(host.identified):
            m.d.sync += flags.eq(0)
        return m

    def _widened(self):
        """The bytes of a word of inputs to the engine's operands, which may be wider."""
        inputs, operands = self.host.inputs.payload, self.engine.i.payload
        width = len(operands) * 8 // len(inputs)
        return [
            operands[place * width : (place + 1) * width].eq(inputs.word_select(place, 8))
            for place in range(len(inputs) // 8)
        ]


class Top(Elaboratable):
    """A :class:`Core` on a board: the pins ``uart`` 0, ``led_g`` 0 (alive) and ``led_r`` 0 (busy).

    Parameters
    ----------
    clocking : a component that makes the domain ``sync``: outputs ``clock`` and ``reset``.
    core : the core.
    """

    def __init__(self, *, clocking: Any, core: Core):
        self.clocking, self.core = clocking, core

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.clocking = clocking = self.clocking
        m.domains.sync = ClockDomain()
        m.submodules.core = core = self.core
        lines = platform.lookup("uart", 0).ios  # a modem's lines too, of which none is used
        uart = platform.request("uart", 0, dir={line.name: "-" for line in lines})
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.submodules.alive = alive = io.Buffer(
            io.Direction.Output, platform.request("led_g", 0, dir="-")
        )
        m.submodules.busy = busy = io.Buffer(
            io.Direction.Output, platform.request("led_r", 0, dir="-")
        )
        m.d.comb += [
            ClockSignal().eq(clocking.clock),
            ResetSignal().eq(clocking.reset),
            core.rx.eq(rx.i),
            tx.o.eq(core.tx),
            alive.o.eq(~clocking.reset),
            busy.o.eq(core.busy),
        ]
        return m
