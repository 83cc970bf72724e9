"""The path engine against ``golden.machine.engine``: random networks, written one after the other.

Two images share each weight.
"""

import random
from dataclasses import replace

import cocotb
import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engine import PathEngine
from tests.cocotb.handshake import Bench, compare, logits
from tests.support.networks import image_bytes, random_images, random_model

CONFIG = replace(CONFIGS["tiny"], images=2)

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
    outputs = expected.shape[1] * CONFIG.images
    before = len(bench.o.items)
    bench.i.items.extend(CONFIG.inputs(images))
    await bench.received(bench.o, before + expected.size)
    compare(bench.o.items[before:], logits(expected.reshape(-1, outputs)))


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
        model, seen = random_model(generator(), topology), bench.seen["probe__result"]
        bench.write.items.extend(image_bytes(CONFIG, model))
        await bench.sent(bench.write)
        before = len(bench.i.cycles)
        await infer(bench, model, random_images(generator(), topology, 3 * CONFIG.images))
        count, schedule = topology.layers[-1] * CONFIG.images, plan(topology, CONFIG.machine)
        ends = seen[-3 * count :][count - 1 :: count]
        latency = ends[0] - bench.i.cycles[before + topology.layers[0] - 1]
        compare([latency, ends[2] - ends[1]], [schedule.latency, schedule.interval])
