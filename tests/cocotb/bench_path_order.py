"""The path-order engine against its golden models: networks written one after the other, errors
backwards in between."""

import random
from dataclasses import replace

import cocotb
import numpy as np

from sobolpath.golden.path_order.schedule import plan
from sobolpath.golden.topology import linear
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.path_order.config import CONFIGS
from sobolpath.hw.path_order.engine import PathOrderEngine
from tests.cocotb.handshake import Bench, compare, logits
from tests.support.networks import random_images, random_model
from tests.support.path_order import byte_writes, expected, random_errors

CONFIG = replace(CONFIGS["tiny"], input_width=4)  # every word goes through the permuter

#: One neuron a bank, one junction, several; scrambled and shifted paths.
TOPOLOGIES = (
    Topology((4, 4), (8,)),
    Topology((64, 16), (512,)),
    Topology((32, 64, 16, 8), (64, 256, 64), (0, 7, 3, 11)),
    linear.scrambled((32, 16, 8), (128, 64), 3),
    linear.shifted((16, 32, 4), (64, 128), 4),
)


def component():
    return PathOrderEngine(CONFIG)


def generator():
    """A NumPy generator seeded by cocotb's seed."""
    return np.random.default_rng(random.getrandbits(32))


async def infer(bench, model, values, shifts=None):
    """Run images or errors through the engine; compare what comes out with the golden model."""
    bench.write.items.extend(byte_writes(CONFIG, model, shifts))
    await bench.sent(bench.write)
    sums = expected(model, values, shifts)[-1]
    before = len(bench.o.items)
    bench.i.items.extend(CONFIG.inputs(values))
    await bench.received(bench.o, before + sums.size)
    compare(bench.o.items[before:], logits(sums))


@cocotb.test(timeout_time=4, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.3])
async def networks(dut, stall):
    bench = Bench(dut, component(), flags=["busy", "probe__activation", "probe__result"])
    for port in bench.ports:
        port.stall = stall
    await bench.reset()
    for topology in TOPOLOGIES:
        model = random_model(generator(), topology)
        await infer(bench, model, random_images(generator(), topology, 2))
        shifts = (0, *(9 for _ in topology.paths[1:]))
        await infer(bench, model, random_errors(generator(), topology, 2), shifts)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def cycles_are_those_predicted(dut):
    bench = Bench(dut, component(), flags=["probe__result"])
    await bench.reset()
    for topology in TOPOLOGIES:
        model, seen = random_model(generator(), topology), bench.seen["probe__result"]
        before = len(bench.i.cycles)
        await infer(bench, model, random_images(generator(), topology, 3))
        count, schedule = topology.layers[-1], plan(topology, CONFIG.machine)
        ends = seen[-3 * count :][count - 1 :: count]
        latency = ends[0] - bench.i.cycles[before + schedule.words - 1]
        compare([latency, ends[2] - ends[1]], [schedule.latency, schedule.interval])
