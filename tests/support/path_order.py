"""A bench that runs networks on a path-order engine, forwards and backwards."""

import random
from dataclasses import dataclass, field

import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.path_order import backward, image
from sobolpath.golden.path_order.schedule import plan
from tests.support.networks import flat
from tests.support.streams import at_random, get, put, simulate


def byte_writes(config, model, shifts=None):
    """The bytes of a network as items of the engine's ``write`` stream.

    With ``shifts`` followed by those that turn it round, for errors.
    """
    writes = [(space, 0, content) for space, content in config.image(model).spaces()]
    if shifts is not None:
        writes += image.turned(model, config.machine, shifts)
    return items(writes)


def items(writes):
    """Writes, (space, address, bytes), byte by byte."""
    return [
        {"space": space, "address": first + place, "data": byte}
        for space, first, content in writes
        for place, byte in enumerate(content)
    ]


def expected(model, values, shifts=None):
    """What every layer must come to, layer after layer, inputs and then sums: a list of arrays."""
    if shifts is None:
        return engine.layers(model, values)
    return backward.layers(model, values, shifts)


@dataclass
class Run:
    """What an engine did: inputs' cycles, sums, what the sweep wrote and when."""

    inputs: list = field(default_factory=list)
    sums: list = field(default_factory=list)
    writes: list = field(default_factory=list)
    results: list = field(default_factory=list)  # cycles


def run(dut, jobs, *, seed=None, chance=0.3):
    """Run jobs, each (writes, inputs, outputs): the writes, then the inputs of every inference.

    ``inputs`` : a list of words each. With a ``seed`` all three streams stall at random. Returns a
    :class:`Run`.
    """
    record = Run()
    outputs = sum(len(inputs) * count for _, inputs, count in jobs)

    def stalls(name):
        return None if seed is None else at_random(random.Random(f"{seed} {name}"), chance)

    async def feed(ctx):
        cycle = 0
        for writes, inputs, _ in jobs:
            port, numbers = flat(dut.write, writes)
            taken = await put(ctx, port, numbers, stalls=stalls("write"), start=cycle)
            for own in inputs:
                taken = await put(ctx, dut.i, own, stalls=stalls("i"), start=taken[-1] + 1)
                record.inputs.append(taken)
            cycle = taken[-1] + 1

    async def collect(ctx):
        record.sums, _ = await get(
            ctx, dut.o, outputs, lambda o: (o.data, o.last), stalls=stalls("o")
        )
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        for _ in range(20):
            _, _, valid, busy = await ctx.tick().sample(dut.o.valid, dut.busy)
            assert not valid
            assert not busy

    async def watch(ctx):
        cycle, probe = 0, dut.probe
        async for _, _, busy, ready, activation, result, *values in ctx.tick().sample(
            *(dut.busy, dut.write.ready, probe.activation, probe.result),
            *(probe.activation_place, probe.activations[0]),
            *(probe.result_place, probe.sums[0]),
        ):
            assert ready == (not busy), f"cycle {cycle}: bytes are taken while idle only"
            assert busy or not (activation or result), f"cycle {cycle}: an idle engine must rest"
            if activation:
                record.writes.append((False, values[0], values[1]))
            if result:
                record.writes.append((True, values[2], values[3]))
                record.results.append(cycle)
            cycle += 1

    simulate(dut, feed, collect, background=[watch], limit=60_000)
    return record


def job(config, model, values, shifts=None):
    """A job of :func:`run`."""
    layer = -1 if shifts is None else 0
    inputs = [config.inputs(own) for own in values]
    return byte_writes(config, model, shifts), inputs, model.topology.layers[layer]


def compare(networks, record):
    """Assert that every activation, error and sum is the golden one, in natural order.

    ``networks`` : (model, values, shifts) of every job. Returns the last result's cycle of each
    inference.
    """
    writes, sums, ends = [], [], []
    for model, values, shifts in networks:
        layers = expected(model, values, shifts)
        for number in range(len(values)):
            for place, layer in enumerate(layers):
                last = place == len(layers) - 1
                own = layer[number].tolist()
                writes += [(last, neuron, value) for neuron, value in enumerate(own)]
            sums += [(value, neuron == len(own) - 1) for neuron, value in enumerate(own)]
            ends.append(sum(write[0] for write in writes) - 1)
    assert record.sums == sums
    assert record.writes == writes
    return [record.results[end] for end in ends]


def compare_cycles(config, networks, record, room=None):
    """Assert the cycles of a run without stalls, forwards; how many inferences were compared."""
    ends, inputs, compared = compare(networks, record), list(record.inputs), 0
    for model, values, _ in networks:
        schedule, before = plan(model.topology, config.machine, room), None
        for number in range(len(values)):
            end, last = ends.pop(0), inputs.pop(0)[-1]
            if number == 0:
                assert end - last == schedule.latency, model.topology
            else:
                assert end - before == schedule.interval, model.topology
            before, compared = end, compared + 1
    return compared


def random_errors(rng, topology, count):
    """``int16`` (count, n_L): random over the whole range."""
    return rng.integers(-(2**15), 2**15, (count, topology.layers[-1])).astype(np.int16)
