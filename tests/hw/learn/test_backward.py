# amaranth: UnusedElaboratable=no
"""The backward sweep: its program walked by the walker, its lanes, against ``golden.learn``."""

import random

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.memory import Memory

from sobolpath.golden.learn import arithmetic, by_path
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.program import backward_blocks
from sobolpath.golden.machine.lanes import by_neuron, by_place, by_step
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.learn.backward import BackwardLanes
from tests.support import learning
from tests.support.streams import at_random, get, put, simulate, wait
from tests.support.walks import Walk, start, step_of

pytestmark = pytest.mark.timeout(60)


class Swept(Elaboratable):
    """Backward lanes between memories of latency 1 that hold what they read."""

    def __init__(self, weights, errors, registers):
        self.weights, self.errors = weights, errors
        rows, lanes = errors.shape
        self.lanes = BackwardLanes(lanes=lanes, depth=len(weights), rows=rows, registers=registers)

    def elaborate(self, platform):
        m = Module()
        m.submodules.lanes = lanes = self.lanes
        for name, content, address, word in (
            ("weights", self.weights, lanes.weights_row, lanes.weights),
            ("errors", self.errors, lanes.errors_row, lanes.errors),
        ):
            shape = word.shape()
            memory = Memory(shape=shape, depth=len(content), init=content.tolist())
            m.submodules[name] = memory
            port = memory.read_port()
            m.d.comb += [port.addr.eq(address), word.eq(port.data)]
        return m


def padded(rows):
    """Rows to a power of two of at least 2."""
    size = max(2, 1 << (len(rows) - 1).bit_length())
    return np.concatenate([rows, np.zeros((size - len(rows), rows.shape[1]), rows.dtype)])


def walked(topology, lanes, seed):
    """The addresses that the walker offers of the whole program, by block."""
    words = backward_blocks(topology, lanes).tolist()
    size = 1 << (len(words) + 3).bit_length()
    digits = max(int(count).bit_length() for count in topology.paths)
    dut = Walk(words=max(size, 16), entry=1, step_bits=digits, address_bits=digits)
    content = [0, 3, 0, *words]
    count = sum(paths // lanes for paths in topology.paths[1:])
    found = []

    async def bench(ctx):
        items = [
            {"address": 2 * at + byte, "data": word >> 8 * byte & 255}
            for at, word in enumerate(content)
            for byte in (0, 1)
        ]
        cycle = (await put(ctx, dut.program.write, items))[-1] + 1
        await wait(ctx, 2)
        gone = await start(ctx, dut.walker, cycle + 2)
        stalls = at_random(random.Random(seed), 0.4)
        got, _ = await get(ctx, dut.walker.o, count, step_of, stalls=stalls, start=gone + 1)
        found.extend(got)

    simulate(dut, bench)
    blocks = []
    for address, first, _ in found:
        if first:
            blocks.append([])
        blocks[-1].append(address)
    return blocks


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("registers", [(), (0,), (0, 1)])
def test_sums_of_real_steps(seed, registers):
    """A program walked under stalls, and its steps swept with gaps: the errors of a step."""
    print("seed", seed)
    rng, lanes = np.random.default_rng(seed), (8, 4)[seed % 2]
    topology = Topology(*(((16, 32, 8), (64, 64)), ((8, 16, 16, 8), (64, 32, 128)))[seed % 3 > 0])
    parameters = learning.random_parameters(rng, topology, reach=8000)
    image, label = learning.random_sample(rng, topology)
    _, step = by_path.step(parameters, image, label, Fractions().shifts(len(topology.paths), 5))
    blocks = walked(topology, lanes, seed)
    assert len(blocks) == len(topology.paths) - 1
    for junction, addresses in zip(topology.junctions[:0:-1], blocks, strict=True):
        own = arithmetic.high(parameters.weights[junction - 1])
        weights = padded(by_step(topology, junction, lanes, own))
        errors = step.errors[junction - 1]
        dut = Swept(weights, padded(by_place(topology, junction, lanes, errors)), registers)
        sums = np.array(run(dut, topology, junction, addresses, random.Random(seed)))
        found = arithmetic.error16(
            arithmetic.rounded(by_neuron(topology, junction - 1, lanes, sums), 5)
        )
        layer = step.activations[junction - 1]
        wanted = step.errors[junction - 2]
        assert np.array_equal(np.where((layer > 0) & (layer < 255), found, 0), wanted)
        assert np.abs(sums).max() > 1000


def run(dut, topology, junction, addresses, rng):
    """Sweep the steps with random gaps; the rows of sums, ``latency`` after their last step."""
    lanes, found, due = dut.lanes, [], []
    count = len(dut.lanes.sums)
    fan_in, fan_out = topology.fan_in(junction), topology.fan_out(junction)

    async def bench(ctx):
        cycle = 0

        async def tick():
            nonlocal cycle
            await ctx.tick()
            cycle += 1
            if ctx.get(lanes.done):
                found.append(list(ctx.get(lanes.sums)))
                assert cycle == due.pop(0)

        for number, address in enumerate(addresses):
            for _ in range(rng.choice((0, 0, 0, 1, 3))):
                ctx.set(lanes.step, {"valid": 0, "first": rng.randrange(2), "last": 1})
                await tick()
            row, distance = divmod(address, count)
            last = number % fan_out == fan_out - 1
            step = {"valid": 1, "weights": row, "errors": row // fan_in, "distance": distance}
            ctx.set(lanes.step, {**step, "first": number % fan_out == 0, "last": last})
            if last:
                due.append(cycle + lanes.latency)
            await tick()
        ctx.set(lanes.step.valid, 0)
        for _ in range(lanes.latency + 5):
            await tick()

    simulate(dut, bench)
    assert not due
    return found


def test_the_largest_sum():
    """512 extreme products in a row, of both signs: none wraps."""
    errors = np.array([[-(2**15)] * 4, [2**15 - 1] * 4])
    weights = np.array([[127] * 4, [-127] * 4])
    dut = Swept(weights, errors, ())
    found = []

    async def bench(ctx):
        for weight, error in ((0, 0), (1, 0), (0, 1)):
            for number in range(512):
                step = {"valid": 1, "weights": weight, "errors": error, "distance": number % 4}
                ctx.set(dut.lanes.step, {**step, "first": number == 0, "last": number == 511})
                await ctx.tick()
            ctx.set(dut.lanes.step.valid, 0)
            while not ctx.get(dut.lanes.done):
                await ctx.tick()
            found.append(list(ctx.get(dut.lanes.sums)))

    simulate(dut, bench)
    most = 512 * 127 * 2**15
    assert found == [[-most] * 4, [most] * 4, [most - 512 * 127] * 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lanes": 3}, "lanes must be a power of two of at least 1, not 3"),
        ({"depth": 1}, "depth must be a power of two of at least 2, not 1"),
        ({"rows": 0}, "rows must be a power of two of at least 2, not 0"),
    ],
)
def test_rejects(options, message):
    with pytest.raises(ValueError, match=message):
        BackwardLanes(**{"lanes": 4, "depth": 4, "rows": 4, **options})
