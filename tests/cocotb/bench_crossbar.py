"""The XOR crossbar against NumPy: every distance, words one a cycle."""

import random

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from sobolpath.hw.crossbar import XorCrossbar
from tests.cocotb.handshake import Bench, compare, read

LANES, WIDTH = 8, 5


def component():
    return XorCrossbar(lanes=LANES, shape=WIDTH, registers=(0, 2))


@cocotb.test(timeout_time=100, timeout_unit="us")
async def every_distance(dut):
    crossbar = component()
    bench = Bench(dut, crossbar)
    await bench.reset()
    rng = np.random.default_rng(random.getrandbits(32))
    sent, got = [], []
    distances = random.sample([*range(LANES)] * 50, LANES * 50)
    for distance in distances + [0] * crossbar.latency:
        word = rng.integers(0, 2**WIDTH, LANES)
        sent.append(word[np.arange(LANES) ^ distance].tolist())
        dut.i.value = sum(int(item) << lane * WIDTH for lane, item in enumerate(word))
        dut.distance.value = distance
        await ReadOnly()
        if len(sent) > crossbar.latency:
            bits = read(dut.o)
            got.append([bits >> lane * WIDTH & 2**WIDTH - 1 for lane in range(LANES)])
        await FallingEdge(dut.clk)
    compare(got, sent[: len(distances)])
