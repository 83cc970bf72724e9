"""The path engine: connects its parts, and does nothing else."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.image import Space

from .activations import ActivationMemory
from .biases import BiasMemory
from .config import ACTIVATION, RESULT
from .crossbar import XorCrossbar
from .delay import delay
from .dispatcher import Dispatcher
from .mac import MacLanes, Multiplier
from .requantizer import Requantizer, RowSerializer
from .results import ResultMemory
from .sequencer import Sequencer
from .sobol import SobolGenerator
from .weights import StreamRegister, WeightMemory, WeightStreamer
from .writeback import WriteBack


class PathEngine(wiring.Component):
    """Runs any network of paths that fits its memories: inputs in, logits out.

    Golden twin: ``golden.engine.infer``; cycles: ``golden.engine.cycles`` with the config's
    ``registers``, from the last input taken to the last result written, whatever the data, where
    there are 2 inputs or more (a single one is taken before the inference begins). Before and
    after, the inputs take one cycle each and the logits two, where no stream waits.

    A network is written first, byte by byte, while the engine is idle: ``golden.image`` tells
    what. Then n_0 activations are taken from ``i`` in natural neuron order, and n_L logits are
    offered at ``o`` in natural neuron order, again and again. Reset ends an inference; the
    memories keep the network.

    Parameters
    ----------
    config : hw.config.EngineConfig
    multiplier, weight_memory : make the parts that a device has its own cells for; see
        ``hw.mac.Multiplier`` and ``hw.weights.WeightMemory``, whose contracts they keep.

    Members
    -------
    write : stream of {space, address, data}: one byte of a ``golden.image.Space``; waits while
        busy.
    i : stream of uint8. One may be taken ahead of its inference: it is for the network that is
        there when that begins.
    o : stream of {data, last}: logits, and whether it is the last one.
    busy : an inference is under way, from 2 cycles after its first input is taken to the cycle
        after its last logit is; while bytes are offered, none begins.
    probe : for simulation: the values written at the end of the pipeline: in a cycle in which
        ``activation`` (``result``) is 1, ``activations`` (``sums``) are those of the neurons whose
        row * lanes + lane begins at ``activation_place`` (``result_place``) * requantizers.
    """

    def __init__(self, config, *, multiplier=Multiplier, weight_memory=WeightMemory):
        self.config = config
        self._parts(config, multiplier, weight_memory)
        result = data.StructLayout({"data": RESULT, "last": 1})
        place, width = range(config.rows * config.groups), config.requantizers
        probe = {
            "activation": Out(1),
            "activation_place": Out(place),
            "activations": Out(data.ArrayLayout(ACTIVATION, width)),
            "result": Out(1),
            "result_place": Out(place),
            "sums": Out(data.ArrayLayout(RESULT, width)),
        }
        super().__init__(
            {
                "write": In(stream.Signature(config.write_layout)),
                "i": In(stream.Signature(ACTIVATION)),
                "o": Out(stream.Signature(result)),
                "busy": Out(1),
                "probe": Out(wiring.Signature(probe)),
            }
        )

    def _parts(self, config, multiplier, weight_memory):
        lanes, width = config.lanes, config.requantizers
        bits, registered = config.accumulator_bits, config.memory_register
        self.inputs = StreamRegister(ACTIVATION)
        self.sequencer = Sequencer(config)
        self.generator = SobolGenerator(
            index_bits=config.step_bits, address_bits=config.neuron_bits
        )
        self.dispatcher = Dispatcher(config, self.generator.o.signature)
        self.weights = WeightStreamer(
            lanes=lanes, depth=config.weight_words, registered=registered, memory=weight_memory
        )
        self.activations = ActivationMemory(
            lanes=lanes, rows=2 * config.rows, width=width, registered=registered
        )
        self.crossbar = XorCrossbar(lanes=lanes, registers=config.crossbar_registers)
        self.mac = MacLanes(lanes=lanes, accumulator_bits=bits, multiplier=multiplier)
        self.serializer = RowSerializer(lanes=lanes, width=width, shape=signed(bits))
        self.biases = BiasMemory(neurons=config.bias_neurons, lanes=lanes, width=width)
        self.requantizer = Requantizer(width=width, accumulator_bits=bits)
        self.writeback = WriteBack(config)
        self.results = ResultMemory(neurons=config.max_outputs, width=width)

    def elaborate(self, platform):
        m = Module()
        for name in (
            *("inputs", "sequencer", "generator", "dispatcher"),
            *("weights", "activations", "crossbar", "mac"),
            *("serializer", "biases", "requantizer", "writeback", "results"),
        ):
            m.submodules[name] = getattr(self, name)
        self._connect_writes(m)
        self._connect_control(m)
        self._connect_lanes(m)
        self._connect_rows(m)
        return m

    def _connect_writes(self, m):
        """Each byte to the memory of its space, while idle: written in the cycle after."""
        byte, written = Signal.like(self.write.payload), Signal()
        m.d.comb += self.write.ready.eq(self.sequencer.idle)
        m.d.sync += [written.eq(self.write.valid & self.write.ready), byte.eq(self.write.payload)]
        for space, port in (
            (Space.WEIGHTS, self.weights.write),
            (Space.BIASES, self.biases.write),
            (Space.PROGRAM, self.sequencer.write),
        ):
            m.d.comb += [
                port.valid.eq(written & (byte.space == space)),
                port.payload.address.eq(byte.address),
                port.payload.data.eq(byte.data),
            ]

    def _connect_control(self, m):
        """Sequencer, address generator and dispatcher."""
        sequencer, dispatcher = self.sequencer, self.dispatcher
        connect(m, sequencer.start, self.generator.start)
        connect(m, sequencer.column, self.generator.column)
        connect(m, self.generator.o, dispatcher.step)
        connect(m, flipped(self.i), self.inputs.i)
        connect(m, self.inputs.o, dispatcher.i)
        connect(m, dispatcher.read, self.results.read)
        connect(m, self.results.o, flipped(self.o))
        m.d.comb += [
            sequencer.request.eq(self.inputs.o.valid & ~self.write.valid),
            self.busy.eq(~sequencer.idle),
            self.weights.start.valid.eq(sequencer.weights.valid),
            self.weights.start.payload.address.eq(sequencer.weights.payload.address),
            self.weights.start.payload.last.eq(sequencer.weights.payload.last),
            sequencer.weights.ready.eq(self.weights.start.ready),
            dispatcher.begin.eq(sequencer.begin),
            dispatcher.following.eq(sequencer.following),
            sequencer.taken.eq(dispatcher.taken),
        ]

    def _connect_lanes(self, m):
        """From an issued step through memory, crossbar and lanes to a row of sums."""
        issue, activations, mac = self.dispatcher.issue, self.activations, self.mac
        operands = activations.latency + self.crossbar.latency
        distance = delay(m, issue.distance, activations.latency, "distance")
        final = delay(m, issue.final, operands + mac.latency, "final")
        m.d.comb += [
            activations.read_row.eq(Cat(issue.row, ~self.sequencer.bank)),
            self.crossbar.i.eq(activations.row),
            self.crossbar.distance.eq(distance),
            mac.valid.eq(delay(m, issue.valid, operands, "valid")),
            mac.first.eq(delay(m, issue.first, operands, "first")),
            mac.last.eq(delay(m, issue.last, operands, "last")),
            mac.activations.eq(self.crossbar.o),
            mac.weights.eq(self.weights.o.payload.weights),
            self.weights.o.ready.eq(mac.valid),
            self.serializer.capture.eq(mac.done),
            self.serializer.tag.eq(final),
            self.serializer.i.eq(mac.accumulators),
        ]

    def _connect_rows(self, m):
        """From a row of sums to the memories of activations and results."""
        sequencer, serializer, requantizer = self.sequencer, self.serializer, self.requantizer
        biases, writeback, load = self.biases, self.writeback, self.dispatcher.load
        m.d.comb += [
            biases.begin.eq(sequencer.begin),
            biases.row.eq(sequencer.bias_row),
            biases.advance.eq(serializer.capture | (serializer.valid & ~serializer.last)),
            requantizer.i.eq(serializer.o),
            requantizer.bias.eq(biases.o),
            requantizer.shift.eq(sequencer.phase.shift),
            writeback.phase.eq(sequencer.phase),
            writeback.valid.eq(serializer.valid),
            writeback.group.eq(serializer.group),
            writeback.last.eq(serializer.last),
            writeback.final.eq(serializer.o_tag),
            self.results.write.eq(writeback.result),
            self.results.group.eq(writeback.result_place),
            self.results.data.eq(requantizer.sums),
        ]
        place, group_bits = writeback.activation_place, (self.config.groups - 1).bit_length()
        width, bank = self.config.requantizers, sequencer.bank
        lanes = [place[:group_bits] == lane // width for lane in range(self.config.lanes)]
        m.d.comb += [
            self.activations.write.eq(load.write | writeback.activation),
            self.activations.write_row.eq(Cat(Mux(load.write, load.row, place[group_bits:]), bank)),
            self.activations.write_lanes.eq(Mux(load.write, load.lanes, Cat(lanes))),
            self.activations.data.eq(requantizer.activations),
        ]
        with m.If(load.write):
            m.d.comb += self.activations.data.eq(load.data.replicate(width))
        probe = self.probe
        m.d.comb += [
            sequencer.done.eq(
                (load.write & load.last)
                | writeback.done
                | (self.o.valid & self.o.ready & self.o.payload.last)
            ),
            probe.result.eq(writeback.result),
            probe.result_place.eq(writeback.result_place),
            probe.sums.eq(requantizer.sums),
            probe.activation.eq(writeback.activation),
            probe.activation_place.eq(writeback.activation_place),
            probe.activations.eq(requantizer.activations),
        ]
