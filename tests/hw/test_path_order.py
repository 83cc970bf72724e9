# amaranth: UnusedElaboratable=no
"""The path-order engine against the golden models: every value, every cycle, both ways."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Shape, Signal, signed, unsigned

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.schedule import Machine
from sobolpath.golden.path_order import backward, image, schedule
from sobolpath.golden.topology import linear
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import nested
from sobolpath.hw.path_order.accumulators import Accumulators
from sobolpath.hw.path_order.addresses import BlockAddresses
from sobolpath.hw.path_order.config import CONFIGS, PathOrderConfig
from sobolpath.hw.path_order.crossbar import BankCrossbar, InversePermutation
from sobolpath.hw.path_order.engine import PathOrderEngine
from sobolpath.hw.path_order.multiplier import OperandMultiplier
from sobolpath.hw.path_order.operands import OperandBanks
from sobolpath.hw.path_order.sweep import ErrorRequantizer, Sweep
from sobolpath.hw.requantizer import Requantizer
from tests.support.networks import extreme_model, flat, random_images, random_model
from tests.support.path_order import (
    byte_writes,
    compare,
    compare_cycles,
    items,
    job,
    random_errors,
    run,
)
from tests.support.streams import get, put, simulate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def config(lanes, **options):
    """A small engine with room for 2,048 paths and biases."""
    sizes = {
        "max_neurons": max(64, 2 * lanes),
        "weight_words": 2048 // lanes,
        "max_paths": 1024,
        "program_words": 256,
    }
    return PathOrderConfig(**{"lanes": lanes, **sizes, **options})


SMALL = [config(4), config(4, memory_register=True), config(8), config(16), config(32)]
WIDE = [config(lanes, input_width=lanes) for lanes in (4, 8, 16)]
FORWARD = [
    config(4, backward=False),
    config(8, backward=False, memory_register=True),
    config(8, backward=False, input_width=8),
]


def name(value):
    way = "both" if value.backward else "forward"
    wide = "-wide" if value.input_width > 1 else ""
    return f"{value.lanes}-{way}{'-registered' if value.memory_register else ''}{wide}"


def random_topology(rng, some, junctions):
    """A random topology that fits: any widths from one neuron a bank on."""
    while True:
        low, high = some.bank_bits, some.address_bits
        digits = rng.integers(low, high + 1, junctions + 1)
        counts = [rng.integers(max(pair), sum(pair) + 1) for pair in pairwise(digits)]
        if sum(1 << count for count in counts) <= 600:
            layers, paths = [1 << k for k in digits], [1 << p for p in counts]
            return Topology(layers, paths, rng.permutation(40)[: junctions + 1])


def stalled(configs):
    """Each without stalls, which tells the cycles; the small ones with a seed of stalls too."""
    pairs = [(some, None) for some in configs]
    pairs += [(some, 1) for some in configs if some.lanes <= 8]
    return [pytest.param(*pair, id=f"{name(pair[0])}-{pair[1]}") for pair in pairs]


@pytest.mark.parametrize(("some", "seed"), stalled(SMALL[-1:] + WIDE[-1:] + FORWARD))
def test_random_networks(some, seed):
    """One network written over the other; with a seed, all streams stall."""
    rng = np.random.default_rng([some.lanes, seed or 0])
    topologies = [random_topology(rng, some, junctions) for junctions in (1, 2, 4)]
    print(f"seed {seed}:", *topologies, sep="\n")
    networks = [(random_model(rng, each), random_images(rng, each, 2), None) for each in topologies]
    record = run(PathOrderEngine(some), [job(some, *each) for each in networks], seed=seed)
    if seed is None:
        assert compare_cycles(some, networks, record) == 6
    else:
        assert len(compare(networks, record)) == 6


@pytest.mark.parametrize(("some", "seed"), stalled(SMALL + WIDE))
def test_errors_backwards(some, seed):
    """The transposed junctions, forwards and backwards in turn; with a seed, all streams stall."""
    rng = np.random.default_rng([some.lanes, 7, seed or 0])
    networks = []
    for junctions in (1, 3):
        topology = random_topology(rng, some, junctions)
        model = random_model(rng, topology)
        shifts = (0, *rng.integers(5, 12, junctions - 1).tolist())
        networks.append((model, random_errors(rng, topology, 2), shifts))
        networks.append((model, random_images(rng, topology, 2), None))
    record = run(PathOrderEngine(some), [job(some, *each) for each in networks], seed=seed)
    assert len(compare(networks, record)) == 8
    hidden = [value for last, _, value in record.writes if not last]
    assert not hidden or min(hidden) < 0 < max(hidden)


@pytest.mark.parametrize("make", [linear.scrambled, linear.shifted])
def test_scrambled_and_shifted(make):
    """Both ways; the digital shift is one more column of each generator."""
    rng, some = np.random.default_rng(3), config(8)
    networks = []
    for seed in range(2):
        model = random_model(rng, make((64, 32, 16), (256, 128), seed))
        networks.append((model, random_images(rng, model.topology, 2), None))
        networks.append((model, random_errors(rng, model.topology, 2), (0, 9)))
    record = run(PathOrderEngine(some), [job(some, *each) for each in networks])
    assert len(compare(networks, record)) == 8


@pytest.mark.parametrize(("lanes", "width"), [(4, 1), (4, 4), (8, 1), (8, 8)])
def test_the_smallest(lanes, width):
    """One neuron a bank: every block meets the same row, one after the other."""
    sizes = {"max_neurons": 2 * lanes, "weight_words": 16, "max_paths": 2 * lanes}
    some = PathOrderConfig(lanes=lanes, input_width=width, program_words=32, **sizes)
    rng = np.random.default_rng(lanes)
    topologies = [Topology((lanes, lanes), (lanes,)), Topology((2 * lanes, lanes), (2 * lanes,))]
    for each in topologies:
        network = random_model(rng, each), random_images(rng, each, 3), None
        record = run(PathOrderEngine(some), [job(some, *network)])
        assert compare_cycles(some, [network], record) == 3
        errors = network[0], random_errors(rng, each, 3), (0,)
        compare([errors], run(PathOrderEngine(some), [job(some, *errors)]))


def test_a_row_that_comes_again_in_every_distance():
    """n / P rows, 1 to 8: the same row comes again after as many blocks, over epochs too."""
    some, rng, networks = config(4), np.random.default_rng(5), []
    for rows in (1, 2, 4, 8):
        topology = Topology((32, 4 * rows), (128,), (3, 5))
        networks.append((random_model(rng, topology), random_images(rng, topology, 2), None))
    record = run(PathOrderEngine(some), [job(some, *each) for each in networks])
    assert compare_cycles(some, networks, record) == 8


@pytest.mark.parametrize(("weight", "sign"), [(-128, -1), (127, 1)])
def test_extremes(weight, sign):
    """The largest sums and biases, clamped, and errors to the last digit."""
    some, topology = config(8), Topology((64, 16), (1024,))
    model = extreme_model(topology, weight, sign)
    networks = [(model, np.full((1, 64), 255, np.uint8), None)]
    for error in (-(2**15), 2**15 - 1):
        networks.append((model, np.full((1, 16), error, np.int16), (0,)))
    record = run(PathOrderEngine(some), [job(some, *each) for each in networks])
    compare(networks, record)
    assert record.sums[0][0] == 64 * 255 * weight + sign * 2**29
    assert record.sums[-1][0] == 16 * (2**15 - 1) * weight


def test_errors_clamp():
    """Between junctions errors keep 16 digits: both ends are reached."""
    some, topology = config(4), Topology((16, 16, 16), (64, 64))
    rng = np.random.default_rng(8)
    model = random_model(rng, topology)
    networks = [(model, random_errors(rng, topology, 4), (0, shift)) for shift in (0, 6, 24)]
    record = run(PathOrderEngine(some), [job(some, *each) for each in networks])
    compare(networks, record)
    hidden = [value for last, _, value in record.writes if not last]
    assert min(hidden) == -(2**15)
    assert max(hidden) == 2**15 - 1


def test_the_network_grows_by_what_is_appended():
    """Each size runs on what was there and the new weights and one number, nothing else."""
    some, topology = config(4), Topology((32, 16, 16), (512, 256))
    rng = np.random.default_rng(6)
    model, jobs, networks, size = random_model(rng, topology), [], [], 32
    writes = image.begun(model, some.machine, size)
    while True:
        small = nested.cut(model, size)
        images = random_images(rng, topology, 2)
        networks.append((small, images, None))
        jobs.append((items(writes), images.tolist(), 16))
        if size == 512:
            break
        writes = image.grown(model, some.machine, size, 2 * size)
        size *= 2
    record = run(PathOrderEngine(some), jobs)
    assert [network[0].topology.paths for network in networks] == [
        (32, 32),
        (64, 64),
        (128, 128),
        (256, 256),
        (512, 256),
    ]
    assert compare_cycles(some, networks, record, room=topology) == 10


@pytest.mark.parametrize("width", [1, 4])
def test_logits_wait(width):
    """However late they are taken, none is lost, and the next inference waits."""
    some, topology = config(4, input_width=width), Topology((16, 8), (32,))
    rng = np.random.default_rng(9)
    network = random_model(rng, topology), random_images(rng, topology, 3), None
    record = run(PathOrderEngine(some), [job(some, *network)], seed=4, chance=0.95)
    compare([network], record)


def test_words_are_taken_while_the_inference_before_runs():
    """All inputs of the next inference, and no more, are there before this one ends."""
    some, topology = config(4, input_width=4), Topology((16, 8), (32,))
    rng = np.random.default_rng(12)
    network = random_model(rng, topology), random_images(rng, topology, 3), None
    record = run(PathOrderEngine(some), [job(some, *network)])
    ends = compare([network], record)
    words = topology.layers[0] // 4
    for end, following, after in zip(ends, record.inputs[1:], record.inputs[2:], strict=False):
        assert following[-1] < end - some.schedule(topology).steady + words
        assert after[0] > end - some.schedule(topology).steady
    assert len(ends) == 3


@pytest.mark.parametrize("width", [1, 4])
def test_packets(width):
    """A packet is an inference, however long: what it lacks is 0, what is too much is dropped."""
    some, topology = config(4, input_width=width), Topology((16, 8), (32,))
    rng = np.random.default_rng(14)
    model, count = random_model(rng, topology), topology.layers[0] // width
    packets = [random_images(rng, topology, 3).reshape(-1)[: size * width] for size in (1, count)]
    packets += [rng.integers(0, 256, size * width, np.uint8) for size in (count - 1, 2 * count, 2)]
    images = np.array([np.resize(np.append(own, [0] * 16), 16) for own in packets], np.uint8)
    beats = [
        {"data": word, "keep": 1, "last": place == len(own) // width - 1}
        for own in packets
        for place, word in enumerate(some.inputs(own))
    ]
    dut = PathOrderEngine(some, packets=True)
    port, numbers = flat(dut.i, beats)
    got = []

    async def feed(ctx):
        write, bytes_ = flat(dut.write, byte_writes(some, model))
        taken = await put(ctx, write, bytes_)
        await put(ctx, port, numbers, start=taken[-1] + 1)

    async def collect(ctx):
        got.extend((await get(ctx, dut.o, 5 * 8, lambda o: o.data))[0])

    simulate(dut, feed, collect)
    assert got == engine.infer(model, images).ravel().tolist()


@pytest.mark.parametrize("width", [1, 4])
def test_no_byte_is_taken_while_inputs_are_held(width):
    """The network stays what it was for the inputs that are there, and may change after a reset."""
    some, topology = config(4, input_width=width), Topology((16, 8), (32,))
    rng = np.random.default_rng(13)
    model, images = random_model(rng, topology), random_images(rng, topology, 1)
    dut, reset, taken = PathOrderEngine(some), Signal(), []

    async def bench(ctx):
        for _ in range(2):
            for item in byte_writes(some, model):
                ctx.set(dut.write.payload, item)
                ctx.set(dut.write.valid, 1)
                await ctx.tick().until(dut.write.ready)
            ctx.set(dut.write.valid, 0)
            for value in some.inputs(images)[:2]:
                ctx.set(dut.i.payload, value)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            await ctx.tick().repeat(12)
            for _ in range(30):
                _, _, busy, ready = await ctx.tick().sample(dut.busy, dut.write.ready)
                taken.append((busy, ready))
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await ctx.tick().repeat(2)
            assert not ctx.get(dut.busy)
            assert ctx.get(dut.write.ready)

    simulate(ResetInserter(reset)(dut), bench)
    assert taken == [(1, 0)] * 60


def test_reset_in_the_middle():
    """A reset ends what is under way; the memories keep the network."""
    some, topology = config(4), Topology((16, 8), (32,))
    rng = np.random.default_rng(10)
    model, images = random_model(rng, topology), random_images(rng, topology, 2)
    dut, reset = PathOrderEngine(some), Signal()
    got = []

    async def bench(ctx):
        for item in items([(s, 0, c) for s, c in some.image(model).spaces()]):
            ctx.set(dut.write.payload, item)
            ctx.set(dut.write.valid, 1)
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for cycles in (5, 17, 25, 40, 60, 71):
            for value in images[0].tolist():
                ctx.set(dut.i.payload, value)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            await ctx.tick().repeat(cycles)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await ctx.tick().repeat(3)
            assert not ctx.get(dut.busy)
            assert not ctx.get(dut.o.valid)
        ctx.set(dut.o.ready, 1)
        for value in images[1].tolist():
            ctx.set(dut.i.payload, value)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        for _ in range(8):
            got.append(await ctx.tick().sample(dut.o.payload.data).until(dut.o.valid))

    simulate(ResetInserter(reset)(dut), bench)
    assert [value for (value,) in got] == engine.infer(model, images)[1].tolist()


class TestParts:
    """The parts alone, and that latencies add up to the closed form."""

    def test_latencies(self):
        assert (
            BlockAddresses.latency
            + OperandBanks.latency
            + OperandMultiplier.latency
            + Accumulators.latency
        ) == schedule.PIPELINE
        assert Sweep.latency - 1 == schedule.SWEEP
        assert Sweep.logit_latency - 2 == schedule.FIRST
        assert Sweep.spacing == schedule.LOGIT
        assert Sweep.latency == Requantizer.latency + 2

    @pytest.mark.parametrize("lanes", [1, 2, 8, 32])
    def test_crossbar_and_inverse(self, lanes):
        rng = np.random.default_rng(lanes)
        crossbar, inverse = BankCrossbar(lanes=lanes, shape=5), InversePermutation(lanes=lanes)
        checked = []

        async def bench(ctx):
            for _ in range(20):
                banks, words = rng.permutation(lanes), rng.integers(0, 32, lanes)
                ctx.set(inverse.banks, banks.tolist())
                ctx.set(crossbar.select, banks.tolist())
                ctx.set(crossbar.i, words.tolist())
                await ctx.delay(1e-7)
                assert [ctx.get(lane) for lane in inverse.o] == np.argsort(banks).tolist()
                assert [ctx.get(word) for word in crossbar.o] == words[banks].tolist()
                checked.append(1)

        top = Module()
        top.submodules.crossbar, top.submodules.inverse = crossbar, inverse
        simulate(top, bench)
        assert len(checked) == 20

    def test_error_requantizer(self):
        dut, rng, checked = ErrorRequantizer(), np.random.default_rng(2), []

        async def bench(ctx):
            for shift in range(25):
                edges = [-(2**31), 2**31 - 1, 0, -1, 2 ** (15 + shift) - 1, 2 ** (15 + shift)]
                edges += [-(2 ** (15 + shift)), -(2 ** (15 + shift)) - 1]
                values = [value for value in edges if -(2**31) <= value < 2**31]
                values += rng.integers(-(2**31), 2**31, 20).tolist()
                for value in values:
                    ctx.set(dut.i, value)
                    ctx.set(dut.shift, shift)
                    await ctx.tick().repeat(dut.latency)
                    wanted = min(max(value >> shift, -(2**15)), 2**15 - 1)
                    assert ctx.get(dut.o) == wanted
                    checked.append(wanted)

        simulate(dut, bench)
        assert len(checked) > 500
        half = backward.requantize([100], 3)[0]
        assert half == (100 + 4) >> 3

    def test_multiplier_on_its_extremes(self):
        for operand in (signed(16), unsigned(8)):
            dut, checked = OperandMultiplier(operand=operand), []
            low, high = (-(2**15), 2**15 - 1) if operand == signed(16) else (0, 255)

            async def bench(ctx, dut=dut, values=(low, high, 0, 1), checked=checked):
                for weight in (-128, 127, 0, -1):
                    for value in values:
                        ctx.set(dut.weight, weight)
                        ctx.set(dut.operand, value)
                        await ctx.tick().repeat(dut.latency)
                        assert ctx.get(dut.product) == weight * value
                        checked.append(1)

            simulate(dut, bench)
            assert len(checked) == 16


class TestConfig:
    @pytest.mark.parametrize(
        ("field", "value", "match"),
        [
            ("lanes", 2, "lanes must be a power of two from 4 to 1024, not 2"),
            ("lanes", True, "lanes must be a power of two"),
            ("lanes", 1024, "max_neurons must be at least twice the lanes, not 1024"),
            ("max_neurons", 1, "max_neurons must be a power of two from 2 to 32768, not 1"),
            ("weight_words", 3, "weight_words must be a power of two from 2 to 65536, not 3"),
            ("max_paths", 512, "max_paths must be from max_neurons, 1024, to the weights, 131072"),
            (
                "max_paths",
                2**18,
                "max_paths must be from max_neurons, 1024, to the weights, 131072",
            ),
            ("program_words", 8, "program_words must be a power of two from 16 to 65536, not 8"),
            ("backward", 1, "backward must be True or False, not 1"),
            ("input_width", 4, "input_width must be 1 or 8, the lanes, not 4"),
            ("input_width", 16, "input_width must be 1 or 8, the lanes, not 16"),
            ("input_width", True, "input_width must be 1 or 8, the lanes, not True"),
            ("memory_register", None, "memory_register must be True or False, not None"),
        ],
    )
    def test_errors(self, field, value, match):
        with pytest.raises(ValueError, match=match):
            replace(CONFIGS["icebreaker"], **{field: value})

    def test_shapes(self):
        assert Shape.cast(CONFIGS["tiny"].operand) == signed(16)
        assert Shape.cast(replace(CONFIGS["tiny"], backward=False).operand) == unsigned(8)
        assert not isinstance(CONFIGS["tiny"].machine, Machine)
