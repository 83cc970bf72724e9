"""No memory is read where it is written in the same cycle, and no lane waits for a weight.

``boards.ice40.SYNTHESIS`` rests on the first: what such a read gives is left to the device.
"""

import numpy as np
import pytest
from networks import compare, random_images, random_model, random_topology, run_engine

from hw.config import EngineConfig
from hw.engine import PathEngine

pytestmark = pytest.mark.timeout(120)

SIZES = {"max_neurons": 32, "bias_neurons": 128, "max_outputs": 32, "program_words": 128}
CONFIGS = [
    EngineConfig(lanes=1, weight_words=2048, **SIZES),
    EngineConfig(lanes=4, weight_words=512, requantizers=4, **SIZES),
    EngineConfig(lanes=8, weight_words=256, crossbar_registers=(1,), **SIZES),
    EngineConfig(lanes=8, weight_words=256, memory_register=True, requantizers=2, **SIZES),
]


def watch(dut, counts):
    """Counts the accesses of each memory, and fails where two of them collide."""
    activations, biases, results = dut.activations, dut.biases, dut.results
    program = dut.sequencer._program

    async def bench(ctx):
        async for _, _, *now in ctx.tick().sample(
            *(activations.write, activations.write_row, activations.read_row),
            *(biases.write.valid, biases.advance),
            *(results.write, results.read.valid),
            *(program.write.valid, program.advance),
            *(dut.mac.valid, dut.weights.o.valid),
        ):
            write, write_row, read_row, *pairs, operands, weights = now
            assert not (write and write_row == read_row), "an activation's row is read and written"
            for name, a, b in zip(counts, pairs[::2], pairs[1::2], strict=True):
                assert not (a and b), f"{name}: read and written"
                counts[name] += np.array([a, b])
            assert weights or not operands, "the lanes' operands are there, but no weights"

    return bench


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}-{c.requantizers}")
@pytest.mark.parametrize("seed", [None, 5])
def test_no_access_collides(config, seed):
    print(f"seed {seed}")
    rng = np.random.default_rng(seed or 3)
    jobs = []
    for junctions in (1, 3):
        topology = random_topology(rng, config, junctions=junctions, paths=1024)
        jobs.append((random_model(rng, topology), random_images(rng, topology, 2)))
    dut, counts = PathEngine(config), dict.fromkeys(("biases", "results", "program"), 0)
    compare(config, jobs, run_engine(dut, jobs, seed=seed, background=[watch(dut, counts)]))
    for name, (writes, reads) in counts.items():
        assert writes > 0, name
        assert reads > 0, name
