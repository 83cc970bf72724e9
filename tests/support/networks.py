"""Random networks, and a bench that runs them on a path engine and compares everything it does."""

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from amaranth.utils import ceil_log2

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.lanes import places
from sobolpath.golden.machine.model import MAX_BIAS, Model
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.machine.widen import widened_model
from sobolpath.golden.topology.paths import Topology
from tests.support.streams import at_random, get, put, simulate


def make_model(topology, weights, biases, shifts):
    """A model of these integers; its floats are zeros."""
    return Model(
        topology=topology,
        weights=tuple(np.asarray(values, np.int8) for values in weights),
        biases=tuple(np.asarray(values, np.int32) for values in biases),
        shifts=shifts,
        float_weights=tuple(np.zeros(count, np.float32) for count in topology.paths),
        float_biases=tuple(np.zeros(count, np.float32) for count in topology.layers[1:]),
        input_scale=1.0,
        classes=topology.layers[-1],
    )


def random_model(rng, topology):
    """Random weights and biases, with shifts that let the activations use their whole range."""
    fan_ins = [topology.fan_in(junction) for junction in topology.junctions]
    shifts = [fan_in.bit_length() // 2 + 6 for fan_in in fan_ins[:-1]]
    return make_model(
        topology,
        [rng.integers(-128, 128, count) for count in topology.paths],
        [rng.integers(-20000, 20000, count) for count in topology.layers[1:]],
        (*shifts, 0),
    )


def small_digits(folder):
    """The file of a model for digits that fits ``--config tiny``, random weights (seed 5)."""
    path, topology = folder / "small.npz", Topology((64, 16, 16), (64, 32))
    replace(random_model(np.random.default_rng(5), topology), classes=10).save(path)
    return path


def extreme_model(topology, weight, sign):
    """All weights the same, all biases +-2**29, shifts of 24."""
    hidden = len(topology.paths) - 1
    return make_model(
        topology,
        [np.full(count, weight) for count in topology.paths],
        [np.full(count, sign * MAX_BIAS) for count in topology.layers[1:]],
        (24,) * hidden + (0,),
    )


def random_topology(rng, config, *, junctions, paths):
    """A random topology that fits ``config``, with at most ``paths`` paths in all."""
    fewest = [config.lane_bits] * junctions + [config.lane_bits - ceil_log2(config.max_copies)]
    while True:
        layers = [1 << rng.integers(least, config.neuron_bits + 1) for least in fewest]
        pairs = list(pairwise(layers))
        counts = [
            1 << rng.integers(int(max(pair)).bit_length() - 1, int(np.prod(pair)).bit_length())
            for pair in pairs
        ]
        if sum(counts) > paths:
            continue
        topology = Topology(layers, counts, rng.permutation(40)[: junctions + 1])
        try:
            config.image(random_model(rng, topology))
        except InputError:
            continue
        return topology


def random_images(rng, topology, count):
    """``uint8`` (count, n_0): random, but the first is all 0 and the last all 255."""
    images = rng.integers(0, 256, (count, topology.layers[0])).astype(np.uint8)
    images[0], images[-1] = 0, 255
    return images


def rows(topology, layer, lanes, values):
    """The values of a layer's neurons, in natural order along the last axis, by row and lane."""
    result = np.empty_like(values)
    result[..., places(topology, layer, lanes)] = values
    return result


def expected_writes(config, model, images):
    """What the engine writes for the images that share weights, in order: (kind, place, values).

    Places of activations are those of the first half of the activation memory.
    """
    writes, schedule = [], plan(model.topology, config.machine)
    topology, bases = schedule.wide, schedule.bases
    for layer, values in enumerate(engine.layers(widened_model(model, topology), images), 1):
        last = layer == len(topology.paths)
        placed = rows(topology, layer, config.lanes, values).T  # place, image
        first = 0 if last else bases[layer] * config.groups
        kind = "result" if last else "activation"
        groups = placed.reshape(-1, config.requantizers)
        writes += [(kind, first + place, group) for place, group in enumerate(groups.tolist())]
    return writes


def image_bytes(config, model):
    """The bytes of a model as items of the engine's ``write`` stream."""
    return [
        {"space": space, "address": address, "data": byte}
        for space, content in config.image(model).spaces()
        for address, byte in enumerate(content)
    ]


def flat(port, items):
    """A stream whose payload is bits, and its items as integers: quicker to put."""
    fields = dict(port.payload.shape())
    numbers = [sum(value << fields[name].offset for name, value in item.items()) for item in items]
    bits = SimpleNamespace(payload=port.payload.as_value(), valid=port.valid, ready=port.ready)
    return bits, numbers


@dataclass
class Run:
    """What an engine did: per inference the cycles of its inputs, all logits, all writes."""

    inputs: list = field(default_factory=list)
    logits: list = field(default_factory=list)
    departures: list = field(default_factory=list)
    writes: list = field(default_factory=list)
    written: list = field(default_factory=list)  # the cycle of each write


def _values(bits, width, count, signed):
    values = [bits >> width * index & (1 << width) - 1 for index in range(count)]
    return [value - (value >> width - 1 << width) if signed else value for value in values]


def watch(dut, run):
    """A background bench that records the writes of the probe, and checks ``busy``."""
    probe, width = dut.probe, dut.config.requantizers

    async def bench(ctx):
        cycle = 0
        async for _, _, busy, ready, activation, result, *values in ctx.tick().sample(
            dut.busy,
            dut.write.ready,
            probe.activation,
            probe.result,
            probe.activation_place,
            probe.activations.as_value(),
            probe.result_place,
            probe.sums.as_value(),
        ):
            assert ready == (not busy), f"cycle {cycle}: bytes are taken while idle only"
            if activation:
                items = _values(values[1], 8, width, False)
                run.writes.append(("activation", values[0], items))
            if result:
                run.writes.append(("result", values[2], _values(values[3], 32, width, True)))
            run.written += [cycle] * (activation + result)
            cycle += 1

    return bench


def run_engine(dut, jobs, *, seed=None, chance=0.3, background=()):
    """Write the network of every job (model, images) and run its images; a :class:`Run`.

    The next network's bytes are offered as soon as the last input before is taken, so they wait;
    but where a single word is all of an inference's inputs, when the engine is done: it is taken
    before the inference begins, and would be for the next network.
    With a ``seed`` all three streams stall at random. ``background`` are more benches.
    """
    run, outputs = Run(), sum(images.shape[0] * m.topology.layers[-1] for m, images in jobs)

    def stalls(name):
        return None if seed is None else at_random(random.Random(f"{seed} {name}"), chance)

    async def feed(ctx):
        cycle = 0
        for model, images in jobs:
            port, numbers = flat(dut.write, image_bytes(dut.config, model))
            taken = await put(ctx, port, numbers, stalls=stalls("write"), start=cycle)
            width = model.topology.layers[0] // dut.config.input_width
            inputs = dut.config.inputs(images)
            for first in range(0, len(inputs), width):
                items, start = inputs[first : first + width], taken[-1] + 1
                taken = await put(ctx, dut.i, items, stalls=stalls("i"), start=start)
                run.inputs.append(taken)
            cycle = taken[-1] + 1
            if width == 1:
                cycle += await settle(ctx, dut)

    async def collect(ctx):
        run.logits, run.departures = await get(
            ctx, dut.o, outputs, lambda o: (o.data, o.last), stalls=stalls("o")
        )
        ctx.set(dut.o.ready, 1)
        await ctx.tick()  # busy for one more cycle
        for _ in range(20):
            _, _, valid, busy = await ctx.tick().sample(dut.o.valid, dut.busy)
            assert not valid
            assert not busy

    simulate(dut, feed, collect, background=[watch(dut, run), *background], limit=30_000)
    return run


async def settle(ctx, dut, quiet=10):
    """Wait until the engine was not busy for ``quiet`` cycles; how many passed."""
    cycles = idle = 0
    while idle < quiet:
        _, _, busy = await ctx.tick().sample(dut.busy)
        idle, cycles = 0 if busy else idle + 1, cycles + 1
    return cycles


def compare(config, jobs, run):
    """Assert that a run did what the golden model says: logits and every write.

    Returns the cycle of every inference's last write.
    """
    logits, writes, ends, runs = [], [], [], 0
    for model, images in jobs:
        for start in range(0, len(images), config.images):
            some = images[start : start + config.images]
            outputs = engine.infer(model, some).ravel().tolist()
            logits += [(value, False) for value in outputs[:-1]] + [(outputs[-1], True)]
            half = config.rows // 2 * config.groups * (runs % 2)  # inferences take turns
            writes += [
                (kind, place ^ half if kind == "activation" else place, values)
                for kind, place, values in expected_writes(config, model, some)
            ]
            ends.append(len(writes) - 1)
            runs += 1
    assert run.logits == logits
    for kind in ("activation", "result"):  # the last activations may come beside the first results
        assert [w for w in run.writes if w[0] == kind] == [w for w in writes if w[0] == kind]
    assert len(run.writes) == len(writes)
    assert len(run.inputs) == len(ends)
    return [run.written[end] for end in ends]


def compare_cycles(config, jobs, run):
    """Assert the cycles of a run without stalls; returns how many inferences were compared."""
    ends, inputs, compared = compare(config, jobs, run), list(run.inputs), 0
    for model, images in jobs:
        schedule, before = plan(model.topology, config.machine), None
        for number in range(len(images) // config.images):
            end, last = ends.pop(0), inputs.pop(0)[-1]
            if number == 0:
                assert end - last == schedule.latency, model.topology
            elif number > 1:  # the second one's inputs came as early as could be
                assert end - before == schedule.interval, model.topology
            before, compared = end, compared + 1
    return compared
