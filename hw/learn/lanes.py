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
from .update import PRODUCT_BITS, MasterUpdate


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
    write, peeked : as of ``hw.learn.masters.Masters``. old, new : the same, where the weights have
        one port; where they have two, rows are updated here.
    again : the weights are read from the first one on. ``renew`` : they are written back so.
    peek, place : read a row of weights back, of the low plane where the lowest digit is 1.
    issue : a step, see ``hw.learn.tags.issue``.
    store : what is written to the activation memory.
    write_error, error_place, errors : a group of errors is written at row * groups + group.
    done, sums, active, row : a row of sums; backwards, which of its neurons are neither 0 nor 255;
        its tag. Rows that are updated here are not ``done``.
    """

    def __init__(
        self, config: LearnConfig, *, mac: Callable, row_memory: Callable = RowMemory
    ) -> None:
        self._config, self._mac = config, mac
        width, machine = config.requantizers, config.machine
        sizes: dict[str, Any] = {
            "lanes": config.lanes,
            "depth": config.weight_words,
            "registered": config.memory_register,
        }
        self._whole = config.ports == 2  # rows are updated whole, and here
        if self._whole:
            self.masters = TwoPortMasters(**sizes)
            self.update = MasterUpdate(lanes=config.lanes, registered=True)
        else:
            sizes |= {"width": width, "turn": machine.turn, "memory": row_memory}
            self.masters = OnePortMasters(**sizes)
        self.activations = ActivationMemory(
            values=config.lanes,
            rows=config.rows,
            width=config.store_values,
            banks=config.input_width,
            registered=config.memory_register,
        )
        stages, masters = config.crossbar_registers, self.masters.signature.members
        self.bytes = XorCrossbar(lanes=config.lanes, shape=8, registers=stages)
        self.words = XorCrossbar(lanes=config.lanes, shape=ERROR16, registers=stages)
        super().__init__(
            {
                "write": masters["write"],
                "again": In(1),
                "renew": In(1),
                "peek": In(1),
                "place": In(1 + config.step_bits),
                "issue": In(tags.issue(config)),
                "store": In(store(config)),
                "write_error": In(1),
                "error_place": In(range(machine.error_rows * config.groups)),
                "errors": In(data.ArrayLayout(ERROR16, width)),
                "peeked": masters["peeked"],
                **({} if self._whole else {"old": masters["old"], "new": masters["new"]}),
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
        backward = self._does(m, Does.BACKWARD, operands, read)
        self._connect_weights(m)
        if self._whole:
            self._connect_update(m)
        else:
            m.d.comb += [self.old.eq(self.masters.old), self.masters.new.eq(self.new)]
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
            self.words.distance.eq(self._of_errors(m, backward, distance)),
        ]
        self._multiply(m, crossed, products)
        done = products.valid & products.last
        active = Cat(
            (each.any() & ~each.all())
            for each in (row.word_select(n, 8) for n in range(config.lanes))
        )
        later = stages + 3 + config.product_register
        if later <= config.groups:  # then one row's is needed no longer when the next one's comes
            kept = Signal.like(active, name="active_kept", reset_less=True)
            own = config.memory_register  # a register more, before what goes far
            found = delay(m, active, own, "active_found", reset_less=True)
            with m.If(delay(m, operands.valid & operands.last, own, "found")):
                m.d.sync += kept.eq(found)
            m.d.comb += self.active.eq(kept)
        else:
            m.d.comb += self.active.eq(delay(m, active, later, "active", reset_less=True))
        if self._whole:
            done &= products.row.does != Does.UPDATE
        m.d.sync += [self.done.eq(done), self.row.eq(products.row)]
        return m

    def _does(self, m: Module, does: Does, step: Any, cycles: int) -> Any:
        """Whether ``step``, the issued one of so many cycles before, does that.

        With registers for a fast clock this is a register too: it goes to every lane.
        """
        if not self._config.memory_register:
            return step.row.does == does
        name = f"{does.name.lower()}_{cycles}"
        return delay(m, self.issue.step.row.does == does, cycles, name, reset_less=True)

    def _of_errors(self, m: Module, backward: Any, distance: Any) -> Any:
        """D of the crossbar of errors: 0 but backwards."""
        if not self._config.memory_register:
            return Mux(backward, distance, 0)
        issue = self.issue
        own = Mux(issue.step.row.does == Does.BACKWARD, issue.distance, 0)
        return delay(m, own, self.activations.latency, "errors_distance", reset_less=True)

    def _connect_weights(self, m: Module) -> None:
        """When each step has its weights: forwards behind the crossbar, backwards before it."""
        masters, issue = self.masters, self.issue
        forward, update = (
            issue.step.valid & (issue.step.row.does == does) for does in (Does.FORWARD, Does.UPDATE)
        )
        taken = self.latency + 1 - masters.reads  # for a row's sums, or the group that leaves first
        taken += 0 if self._whole else self._config.machine.leaving
        connect(m, flipped(self.write), masters.write)
        m.d.comb += [
            self.peeked.eq(masters.peeked),
            masters.rewind.eq(self.again),
            masters.renew.eq(self.renew),
            masters.advance.eq(delay(m, forward, self.bytes.latency, "advance")),
            masters.read.valid.eq(issue.chooses),
            masters.read.payload.eq(issue.weights),
            masters.peek.valid.eq(self.peek),
            masters.peek.payload.row.eq(self.place[1:]),
            masters.peek.payload.low.eq(self.place[0]),
            masters.take.eq(delay(m, update, taken, "take")),
        ]

    def _connect_update(self, m: Module) -> None:
        """A row of products to new weights."""
        m.submodules.update = update = self.update
        m.d.comb += [
            update.products.eq(Cat(total[:PRODUCT_BITS] for total in self.sums)),
            update.shift.eq(self.row.shift),
            update.fixed.eq(delay(m, self.row.fixed, 1, "fixed", reset_less=True)),
        ]
        for own, old, new, found in zip(
            update.masters, self.masters.old, self.masters.new, update.o, strict=True
        ):
            m.d.comb += [own.low.eq(old.low), own.high.eq(old.high)]
            m.d.comb += [new.low.eq(found.low), new.high.eq(found.high)]

    def _errors(self, m: Module) -> Any:
        """The row of errors that a step reads."""
        config = self._config
        width, rows = 16 * config.requantizers, config.machine.error_rows
        style = {"ram_style": "block"} if config.memory_register else {}  # whose register it is
        m.submodules.errors = memory = Memory(
            shape=16 * config.lanes, depth=rows, init=[], attrs=style
        )
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
        config, since = self._config, self.activations.latency + self.bytes.latency
        forward, backward, biases = (
            self._does(m, does, crossed, since) for does in (Does.FORWARD, Does.BACKWARD, Does.BIAS)
        )
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
