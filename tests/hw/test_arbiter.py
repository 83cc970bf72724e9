"""The write arbiter against what the activation memory is to hold after each cycle."""

import random

import numpy as np
import pytest

from sobolpath.hw.arbiter import WriteArbiter
from sobolpath.hw.config import EngineConfig
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)


def make(lanes, images, requantizers):
    return EngineConfig(
        lanes=lanes,
        images=images,
        requantizers=requantizers,
        max_neurons=max(16, 2 * lanes),
        weight_words=64,
        bias_neurons=64,
        max_outputs=max(16, 2 * lanes),
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("lanes", "images", "requantizers"),
    [(1, 1, 1), (8, 1, 1), (8, 1, 8), (4, 2, 2), (4, 4, 2), (2, 2, 4), (32, 1, 4)],
)
def test_one_write_per_cycle(lanes, images, requantizers, seed):
    """A group goes first; an input goes to all images of its lanes, where no group does."""
    print("seed", seed)
    config, rng, taken = make(lanes, images, requantizers), random.Random(seed), {0: 0, 1: 0}
    dut, number = WriteArbiter(config), np.arange(config.values)

    async def bench(ctx):
        for _ in range(300):
            write, activation = rng.randrange(2), rng.randrange(2)
            place = rng.randrange(config.rows * config.groups)
            row, lane = rng.randrange(config.rows), rng.randrange(1 << lanes)
            group = np.array([rng.randrange(256) for _ in range(requantizers)])
            inputs = np.array([rng.randrange(256) for _ in range(images)])
            for port, value in (
                (dut.activation, activation),
                (dut.place, place),
                (dut.activations, group.tolist()),
                (dut.write, write),
                (dut.row, row),
                (dut.chosen, lane),
                (dut.data, int.from_bytes(bytes(inputs.tolist()), "little")),
            ):
                ctx.set(port, value)
            o = ctx.get(dut.o)
            assert ctx.get(dut.slot) == 1 - activation
            assert o.enable == (write or activation)
            if activation:
                where, chosen = place // config.groups, number // requantizers
                chosen = chosen == place % config.groups
                expected = group[number % requantizers]
            else:
                where, chosen = row, lane >> number // images & 1 == 1
                expected = inputs[number % images]
            if o.enable:
                assert o.row == where
                assert (o.values >> number & 1 == 1).tolist() == chosen.tolist()
                got = np.array(list(o.data))[number % config.store_values]
                assert got[chosen].tolist() == expected[chosen].tolist()
                taken[activation] += 1
            await ctx.tick()

    simulate(dut, bench)
    assert min(taken.values()) > 50
