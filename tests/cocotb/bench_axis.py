"""The AXI4-Stream ports, driven and watched by cocotbext-axi: packets of inputs of any length.

Eight bytes a beat: four neurons of two images that share each weight.
"""

import logging
import random
from dataclasses import replace
from itertools import pairwise

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.image import interleaved
from sobolpath.golden.machine.records import records
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.linear import cascaded
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.export.axis import AxisEngine
from tests.cocotb.handshake import compare
from tests.support.networks import random_images, random_model

CONFIG = replace(CONFIGS["tiny"], images=2, input_width=4)
BEAT = CONFIG.input_bits // 8  # bytes
#: All of a beat at once, two neurons at a time, one by one, in a single beat; not Sobol'.
TOPOLOGIES = (
    Topology((64, 16), (1024,)),
    Topology((8, 16, 8), (32, 64)),
    Topology((4, 4), (16,)),
    cascaded((32, 16, 8), (64, 32)),
)


def component():
    return AxisEngine(CONFIG)


def generator():
    """A NumPy generator seeded by cocotb's seed."""
    return np.random.default_rng(random.getrandbits(32))


def pauses(chance):
    """Whether to pause, cycle after cycle."""
    while True:
        yield random.random() < chance


class Ports:
    """The engine's three streams after a reset, each of which pauses by chance."""

    def __init__(self, dut, stall):
        self.dut, where = dut, (dut.aclk, dut.aresetn, False)
        self.network = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_config"), *where)
        self.inputs = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_input"), *where)
        self.logits = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_logits"), *where)
        assert self.inputs.byte_lanes == BEAT
        for port in (self.network, self.inputs, self.logits):
            port.log.setLevel(logging.WARNING)  # it tells every packet
            if stall:
                port.set_pause_generator(pauses(stall))

    async def reset(self):
        Clock(self.dut.aclk, 10, unit="ns").start()
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 3)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    async def load(self, model):
        """Write a network, once the engine is done."""
        await self.network.send(AxiStreamFrame(records(CONFIG.image(model))))
        await self.network.wait()
        await ClockCycles(self.dut.aclk, 2)

    async def expect(self, model, images):
        """Compare an inference's packet of logits with the golden model's."""
        frame = await self.logits.recv()
        got = np.frombuffer(frame.tdata, "<i4").tolist()
        compare(got, engine.infer(model, images).ravel().tolist())


def packet(images):
    """The bytes of an inference."""
    (inference,) = interleaved(images, CONFIG.images)
    return inference.tobytes()


def images_of(content, width):
    """What an engine makes of a packet's bytes: cut or filled with zeros, as images."""
    whole = content[: CONFIG.images * width].ljust(CONFIG.images * width, b"\0")
    return np.frombuffer(whole, np.uint8).reshape(width, CONFIG.images).T


@cocotb.test(timeout_time=4, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.3, 0.8])
async def networks(dut, stall):
    """Packets as long as an inference, several ahead of the logits."""
    ports, rng = Ports(dut, stall), generator()
    await ports.reset()
    for topology in TOPOLOGIES:
        model = random_model(rng, topology)
        await ports.load(model)
        batches = [random_images(rng, topology, CONFIG.images) for _ in range(4)]
        for images in batches:
            await ports.inputs.send(AxiStreamFrame(packet(images)))
        for images in batches:
            await ports.expect(model, images)
        await ClockCycles(dut.aclk, 20)
        assert not dut.busy.value
        assert ports.logits.empty()


@cocotb.test(timeout_time=8, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.4])
async def packets_of_any_length(dut, stall):
    """One packet, one inference: what is missing is 0, what is too much is nothing.

    Also where a packet is one byte; and where it ends in the middle of a beat, in null bytes.
    """
    ports, rng = Ports(dut, stall), generator()
    await ports.reset()
    for topology in TOPOLOGIES:
        model, width = random_model(rng, topology), topology.layers[0]
        await ports.load(model)
        size = CONFIG.images * width
        lengths = [1, size, size - 1, size + 1, size, 3 * size + 5, BEAT, size + BEAT, size]
        lengths += [int(length) for length in rng.integers(1, 2 * size, 6)]
        contents = [rng.bytes(length) for length in lengths]
        for content in contents:
            await ports.inputs.send(AxiStreamFrame(content))
        for content in contents:
            await ports.expect(model, images_of(content, width))
        await ClockCycles(dut.aclk, 20)
        assert not dut.busy.value
        assert ports.logits.empty()


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.4])
async def beats_of_null_bytes(dut, stall):
    """They are no inputs, wherever they stand; a packet may end with one."""
    ports, rng, topology = Ports(dut, stall), generator(), TOPOLOGIES[0]
    model = random_model(rng, topology)
    await ports.reset()
    await ports.load(model)
    for place in (0, BEAT, 5 * BEAT, 2 * topology.layers[0]):
        images = random_images(rng, topology, CONFIG.images)
        content = packet(images)
        keep = [1] * len(content)
        nulls = rng.bytes(2 * BEAT)  # what they carry counts for nothing
        content = content[:place] + nulls + content[place:]
        keep[place:place] = [0] * len(nulls)
        for _ in range(2):
            await ports.inputs.send(AxiStreamFrame(content, tkeep=keep))
            await ports.expect(model, images)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def full_speed(dut):
    """A beat a cycle: the interval is that of the closed form, the ports add nothing."""
    ports, rng, topology = Ports(dut, 0), generator(), TOPOLOGIES[0]
    model = random_model(rng, topology)
    await ports.reset()
    await ports.load(model)
    batches = [random_images(rng, topology, CONFIG.images) for _ in range(6)]
    for images in batches:
        await ports.inputs.send(AxiStreamFrame(packet(images)))
    ends = []
    for images in batches:
        await ports.expect(model, images)
        ends.append(cocotb.utils.get_sim_time("ns") / 10)
    intervals = {round(after - before) for before, after in pairwise(ends[2:])}
    assert intervals == {plan(topology, CONFIG.machine).interval}
