"""An engine behind a host port: bytes in, bytes out, whatever link carries them."""

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from sobolpath.hw.engines import Engine
from sobolpath.hw.learn.engine import LearnEngine

from .boot import BootLoader
from .host import Host
from .quiet import Quiet, silence_cycles

LAMPS = ("ready", "busy", "error")  # of a board


class Port(wiring.Component):
    """Engine, host port and boot loader.

    A break, a framing error or an overrun resets host and engine within 2 cycles, an answer other
    than OK the engine within 2 cycles; memories, and what is known of them, stay. While it boots,
    bytes of the link are dropped; a break ends that. An engine that learns is not reset while its
    weights are changed, unless by ``silence``: what that program updates has no end.

    Parameters
    ----------
    engine : one of ``hw.engines``.
    clock_hz, divisor : of the clock and of the serial line, for IDENTIFY; 0: none.
    boot : loads a network when the power comes; None: the device has no flash.
    silence : cycles, a power of two; by default those of ``boards.gateware.quiet.SILENCE_SECONDS``,
        or 2**22 where the clock is not known.

    Members
    -------
    i : In(stream of 8 bits), ``o`` : Out(stream of 8 bits), the link.
    line_break, framing, overrun : In(1), for one cycle: the link has lost its place. After a break
        the next byte is a command; after the others the link offers none until ``silence``.
    active : In(1), something comes over the link.
    silence : Out(1), for one cycle: nothing came for as many cycles.
    ready : Out(1), a checked network is there.
    busy : Out(1), an inference is under way.
    error : Out(1), the boot image was bad, or since the last IDENTIFY the link had an error.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        divisor: int = 0,
        clock_hz: float = 0,
        boot: BootLoader | None = None,
        silence: int | None = None,
    ):
        self.engine, self.boot = engine, boot
        if silence is None:
            silence = silence_cycles(clock_hz) if clock_hz else 1 << 22
        self.quiet = Quiet(cycles=silence)
        self.host = Host(
            config=engine.config, clock_hz=clock_hz, divisor=divisor, flash=boot is not None
        )
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                **dict.fromkeys(("line_break", "framing", "overrun", "active"), In(1)),
                **dict.fromkeys(("silence", *LAMPS), Out(1)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        engine, host, quiet = self.engine, self.host, self.quiet
        restart = Signal(init=1)
        again = Signal(init=1)
        flags = Signal(2)
        resets, busy = self._resets(m, again)
        m.submodules.engine = ResetInserter(resets)(engine)
        m.submodules.host, m.submodules.quiet = host, quiet
        connect(m, host.o, flipped(self.o))
        connect(m, host.write, engine.write)
        connect(m, engine.o, host.logits)
        booting, ended = self._boot(m)
        errors = Cat(self.framing, self.overrun) & (~booting).replicate(2)
        m.d.comb += [
            *self._widened(),
            engine.i.valid.eq(host.inputs.valid),
            host.inputs.ready.eq(engine.i.ready),
            quiet.active.eq(self.active | booting),
            host.silence.eq(quiet.silence),
            host.flags.eq(flags),
            host.restart.eq(restart),
            self.silence.eq(quiet.silence),
            self.ready.eq(host.network),
            self.busy.eq(engine.busy),
            self.error.eq(flags.any() | host.bad_boot),
        ]
        begins = errors.any() | self.line_break | ended
        m.d.sync += [restart.eq(begins), again.eq(begins | host.failed)]
        if isinstance(engine, LearnEngine):
            self._learning(m, engine, busy)
            with m.If(again & ~resets):
                m.d.sync += again.eq(1)
        with m.If(host.identified):
            m.d.sync += flags.eq(0)
        with m.If(errors.any()):
            m.d.sync += flags.eq(flags | errors)
        return m

    def _resets(self, m, again):
        """When the engine is reset that is to be, and whether it is at work or will be reset."""
        engine = self.engine
        if not isinstance(engine, LearnEngine):
            return again, engine.busy
        resets = Signal()
        m.d.comb += resets.eq(again & (~engine.updating | self.quiet.silence))
        return resets, engine.busy | again

    def _learning(self, m, engine, busy):
        """What an engine that learns has beside. Its task is there as long as its inputs are."""
        host = self.host
        connect(m, host.peek, engine.peek)
        connect(m, engine.peeked, host.peeked)
        m.d.comb += [
            engine.task.valid.eq(1),
            engine.task.payload.eq(host.task),
            host.busy.eq(busy),
            host.updating.eq(engine.updating),
        ]

    def _boot(self, m):
        """Where the bytes come from. Whether it is booting, and for one cycle, that this ended."""
        host, boot = self.host, self.boot
        if boot is None:
            connect(m, flipped(self.i), host.i)
            return C(0, 1), C(0, 1)
        m.submodules.boot = boot
        before = Signal(init=1)
        offered = Signal()  # a register: the two sources are no part of the host's paths
        m.d.sync += [
            before.eq(boot.booting),
            offered.eq(Mux(boot.booting, boot.o.valid, self.i.valid) & ~host.i.ready),
        ]
        m.d.comb += [
            host.i.valid.eq(offered),
            host.i.payload.eq(Mux(boot.booting, boot.o.payload, self.i.payload)),
            boot.o.ready.eq(host.i.ready),
            self.i.ready.eq(host.i.ready | boot.booting),
            boot.checked.eq(host.checked),
            boot.failed.eq(host.failed),
            boot.abort.eq(self.line_break),
            host.booting.eq(boot.booting),
            host.bad_boot.eq(boot.bad),
        ]
        return boot.booting, before & ~boot.booting

    def _widened(self):
        """The bytes of a word of inputs to the engine's operands, which may be wider."""
        inputs, operands = self.host.inputs.payload, self.engine.i.payload
        width = len(operands) * 8 // len(inputs)
        return [
            operands[place * width : (place + 1) * width].eq(inputs.word_select(place, 8))
            for place in range(len(inputs) // 8)
        ]
