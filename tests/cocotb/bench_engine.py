"""The path engine against ``golden.engine``: random networks, written one after the other."""

import random

import cocotb
import numpy as np
from handshake import Bench, compare

from golden import engine
from golden.model import Model
from golden.paths import Topology
from hw.config import CONFIGS
from hw.engine import PathEngine

CONFIG = CONFIGS["tiny"]

#: The smallest layers, one junction, several; fan-ins below and above the lanes.
TOPOLOGIES = (
    Topology((4, 4), (4,)),
    Topology((64, 16), (1024,)),
    Topology((32, 64, 16, 8), (64, 256, 64)),
    Topology((16, 16, 16, 4, 4), (64, 128, 32, 16), (0, 7, 3, 11, 2)),
)


def component():
    return PathEngine(CONFIG)


def network(topology):
    """A random model whose activations use the whole range."""
    rng = np.random.default_rng(random.getrandbits(32))
    fan_ins = [topology.fan_in(junction) for junction in topology.junctions]
    shifts = [int(np.log2(fan_in)) // 2 + 6 for fan_in in fan_ins]
    floats = [np.zeros(count, np.float32) for count in topology.paths]
    return Model(
        topology=topology,
        weights=tuple(rng.integers(-128, 128, count).astype(np.int8) for count in topology.paths),
        biases=tuple(
            rng.integers(-20000, 20000, count).astype(np.int32) for count in topology.layers[1:]
        ),
        shifts=(*shifts[:-1], 0),
        float_weights=tuple(floats),
        float_biases=tuple(np.zeros(count, np.float32) for count in topology.layers[1:]),
        input_scale=1.0,
        classes=topology.layers[-1],
    )


def write(bench, model):
    """Queue the bytes of a model."""
    for space, content in CONFIG.image(model).spaces():
        bench.write.items.extend(
            {"space": int(space), "address": place, "data": byte}
            for place, byte in enumerate(content)
        )


async def infer(bench, model, images):
    """Run images through the engine; compare the logits with the golden model's."""
    expected = engine.infer(model, images)
    outputs = expected.shape[1]
    before = len(bench.o.items)
    bench.i.items.extend(images.ravel().tolist())
    await bench.received(bench.o, before + expected.size)
    compare(
        bench.o.items[before:],
        [
            {"data": int(logit), "last": int(neuron == outputs - 1)}
            for logits in expected
            for neuron, logit in enumerate(logits)
        ],
    )


def pictures(model, count):
    """Random images, the darkest and the brightest."""
    rng = np.random.default_rng(random.getrandbits(32))
    images = rng.integers(0, 256, (count, model.topology.layers[0])).astype(np.uint8)
    images[0], images[-1] = 0, 255
    return images


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.3])
async def networks(dut, stall):
    bench = Bench(dut, component(), flags=["busy", "probe__activation", "probe__result"])
    for port in bench.ports:
        port.stall = stall
    await bench.reset()
    for topology in TOPOLOGIES:
        model = network(topology)
        write(bench, model)
        await bench.sent(bench.write)
        await infer(bench, model, pictures(model, 4))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def cycles_are_those_predicted(dut):
    bench = Bench(dut, component(), flags=["probe__result"])
    await bench.reset()
    for topology in TOPOLOGIES:
        model = network(topology)
        write(bench, model)
        await bench.sent(bench.write)
        await infer(bench, model, pictures(model, 1))
        predicted = engine.cycles(
            topology, CONFIG.lanes, requantizers=CONFIG.requantizers, registers=CONFIG.registers
        )
        taken = bench.seen["probe__result"][-1] - bench.i.cycles[-1]
        assert taken == predicted, f"{topology}: {taken} cycles, {predicted} predicted"
