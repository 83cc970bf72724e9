# amaranth: UnusedElaboratable=no
"""The AXI4-Stream engine: records of a network's bytes, handshakes, cycles, integers."""

import dataclasses
import random
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Cat, ClockSignal, Elaboratable, Module
from amaranth.lib.wiring import In, Out

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.image import MemoryImage, Space
from sobolpath.golden.machine.records import records
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS, EngineConfig
from sobolpath.hw.engine import PathEngine
from sobolpath.hw.export.axis import AxisEngine, RecordReader, ports
from tests.support.networks import random_images, random_model, run_engine
from tests.support.streams import at_random, get, put, simulate

pytestmark = pytest.mark.slow

TINY = CONFIGS["tiny"]
TWO = EngineConfig(
    lanes=4, images=2, max_neurons=32, weight_words=256, bias_neurons=64, max_outputs=16
)
WIDE = dataclasses.replace(TWO, input_width=2)
TOPOLOGY = Topology((16, 32, 8), (128, 64))


def port(dut, name, *more):
    """The signals of a stream under its AXI4-Stream names; ``more`` of them in the payload."""
    members = [getattr(dut, f"{name}_{member}") for member in ("tdata", *more)]
    valid, ready = (getattr(dut, f"{name}_{member}") for member in ("tvalid", "tready"))
    return SimpleNamespace(payload=Cat(members), valid=valid, ready=ready)


class Clocked(Elaboratable):
    """An engine whose clock is that of the simulation."""

    def __init__(self, dut):
        self.dut = dut

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        m.d.comb += self.dut.aclk.eq(ClockSignal())
        return m


def logit(item):
    """A beat of the logits: its signed value, and whether it is the last one."""
    value, last = item & 0xFFFFFFFF, item >> 32
    return value - (value >> 31 << 32), last


def run(dut, jobs, *, seed=None, chance=0.3, background=()):
    """Write every job's network and run its images: logits, cycles of inputs, of logits."""
    count = sum(len(images) * model.topology.layers[-1] for model, images in jobs)
    logits, inputs, departures = [], [], []

    def stalls(name):
        return None if seed is None else at_random(random.Random(f"{seed} {name}"), chance)

    async def feed(ctx):
        cycle = 0
        for model, images in jobs:
            content = records(dut.engine.config.image(model))
            taken = await put(
                ctx, port(dut, "s_axis_config"), content, stalls=stalls("config"), start=cycle
            )
            taken = await put(
                ctx,
                *inputs_of(dut, images),
                stalls=stalls("input"),
                start=taken[-1] + 1,
            )
            inputs.extend(taken)
            cycle = taken[-1] + 1

    async def collect(ctx):
        o = port(dut, "m_axis_logits", "tlast")
        items, taken = await get(ctx, o, count, logit, stalls=stalls("logits"))
        logits.extend(items)
        departures.extend(taken)
        for _ in range(20):
            _, _, valid = await ctx.tick().sample(o.valid)
            assert not valid, "a logit too many"
        assert not ctx.get(dut.busy)

    simulate(Clocked(dut), feed, collect, background=background, limit=30_000)
    return logits, inputs, departures


def inputs_of(dut, images):
    """The port of the inputs, and what is put to it; where it has packets, an inference each."""
    config = dut.engine.config
    words = config.inputs(images)
    if config.input_width == 1:
        return port(dut, "s_axis_input"), words
    length, keep = len(words) * config.images // len(images), (1 << config.input_bits // 8) - 1
    ends = [n % length == length - 1 for n in range(len(words))]
    items = [
        word | keep << config.input_bits | end << config.input_bits * 9 // 8
        for word, end in zip(words, ends, strict=True)
    ]
    return port(dut, "s_axis_input", "tkeep", "tlast"), items


def expected(jobs, together):
    items = []
    for model, images in jobs:
        outputs = model.topology.layers[-1] * together
        values = engine.infer(model, images).ravel().tolist()
        items += [(value, int(n % outputs == outputs - 1)) for n, value in enumerate(values)]
    return items


def random_jobs(seed, topologies, images):
    rng = np.random.default_rng(seed)
    return [(random_model(rng, each), random_images(rng, each, images)) for each in topologies]


class TestRecords:
    def test_the_bytes(self):
        image = MemoryImage(
            np.array([[-1, 2]], np.int8), np.array([[1, -2]], np.int32), np.array([0x1234])
        )
        assert records(image) == bytes.fromhex(
            "10 000000 0100 ff02 11 000000 0700 01000000 feffffff 12 000000 0100 3412"
        )

    @pytest.mark.parametrize("words", [8191, 8192, 8193, 16384])
    def test_a_long_space_is_several(self, words):
        rng = np.random.default_rng(words)
        image = MemoryImage(
            rng.integers(-128, 128, (words, 8), np.int8),
            rng.integers(-9, 9, (4, 8), np.int32),
            rng.integers(0, 65536, 40, np.uint16),
        )
        assert len(records(image)) == words * 8 + 128 + 80 + 6 * (3 + (words > 8192))


