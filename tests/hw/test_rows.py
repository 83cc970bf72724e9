# amaranth: UnusedElaboratable=no
"""The row pacer: first and last steps, and the distance of rows."""

import random

import pytest

from sobolpath.hw.rows import RowPacer
from tests.support.streams import simulate, wait

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("slow", [0.0, 0.3, 0.8])
@pytest.mark.parametrize(("bits", "groups"), [(1, 1), (4, 1), (4, 8), (3, 64), (15, 2)])
def test_rows(bits, groups, slow):
    """Phases of every fan-in, one after the other, cut off anywhere in a row's wait."""
    dut, rng = RowPacer(fan_in_bits=bits, groups=groups), random.Random(groups)
    fan_ins = [*range(min(bits, 6) + 1)] * 2
    rng.shuffle(fan_ins)
    steps = 0

    async def bench(ctx):
        nonlocal steps
        for fan_in in fan_ins:
            fan = 1 << fan_in
            ctx.set(dut.fan_in, fan_in)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            ctx.set(dut.fan_in, rng.randrange(bits + 1))
            pause = 0  # cycles until the next row may begin
            for step in range(4 * fan):
                while pause or rng.random() < slow:
                    assert ctx.get(dut.free) == (pause == 0)
                    await ctx.tick()
                    pause = max(pause - 1, 0)
                assert ctx.get(dut.free)
                assert ctx.get(dut.first) == (step % fan == 0)
                assert ctx.get(dut.last) == (step % fan == fan - 1)
                ctx.set(dut.step, 1)
                await ctx.tick()
                ctx.set(dut.step, 0)
                pause = max(groups - fan, 0) if step % fan == fan - 1 else 0
                steps += 1
            await wait(ctx, rng.randrange(groups + 1))

    simulate(dut, bench)
    assert steps == sum(4 << fan_in for fan_in in fan_ins)


def test_the_largest_fan_in():
    dut, lasts = RowPacer(fan_in_bits=15, groups=1), []

    async def bench(ctx):
        ctx.set(dut.fan_in, 15)
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)
        ctx.set(dut.step, 1)
        for step in range(2**15 + 1):
            _, _, first, last = await ctx.tick().sample(dut.first, dut.last)
            if first or last:
                lasts.append((step, first, last))

    simulate(dut, bench, limit=2**16)
    assert lasts == [(0, 1, 0), (2**15 - 1, 0, 1), (2**15, 1, 0)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fan_in_bits": 0}, ValueError, "fan_in_bits must be an integer from 1 to 15, not 0"),
        ({"fan_in_bits": 16}, ValueError, "fan_in_bits must be an integer from 1 to 15, not 16"),
        ({"fan_in_bits": "4"}, ValueError, "fan_in_bits must be .* from 1 to 15, not '4'"),
        ({"groups": 3}, ValueError, "groups must be a power of two of at least 1, not 3"),
        ({"groups": 2.0}, TypeError, r"groups must be an integer, not 2\.0"),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        RowPacer(**{"fan_in_bits": 4, "groups": 2, **options})
