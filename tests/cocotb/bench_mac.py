"""The lanes of two images against NumPy: rows of random lengths, with and without gaps."""

import random

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from cocotb.types import LogicArray

from sobolpath.hw.mac import MacLanes
from tests.cocotb.handshake import Bench, compare, pack, read, unpack
from tests.support.streams import late

LANES, IMAGES, ACCUMULATOR_BITS = 4, 2, 24


def component():
    return MacLanes(lanes=LANES, images=IMAGES, accumulator_bits=ACCUMULATOR_BITS, registered=True)


def drive(dut, shapes, valid, first, last, weights, activations):
    """One cycle's inputs; undefined operands (random on two-state simulators) where not valid."""
    flags = {"begins": 0, "opening": 0, "closing": 0}
    tag = {"valid": valid, "first": first, "last": last, **flags}
    dut.tag.value = pack(shapes["tag"], tag)
    for port, shape, values in (
        (dut.weights, shapes["weights"], weights),
        (dut.activations, shapes["activations"], activations),
    ):
        if not valid and cocotb.SIM_NAME.lower().startswith("icarus"):
            port.value = LogicArray("X" * len(port))
        else:
            port.value = pack(shape, values.tolist())


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(gaps=[0.0, 0.5])
async def rows(dut, gaps):
    lanes = component()
    shapes = {name: member.shape for name, member in lanes.signature.members.items()}
    bench = Bench(dut, lanes, flags=["done"])
    dut.tag.value = 0
    await bench.reset()
    rng = np.random.default_rng(random.getrandbits(32))
    expected, got, ends = [], [], []

    async def cycle(*inputs):
        drive(dut, shapes, *inputs)
        await ReadOnly()
        ending = bool(read(dut.done))
        if ending or (got and len(got[-1]) == 1):  # the high digits come in the cycle after
            word = unpack(shapes["accumulators"], read(dut.accumulators))
            if got and len(got[-1]) == 1:
                got[-1] = late(got[-1][0], word)
            if ending:
                got.append([word])
        await FallingEdge(dut.clk)

    def operands():
        extreme = rng.random() < 0.2  # the largest magnitudes, too
        weights = np.full(LANES, -128) if extreme else rng.integers(-128, 128, LANES)
        values = LANES * IMAGES
        return weights, np.full(values, 255) if extreme else rng.integers(0, 256, values)

    for length in [1, 1, 2, 64, *rng.integers(1, 40, 20)]:
        total = np.zeros(LANES * IMAGES, np.int64)
        for step in range(length):
            while random.random() < gaps:
                await cycle(0, random.getrandbits(1), random.getrandbits(1), *operands())
            weights, activations = operands()
            total += weights.repeat(IMAGES) * activations
            end = bench.cycle
            await cycle(1, int(step == 0), int(step == length - 1), weights, activations)
        expected.append(total.tolist())
        ends.append(end + lanes.latency)
    for _ in range(lanes.latency + 5):
        await cycle(0, 0, 0, *operands())
    compare(got, expected)
    compare(bench.seen["done"], ends)
