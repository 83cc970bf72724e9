# amaranth: UnusedElaboratable=no
"""The path engine against ``golden.machine.engine``: every logit, every activation, every cycle."""

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import ResetInserter, Signal

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.linear import cascaded, scrambled, shifted
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import EngineConfig
from sobolpath.hw.engine import PathEngine
from tests.support.networks import (
    compare,
    compare_cycles,
    extreme_model,
    flat,
    image_bytes,
    random_images,
    random_model,
    random_topology,
    run_engine,
)
from tests.support.streams import put, simulate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def config(lanes, **options):
    """A small engine with room for 2,048 paths."""
    sizes = {
        "max_neurons": max(32, 2 * lanes),
        "weight_words": 2048 // lanes,
        "bias_neurons": max(128, 4 * lanes),
        "max_outputs": 2 * lanes,
        "program_words": 128,
    }
    return EngineConfig(**{"lanes": lanes, **sizes, **options})


#: Lanes, images, requantizers from one to one a value, and everything that changes the pipeline;
#: then engines for last layers of fewer neurons than lanes, down to one; last, wide inputs.
CONFIGS = [
    config(1),
    config(2, requantizers=2, memory_register=True),
    config(4),
    config(4, requantizers=2, memory_register=True, crossbar_registers=(0, 1)),
    config(8, crossbar_registers=(1,)),
    config(8, requantizers=8),
    config(16, requantizers=4, memory_register=True, crossbar_registers=(3,)),
    config(16, max_outputs=32),
    config(2, images=2),
    config(8, images=2, crossbar_registers=(1,)),
    config(4, images=2, requantizers=2, memory_register=True),
    config(4, images=2, requantizers=8, product_register=True),
    config(2, images=4, requantizers=2, product_register=True, crossbar_registers=(0,)),
    config(8, max_copies=8),
    config(16, max_copies=4, requantizers=4, memory_register=True, crossbar_registers=(1,)),
    config(8, images=2, max_copies=2, requantizers=8, product_register=True),
    config(2, input_width=2),
    config(8, input_width=8),
    config(8, input_width=2, crossbar_registers=(1,), memory_register=True),
    config(4, images=4, input_width=4, requantizers=2, product_register=True),
    config(16, max_copies=4, input_width=8, requantizers=4, memory_register=True),
]


def name(value):
    copies = f"-copies-{value.max_copies}" if value.max_copies > 1 else ""
    width = f"-width-{value.input_width}" if value.input_width > 1 else ""
    return f"{value.lanes}x{value.images}-{value.requantizers}-{value.registers}{copies}{width}"


def jobs_of(rng, topologies, images=2):
    return [(random_model(rng, each), random_images(rng, each, images)) for each in topologies]


