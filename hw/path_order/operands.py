"""The operand banks: what a block reads, one word of every bank a cycle."""

from typing import Any

from amaranth import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import PathOrderConfig


def store(config: PathOrderConfig) -> data.StructLayout:
    """What is written: where ``enable`` is 1, the neuron ``address`` (its leading digits its bank)
    takes ``data``."""
    return data.StructLayout({"enable": 1, "address": config.address_bits, "data": config.operand})


class OperandBanks(wiring.Component):
    """``o`` are the words of all banks at ``rows`` of the cycle before.

    Throughput: a word of every bank read, and one neuron written, a cycle. What is read in the
    cycle in which it is written is undefined.

    Members: ``rows``, one a bank; ``store``, see :func:`store`; ``o``, one word a bank.
    """

    latency = 1

    def __init__(self, config: PathOrderConfig) -> None:
        self._config = config
        super().__init__(
            {
                "rows": In(data.ArrayLayout(config.row_bits, config.lanes)),
                "store": In(store(config)),
                "o": Out(data.ArrayLayout(config.operand, config.lanes)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config, store = self._config, self.store
        for number in range(config.lanes):
            bank = Memory(shape=config.operand, depth=1 << config.row_bits, init=[])
            m.submodules[f"bank_{number}"] = bank
            read = bank.read_port()
            write = bank.write_port()
            m.d.comb += [
                read.addr.eq(self.rows[number]),
                self.o[number].eq(read.data),
                write.addr.eq(store.address[: config.row_bits]),
                write.data.eq(store.data),
                write.en.eq(store.enable & (store.address[config.row_bits :] == number)),
            ]
        return m
