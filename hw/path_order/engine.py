"""The path-order engine: the machine of section 4.4 as the paper draws it.

Two address generators, source banks, a crossbar, a weight streamer and accumulator banks: paths in
their own order, P of them a cycle (Keller & Van keirsbilck, section 4.4).
"""

from collections.abc import Callable
from typing import Any

from amaranth import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..bytes import ByteRouter
from ..config import LOGIT
from ..delay import delay
from ..packets import PacketFitter, word
from ..stream import StreamRegister
from ..weights import WeightMemory, WeightStreamer
from .accumulators import Accumulators
from .addresses import BlockAddresses
from .config import PathOrderConfig
from .control import Control
from .crossbar import BankCrossbar
from .loader import loader
from .multiplier import OperandMultiplier
from .operands import OperandBanks
from .sweep import Sweep, probe


class PathOrderEngine(wiring.Component):
    """Runs a network of paths in path order, forwards or backwards: inputs in, sums out.

    Golden twins: ``golden.machine.engine.infer`` and, for errors,
    ``golden.path_order.backward.layers``; cycles: ``golden.path_order.schedule.plan``, whatever the
    data. Blocks of P paths follow each other in every cycle. Inputs take one cycle each,
    activations one, logits ``Sweep.spacing``. Nothing of an inference overlaps the next one.

    A network is written first, byte by byte, while the engine is idle:
    ``golden.path_order.image`` tells what. Then n_0 inputs are taken from ``i`` in natural neuron
    order, and the last layer's sums are offered at ``o`` in natural neuron order, again and again.
    Reset ends what is under way; the memories keep the network. Nothing checks the bytes: those
    that are no network may keep it busy for good. A reset and all bytes of a network bring it back.

    Parameters
    ----------
    config : hw.path_order.config.PathOrderConfig
    multiplier, weight_memory : make the parts that a device has its own cells for; see
        ``hw.path_order.multiplier.OperandMultiplier`` and ``hw.weights.WeightMemory``.

    Members
    -------
    write : stream of {space, address, data}: one byte of a ``golden.machine.image.Space``; waits
        while busy.
    i : stream of inputs: uint8 activations; where the config is ``backward``, int16 errors too.
    o : stream of {data, last}: sums of the last layer, and whether it is the last one.
    busy : an inference is under way.
    probe : for simulation: the values that the sweep writes, and the number of the neuron in its
        layer: ``activations`` with ``activation``, ``sums`` with ``result``.
    """

    def __init__(
        self,
        config: PathOrderConfig,
        *,
        packets: bool = False,
        multiplier: Callable = OperandMultiplier,
        weight_memory: Callable = WeightMemory,
    ) -> None:
        self.config = config
        self.bytes, self.control = ByteRouter(config), Control(config)
        inputs = word(config) if packets else config.input_bits
        self.inputs = StreamRegister(inputs)
        self.fitter = PacketFitter(config) if packets else None
        self._words = self.inputs.o if self.fitter is None else self.fitter.o
        self.loader = loader(config)
        self.addresses, self.operands = BlockAddresses(config), OperandBanks(config)
        self.weights = WeightStreamer(
            lanes=config.lanes,
            depth=config.weight_words,
            registered=config.memory_register,
            memory=weight_memory,
        )
        self.operand_crossbar = BankCrossbar(lanes=config.lanes, shape=config.operand)
        self.weight_crossbar = BankCrossbar(lanes=config.lanes, shape=8)
        self.multipliers = [multiplier(operand=config.operand) for _ in range(config.lanes)]
        self.accumulators, self.sweep = Accumulators(config), Sweep(config)
        super().__init__(
            {
                "write": In(stream.Signature(config.write_layout)),
                "i": In(stream.Signature(inputs)),
                "o": Out(stream.Signature(LOGIT)),
                "busy": Out(1),
                "probe": Out(probe(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name in (
            *("bytes", "control", "inputs", "loader", "addresses", "operands", "weights"),
            *("operand_crossbar", "weight_crossbar", "accumulators", "sweep"),
        ):
            m.submodules[name] = getattr(self, name)
        for lane, multiplier in enumerate(self.multipliers):
            m.submodules[f"multiplier_{lane}"] = multiplier
        self._connect_bytes(m)
        self._connect_control(m)
        self._connect_inputs(m)
        self._connect_blocks(m)
        self._connect_weights(m)
        return m

    def _connect_bytes(self, m: Module) -> None:
        """A network to the memories."""
        bytes_, control = self.bytes, self.control
        connect(m, flipped(self.write), bytes_.write)
        connect(m, bytes_.program, control.write)
        m.d.comb += [
            self.weights.write.valid.eq(bytes_.weights.valid),
            self.weights.write.payload.address.eq(bytes_.weights.payload.address),
            self.weights.write.payload.data.eq(bytes_.weights.payload.data),
            bytes_.idle.eq(~self.busy),
            bytes_.waiting.eq(self._words.valid),
            control.offered.eq(bytes_.offered | self.loader.held),  # and then no bytes are taken
            self.busy.eq(~control.idle | self.loader.held),
        ]

    def _connect_control(self, m: Module) -> None:
        """What is done when."""
        control, addresses, sweep = self.control, self.addresses, self.sweep
        connect(m, control.read, addresses.read)
        connect(m, control.add, addresses.add)
        connect(m, control.start, addresses.start)
        connect(m, sweep.o, flipped(self.o))
        connect(m, sweep.probe, flipped(self.probe))
        m.d.comb += [
            sweep.go.eq(control.sweep),
            sweep.step.eq(control.step),
            sweep.shift.eq(control.header.shift),
            sweep.backward.eq(control.header.backward),
            sweep.last.eq(control.header.last),
            control.swept.eq(sweep.done),
        ]

    def _connect_inputs(self, m: Module) -> None:
        """Inputs, and what the sweep gives, to the operand banks."""
        loader, control = self.loader, self.control
        connect(m, flipped(self.i), self.inputs.i)
        if self.fitter is not None:
            m.submodules.fitter = self.fitter
            connect(m, self.inputs.o, self.fitter.i)
            m.d.comb += self.fitter.ends.eq(loader.ends)
        connect(m, self._words, loader.i)
        m.d.comb += [
            loader.load.eq(control.load),
            loader.known.eq(control.known),
            loader.digits.eq(control.digits),
            control.loaded.eq(loader.loaded),
            self.operands.load.eq(loader.o),
            self.operands.store.eq(self.sweep.store),
        ]

    def _connect_blocks(self, m: Module) -> None:
        """From a block's addresses through banks, crossbar and multipliers to its sums."""
        config, accumulators, weights = self.config, self.accumulators, self.weights
        block, valid = self.addresses.o, self.addresses.valid
        m.d.comb += [
            self.operands.rows.eq(self.addresses.rows),
            self.operand_crossbar.i.eq(self.operands.o),
            self.operand_crossbar.select.eq(block.banks),
            self.weight_crossbar.i.eq(weights.o.payload.weights),
            self.weight_crossbar.select.eq(block.lanes),
            weights.o.ready.eq(valid | self.sweep.biases.ready),
            self.sweep.biases.payload.eq(weights.o.payload.weights),
            self.sweep.biases.valid.eq(weights.o.valid),
        ]
        for lane, multiplier in enumerate(self.multipliers):
            m.d.comb += [
                multiplier.operand.eq(self.operand_crossbar.o[lane]),
                multiplier.weight.eq(self.weight_crossbar.o[lane]),
                accumulators.products[lane].eq(multiplier.product),
            ]
        latency = self.multipliers[0].latency
        done = delay(m, valid & block.last, latency + accumulators.latency, "done")
        m.d.comb += [
            accumulators.valid.eq(delay(m, valid, latency, "adding")),
            accumulators.first.eq(delay(m, block.first, latency, "first", reset_less=True)),
            accumulators.rows.eq(delay(m, block.rows, latency - 1, "rows", reset_less=True)),
            self.control.run_done.eq(done),
            self.sweep.low.eq(accumulators.low),
            self.sweep.high.eq(accumulators.high),
        ]
        with m.If(self.sweep.reading):
            m.d.comb += [accumulators.rows[bank].eq(self.sweep.row) for bank in range(config.lanes)]

    def _connect_weights(self, m: Module) -> None:
        """The memory of the weights streams those of the blocks, and then the biases."""
        control, block, start = self.control, self.addresses, self.weights.start
        blocks = control.start.valid & control.start.ready
        biases = delay(m, block.valid & block.o.last & ~control.header.backward, 1, "biases")
        width = self.config.lanes // 4  # biases of a word
        last = ((1 << control.header.digits) >> (width - 1).bit_length()) - 1
        m.d.comb += [
            start.valid.eq(blocks | biases),
            start.payload.address.eq(Mux(biases, control.first_bias, control.first_weight)),
            start.payload.last.eq(Mux(biases, last, control.start.payload.last)),
            start.payload.backward.eq(~biases & control.start.payload.backward),
        ]
