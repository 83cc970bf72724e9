"""The device's end of the host protocol, between any link of bytes and an engine."""

from typing import Any

from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from sobolpath.golden.protocol.identity import Identity
from sobolpath.hw.config import LOGIT
from sobolpath.hw.engines import Config
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.hw.path_order.config import PathOrderConfig

from .commands import Commands
from .learning import LearnCommands
from .loaded import Loaded
from .replies import Replies


def identity(
    config: Config, *, clock_hz: float = 0, divisor: int = 0, flash: bool = False
) -> Identity:
    """What a device with this engine tells of itself, with no network there.

    ``overlap`` : the row and lane engine takes the next inputs while it works. One that learns
    would, but not the next task.
    """
    overlap = not isinstance(config, PathOrderConfig | LearnConfig)
    clock = {"clock_hz": round(clock_hz), "divisor": divisor}
    return Identity.of(config, overlap=overlap, flash=flash, **clock)


class Host(wiring.Component):
    """Reads commands, drives the engine, answers: docs/host-protocol.md has the bytes.

    It takes a byte and sends one at the same time. How many cycles a byte takes is said in
    ``boards.gateware.commands`` and ``boards.gateware.replies``: fewer than the 80 of a serial line
    at its fastest. Golden twin: ``golden.protocol.device``.

    Parameters
    ----------
    config : the engine's.
    clock_hz, divisor : of the clock and of the serial line, for IDENTIFY; 0: none.
    flash : whether it boots from one, for IDENTIFY.

    Members
    -------
    i : In(stream of 8 bits), from the link.
    o : Out(stream of 8 bits), to the link.
    restart : In(1): begin with a new command: the one in hand and its reply are dropped. What is
        loaded stays, and whether it was checked. The engine must be reset with it.
    silence : In(1), for one cycle: no byte came for some time, and again after the same time.
    write : Out(stream of ``config.write_layout``), bytes for the engine's memories.
    inputs : Out(stream of 8 bits for each image of each neuron that are taken together), words of
        inputs: their bytes as they come, the first one lowest.
    logits : In(stream of data and last), the results.
    flags : In(2), what IDENTIFY reports: framing error and overrun.
    identified : Out(1), for one cycle: ``flags`` were sent.
    booting : In(1): no answer is sent. ``bad_boot`` : In(1), for IDENTIFY.
    checked : Out(1), for one cycle: a CHECK was good.
    failed : Out(1), for one cycle: an answer is not OK. The engine must be reset.
    network : Out(1), a checked network is there.

    And where the engine learns:
    busy : In(1), it is, or will be reset. ``updating`` : In(1), weights are being changed.
    task, peek, peeked : as of ``hw.learn.engine.LearnEngine``.
    """

    def __init__(
        self, *, config: Config, clock_hz: float = 0, divisor: int = 0, flash: bool = False
    ):
        self.config = config
        learning = {}
        if isinstance(config, LearnConfig):
            learning = {"busy": In(1), "updating": In(1), "task": Out(config.task)}
            learning["peek"] = Out(stream.Signature(config.peek_layout))
            learning["peeked"] = In(stream.Signature(8))
        self._learns = bool(learning)
        commands = LearnCommands if self._learns else Commands
        self.commands, self.loaded = commands(config=config), Loaded(learns=self._learns)
        self.replies = Replies(
            identity=identity(config, clock_hz=clock_hz, divisor=divisor, flash=flash)
        )
        bytes_ = config.images * config.input_width
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "restart": In(1),
                "silence": In(1),
                "write": Out(stream.Signature(config.write_layout)),
                "inputs": Out(stream.Signature(8 * bytes_)),
                "logits": In(stream.Signature(LOGIT)),
                "flags": In(2),
                "identified": Out(1),
                "booting": In(1),
                "bad_boot": In(1),
                "checked": Out(1),
                "failed": Out(1),
                "network": Out(1),
                **learning,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        commands, loaded, replies = self.commands, self.loaded, self.replies
        m.submodules.commands = ResetInserter(self.restart)(commands)
        m.submodules.replies = ResetInserter(self.restart)(replies)
        m.submodules.loaded = loaded
        connect(m, flipped(self.i), commands.i)
        connect(m, commands.write, flipped(self.write))
        connect(m, commands.inputs, flipped(self.inputs))
        connect(m, flipped(self.logits), replies.logits)
        connect(m, replies.o, flipped(self.o))
        for name in ("bit", "add", "keep", "begin", "forget", "confirm"):
            m.d.comb += getattr(loaded, name).eq(getattr(commands, name))
        for name in ("pending", "status", "identify", "infer", "tag"):
            m.d.comb += getattr(replies, name).eq(getattr(commands, name))
        for name in ("aligned", "digest", "size", "network"):
            m.d.comb += getattr(commands, name).eq(getattr(loaded, name))
        m.d.comb += [
            loaded.turn.eq(commands.turn | replies.turn),
            commands.silence.eq(self.silence),
            commands.answered.eq(replies.answered),
            commands.turn_tag.eq(replies.turn_tag),
            replies.digest.eq(loaded.digest),
            replies.size.eq(loaded.size),
            replies.mute.eq(self.booting),
            replies.states.eq(Cat(self.flags, loaded.network, self.bad_boot)),
            self.identified.eq(replies.identified),
            self.checked.eq(loaded.confirm),
            self.failed.eq(replies.failed),
            self.network.eq(loaded.network),
        ]
        if self._learns:
            self._learning(m)
        return m

    def _learning(self, m):
        """What an engine that learns needs beside."""
        commands, replies = self.commands, self.replies
        connect(m, commands.peek, flipped(self.peek))
        connect(m, flipped(self.peeked), commands.peeked)
        connect(m, commands.read, replies.read)
        before = Signal()
        m.d.sync += [  # registers: a cycle does not matter, and the paths are short
            before.eq(self.updating),
            self.loaded.step.eq(self.updating & ~before),
            commands.busy.eq(self.busy),
            replies.busy.eq(self.busy),
        ]
        m.d.comb += [self.task.eq(commands.task), replies.reads.eq(commands.reads)]
