"""Commands for an engine that learns: inputs come with a task, and a network is read back."""

from typing import Any

from amaranth.hdl import Cat
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from sobolpath.golden.learn.task import LABEL_BITS
from sobolpath.golden.protocol.device import READS
from sobolpath.golden.protocol.frames import Status
from sobolpath.hw.learn.config import LearnConfig

from .commands import Commands

#: What comes back of a READ.
READ = data.StructLayout({"data": 8, "last": 1})


class LearnCommands(Commands):
    """Reads commands as :class:`boards.gateware.commands.Commands`, with the task of an INFER, and
    READ.

    The last word of an INFER's inputs is offered once its CRC was found right, and no header is
    looked at while the engine is ``busy``.

    More members
    ------------
    busy : In(1), the engine is, or will be reset.
    task : Out, as of ``hw.learn.config.LearnConfig.task``, of an INFER; until the next header.
    peek : Out(stream), as of ``hw.learn.engine.LearnEngine``; peeked : In(stream), from there.
    reads : Out(1), of what kind an answer is; read : Out(stream of data and last), what follows it.
    """

    learns = True
    opcodes = (*Commands.opcodes, *READS)

    def _more(self, config: LearnConfig) -> dict[str, Any]:
        return {
            "busy": In(1),
            "task": Out(config.task),
            "peek": Out(stream.Signature(config.peek_layout)),
            "peeked": In(stream.Signature(8)),
            "reads": Out(1),
            "read": Out(stream.Signature(READ)),
        }

    def _addressed(self):
        return self._writes | self.reads

    def _later(self):
        return Cat(self._earlier, self._byte)

    def _ends(self):
        return self._none & ~self.reads

    def _came(self, m):
        """It is kept first."""

    def _counted(self, m):
        m.d.sync += self.inputs.valid.eq(self.infer & self._whole() & ~self._none)
        with m.If(self.reads):
            m.next = "SEND"

    def _right(self, m):
        m.d.sync += self.inputs.valid.eq(self.infer)

    def _header(self, m):
        with m.If(~self.busy):
            super()._header(m)

    def _more_kinds(self, m):
        m.d.sync += self.reads.eq(self._byte[5])

    def _more_headers(self, m):
        with m.Elif(self.reads):
            self._answer(m, Status.OK, "PEEK")

    def _more_states(self, m):
        """The states of each byte that is read; between them it is counted. And the task."""
        extent = self.extent
        m.d.comb += [
            self.task.as_value().eq(_task(self.task, extent.address)),
            extent.still.eq(self.infer),
            self.peek.payload.weights.eq(~self._kind.as_value()[0]),
            self.peek.payload.address.eq(extent.address),
            self.read.payload.data.eq(self.peeked.payload),
            self.read.payload.last.eq(self._none),
        ]
        with m.State("PEEK"):
            m.d.comb += self.peek.valid.eq(1)
            with m.If(self.peek.ready):
                m.next = "COUNT"
        with m.State("SEND"):
            m.d.comb += [
                self.read.valid.eq(self.peeked.valid),
                self.peeked.ready.eq(self.read.ready),
            ]
            with m.If(self.read.valid & self.read.ready):
                m.next = "PEEK"
                with m.If(self._none):
                    m.next = "TAKE"


def _task(task, word):
    """The digits of ``golden.learn.task.Task.word`` as the engine takes them."""
    label = len(task.label)
    return Cat(word[:label], word[LABEL_BITS : LABEL_BITS + 2 + len(task.rate)])
