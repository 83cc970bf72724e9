"""The drain: from a row of sums to activations and results, and where they go."""

from typing import Any

from amaranth import Cat, Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from . import tags
from .biases import BiasMemory
from .config import ACTIVATION, RESULT, EngineConfig
from .requantizer import Requantizer, RowSerializer
from .rowtags import RowTagger
from .writeback import WriteBack


def probe(config: EngineConfig) -> wiring.Signature:
    """What leaves the pipeline in a cycle; see ``hw.engine.PathEngine``."""
    place, requantizers = range(config.rows * config.groups), config.requantizers
    return wiring.Signature(
        {
            "activation": Out(1),
            "activation_place": Out(place),
            "activations": Out(data.ArrayLayout(ACTIVATION, requantizers)),
            "result": Out(1),
            "result_place": Out(place),
            "sums": Out(data.ArrayLayout(RESULT, requantizers)),
        }
    )


class RowDrain(wiring.Component):
    """Gives a row of sums out in groups, adds the biases, requantizes, and says where each goes.

    Throughput: ``requantizers`` values a cycle. Latency: ``sums_latency`` cycles from ``capture``
    to a row's first results, ``latency`` to its first activations.

    Members
    -------
    write : stream of {address, data}: one byte of the biases; always ready.
    begin, junction, keep, ahead, capture, step : as of ``hw.rowtags.RowTagger``.
    sums : a row, while ``capture`` is 1; the digits from ``hw.mac.LOW`` on in the cycle after.
    o : what is written: the ``probe`` of ``hw.engine.PathEngine``.
    done : the last result is written in this cycle.
    """

    sums_latency, latency = 1 + Requantizer.sums_latency, 1 + Requantizer.latency

    def __init__(self, config: EngineConfig) -> None:
        bits, requantizers = config.accumulator_bits, config.requantizers
        self._config = config
        self.tagger, self.writeback = RowTagger(config), WriteBack(config)
        self.serializer = RowSerializer(
            values=config.values,
            requantizers=requantizers,
            shape=signed(bits),
            tag=tags.row(config),
        )
        self.biases = BiasMemory(
            neurons=config.bias_neurons,
            width=max(1, requantizers // config.images),
            registered=config.memory_register,
        )
        self.requantizer = Requantizer(requantizers=requantizers, accumulator_bits=bits)
        super().__init__(
            {
                "write": self.biases.signature.members["write"],
                "begin": In(1),
                "junction": In(tags.junction(config)),
                "keep": Out(1),
                "ahead": In(tags.STEP),
                "capture": In(1),
                "step": In(tags.STEP),
                "sums": self.serializer.signature.members["i"],
                "o": Out(probe(config)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name in ("tagger", "serializer", "biases", "requantizer", "writeback"):
            m.submodules[name] = getattr(self, name)
        connect(m, flipped(self.write), self.biases.write)
        self._connect_tags(m)
        self._connect_values(m)
        return m

    def _connect_tags(self, m: Module) -> None:
        """From a junction and its steps to the places of its groups."""
        tagger, serializer, writeback = self.tagger, self.serializer, self.writeback
        m.d.comb += [
            tagger.begin.eq(self.begin),
            tagger.junction.eq(self.junction),
            tagger.ahead.eq(self.ahead),
            tagger.capture.eq(self.capture),
            tagger.step.eq(self.step),
            self.keep.eq(tagger.keep),
            serializer.tag.eq(tagger.o),
            writeback.group.valid.eq(serializer.valid),
            writeback.group.number.eq(serializer.group),
            writeback.group.last.eq(serializer.last),
            writeback.group.row.eq(serializer.o_tag),
            self.o.result.eq(writeback.result),
            self.o.result_place.eq(writeback.result_place),
            self.o.activation.eq(writeback.activation),
            self.o.activation_place.eq(writeback.activation_place),
            self.done.eq(writeback.done),
        ]

    def _connect_values(self, m: Module) -> None:
        """From a row of sums to what is written of it."""
        serializer, biases, requantizer = self.serializer, self.biases, self.requantizer
        images, requantizers = self._config.images, self._config.requantizers
        repeats = ceil_log2(max(1, images // requantizers))  # log2 of the groups that share a bias
        used = serializer.valid & ~serializer.last & serializer.group[:repeats].all()
        m.d.comb += [
            serializer.capture.eq(self.capture),
            serializer.i.eq(self.sums),
            biases.advance.eq(self.capture | used),
            biases.rewind.eq(self.writeback.done),
            requantizer.i.eq(serializer.o),
            requantizer.bias.eq(Cat(biases.o[value // images] for value in range(requantizers))),
            requantizer.shift.eq(serializer.o_tag.shift),
            self.o.sums.eq(requantizer.sums),
            self.o.activations.eq(requantizer.activations),
        ]
