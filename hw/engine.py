"""The path engine: connects its parts, and does nothing else."""

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from sobolpath.golden.machine.image import Kind, Space

from . import tags
from .activations import ActivationMemory, mirrored
from .biases import BiasMemory
from .config import ACTIVATION, RESULT
from .crossbar import XorCrossbar
from .delay import delay
from .issuer import Issuer
from .loader import Loader
from .mac import MacLanes, Multiplier
from .program import Program
from .requantizer import Requantizer, RowSerializer
from .results import CopyAdder, ResultMemory
from .rowtags import RowTagger
from .sequencer import Sequencer
from .walker import Walker
from .weights import StreamRegister, WeightMemory, WeightReader
from .writeback import WriteBack


class PathEngine(wiring.Component):
    """Runs any network of paths that fits its memories: inputs in, logits out.

    Golden twin: ``golden.machine.engine.infer``; cycles: ``golden.machine.schedule.plan`` on the
    config's ``machine``, whatever the data: the latency from the last input taken to the last
    result written, and the interval between inferences, of which one loads while another runs and
    a third one's logits leave. Inputs take one cycle each and logits two, where no stream waits,
    or where the last layer has copies, one and one for each copy.

    A network is written first, byte by byte, while the engine is idle: ``golden.machine.image``
    tells what. Then n_0 inputs are taken from ``i``, each one neuron's activation in every one of
    the config's images, in natural neuron order, and n_L logits of each image, image after image,
    are offered at ``o`` in natural neuron order, again and again. Reset ends what is under way; the
    memories keep the network. Nothing checks the bytes: those that are no network may keep it busy
    for good. A reset and all bytes of a network always bring it back.

    Parameters
    ----------
    config : hw.config.EngineConfig
    multiplier, weight_memory : make the parts that a device has its own cells for; see
        ``hw.mac.Multiplier`` and ``hw.weights.WeightMemory``, whose contracts they keep.

    Members
    -------
    write : stream of {space, address, data}: one byte of a ``golden.machine.image.Space``; waits
        while busy.
    i : stream of uint8, one for each image, that of the first one in the low byte. One input may be
        taken ahead of its inference: it is for the network that is there when that begins.
    o : stream of {data, last}: logits, and whether it is the last one of its images.
    busy : an inference is under way, from 3 cycles after its first input is taken to the cycle
        after its last logit is; while bytes are offered, none begins.
    probe : for simulation: the values written at the end of the pipeline: in a cycle in which
        ``activation`` (``result``) is 1, ``activations`` (``sums``) are those of the neurons whose
        (row * lanes + lane) * images + image begins at ``activation_place`` (``result_place``) *
        requantizers. The rows of activations are those of the activation memory.
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
                "i": In(stream.Signature(config.input_bits)),
                "o": Out(stream.Signature(result)),
                "busy": Out(1),
                "probe": Out(wiring.Signature(probe)),
            }
        )

    def _parts(self, config, multiplier, weight_memory):
        lanes, values, width = config.lanes, config.values, config.requantizers
        bits, registered = config.accumulator_bits, config.memory_register
        image_bits, words = config.value_bits - config.lane_bits, config.program_words
        inputs, outputs = config.neuron_bits, ceil_log2(config.max_outputs) + image_bits
        self.program = Program(words=words, readers=3)
        self.load, self.run, self.read = (
            Walker(entry=entry, words=words, step_bits=steps, address_bits=address, wait_bits=wait)
            for entry, steps, address, wait in (
                (0, inputs, inputs + 1, 0),
                (1, config.step_bits, inputs + 1, config.wait_bits),
                (2, outputs, outputs, 0),
            )
        )
        self.inputs = StreamRegister(config.input_bits)
        self.sequencer = Sequencer()
        self.loader = Loader(config, self.load.o.signature)
        self.issuer = Issuer(config, self.run.o.signature)
        self.weights = WeightReader(
            lanes=lanes, depth=config.weight_words, registered=registered, memory=weight_memory
        )
        self.activations = ActivationMemory(
            values=values,
            rows=config.rows,
            width=max(width, config.images),
            registered=registered,
        )
        self.crossbar = XorCrossbar(
            lanes=lanes, shape=8 * config.images, registers=config.crossbar_registers
        )
        self.mac = MacLanes(
            lanes=lanes,
            images=config.images,
            accumulator_bits=bits,
            registered=config.product_register,
            multiplier=multiplier,
        )
        self.serializer = RowSerializer(
            values=values, width=width, shape=signed(bits), tag=tags.row(config)
        )
        self.biases = BiasMemory(
            neurons=config.bias_neurons,
            width=max(1, width // config.images),
            registered=registered,
        )
        self.requantizer = Requantizer(width=width, accumulator_bits=bits)
        self.tagger, self.writeback = RowTagger(config), WriteBack(config)
        adds = config.max_copies > 1
        self.results = ResultMemory(
            neurons=config.max_outputs * config.images, width=width, eager=adds
        )
        self.adder = CopyAdder(max_copies=config.max_copies) if adds else None

    def elaborate(self, platform):
        m = Module()
        for name in (
            *("program", "load", "run", "read", "inputs", "sequencer", "loader", "issuer"),
            *("weights", "activations", "crossbar", "mac"),
            *("serializer", "biases", "requantizer", "tagger", "writeback", "results"),
        ):
            m.submodules[name] = getattr(self, name)
        if self.adder is not None:
            m.submodules.adder = self.adder
        self._connect_writes(m)
        self._connect_control(m)
        self._connect_inputs(m)
        self._connect_lanes(m)
        self._connect_rows(m)
        self._connect_memory(m)
        return m

    def _connect_writes(self, m):
        """Each byte to the memory of its space, while idle: written in the cycle after."""
        byte = Signal.like(self.write.payload, reset_less=True)
        written = Signal()
        offered = Signal()
        m.d.sync += offered.eq(self.inputs.o.valid & ~written)  # the program is read again by then
        m.d.comb += [
            self.write.ready.eq(self.sequencer.idle),
            self.sequencer.offered.eq(offered & ~self.write.valid & ~written),
        ]
        m.d.sync += [written.eq(self.write.valid & self.write.ready), byte.eq(self.write.payload)]
        for space, port in (
            (Space.WEIGHTS, self.weights.write),
            (Space.BIASES, self.biases.write),
            (Space.PROGRAM, self.program.write),
        ):
            m.d.comb += [
                port.valid.eq(written & (byte.space == space)),
                port.payload.address.eq(byte.address),
                port.payload.data.eq(byte.data),
            ]

    def _connect_control(self, m):
        """The walkers, and the sequencer that starts and holds them."""
        sequencer, load, run, read = self.sequencer, self.load, self.run, self.read
        for number, walker in enumerate((load, run, read)):
            connect(m, walker.program, getattr(self.program, f"read_{number}"))
        m.d.comb += [
            self.busy.eq(~sequencer.idle),
            sequencer.load_idle.eq(load.idle),
            load.go.eq(sequencer.load),
            sequencer.loaded.eq(self.loader.last),
            sequencer.alone.eq(load.base[0]),
            load.hold.eq(sequencer.load_hold),
            run.go.eq(sequencer.run),
            sequencer.run_idle.eq(run.idle & ~self.tagger.keep),
            run.keep.eq(self.tagger.keep),
            run.hold.eq(sequencer.run_hold),
            sequencer.output.eq(run.header.kind == Kind.OUTPUT),
            sequencer.begin.eq(run.begin),
            sequencer.written.eq(self.writeback.done),
            read.go.eq(sequencer.read),
            sequencer.left.eq(self.o.valid & self.o.ready & self.o.payload.last),
        ]

    def _connect_inputs(self, m):
        """Inputs to the loader, results to the output."""
        results, read, adder = self.results, self.read, self.adder
        connect(m, flipped(self.i), self.inputs.i)
        connect(m, self.inputs.o, self.loader.i)
        connect(m, self.load.o, self.loader.step)
        if adder is None:
            connect(m, results.o, flipped(self.o))
        else:
            connect(m, results.o, adder.i)
            connect(m, adder.o, flipped(self.o))
            m.d.comb += adder.copies.eq(read.header.shift)
        m.d.comb += [
            self.loader.half.eq(self.sequencer.load_half),
            results.read.valid.eq(read.o.valid),
            results.read.payload.address.eq(read.o.payload.address),
            results.read.payload.last.eq(read.o.payload.last),
            read.o.ready.eq(results.read.ready),
        ]

    def _connect_lanes(self, m):
        """From an issued step through memory, crossbar and lanes to a row of sums."""
        issue, run, sequencer, mac = self.issuer, self.run, self.sequencer, self.mac
        connect(m, run.o, issue.step)
        operands = self.activations.latency + self.crossbar.latency
        word = delay(m, issue.tag, operands - self.weights.latency, "word")
        first = Signal()  # of the inference: the junction in hand is
        with m.If(sequencer.run):
            m.d.sync += first.eq(1)
        with m.Elif(run.begin):
            m.d.sync += first.eq(0)
        m.d.comb += [
            issue.begin.eq(run.begin),
            issue.header.eq(run.header),
            self.weights.rewind.eq(run.begin & first),
            self.weights.advance.eq(word.valid),
            self.activations.read_row.eq(mirrored(issue.row, sequencer.run_half)),
            self.crossbar.i.eq(self.activations.row.as_value()),
            self.crossbar.distance.eq(
                delay(m, issue.distance, self.activations.latency, "distance", reset_less=True)
            ),
            mac.tag.eq(delay(m, word, self.weights.latency, "operands")),
            mac.activations.eq(self.crossbar.o.as_value()),
            mac.weights.eq(self.weights.weights),
        ]

    def _connect_rows(self, m):
        """From a row of sums to activations and results."""
        run, mac, tagger, writeback = self.run, self.mac, self.tagger, self.writeback
        serializer, biases, requantizer = self.serializer, self.biases, self.requantizer
        images, width = self.config.images, self.config.requantizers
        repeats = ceil_log2(max(1, images // width))  # log2 of the groups that share a bias
        m.d.comb += [
            tagger.begin.eq(run.begin),
            tagger.junction.header.eq(run.header),
            tagger.junction.base.eq(run.base),
            tagger.junction.half.eq(self.sequencer.run_half),
            tagger.ahead.eq(mac.ahead),
            tagger.capture.eq(mac.done),
            tagger.step.eq(mac.o_tag),
            writeback.group.valid.eq(serializer.valid),
            writeback.group.number.eq(serializer.group),
            writeback.group.last.eq(serializer.last),
            writeback.group.row.eq(serializer.o_tag),
            serializer.capture.eq(mac.done),
            serializer.tag.eq(tagger.o),
            serializer.i.eq(mac.accumulators),
            biases.advance.eq(
                mac.done | (serializer.valid & ~serializer.last & serializer.group[:repeats].all())
            ),
            biases.rewind.eq(writeback.done),
            requantizer.i.eq(serializer.o),
            requantizer.bias.eq(Cat(biases.o[value // images] for value in range(width))),
            requantizer.shift.eq(serializer.o_tag.shift),
            self.results.write.eq(writeback.result),
            self.results.group.eq(writeback.result_place),
            self.results.data.eq(requantizer.sums),
        ]

    def _connect_memory(self, m):
        """The write port of the activations, which the loader has when no junction writes."""
        loader, writeback, requantizer = self.loader, self.writeback, self.requantizer
        config, probe, memory = self.config, self.probe, self.activations
        place, group_bits = writeback.activation_place, (config.groups - 1).bit_length()
        values = Cat(
            place[:group_bits] == value // config.requantizers for value in range(config.values)
        )
        inputs = Cat(bit.replicate(config.images) for bit in loader.lanes)
        written, loading = requantizer.activations.as_value(), ~writeback.activation

        def repeated(value):
            return value.replicate(len(memory.data.as_value()) // len(value))

        m.d.comb += [
            loader.slot.eq(loading),
            memory.write.eq(loader.write | writeback.activation),
            memory.write_row.eq(Mux(loading, loader.row, place[group_bits:])),
            memory.write_values.eq(Mux(loading, inputs, values)),
            memory.data.eq(Mux(loading, repeated(loader.data), repeated(written))),
            probe.result.eq(writeback.result),
            probe.result_place.eq(writeback.result_place),
            probe.sums.eq(requantizer.sums),
            probe.activation.eq(writeback.activation),
            probe.activation_place.eq(writeback.activation_place),
            probe.activations.eq(requantizer.activations),
        ]
