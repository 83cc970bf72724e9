"""The engine that learns: connects its parts, and does nothing else."""

from collections.abc import Callable
from typing import Any

from amaranth import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..activations import mirrored
from ..arbiter import WriteArbiter
from ..bytes import ByteRouter
from ..config import ACTIVATION, LOGIT, RESULT
from ..loader import Loader
from ..results import ResultMemory
from ..stream import StreamRegister
from .config import LearnConfig
from .control import LearnControl
from .drain import LearnDrain
from .lanes import LearnLanes
from .masters import RowMemory
from .multiplier import LearnMac
from .outputs import ERROR16
from .reader import ByteReader


def probe(config: LearnConfig) -> wiring.Signature:
    """What leaves the pipeline in a cycle; see :class:`LearnEngine`."""
    place, width = range(config.rows * config.groups), config.requantizers
    return wiring.Signature(
        {
            "activation": Out(1),
            "activation_place": Out(place),
            "activations": Out(data.ArrayLayout(ACTIVATION, width)),
            "result": Out(1),
            "result_place": Out(place),
            "results": Out(data.ArrayLayout(RESULT, width)),
            "error": Out(1),
            "error_place": Out(place),
            "errors": Out(data.ArrayLayout(ERROR16, width)),
        }
    )


class LearnEngine(wiring.Component):
    """Runs and trains any network of paths that fits its memories, one image after the other.

    Golden twin: ``golden.learn.by_path.step``; cycles: ``golden.learn.schedule.plan`` on the
    config's ``machine``, whatever the data. What a network is trained to runs on
    ``hw.engine.PathEngine`` and gives the same logits there.

    A network is written first, byte by byte, while the engine is idle:
    ``golden.learn.program.pack`` tells what. Then for each image a task is taken from ``task``, and
    n_0 inputs from ``i``, as of ``hw.engine.PathEngine``; its logits are offered at ``o``, those of
    before the step where it is learnt. The next image's inputs are loaded meanwhile, where there is
    room for both, once its task is offered. A label that the network has no output for
    teaches that it is none of them.

    A reset ends what is under way. Before the update begins it leaves the network as it was before
    the image; while ``updating`` is 1 it leaves a part of a step, so that a reset should wait.

    Parameters
    ----------
    config : hw.learn.config.LearnConfig
    mac, row_memory : make the parts that a device has its own cells for; see
        ``hw.learn.multiplier.LearnMac`` and ``hw.learn.masters.RowMemory``.

    Members
    -------
    write : stream of {space, address, data}: one byte of a ``golden.machine.image.Space``; waits
        while busy.
    peek : stream of {weights, address}; waits while busy. ``peeked`` : stream of the bytes that
        stand there, as they are written, in the same order.
    task : stream of ``LearnConfig.task``.
    i : stream of words of uint8, o : stream of {data, last}, as of ``hw.engine.PathEngine``.
    busy : an image is under way, or what it taught is still being written.
    updating : weights and biases are being changed.
    probe : for simulation: what is written at the end of the pipeline, activations, results
        (``hw.engine.PathEngine``) and errors, in the rows of their layers.
    """

    def __init__(
        self,
        config: LearnConfig,
        *,
        mac: Callable = LearnMac,
        row_memory: Callable = RowMemory,
    ) -> None:
        self.config = config
        self.control, self.drain = LearnControl(config), LearnDrain(config)
        self.lanes = LearnLanes(config, mac=mac, row_memory=row_memory)
        self.bytes, self.reader = ByteRouter(config), ByteReader(config)
        self.inputs = StreamRegister(config.input_bits)
        self.loader = Loader(config, self.control.loading.signature)
        self.arbiter = WriteArbiter(config)
        self.results = ResultMemory(
            neurons=config.max_outputs, width=config.requantizers, eager=config.memory_register
        )
        super().__init__(
            {
                "write": In(stream.Signature(config.write_layout)),
                "peek": In(stream.Signature(config.peek_layout)),
                "peeked": Out(stream.Signature(8)),
                "task": In(stream.Signature(config.task)),
                "i": In(stream.Signature(config.input_bits)),
                "o": Out(stream.Signature(LOGIT)),
                "busy": Out(1),
                "updating": Out(1),
                "probe": Out(probe(config)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for name in (
            *("control", "bytes", "reader", "inputs", "loader", "arbiter"),
            *("lanes", "drain", "results"),
        ):
            m.submodules[name] = getattr(self, name)
        self._connect_bytes(m)
        self._connect_inputs(m)
        self._connect_steps(m)
        self._connect_written(m)
        self._connect_results(m)
        return m

    def _connect_bytes(self, m: Module) -> None:
        """A network to the memories, and back."""
        bytes_, control, reader = self.bytes, self.control, self.reader
        connect(m, flipped(self.write), bytes_.write)
        connect(m, bytes_.weights, self.lanes.write)
        connect(m, bytes_.biases, self.drain.write)
        connect(m, bytes_.program, control.write)
        connect(m, flipped(self.peek), reader.i)
        connect(m, reader.o, flipped(self.peeked))
        m.d.comb += [
            bytes_.idle.eq(control.idle),
            bytes_.waiting.eq(self.inputs.o.valid),
            control.offered.eq(bytes_.offered),
            reader.idle.eq(control.idle & ~bytes_.offered),
            self.lanes.peek.eq(reader.peek_weights),
            self.lanes.place.eq(reader.row),
            reader.weights.eq(self.lanes.peeked.as_value()),
            self.drain.peek.eq(reader.peek_biases),
            self.drain.place.eq(reader.place),
            reader.biases.eq(self.drain.word.as_value()),
            self.busy.eq(~control.idle),
            self.updating.eq(control.updating),
        ]

    def _connect_inputs(self, m: Module) -> None:
        """Inputs to the loader, and what it writes to the activation memory."""
        loader, arbiter, control = self.loader, self.arbiter, self.control
        connect(m, flipped(self.i), self.inputs.i)
        connect(m, flipped(self.task), control.task)
        connect(m, self.inputs.o, loader.i)
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
        """From a step to a row of sums, and what becomes of it."""
        control, lanes, drain = self.control, self.lanes, self.drain
        m.d.comb += [
            lanes.issue.eq(control.issue),
            lanes.again.eq(control.again),
            lanes.renew.eq(control.renew),
            drain.renew.eq(control.renew),
            drain.renewed.eq(control.renewed),
            drain.labelled.eq(control.labelled),
            drain.true.eq(control.true),
            drain.capture.eq(lanes.done),
            drain.sums.eq(lanes.sums),
            drain.active.eq(lanes.active),
            drain.row.eq(lanes.row),
            control.written.eq(drain.done),
        ]
        if self.config.ports == 1:
            m.d.comb += [drain.old.eq(lanes.old), lanes.new.eq(drain.new)]

    def _connect_written(self, m: Module) -> None:
        """Groups of activations and of errors to their memories."""
        arbiter, lanes, drain = self.arbiter, self.lanes, self.drain
        m.d.comb += [
            arbiter.activation.eq(drain.activation),
            arbiter.place.eq(mirrored(drain.activation_place, self.control.half)),
            arbiter.activations.eq(drain.activations),
            lanes.write_error.eq(drain.error),
            lanes.error_place.eq(drain.error_place),
            lanes.errors.eq(drain.errors),
        ]
        for name in self.probe.signature.members:
            m.d.comb += getattr(self.probe, name).eq(getattr(drain, name))

    def _connect_results(self, m: Module) -> None:
        """The last junction's sums to the result memory, and from there to the output."""
        control, results, drain = self.control, self.results, self.drain
        if self.config.memory_register:  # behind the choice of one of a group
            m.submodules.logits = register = StreamRegister(LOGIT)
            connect(m, results.o, register.i)
            connect(m, register.o, flipped(self.o))
        else:
            connect(m, results.o, flipped(self.o))
        m.d.comb += [
            results.write.eq(drain.result),
            results.group.eq(drain.result_place),
            results.data.eq(drain.results),
            results.read.valid.eq(control.reading.valid),
            results.read.payload.address.eq(control.reading.payload.address),
            results.read.payload.last.eq(control.reading.payload.last),
            control.reading.ready.eq(results.read.ready),
            control.left.eq(self.o.valid & self.o.ready & self.o.payload.last),
        ]
