"""The arbiter: the write port of the activations, which inputs have when no junction writes."""

from typing import Any

from amaranth import Cat, Module, Mux
from amaranth.hdl import Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from . import tags
from .config import ACTIVATION, EngineConfig


class WriteArbiter(wiring.Component):
    """A group of activations always goes; an input goes where there is none. Latency 0.

    Members
    -------
    activation, place, activations : a group of activations is written at this place, which is
        row * groups + group.
    slot : none is. ``write``, ``row``, ``chosen``, ``data`` : those of ``hw.loader.Loader``.
    o : what is written to the activation memory, see ``hw.tags.store``.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        width = config.requantizers
        super().__init__(
            {
                "activation": In(1),
                "place": In(range(config.rows * config.groups)),
                "activations": In(data.ArrayLayout(ACTIVATION, width)),
                "slot": Out(1),
                "write": In(1),
                "row": In(config.row_bits * config.input_width),
                "chosen": In(config.lanes),
                "data": In(config.input_bits),
                "o": Out(tags.store(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, group_bits = self._config, (self._config.groups - 1).bit_length()
        values = Cat(
            self.place[:group_bits] == value // config.requantizers
            for value in range(config.values)
        )
        inputs = Cat(bit.replicate(config.images) for bit in self.chosen)

        def repeated(value: Value) -> Value:
            return value.replicate(len(self.o.data.as_value()) // len(value))

        written = repeated(self.activations.as_value())
        m.d.comb += [
            self.slot.eq(~self.activation),
            self.o.enable.eq(self.write | self.activation),
            self.o.row.eq(
                Mux(self.slot, self.row, self.place[group_bits:].replicate(config.input_width))
            ),
            self.o.values.eq(Mux(self.slot, inputs, values)),
            self.o.data.eq(Mux(self.slot, repeated(self.data), written)),
        ]
        return m
