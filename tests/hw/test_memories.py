"""What no memory of a running engine sees: a read that counts where it is written in that cycle.

``boards.families.ice40.SYNTHESIS`` rests on it: what such a read gives is left to the device. The
activation memory is read in every cycle, at the row of the last step offered; only the rows of
issued steps reach a sum, so only those count. The watch runs beside random networks that load,
run, write and read at the same time.
"""

from collections import Counter

import numpy as np
import pytest
from amaranth.hdl import Cat

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import EngineConfig
from sobolpath.hw.engine import PathEngine
from tests.support.networks import (
    compare,
    image_bytes,
    random_images,
    random_model,
    random_topology,
    run_engine,
)
from tests.support.streams import get, put, simulate, wait

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SIZES = {"max_neurons": 32, "bias_neurons": 128, "max_outputs": 32, "program_words": 128}
CONFIGS = {
    "one-lane": EngineConfig(lanes=1, weight_words=2048, **SIZES),
    "rows-at-once": EngineConfig(lanes=4, weight_words=512, requantizers=4, **SIZES),
    "crossbar": EngineConfig(lanes=8, weight_words=256, crossbar_registers=(1,), **SIZES),
    "memories": EngineConfig(
        lanes=8, weight_words=256, memory_register=True, requantizers=2, **SIZES
    ),
    "images": EngineConfig(
        lanes=4, images=2, weight_words=512, product_register=True, requantizers=2, **SIZES
    ),
}


#: What must never happen in the same cycle.
CLASHES = [
    ("issued", "same_row"),
    ("bias_write", "bias_advance"),
    ("bias_write", "bias_rewind"),
    ("bias_advance", "bias_rewind"),
    ("result_write", "result_read"),
    ("weight_write", "weight_advance"),
    ("weight_write", "weight_rewind"),
    ("weight_advance", "weight_rewind"),
    ("program_write", "reading"),
    *((f"{walker}_go", f"{walker}_busy") for walker in ("load", "run", "read")),
]


def events_of(dut):
    """What may happen in a cycle, by name: a bit each."""
    control, lanes, biases = dut.control, dut.lanes, dut.drain.biases
    memory, issuer, weights = lanes.activations, control.issuer, lanes.weights
    walkers = {"load": control.load, "run": control.run, "read": control.read}
    return {
        "issued": issuer.valid,
        "written": memory.write,
        "same_row": memory.write & (memory.write_row == memory.read_row),
        "loaded": dut.loader.write & dut.loader.slot,
        "bias_write": biases.write.valid,
        "bias_advance": biases.advance,
        "bias_rewind": biases.rewind,
        "result_write": dut.results.write,
        "result_read": dut.results.read.valid,
        "weight_write": weights.write.valid,
        "weight_advance": weights.advance,
        "weight_rewind": weights.rewind,
        "operands": lanes.mac.tag.valid,
        "program_write": control.program.write.valid,
        "reading": ~(control.load.idle & control.run.idle & control.read.idle),
        "going": control.load.go | control.run.go | control.read.go,
        **{f"{name}_go": walker.go for name, walker in walkers.items()},
        **{f"{name}_busy": ~walker.idle for name, walker in walkers.items()},
    }


class Watch:
    """Counts what happens, and fails where a rule is broken."""

    def __init__(self, dut):
        self._dut, self._events, self._seen = dut, events_of(dut), Counter()
        self._bits = {name: 1 << number for number, name in enumerate(self._events)}

    def count(self, *names):
        """In how many cycles all of these happened."""
        mask = sum(self._bits[name] for name in names)
        return sum(count for bits, count in self._seen.items() if bits & mask == mask)

    async def bench(self, ctx):
        events, bits = self._events, self._bits
        clash = Cat(events[first] & events[second] for first, second in CLASHES)
        fresh, rewound, advances, cycle = False, False, [0] * self._dut.lanes.weights.latency, 0
        async for _, _, now, broken in ctx.tick().sample(Cat(events.values()), clash):
            names = [pair for number, pair in enumerate(CLASHES) if broken >> number & 1]
            assert not names, f"cycle {cycle}: {names} together"
            happens = {name: now & bits[name] > 0 for name in STATEFUL}
            # A walker that is idle reads its pointer in every cycle, and goes with what it read.
            stale = happens["going"] and (fresh or happens["program_write"])
            assert not stale, f"cycle {cycle}: a pointer is used that is being written"
            fresh = happens["program_write"]
            rewound = (rewound or happens["weight_rewind"]) and not happens["weight_write"]
            assert rewound or not happens["weight_advance"], f"cycle {cycle}: no rewind"
            assert happens["operands"] == advances.pop(0), f"cycle {cycle}: no weights"
            advances.append(happens["weight_advance"])
            self._seen[now] += 1
            cycle += 1


