"""The engine that learns against ``golden.learn.by_path``: networks learn, and are read back.

In four states: whatever was never written must not reach a port, a weight or a bias.
"""

import random
from dataclasses import replace

import cocotb
import numpy as np

from sobolpath.golden.learn import by_path
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.program import fitted, unpack
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.learn.config import CONFIGS
from sobolpath.hw.learn.engine import LearnEngine
from tests.cocotb.handshake import Bench, compare, logits
from tests.support import learning

CONFIG = replace(CONFIGS["tiny-learn"], requantizers=2, crossbar_registers=(1,))
TOPOLOGIES = (
    Topology((4, 4), (4,)),
    Topology((16, 16, 8), (64, 32)),
    Topology((8, 32, 16, 8), (32, 64, 64)),
)
IMAGES = 4


def component():
    return LearnEngine(CONFIG)


def used(parameters):
    """The bytes of a network: (space, address, byte)."""
    paths, plane = parameters.topology.total_paths, CONFIG.weight_words * CONFIG.lanes
    for space, content in fitted(parameters, Fractions(), CONFIG).spaces():
        for address, byte in enumerate(content):
            if space or address % plane < paths:
                yield int(space), address, byte


async def read_back(bench, parameters):
    """What stands in the engine."""
    found = [bytearray(2 * CONFIG.weight_words * CONFIG.lanes)]
    found.append(bytearray(4 * sum(parameters.topology.layers[1:])))
    places = [(space, address) for space, address, _ in used(parameters) if space < 2]
    before = len(bench.peeked.items)
    bench.peek.items.extend({"weights": space == 0, "address": at} for space, at in places)
    await bench.received(bench.peeked, before + len(places))
    for (space, address), byte in zip(places, bench.peeked.items[before:], strict=True):
        found[space][address] = byte
    return unpack(parameters.topology, CONFIG.lanes, *map(bytes, found))


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.3])
async def networks_learn(dut, stall):
    rng = np.random.default_rng(random.getrandbits(32))
    bench = Bench(dut, component(), flags=["busy", "updating", "probe__error"])
    for port in bench.ports:
        port.stall = stall
    await bench.reset()
    for topology in TOPOLOGIES:
        parameters = learning.random_parameters(rng, topology, reach=6000)
        bench.write.items.extend(
            {"space": space, "address": at, "data": byte} for space, at, byte in used(parameters)
        )
        await bench.sent(bench.write)
        compared = 0
        for number in range(IMAGES):
            image, label = learning.random_sample(rng, topology)
            learn, fixed, rate = number != 2, number == 3, int(rng.integers(2, 8))
            shifts = Fractions().shifts(len(topology.paths), rate)
            after, step = by_path.step(parameters, image, label, shifts, fixed=fixed)
            before = len(bench.o.items)
            task = {"label": label, "learn": learn, "fixed": fixed, "rate": rate}
            bench.task.items.append(task)
            bench.i.items.extend(CONFIG.inputs(image[None]))
            await bench.received(bench.o, before + len(step.logits))
            compare(bench.o.items[before:], logits(step.logits[None]))
            parameters = after if learn else parameters
        compared += learning.same_parameters(await read_back(bench, parameters), parameters)
        assert compared == topology.total_paths + sum(topology.layers[1:])