class TestRecordReader:
    CONFIG = CONFIGS["icebreaker"]

    def read(self, content, count, *, cut=(), seed=None, config=CONFIG):
        """Put bytes, of which those numbered in ``cut`` are last; what comes out, and when."""
        dut, items, cycles = RecordReader(config), [], []

        def stalls(name):
            return None if seed is None else at_random(random.Random(f"{seed} {name}"), 0.3)

        async def feed(ctx):
            beats = [{"data": byte, "last": n in cut} for n, byte in enumerate(content)]
            cycles.extend(await put(ctx, dut.i, beats, stalls=stalls("i")))

        async def collect(ctx):
            def read(write):
                return Space(write.space), write.address, write.data

            found, _ = await get(ctx, dut.o, count, read, stalls=stalls("o"))
            items.extend(found)
            ctx.set(dut.o.ready, 1)
            for _ in range(40):
                _, _, valid = await ctx.tick().sample(dut.o.valid)
                assert not valid, "a byte too many"

        simulate(dut, feed, collect)
        assert len(cycles) == len(content)
        return items, cycles

    @pytest.mark.parametrize("seed", [None, 3])
    def test_every_byte_of_a_network_and_its_place(self, seed):
        topology = Topology((16, 8), (32,))
        image = self.CONFIG.image(random_model(np.random.default_rng(2), topology))
        writes = [(s, a, b) for s, content in image.spaces() for a, b in enumerate(content)]
        items, cycles = self.read(records(image), len(writes), seed=seed)
        assert items == writes
        assert len(items) > 100
        if seed is None:
            assert cycles == list(range(len(cycles))), "a byte a cycle"

    def test_addresses_go_on_beyond_16_bits(self):
        items, _ = self.read(bytes.fromhex("10 feff00 0100 0a0b0c0d"), 4)
        assert items == [(Space.WEIGHTS, 0xFFFE + n, 10 + n) for n in range(4)]

    def test_digits_of_an_address_beyond_the_memories_count_and_go_nowhere(self):
        items, _ = self.read(bytes.fromhex("10 ff3f00 0040 0a0b 12 000000 0000 cc"), 3, config=TINY)
        assert items == [
            (Space.WEIGHTS, 0x3FF, 10),
            (Space.WEIGHTS, 0, 11),
            (Space.PROGRAM, 0, 204),
        ]

    def test_what_begins_no_record_is_passed_over(self):
        content = bytes.fromhex("00 00 ff 13 0f 11 050000 0500 aa 00 12 010000 0100 bb 00")
        items, _ = self.read(content, 2, seed=1)
        assert items == [(Space.BIASES, 5, 0xAA), (Space.PROGRAM, 1, 0xBB)]

    @pytest.mark.parametrize(
        ("begun", "written"),
        [("10", 0), ("10 07", 0), ("10 070000 ff00", 0), ("10 070000 ff00 aa bb", 2)],
    )
    def test_last_ends_a_record_that_was_cut_short(self, begun, written):
        begun = bytes.fromhex(begun)
        content = begun + bytes.fromhex("12 030000 0300 cc 11 000000 0000 dd")
        items, _ = self.read(content, written + 2, cut=[len(begun) - 1])
        assert items == [
            *[(Space.WEIGHTS, 7, 0xAA), (Space.WEIGHTS, 8, 0xBB)][:written],
            (Space.PROGRAM, 3, 0xCC),
            (Space.BIASES, 0, 0xDD),
        ]

    def test_last_at_the_end_of_a_record_changes_nothing(self):
        content = bytes.fromhex("12 030000 0300 cc 11 000000 0000 dd")
        items, _ = self.read(content, 2, cut=[6, 13])
        assert items == [(Space.PROGRAM, 3, 0xCC), (Space.BIASES, 0, 0xDD)]