#: What is followed from cycle to cycle.
STATEFUL = ("program_write", "going", "weight_write", "weight_rewind", "weight_advance", "operands")


def run(config, topologies, rng, seed, images):
    """Run networks of these topologies on an engine that is watched; compares all; the watch."""
    jobs = [
        (random_model(rng, topology), random_images(rng, topology, images * config.images))
        for topology in topologies
    ]
    dut = PathEngine(config)
    watch = Watch(dut)
    compare(config, jobs, run_engine(dut, jobs, seed=seed, background=[watch.bench]))
    for name in events_of(dut).keys() - {"same_row"}:
        assert watch.count(name) > 0, f"{name} never happened"
    return watch


@pytest.mark.parametrize(("name", "seed"), [*zip(CONFIGS, (None, 1, None, 2, 3), strict=True)])
def test_no_access_collides(name, seed):
    print(f"seed {seed}")
    config, rng, topologies = CONFIGS[name], np.random.default_rng(seed or 3), []
    while len(topologies) < 2:  # with inputs enough to be loaded while another inference runs
        topology = random_topology(rng, config, junctions=2 + len(topologies), paths=512)
        if topology.layers[0] >= 8 and plan(topology, config.machine).overlap:
            topologies.append(topology)
    watch = run(config, topologies, rng, seed, images=3)
    assert watch.count("issued", "loaded") > 5
    assert watch.count("issued", "written") > watch.count("issued", "loaded")


@pytest.mark.parametrize("name", ["crossbar", "images"])
def test_no_access_collides_where_rows_are_written_just_in_time(name):
    """Few rows: junctions wait for the last row of the one before, to the cycle.

    The last topology has no room for the next inputs, so its loads wait for the end of a run.
    """
    config, rng = CONFIGS[name], np.random.default_rng(1)
    topologies = [
        Topology((8, 8, 8, 8), (8, 8, 8)),
        Topology((16, 16, 8, 16), (16, 16, 16)),
        Topology((32, 32, 32, 16), (64, 32, 32)),
    ]
    schedules = [plan(topology, config.machine) for topology in topologies]
    assert [schedule.overlap for schedule in schedules] == [True, True, False]
    assert any(max(schedule.waits[1:]) > 0 for schedule in schedules)
    watch = run(config, topologies, rng, None, images=2)
    assert watch.count("issued", "written") > 0


@pytest.mark.parametrize("late", [0, 1])
def test_a_byte_that_is_taken_counts_for_the_inference_that_follows(late):
    """The loader's pointer is put right when an input has just been taken ahead."""
    config, rng = CONFIGS["rows-at-once"], np.random.default_rng(1)
    topology = Topology((8, 8), (16,))
    model, images = random_model(rng, topology), random_images(rng, topology, 2)
    image, dut, logits = images[1].tolist(), PathEngine(config), []
    items = image_bytes(config, model)
    right = items.pop(next(n for n, i in enumerate(items) if i["space"] == Space.PROGRAM))
    assert right["address"] == 0

    async def feed(ctx):
        await put(ctx, dut.write, [*items, {**right, "data": right["data"] ^ 1}])
        await wait(ctx, 10)
        assert await put(ctx, dut.i, image[:1]) == [0]
        await wait(ctx, late)
        assert await put(ctx, dut.write, [right]) == [0]
        await put(ctx, dut.i, image[1:])

    async def collect(ctx):
        logits.extend((await get(ctx, dut.o, 8, lambda o: o.data))[0])

    simulate(dut, feed, collect, background=[Watch(dut).bench], limit=3000)
    assert logits == engine.infer(model, images[1:]).ravel().tolist()
