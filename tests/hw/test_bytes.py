"""The byte router: each byte to its space a cycle later, and no inference beside it."""

import random

import pytest

from sobolpath.golden.machine.image import Space
from sobolpath.hw.bytes import ByteRouter
from sobolpath.hw.config import EngineConfig
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)

SIZES = {"lanes": 4, "max_neurons": 16, "max_outputs": 16, "program_words": 16}
#: The largest space is that of the weights, of the biases.
CONFIGS = [
    EngineConfig(weight_words=256, bias_neurons=16, **SIZES),
    EngineConfig(weight_words=2, bias_neurons=64, **SIZES),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("config", CONFIGS, ids=["weights", "biases"])
def test_every_byte_goes_to_its_space(config, seed):
    """Bytes, inputs and idleness at random, cycle by cycle."""
    print("seed", seed)
    rng, dut, counts = random.Random(seed), ByteRouter(config), dict.fromkeys(Space, 0)
    bits, offers = config.write_bits, 0

    async def bench(ctx):
        nonlocal offers
        before, waited = None, 0  # the byte that was taken a cycle ago; what ``offered`` rests on
        for _ in range(1000):
            valid, idle, waiting = rng.random() < 0.4, rng.random() < 0.7, rng.randrange(2)
            space, address, byte = (
                rng.choice(list(Space)),
                rng.getrandbits(bits),
                rng.randrange(256),
            )
            ctx.set(dut.write.valid, valid)
            ctx.set(dut.write.payload, {"space": space, "address": address, "data": byte})
            ctx.set(dut.idle, idle)
            ctx.set(dut.waiting, waiting)
            assert ctx.get(dut.write.ready) == idle
            for other in Space:
                port = getattr(dut, other.name.lower())
                assert ctx.get(port.valid) == (before is not None and before[0] == other)
                if before is not None and before[0] == other:
                    room = 1 << len(port.payload.address)
                    assert ctx.get(port.payload.address) == before[1] % room
                    assert ctx.get(port.payload.data) == before[2]
                    counts[other] += 1
            offered = waited and not valid and before is None
            assert ctx.get(dut.offered) == offered
            offers += offered
            waited = waiting and before is None
            before = (space, address, byte) if valid and idle else None
            await ctx.tick()

    simulate(dut, bench)
    assert min(counts.values()) > 50
    assert offers > 50
