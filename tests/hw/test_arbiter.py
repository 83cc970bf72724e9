"""The write arbiter against what the activation memory is to hold after each cycle."""

import random

import numpy as np
import pytest

from sobolpath.hw.arbiter import WriteArbiter
from sobolpath.hw.config import EngineConfig
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)


def make(lanes, images, requantizers, width):
    return EngineConfig(
        lanes=lanes,
        input_width=width,
        images=images,
        requantizers=requantizers,
        max_neurons=max(16, 2 * lanes),
        weight_words=64,
        bias_neurons=64,
        max_outputs=max(16, 2 * lanes),
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("lanes", "images", "requantizers", "width"),
    [
        *((1, 1, 1, 1), (8, 1, 1, 1), (8, 1, 8, 1), (4, 2, 2, 1), (4, 4, 2, 1), (2, 2, 4, 1)),
        *((32, 1, 4, 1), (2, 1, 1, 2), (8, 1, 1, 8), (8, 1, 8, 2), (4, 2, 2, 2), (16, 2, 4, 8)),
    ],
)
def test_one_write_per_cycle(lanes, images, requantizers, width, seed):
    """A group goes first, to one row; inputs go to their lanes' rows, where no group does."""
    print("seed", seed)
    config, rng, taken = make(lanes, images, requantizers, width), random.Random(seed), {0: 0, 1: 0}
    dut, number = WriteArbiter(config), np.arange(config.values)

    async def bench(ctx):
        for _ in range(300):
            write, activation = rng.randrange(2), rng.randrange(2)
            place = rng.randrange(config.rows * config.groups)
            rows, lane = rng.choices(range(config.rows), k=width), rng.randrange(1 << lanes)
            group = np.array([rng.randrange(256) for _ in range(requantizers)])
            inputs = np.array([rng.randrange(256) for _ in range(width * images)])
            for port, value in (
                (dut.activation, activation),
                (dut.place, place),
                (dut.activations, group.tolist()),
                (dut.write, write),
                (dut.row, sum(row << config.row_bits * n for n, row in enumerate(rows))),
                (dut.chosen, lane),
                (dut.data, int.from_bytes(bytes(inputs.tolist()), "little")),
            ):
                ctx.set(port, value)
            o = ctx.get(dut.o)
            assert ctx.get(dut.slot) == 1 - activation
            assert o.enable == (write or activation)
            if activation:
                where, chosen = [place // config.groups] * width, number // requantizers
                chosen = chosen == place % config.groups
                expected = group[number % requantizers]
            else:
                where, chosen = rows, lane >> number // images & 1 == 1
                expected = inputs[number % (width * images)]
            if o.enable:
                assert o.row == sum(row << config.row_bits * n for n, row in enumerate(where))
                assert (o.values >> number & 1 == 1).tolist() == chosen.tolist()
                got = np.array(list(o.data))[number % config.store_values]
                assert got[chosen].tolist() == expected[chosen].tolist()
                taken[activation] += 1
            await ctx.tick()

    simulate(dut, bench)
    assert min(taken.values()) > 50
