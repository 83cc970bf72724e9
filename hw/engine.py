"""The path engine: connects its parts, and does nothing else."""

from collections.abc import Callable
from typing import Any

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .arbiter import WriteArbiter
from .bytes import ByteRouter
from .config import LOGIT, EngineConfig
from .control import Control
from .drain import RowDrain, probe
from .lanes import Lanes
from .loader import Loader
from .mac import Multiplier
from .packets import PacketFitter, word
from .results import CopyAdder, ResultMemory
from .stream import StreamRegister
from .weights import WeightMemory


class PathEngine(wiring.Component):
    """Runs any network of paths that fits its memories: inputs in, logits out.

    Golden twin: ``golden.machine.engine.infer``; cycles: ``golden.machine.schedule.plan`` on the
    config's ``machine``, whatever the data: the latency from the last input taken to the last
    result written, and the interval between inferences, of which one loads while another runs and
    a third one's logits leave. Where no stream waits, a cycle takes one input, or as many as
    ``config.input_width`` where the paths allow it. Logits take two cycles each, or where the last
    layer has copies, one and one for each copy.

    A network is written first, byte by byte, while the engine is idle: ``golden.machine.image``
    tells what. Then n_0 inputs are taken from ``i``, ``input_width`` a word, each one neuron's
    activation in every one of the config's images, in natural neuron order, and n_L logits of each
    image, image after image, are offered at ``o`` in natural neuron order, again and again. Reset
    ends what is under way; the memories keep the network. Nothing checks the bytes: those that are
    no network may keep it busy for good. A reset and all bytes of a network always bring it back.

    Parameters
    ----------
    config : hw.config.EngineConfig
    packets : inputs come in packets, one for each inference (``hw.packets``).
    multiplier, weight_memory : make the parts that a device has its own cells for; see
        ``hw.mac.Multiplier`` and ``hw.weights.WeightMemory``, whose contracts they keep.

    Members
    -------
    write : stream of {space, address, data}: one byte of a ``golden.machine.image.Space``; waits
        while busy.
    i : stream of words of uint8: ``input_width`` neurons, the first one lowest, of each of which
        one for each image, that of the first one lowest. One word may be taken ahead of its
        inference: it is for the network that is there when that begins. With ``packets``, of
        ``hw.packets.word``.
    o : stream of {data, last}: logits, and whether it is the last one of its images.
    busy : an inference is under way, from 3 cycles after its first input is taken to the cycle
        after its last logit is; while bytes are offered, none begins.
    probe : for simulation: the values written at the end of the pipeline: in a cycle in which
        ``activation`` (``result``) is 1, ``activations`` (``sums``) are those of the neurons whose
        (row * lanes + lane) * images + image begins at ``activation_place`` (``result_place``) *
        requantizers. The rows of activations are those of the activation memory.
    """

    def __init__(
        self,
        config: EngineConfig,
        *,
        packets: bool = False,
        multiplier: Callable = Multiplier,
        weight_memory: Callable = WeightMemory,
    ) -> None:
        self.config = config
        inputs = word(config) if packets else config.input_bits
        self.control, self.drain = Control(config), RowDrain(config)
        self.lanes = Lanes(config, multiplier=multiplier, weight_memory=weight_memory)
        self.bytes = ByteRouter(config)
        self.inputs = StreamRegister(inputs)
        self.fitter = PacketFitter(config) if packets else None
        self._words = self.inputs.o if self.fitter is None else self.fitter.o
        self.loader = Loader(config, self.control.loading.signature)
        self.arbiter, adds = WriteArbiter(config), config.max_copies > 1
        self.results = ResultMemory(
            neurons=config.max_outputs * config.images, width=config.requantizers, eager=adds
        )
        self.adder = CopyAdder(max_copies=config.max_copies) if adds else None
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
            *("control", "bytes", "inputs", "loader", "arbiter"),
            *("lanes", "drain", "results"),
        ):
            m.submodules[name] = getattr(self, name)
        self._connect_bytes(m)
        self._connect_inputs(m)
        self._connect_steps(m)
        self._connect_results(m)
        return m

    def _connect_bytes(self, m: Module) -> None:
        """A network to the memories."""
        bytes_, control = self.bytes, self.control
        connect(m, flipped(self.write), bytes_.write)
        connect(m, bytes_.weights, self.lanes.write)
        connect(m, bytes_.biases, self.drain.write)
        connect(m, bytes_.program, control.write)
        m.d.comb += [
            bytes_.idle.eq(control.idle),
            bytes_.waiting.eq(self._words.valid),
            control.offered.eq(bytes_.offered),
            self.busy.eq(~control.idle),
        ]

    def _connect_inputs(self, m: Module) -> None:
        """Inputs to the loader, and what it writes to the activation memory."""
        loader, arbiter, control = self.loader, self.arbiter, self.control
        connect(m, flipped(self.i), self.inputs.i)
        if self.fitter is not None:
            m.submodules.fitter = self.fitter
            connect(m, self.inputs.o, self.fitter.i)
            m.d.comb += self.fitter.ends.eq(loader.last)
        connect(m, self._words, loader.i)
        connect(m, control.loading, loader.step)
        m.d.comb += [
            loader.half.eq(control.load_half),
            control.loaded.eq(loader.last),
            loader.slot.eq(arbiter.slot),
            arbiter.write.eq(loader.write),
            arbiter.row.eq(loader.row),
            arbiter.chosen.eq(loader.chosen),
            arbiter.data.eq(loader.data),
            self.lanes.store.eq(arbiter.o),
        ]
        if self.config.input_width > 1:
            m.d.comb += loader.at_once.eq(control.at_once)

    def _connect_steps(self, m: Module) -> None:
        """From a step to a row of sums, and from there to activations."""
        control, lanes, drain, arbiter = self.control, self.lanes, self.drain, self.arbiter
        m.d.comb += [
            lanes.issue.eq(control.issue),
            lanes.half.eq(control.junction.half),
            lanes.rewind.eq(control.rewind),
            drain.begin.eq(control.begin),
            drain.junction.eq(control.junction),
            control.keep.eq(drain.keep),
            control.written.eq(drain.done),
            drain.ahead.eq(lanes.ahead),
            drain.step.eq(lanes.step),
            drain.capture.eq(lanes.done),
            drain.sums.eq(lanes.sums),
            arbiter.activation.eq(drain.o.activation),
            arbiter.place.eq(drain.o.activation_place),
            arbiter.activations.eq(drain.o.activations),
        ]
        connect(m, drain.o, flipped(self.probe))

    def _connect_results(self, m: Module) -> None:
        """The last junction's sums to the result memory, and from there to the output."""
        control, results, drain = self.control, self.results, self.drain
        logits = results.o
        if self.adder is not None:
            m.submodules.adder = self.adder
            connect(m, results.o, self.adder.i)
            m.d.comb += self.adder.copies.eq(control.copies)
            logits = self.adder.o
        connect(m, logits, flipped(self.o))
        m.d.comb += [
            results.write.eq(drain.o.result),
            results.group.eq(drain.o.result_place),
            results.data.eq(drain.o.sums),
            results.read.valid.eq(control.reading.valid),
            results.read.payload.address.eq(control.reading.payload.address),
            results.read.payload.last.eq(control.reading.payload.last),
            control.reading.ready.eq(results.read.ready),
            control.left.eq(self.o.valid & self.o.ready & self.o.payload.last),
        ]
