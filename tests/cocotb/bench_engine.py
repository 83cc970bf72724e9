"""The path engine against ``golden.engine``: random networks, written one after the other."""

import random

import cocotb
import numpy as np
from handshake import Bench, compare
from networks import image_bytes, random_images, random_model

from golden import engine
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


def generator():
    """A NumPy generator seeded by cocotb's seed."""
    return np.random.default_rng(random.getrandbits(32))


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


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.3])
async def networks(dut, stall):
    bench = Bench(dut, component(), flags=["busy", "probe__activation", "probe__result"])
    for port in bench.ports:
        port.stall = stall
    await bench.reset()
    for topology in TOPOLOGIES:
        model = random_model(generator(), topology)
        bench.write.items.extend(image_bytes(CONFIG, model))
        await bench.sent(bench.write)
        await infer(bench, model, random_images(generator(), topology, 4))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def cycles_are_those_predicted(dut):
    bench = Bench(dut, component(), flags=["probe__result"])
    await bench.reset()
    for topology in TOPOLOGIES:
        model = random_model(generator(), topology)
        bench.write.items.extend(image_bytes(CONFIG, model))
        await bench.sent(bench.write)
        await infer(bench, model, random_images(generator(), topology, 1))
        predicted = engine.cycles(
            topology, CONFIG.lanes, requantizers=CONFIG.requantizers, registers=CONFIG.registers
        )
        taken = bench.seen["probe__result"][-1] - bench.i.cycles[-1]
        assert taken == predicted, f"{topology}: {taken} cycles, {predicted} predicted"