class TestAxisEngine:
    TOPOLOGIES = (Topology((4, 4), (4,)), TOPOLOGY)

    @pytest.mark.parametrize("seed", [None, 1])
    @pytest.mark.parametrize("config", [TINY, TWO, WIDE], ids=["tiny", "two images", "wide"])
    def test_the_logits_of_networks_one_after_the_other(self, config, seed):
        jobs = random_jobs(4, self.TOPOLOGIES, 2 * config.images)
        logits, _, _ = run(AxisEngine(config), jobs, seed=seed)
        assert logits == expected(jobs, config.images)
        assert len(logits) == (4 + 8) * 2 * config.images
        assert sum(last for _, last in logits) == 4

    @pytest.mark.parametrize("config", [TINY, WIDE], ids=["tiny", "wide"])
    def test_the_cycles_are_those_of_the_engine(self, config):
        jobs = random_jobs(5, [TOPOLOGY], 4 * config.images)
        logits, inputs, departures = run(AxisEngine(config), jobs)
        assert logits == expected(jobs, config.images)
        bare = run_engine(PathEngine(config), jobs)
        begin = bare.inputs[0][0]
        assert [c - inputs[0] for c in departures] == [c - begin for c in bare.departures]
        outputs = 8 * config.images
        ends = departures[outputs - 1 :: outputs]
        assert ends[3] - ends[2] == plan(TOPOLOGY, config.machine).interval

    def test_packets_where_a_beat_is_more_than_one_neuron(self):
        """Where it is one, a source that knows no packets needs no such ports."""
        more = {"s_axis_input_tkeep", "s_axis_input_tlast"}
        narrow, wide = ports(TWO), ports(WIDE)
        assert set(wide) - set(narrow) == more
        assert set(narrow) <= set(wide)
        assert wide["s_axis_input_tdata"].shape == 32
        assert wide["s_axis_input_tkeep"].shape == 4

    @pytest.mark.parametrize(("config", "count", "bits"), [(TINY, 7, 37), (WIDE, 9, 37)])
    def test_no_output_depends_on_an_input_of_the_same_cycle(self, config, count, bits):
        dut, jobs = AxisEngine(config), random_jobs(8, [TOPOLOGY], 2 * config.images)
        compared = set()
        members = dut.signature.members.items()
        inputs = [getattr(dut, name) for name, member in members if member.flow == In]
        inputs = [signal for signal in inputs if signal is not dut.aclk]
        outputs = Cat(getattr(dut, name) for name, member in members if member.flow == Out)
        assert (len(inputs), len(outputs)) == (count, bits)

        async def meddle(ctx):
            async for _ in ctx.tick():
                await ctx.delay(1e-7)
                before, offered = ctx.get(outputs), [ctx.get(signal) for signal in inputs]
                for signal, value in zip(inputs, offered, strict=True):
                    ctx.set(signal, ~value)
                await ctx.delay(1e-7)
                assert ctx.get(outputs) == before
                compared.add(before)
                for signal, value in zip(inputs, offered, strict=True):
                    ctx.set(signal, value)

        logits, _, _ = run(dut, jobs, seed=2, background=[meddle])
        assert logits == expected(jobs, config.images)
        assert len(compared) > 16

    def test_reset_ends_what_is_under_way_and_keeps_the_network(self):
        model, images = random_jobs(6, [TOPOLOGY], 2)[0]
        dut = AxisEngine(TINY)
        config, i = port(dut, "s_axis_config"), port(dut, "s_axis_input")
        o, found = port(dut, "m_axis_logits", "tlast"), []

        async def reset(ctx):
            ctx.set(dut.aresetn, 0)
            await ctx.tick()
            assert not ctx.get(o.valid)
            assert not ctx.get(dut.busy)
            ctx.set(dut.aresetn, 1)

        async def bench(ctx):
            await put(ctx, config, bytes.fromhex("10 0000"))
            await reset(ctx)  # in a record
            await put(ctx, config, records(TINY.image(model)))
            await put(ctx, i, images[0].tolist())
            assert ctx.get(dut.busy)
            await reset(ctx)  # in an inference
            await put(ctx, i, images[0].tolist())
            found.extend((await get(ctx, o, 3, logit))[0])
            await reset(ctx)  # in its results
            await put(ctx, i, images[1].tolist())
            found.extend((await get(ctx, o, 8, logit))[0])

        simulate(Clocked(dut), bench)
        first, second = expected([(model, images[:1])], 1), expected([(model, images[1:])], 1)
        assert found == first[:3] + second

    def test_bytes_wait_while_an_inference_is_under_way(self):
        (model, images), (other, _) = random_jobs(7, [TOPOLOGY, TOPOLOGY], 1)
        dut = AxisEngine(TINY)
        config, i = port(dut, "s_axis_config"), port(dut, "s_axis_input")
        o, results, taken = port(dut, "m_axis_logits", "tlast"), [], []

        async def feed(ctx):
            cycles = await put(ctx, config, records(TINY.image(model)))
            cycles = await put(ctx, i, dut.engine.config.inputs(images), start=cycles[-1] + 1)
            content = records(TINY.image(other))
            taken.extend(await put(ctx, config, content, start=cycles[-1] + 1))
            await put(ctx, i, dut.engine.config.inputs(images))

        async def collect(ctx):
            results.append(await get(ctx, o, 8, logit))
            results.append(await get(ctx, o, 8, logit))

        simulate(Clocked(dut), feed, collect)
        assert results[0][0] == expected([(model, images)], 1)
        assert results[1][0] == expected([(other, images)], 1)
        end = results[0][1][-1]  # the last logit leaves; the first six bytes are no content
        assert taken[5] < end < taken[6]