def check(config, jobs, *, seed=None):
    run = run_engine(PathEngine(config), jobs, seed=seed)
    if seed is None:
        inferences = sum(len(images) for _, images in jobs) // config.images
        assert compare_cycles(config, jobs, run) == inferences > 0
    else:
        compare(config, jobs, run)
    return run


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_random_networks(config, seed):
    """One network written over the other; with a seed, all streams stall."""
    rng = np.random.default_rng([config.lanes, seed or 0])
    topologies = [random_topology(rng, config, junctions=n, paths=400) for n in (1, 2, 5)]
    print(f"seed {seed}:", *topologies, sep="\n")
    check(config, jobs_of(rng, topologies, images=3 * config.images), seed=seed)


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("outputs", [1, 2, 8, 16])
def test_logits_of_copies(outputs, images):
    """Copies are read one a cycle, and a sum leaves in one more; here the reader sets the pace."""
    some = config(8, images=images, requantizers=8, max_copies=8)
    topology = Topology((8, outputs), (64 if outputs > 8 else 8,))
    schedule, copies = plan(topology, some.machine), max(8 // outputs, 1)
    assert schedule.copies == copies
    assert schedule.interval > max(8 * images + 12, schedule.running + schedule.gaps[0])
    run = check(some, jobs_of(np.random.default_rng(outputs), [topology], images=3 * images))
    size = outputs * images
    for number in range(3):
        left = run.departures[size * number : size * (number + 1)]
        assert np.diff(left).tolist() == [copies + 1] * (size - 1)


def test_copies_change_between_networks():
    """From network to network, last layers of 8, 1, 4 and 16 neurons on 8 lanes; streams stall."""
    topologies = [Topology((16, 8, n), (32, 8 if n < 8 else 32)) for n in (8, 1, 4, 16)]
    some, rng = config(8, max_copies=8), np.random.default_rng(9)
    for seed in (None, 3):
        run = check(some, jobs_of(rng, topologies, images=3), seed=seed)
        assert len(run.logits) == 3 * (8 + 1 + 4 + 16)


@pytest.mark.parametrize(("weight", "sign"), [(-128, -1), (127, 1)])
def test_extremes_in_copies(weight, sign):
    """The largest sums, each of parts as large as can be."""
    topology, images = Topology((32, 32, 2), (64, 64)), np.full((1, 32), 255, np.uint8)
    run = check(config(8, max_copies=4), [(extreme_model(topology, weight, sign), images)])
    hidden = max(min((2 * 255 * weight + sign * 2**29 + 2**23) >> 24, 255), 0)
    assert run.logits == [(32 * hidden * weight + sign * 2**29, n == 1) for n in range(2)]


@pytest.mark.parametrize("copies", [1, 2])
def test_an_adder_only_where_copies_are_asked_for(copies):
    text = rtlil.convert(PathEngine(config(2, max_copies=copies)), emit_src=False)
    assert ("adder" in text) == (copies > 1)


@pytest.mark.parametrize("images", [1, 2])
def test_full_speed(images):
    """Inputs come one a cycle where no activations are written, and logits every other cycle."""
    topology, some = Topology((32, 16, 16), (64, 64)), config(8, images=images)
    run = check(some, jobs_of(np.random.default_rng(1), [topology], images=3 * images))
    first = run.inputs[0]
    assert first[2:] == list(range(first[2], first[2] + 32 - 2))
    for number in range(3):
        left = run.departures[16 * images * number : 16 * images * (number + 1)]
        assert left == list(range(left[0], left[0] + 32 * images, 2))
        assert left[0] - run.written[32 * images * (number + 1) - 1] <= 13


@pytest.mark.parametrize("images", [1, 2])
def test_wide_inputs_at_full_speed(images):
    """A word comes in every cycle, or where a layer is a single row, one in as many as it has."""
    topologies = Topology((64, 16, 16), (64, 64)), Topology((8, 16, 16), (16, 64))
    some = config(8, images=images, max_neurons=64, input_width=4, requantizers=images)
    plans = [plan(topology, some.machine) for topology in topologies]
    assert [(each.words, each.inputs) for each in plans] == [(16, 16), (2, 8)]
    run = check(some, jobs_of(np.random.default_rng(1), topologies, images=4 * images))
    first, single = run.inputs[0], run.inputs[4]
    assert first[2:] == list(range(first[2], first[2] + 16 - 2))
    assert single[1] - single[0] > 4


def test_wide_inputs_make_the_interval_that_of_the_run():
    """What narrow inputs hold back runs back to back where they are wide."""
    topology = Topology((512, 16, 16), (1024, 64))
    rng, options = np.random.default_rng(1), {"max_neurons": 1024, "requantizers": 2}
    for width, longest in ((1, "loading"), (8, "running")):
        some = config(8, input_width=width, **options)
        schedule = plan(topology, some.machine)
        assert schedule.interval == schedule.tasks[longest]
        check(some, jobs_of(rng, [topology], images=5))


@pytest.mark.parametrize("make", [scrambled, shifted, cascaded])
@pytest.mark.parametrize("width", [2, 8])
def test_wide_inputs_of_other_paths(make, width):
    """Also where fewer are written at once than a word has."""
    some, rng = config(8, input_width=width, max_copies=2), np.random.default_rng(width)
    topologies = [make((32, 16, 4), (64, 32)), make((16, 16, 8), (32, 32)), make((8, 8), (16,))]
    jobs = jobs_of(rng, topologies, images=3)
    for seed in (None, 1):
        check(some, jobs, seed=seed)


def test_one_inference_overlaps_the_next():
    """The next inputs are in before the results of these are, where there is room for both."""
    topology = Topology((32, 16, 16), (512, 128))
    for neurons, ahead in ((64, True), (32, False)):
        some = config(8, max_neurons=neurons)
        assert plan(topology, some.machine).overlap == ahead
        run = check(some, jobs_of(np.random.default_rng(1), [topology], images=4))
        ends = [run.written[32 * (image + 1) - 1] for image in range(4)]
        assert [run.inputs[image + 1][-1] < ends[image] for image in range(3)] == [ahead] * 3


def test_results_wait_for_the_reader():
    """The last junction of the next image begins when the logits have left, however late."""
    topology, some = Topology((16, 16, 16), (64, 64)), config(4, max_outputs=16)
    (model, images), *_ = jobs_of(np.random.default_rng(2), [topology], images=3)
    expected, dut = engine.infer(model, images).ravel().tolist(), PathEngine(some)
    got, results = [], []

    async def feed(ctx):
        port, numbers = flat(dut.write, image_bytes(some, model))
        taken = await put(ctx, port, numbers)
        await put(ctx, dut.i, some.inputs(images), start=taken[-1] + 1)

    async def collect(ctx):
        for _ in range(48):
            await ctx.tick().until(dut.o.valid)
            for _ in range(20):
                results.append(ctx.get(dut.probe.result))
                await ctx.tick()
            got.append(ctx.get(dut.o.payload.data))
            ctx.set(dut.o.ready, 1)
            results.append(ctx.get(dut.probe.result))
            await ctx.tick()
            ctx.set(dut.o.ready, 0)

    simulate(dut, feed, collect)
    assert got == expected
    assert sum(results) == 0  # none is written while results are to be read


@pytest.mark.parametrize(("lanes", "width"), [(1, 1), (4, 1), (4, 4)])
def test_the_smallest(lanes, width):
    """Layers of one neuron a lane: no step, no row and no column to count; a single word."""
    sizes = dict.fromkeys(("max_neurons", "bias_neurons", "max_outputs"), 2 * lanes)
    config = EngineConfig(lanes=lanes, input_width=width, weight_words=2, program_words=32, **sizes)
    rng = np.random.default_rng(lanes)
    topologies = [
        Topology((lanes, lanes), (lanes,)),
        Topology((2 * lanes, lanes), (2 * lanes,)),
        Topology((lanes, 2 * lanes), (2 * lanes,)),
    ]
    if lanes == 1:  # the program has room for one more junction
        topologies.append(Topology((1, 1, 1), (1, 1)))
    for topology in topologies:
        check(config, jobs_of(rng, [topology], images=3))


def test_the_largest():
    """Every weight, bias and output that there is room for, all neurons, the largest fan-in."""
    config = EngineConfig(
        lanes=4,
        max_neurons=32,
        weight_words=512,
        bias_neurons=64,
        max_outputs=32,
        program_words=64,
    )
    topology = Topology((32, 32, 32), (1024, 1024))
    jobs = jobs_of(np.random.default_rng(2), [topology])
    assert config.image(jobs[0][0]).weights.shape == (512, 4)
    check(config, jobs)


def test_a_full_program():
    config = EngineConfig(
        lanes=2,
        max_neurons=8,
        weight_words=8,
        bias_neurons=16,
        max_outputs=4,
        program_words=32,
    )
    jobs = jobs_of(np.random.default_rng(3), [Topology((8, 4, 4, 4), (8, 4, 4))])
    assert config.image(jobs[0][0]).program.size == 32
    check(config, jobs)


@pytest.mark.parametrize("requantizers", [1, 2, 8])
def test_one_path_a_neuron(requantizers):
    """Rows of one step each: the requantizers are what limits, and never lose a row."""
    topology = Topology((64, 64, 64, 64), (64, 64, 128))
    options = {"max_neurons": 64, "bias_neurons": 256, "max_outputs": 64}
    some = config(8, requantizers=requantizers, **options)
    check(some, jobs_of(np.random.default_rng(4), [topology]))


@pytest.mark.parametrize(("weight", "sign"), [(-128, -1), (-128, 1), (127, 1), (127, -1)])
def test_extremes(weight, sign):
    """The largest sums of the widest layers, with the largest biases."""
    topologies = [Topology((32, 16), (512,)), Topology((32, 32, 16), (1024, 512))]
    images = np.array([[0] * 32, [255] * 32], np.uint8)
    jobs = [(extreme_model(topology, weight, sign), images) for topology in topologies]
    run = check(config(8), jobs)
    assert run.logits[16] == (32 * 255 * weight + sign * 2**29, False)


async def infer(ctx, dut, image, cycles):
    """Offer an image and take logits for some cycles, or until the last one; the logits."""
    fed, logits = 0, []
    ctx.set(dut.o.ready, 1)
    for _ in range(cycles):
        ctx.set(dut.i.valid, fed < len(image))
        ctx.set(dut.i.payload, int(image[fed]) if fed < len(image) else 0)
        _, _, taken, valid, o = await ctx.tick().sample(dut.i.ready, dut.o.valid, dut.o.payload)
        fed += taken and fed < len(image)
        if valid:
            logits.append(o.data)
            if o.last:
                break
    ctx.set(dut.i.valid, 0)
    return logits


@pytest.mark.parametrize("config", [CONFIGS[3], CONFIGS[4], CONFIGS[17]], ids=name)
def test_reset_at_any_time(config):
    """After a reset the engine is idle, knows its network, and infers as if nothing had been.

    In every cycle of an inference. What is in the pipelines is gone: no write, no logit follows.
    (Flip-flops that only say that operands are there need no reset: where no row ends they change
    accumulators alone, which the next row's first product clears.)
    """
    rng = np.random.default_rng(6)
    topology = Topology((8, 8, 8), (16, 16))
    model, images = random_model(rng, topology), random_images(rng, topology, 2)
    expected = engine.infer(model, images).tolist()
    dut, reset, done = PathEngine(config), Signal(), []

    async def bench(ctx):
        port, numbers = flat(dut.write, image_bytes(config, model))
        await put(ctx, port, numbers)
        begun = []
        while len(begun) < 8:  # the last reset comes after the end
            begun = await infer(ctx, dut, config.inputs(images[:1]), len(done))
            assert begun == expected[0][: len(begun)]
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            for _ in range(len(done) % 2 * 9):  # every other time inputs come at once
                _, _, *state = await ctx.tick().sample(
                    dut.busy, dut.o.valid, dut.probe.activation, dut.probe.result
                )
                assert not any(state)
            assert not ctx.get(dut.busy)
            assert not ctx.get(dut.o.valid)
            done.append(await infer(ctx, dut, config.inputs(images[1:]), 1000))
            assert done[-1] == expected[1]

    simulate(ResetInserter(reset)(dut), bench)
    assert len(done) > 8 + plan(topology, config.machine).latency


@pytest.mark.parametrize("config", [CONFIGS[3], CONFIGS[8], CONFIGS[19]], ids=name)
def test_reset_and_reload_after_garbage(config):
    """Any bytes as a network: the engine may stay busy for good, until a reset.

    After that a whole network runs as ever, whatever the memories had.
    """
    rng, stuck = np.random.default_rng([9, config.lanes, config.images]), 0
    topology = Topology((2 * config.lanes, config.lanes), (2 * config.lanes,))
    model, images = random_model(rng, topology), random_images(rng, topology, config.images)
    expected, items = engine.infer(model, images).ravel().tolist(), image_bytes(config, model)
    dut, reset = PathEngine(config), Signal()
    space = Space.PROGRAM
    program = [{"space": space, "address": n, "data": 0} for n in range(2 * config.program_words)]

    async def bench(ctx):
        nonlocal stuck
        for _ in range(6):
            garbage = [{**item, "data": int(rng.integers(256))} for item in [*items, *program]]
            port, numbers = flat(dut.write, garbage)
            await put(ctx, port, numbers)
            await infer(ctx, dut, rng.integers(0, 256, 1000).tolist(), 1000)
            stuck += ctx.get(dut.busy)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            port, numbers = flat(dut.write, items)
            assert await put(ctx, port, numbers) == list(range(len(items)))
            got = await infer(ctx, dut, config.inputs(images), 1000)
            assert got == expected

    simulate(ResetInserter(reset)(dut), bench)
    assert stuck > 0


def test_bytes_go_before_inputs():
    """Where bytes and inputs are offered together, the network is whole before it runs."""
    rng, some = np.random.default_rng(7), config(4)
    jobs = jobs_of(rng, [Topology((16, 8), (32,)), Topology((8, 8), (64,))], images=1)
    expected = [engine.infer(*job)[0].tolist() for job in jobs]
    dut, got, halted = PathEngine(some), [], []

    async def write(ctx):
        cycle = 0
        for model, _ in jobs:
            port, numbers = flat(dut.write, image_bytes(some, model))
            taken = await put(ctx, port, numbers, start=cycle)
            halted.append([taken[0] - cycle, taken[-1] - taken[0] + 1 - len(taken)])
            cycle = taken[-1] + 1
            while not ctx.get(dut.busy):  # the inputs have been waiting for this
                await ctx.tick()
                cycle += 1

    async def run(ctx):
        for _, images in jobs:
            got.append(await infer(ctx, dut, images[0], 2000))

    simulate(dut, write, run)
    assert got == expected
    assert halted[0] == [0, 0]
    assert halted[1][0] > 50  # the second network waited for the first one's end,
    assert halted[1][1] == 0  # and from then on nothing came between its bytes


@pytest.mark.parametrize("last", [Space.WEIGHTS, Space.PROGRAM])
@pytest.mark.parametrize("delay", range(8))
def test_no_inference_begins_beside_a_byte(delay, last):
    """An input is offered, and some cycles later another network's bytes, the last one of a kind.

    Either the inference has begun and the bytes wait for its end, or it begins after the last of
    them: never with some of them written. What begins reads the first word of the program at once.
    """
    rng, some = np.random.default_rng(delay), config(4)
    jobs = jobs_of(rng, [Topology((16, 8), (32,)), Topology((8, 8), (64,))], images=1)
    begun = delay > 2
    expected = [engine.infer(*job)[0].tolist() for job in (jobs if begun else jobs[1:])]
    dut, got, taken, offer = PathEngine(some), [], [], 1000

    async def write(ctx):
        port, old = flat(dut.write, image_bytes(some, jobs[0][0]))
        cycle = (await put(ctx, port, old))[-1] + 1
        await ctx.tick().repeat(offer + delay - cycle)
        backward = image_bytes(some, jobs[1][0])[::-1]
        port, new = flat(dut.write, sorted(backward, key=lambda item: item["space"] == last))
        taken.extend(await put(ctx, port, new, start=offer + delay))

    async def run(ctx):
        await ctx.tick().repeat(offer)
        for _, images in jobs if begun else jobs[1:]:
            got.append(await infer(ctx, dut, images[0], 2000))

    simulate(dut, write, run)
    assert (taken[0] > offer + delay) == begun
    assert taken == list(range(taken[0], taken[0] + len(taken)))  # nothing comes between them
    assert got == expected


@pytest.mark.parametrize("delay", range(-6, 3))
def test_an_inference_sees_a_byte_that_came_alone(delay):
    """The byte that mends the program comes beside the input: what begins reads it anew."""
    rng, some = np.random.default_rng(7), config(4)
    (model, images), *_ = jobs_of(rng, [Topology((16, 8), (32,))], images=1)
    dut, items, offer, got = PathEngine(some), image_bytes(some, model), 500, []
    first = next(item for item in items if item["space"] == Space.PROGRAM)
    assert first["address"] == 0  # where the block of the inputs begins

    async def write(ctx):
        port, numbers = flat(dut.write, [*items, {**first, "data": first["data"] ^ 15}, first])
        cycle = (await put(ctx, port, numbers[:-1]))[-1] + 1
        await ctx.tick().repeat(offer + delay - cycle)
        assert await put(ctx, port, numbers[-1:], start=offer + delay) == [offer + delay]

    async def run(ctx):
        await ctx.tick().repeat(offer)
        got.extend(await infer(ctx, dut, images[0], 2000))

    simulate(dut, write, run)
    assert got == engine.infer(model, images)[0].tolist()


def test_every_logit_waits():
    """While nobody takes it a logit stands, the last one too, and no byte is taken."""
    rng, some = np.random.default_rng(8), config(2)
    (model, images), *_ = jobs_of(rng, [Topology((8, 4), (16,))])
    expected, dut, held = engine.infer(model, images)[1].tolist(), PathEngine(some), []

    async def bench(ctx):
        port, numbers = flat(dut.write, image_bytes(some, model))
        await put(ctx, port, numbers)
        await put(ctx, dut.i, images[1].tolist())
        for neuron, logit in enumerate(expected):
            await ctx.tick().until(dut.o.valid)
            for _ in range(30):
                _, _, o, *state = await ctx.tick().sample(
                    dut.o.payload, dut.o.valid, dut.busy, dut.write.ready, dut.probe.result
                )
                assert (o.data, o.last) == (logit, neuron == 3)
                assert state == [1, 1, 0, 0]
            ctx.set(dut.o.ready, 1)
            await ctx.tick()
            ctx.set(dut.o.ready, 0)
            held.append(logit)
        await ctx.tick()
        assert not ctx.get(dut.o.valid)
        assert not ctx.get(dut.busy)

    simulate(dut, bench)
    assert held == expected
