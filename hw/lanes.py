"""The lanes: from an issued step through memory, crossbar and multipliers to a row of sums."""

from collections.abc import Callable
from typing import Any

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from . import tags
from .activations import ActivationMemory, mirrored
from .config import EngineConfig
from .crossbar import XorCrossbar
from .delay import delay
from .mac import MacLanes
from .weights import WeightReader


class Lanes(wiring.Component):
    """Reads a step's row and weights, permutes the row, multiplies, and sums each neuron's paths.

    Throughput: one step a cycle. Latency: ``latency`` cycles from the last step of a row to its
    sums. The step's tag goes with its operands, so each part finds it where it needs it.

    Parameters
    ----------
    config : hw.config.EngineConfig
    multiplier, weight_memory : as of ``hw.engine.PathEngine``.

    Members
    -------
    write : stream of {address, data}: one weight; as of ``hw.weights.WeightReader``.
    rewind : the weights of the next step are the first ones.
    store : what is written to the activation memory.
    issue : a step that is issued now; ``half`` : the half of the memory that it runs in.
    ahead, step, done, sums : ``ahead``, ``o_tag``, ``done`` and ``accumulators`` of
        ``hw.mac.MacLanes``.
    """

    def __init__(
        self, config: EngineConfig, *, multiplier: Callable, weight_memory: Callable
    ) -> None:
        registered = config.memory_register
        self.weights = WeightReader(
            lanes=config.lanes,
            depth=config.weight_words,
            registered=registered,
            memory=weight_memory,
        )
        self.activations = ActivationMemory(
            values=config.values,
            rows=config.rows,
            width=config.store_values,
            banks=config.input_width,
            item=config.images,
            registered=registered,
        )
        self.crossbar = XorCrossbar(
            lanes=config.lanes, shape=config.item_bits, registers=config.crossbar_registers
        )
        self.mac = MacLanes(
            lanes=config.lanes,
            images=config.images,
            accumulator_bits=config.accumulator_bits,
            registered=config.product_register,
            multiplier=multiplier,
        )
        super().__init__(
            {
                "write": self.weights.signature.members["write"],
                "rewind": In(1),
                "store": In(tags.store(config)),
                "issue": In(tags.issue(config)),
                "half": In(1),
                "ahead": Out(tags.STEP),
                "step": Out(tags.STEP),
                "done": Out(1),
                "sums": self.mac.signature.members["accumulators"],
            }
        )

    @property
    def operands(self) -> int:
        """Cycles from a step to its activations at the multipliers."""
        return self.activations.latency + self.crossbar.latency

    @property
    def latency(self) -> int:
        """Cycles from the last step of a row to its sums."""
        return self.operands + self.mac.latency

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        weights, activations, crossbar, mac = (
            *(self.weights, self.activations),
            *(self.crossbar, self.mac),
        )
        m.submodules.weights, m.submodules.activations = weights, activations
        m.submodules.crossbar, m.submodules.mac = crossbar, mac
        connect(m, flipped(self.write), weights.write)
        issue, store, rows = self.issue, self.store, activations.latency
        word = delay(m, issue.step, self.operands - weights.latency, "word")  # asks for its weights
        m.d.comb += [
            weights.rewind.eq(self.rewind),
            weights.advance.eq(word.valid),
            activations.write.eq(store.enable),
            activations.write_row.eq(store.row),
            activations.write_values.eq(store.values),
            activations.data.eq(store.data),
            activations.read_row.eq(mirrored(issue.row, self.half)),
            crossbar.i.eq(activations.row.as_value()),
            crossbar.distance.eq(delay(m, issue.distance, rows, "distance", reset_less=True)),
            mac.tag.eq(delay(m, word, weights.latency, "operands")),
            mac.activations.eq(crossbar.o.as_value()),
            mac.weights.eq(weights.weights),
            self.ahead.eq(mac.ahead),
            self.step.eq(mac.o_tag),
            self.done.eq(mac.done),
            self.sums.eq(mac.accumulators),
        ]
        return m
