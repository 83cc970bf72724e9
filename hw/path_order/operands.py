"""The operand banks: what a block reads, one word of every bank a cycle."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import PathOrderConfig


def store(config: PathOrderConfig) -> data.StructLayout:
    """What is written: where ``enable`` is 1, the neuron ``address`` (its leading digits its bank)
    takes ``data``."""
    return data.StructLayout({"enable": 1, "address": config.address_bits, "data": config.operand})


def row(config: PathOrderConfig) -> data.StructLayout:
    """What is written to all banks: where ``enable`` is 1, ``row`` of each bank takes its item."""
    items = data.ArrayLayout(config.operand, config.lanes)
    return data.StructLayout({"enable": 1, "row": config.row_bits, "items": items})


class OperandBanks(wiring.Component):
    """``o`` are the words of all banks at ``rows`` of the cycle before.

    Throughput: a word of every bank read, and one neuron or one row written, a cycle. What is read
    in the cycle in which it is written is undefined.

    Members: ``rows``, one a bank; ``store``, see :func:`store`; ``load``, the inputs: the same, or
    where the ``input_width`` is above 1 see :func:`row`; never in one cycle with ``store``; ``o``,
    one word a bank.
    """

    latency = 1

    def __init__(self, config: PathOrderConfig) -> None:
        self._config = config
        super().__init__(
            {
                "rows": In(data.ArrayLayout(config.row_bits, config.lanes)),
                "store": In(store(config)),
                "load": In(store(config) if config.input_width == 1 else row(config)),
                "o": Out(data.ArrayLayout(config.operand, config.lanes)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, bits = self._config, self._config.row_bits
        item = Signal.like(self.store)
        m.d.comb += item.eq(self.store)
        if config.input_width == 1:
            with m.If(self.load.enable):
                m.d.comb += item.eq(self.load)
        for number in range(config.lanes):
            bank = Memory(shape=config.operand, depth=1 << bits, init=[])
            m.submodules[f"bank_{number}"] = bank
            read = bank.read_port()
            write = bank.write_port()
            m.d.comb += [
                read.addr.eq(self.rows[number]),
                self.o[number].eq(read.data),
                write.addr.eq(item.address[:bits]),
                write.data.eq(item.data),
                write.en.eq(item.enable & (item.address[bits:] == number)),
            ]
            if config.input_width > 1:
                with m.If(self.load.enable):
                    m.d.comb += [
                        write.addr.eq(self.load.row),
                        write.data.eq(self.load.items[number]),
                        write.en.eq(1),
                    ]
        return m
