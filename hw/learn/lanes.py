"""The lanes that learn: from an issued step to a row of sums, in all three sweeps."""

from collections.abc import Callable
from typing import Any

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from sobolpath.golden.learn.arithmetic import BIAS_INPUT

from ..activations import ActivationMemory
from ..crossbar import XorCrossbar
from ..delay import delay
from ..tags import store
from . import tags
from .config import LearnConfig
from .masters import OnePortMasters, RowMemory, TwoPortMasters
from .outputs import ERROR16
from .tags import Does


class LearnLanes(wiring.Component):
    """Reads a step's rows, permutes, multiplies, and sums in the lanes of its neurons.

    Golden twin: ``golden.learn.sweeps``. What is multiplied, and what goes through the crossbar:

        forward    a lane's weight, with an activation that comes through
        backward   an error and a weight, which come through together
        update     a lane's error, with an activation that comes through; of biases with 128

    Throughput: one step a cycle; of the update as ``golden.learn.schedule``. Latency: ``latency``
    cycles from the last step of a row to ``done`` and its sums. No sum wraps
    (``golden.learn.arithmetic``).

    Parameters
    ----------
    config : hw.learn.config.LearnConfig
    mac : makes a ``hw.learn.multiplier.LearnMac`` from ``registered=``.
    row_memory : makes a ``hw.learn.masters.RowMemory``, where the weights have one port.

    Members
    -------
    write, weights, old, new : as of ``hw.learn.masters.Masters``.
    again : the weights begin anew.
    peek, place : read a row of weights back, of the low plane where the lowest digit is 1.
    issue : a step, see ``hw.learn.tags.issue``.
    store : what is written to the activation memory.
    write_error, error_place, errors : a group of errors is written at row * groups + group.
    done, sums, active, row : a row of sums; backwards, which of its neurons are neither 0 nor 255;
        its tag.
    """

    def __init__(
        self, config: LearnConfig, *, mac: Callable, row_memory: Callable = RowMemory
    ) -> None:
        self._config, self._mac = config, mac
        width, machine = config.requantizers, config.machine
        sizes: dict[str, Any] = {
            "lanes": config.lanes,
            "depth": config.weight_words,
            "width": width,
            "turn": machine.turn,
            "registered": config.memory_register,
        }
        self.masters = (
            OnePortMasters(memory=row_memory, **sizes)
            if config.ports == 1
            else TwoPortMasters(**sizes)
        )
        self.activations = ActivationMemory(
            values=config.lanes,
            rows=config.rows,
            width=config.store_values,
            banks=config.input_width,
            registered=config.memory_register,
        )
        stages = config.crossbar_registers
        self.bytes = XorCrossbar(lanes=config.lanes, shape=8, registers=stages)
        self.words = XorCrossbar(lanes=config.lanes, shape=ERROR16, registers=stages)
        super().__init__(
            {
                "write": self.masters.signature.members["write"],
                "again": In(1),
                "peek": In(1),
                "place": In(1 + config.step_bits),
                "issue": In(tags.issue(config)),
                "store": In(store(config)),
                "write_error": In(1),
                "error_place": In(range(machine.error_rows * config.groups)),
                "errors": In(data.ArrayLayout(ERROR16, width)),
                "weights": self.masters.signature.members["weights"],
                "old": self.masters.signature.members["old"],
                "new": self.masters.signature.members["new"],
                "done": Out(1),
                "sums": Out(data.ArrayLayout(signed(32), config.lanes)),
                "active": Out(config.lanes),
                "row": Out(tags.row(config)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from ``issue`` of the last step of a row to its sums."""
        return self._config.machine.captured - 1

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self._config
        m.submodules.masters, m.submodules.activations = self.masters, self.activations
        m.submodules.bytes, m.submodules.words = self.bytes, self.words
        issue, read = self.issue, self.activations.latency
        stages = self.bytes.latency
        # Tags by the cycle: those of operands, of what leaves the crossbar, of products, of sums.
        operands = delay(m, issue.step, read, "operands")
        crossed = delay(m, operands, stages, "crossed")
        products = delay(m, crossed, 2 + config.product_register, "products")
        distance = delay(m, issue.distance, read, "distance", reset_less=True)
        backward = operands.row.does == Does.BACKWARD
        self._connect_weights(m)
        row = self.activations.row.as_value()
        weights = self.masters.weights.as_value()
        store = self.store
        m.d.comb += [
            self.activations.read_row.eq(issue.activations),
            self.activations.write.eq(store.enable),
            self.activations.write_row.eq(store.row),
            self.activations.write_values.eq(store.values),
            self.activations.data.eq(store.data),
            self.bytes.i.as_value().eq(Mux(backward, weights, row)),
            self.bytes.distance.eq(distance),
            self.words.i.as_value().eq(self._errors(m)),
            self.words.distance.eq(Mux(backward, distance, 0)),
        ]
        self._multiply(m, crossed, products)
        active = Cat(
            (each.any() & ~each.all())
            for each in (row.word_select(n, 8) for n in range(config.lanes))
        )
        later = stages + 3 + config.product_register
        if later <= config.groups:  # then one row's is needed no longer when the next one's comes
            kept = Signal.like(active, name="active_kept", reset_less=True)
            with m.If(operands.valid & operands.last):
                m.d.sync += kept.eq(active)
            m.d.comb += self.active.eq(kept)
        else:
            m.d.comb += self.active.eq(delay(m, active, later, "active", reset_less=True))
        m.d.sync += [self.done.eq(products.valid & products.last), self.row.eq(products.row)]
        return m

    def _connect_weights(self, m: Module) -> None:
        """When each step has its weights: forwards behind the crossbar, backwards before it."""
        masters, issue = self.masters, self.issue
        backward = issue.step.row.does == Does.BACKWARD
        later = delay(m, issue.step, self.bytes.latency, "weights")
        updates = delay(m, issue.step, self.latency + 1 - masters.reads, "updates")
        connect(m, flipped(self.write), masters.write)
        m.d.comb += [
            self.weights.eq(masters.weights),
            self.old.eq(masters.old),
            masters.new.eq(self.new),
            masters.rewind.eq(self.again),
            masters.advance.eq(later.valid & (later.row.does == Does.FORWARD)),
            masters.read.valid.eq(issue.step.valid & backward),
            masters.read.payload.eq(issue.weights),
            masters.peek.valid.eq(self.peek),
            masters.peek.payload.row.eq(self.place[1:]),
            masters.peek.payload.low.eq(self.place[0]),
            masters.take.eq(updates.valid & (updates.row.does == Does.UPDATE)),
        ]

    def _errors(self, m: Module) -> Any:
        """The row of errors that a step reads."""
        config = self._config
        width, rows = 16 * config.requantizers, config.machine.error_rows
        m.submodules.errors = memory = Memory(shape=16 * config.lanes, depth=rows, init=[])
        read = memory.read_port()
        write = memory.write_port(granularity=width)
        groups = (config.groups - 1).bit_length()
        group = self.error_place[:groups]
        m.d.comb += [
            read.addr.eq(self.issue.errors),
            write.addr.eq(self.error_place[groups:]),
            write.data.eq(self.errors.as_value().replicate(config.groups)),
            write.en.eq(
                Cat(self.write_error & (group == number) for number in range(config.groups))
            ),
        ]
        return delay(m, read.data, config.memory_register, "errors", reset_less=True)

    def _multiply(self, m: Module, crossed: Any, products: Any) -> None:
        """The products of what leaves the crossbar, and their sums."""
        config = self._config
        forward = crossed.row.does == Does.FORWARD
        backward = crossed.row.does == Does.BACKWARD
        biases = crossed.row.does == Does.BIAS
        for lane in range(config.lanes):
            m.submodules[f"mac_{lane}"] = own = self._mac(registered=config.product_register)
            small = Signal(8, name=f"small_{lane}")
            m.d.comb += [
                small.eq(Mux(biases, BIAS_INPUT, self.bytes.o[lane])),
                own.small.eq(Cat(small, backward & small[-1]).as_signed()),
                own.large.eq(Mux(forward, self.masters.weights[lane], self.words.o[lane])),
                own.valid.eq(products.valid),
                own.first.eq(products.first),
                self.sums[lane].eq(own.total),
            ]
