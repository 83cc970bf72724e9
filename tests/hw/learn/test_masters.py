# amaranth: UnusedElaboratable=no
"""The memories of master weights: written, read, updated at random, with stalls, and read back."""

import random

import numpy as np
import pytest

from sobolpath.golden.learn import arithmetic
from sobolpath.golden.learn.arithmetic import LIMIT
from sobolpath.hw.learn.masters import OnePortMasters, TwoPortMasters
from sobolpath.hw.learn.update import MasterUpdate
from tests.support.streams import put, simulate, wait

pytestmark = pytest.mark.timeout(60)

ONE = [
    (OnePortMasters, *sizes) for sizes in ((1, 2, 1, 4), (4, 16, 2, 4), (8, 32, 2, 4), (8, 8, 1, 8))
]
TWO = [(TwoPortMasters, *sizes) for sizes in ((1, 2, 1, 1), (4, 16, 4, 1), (8, 32, 8, 1))]


def made(kind, lanes, depth, width, turn, **more):
    if kind is OnePortMasters:
        more |= {"width": width, "turn": turn}
    return kind(lanes=lanes, depth=depth, **more)


def planes(masters):
    """The bytes of both planes, as they are addressed."""
    return np.concatenate([arithmetic.high(masters), arithmetic.low(masters)]).ravel()


async def load(ctx, dut, rng, masters):
    """Write both planes, byte by byte, in a random order."""
    content = list(enumerate((planes(masters) & 255).tolist()))
    rng.shuffle(content)
    items = [{"address": address, "data": byte} for address, byte in content]
    await put(ctx, dut.write, items)
    await wait(ctx, 1)


async def pulse(ctx, *signals, tick=None):
    for signal in signals:
        ctx.set(signal, 1)
    await (tick(ctx) if tick else ctx.tick())
    for signal in signals:
        ctx.set(signal, 0)


async def read_back(ctx, dut, depth, latency=1):
    """Both planes, row by row."""
    found = []
    for low in (0, 1):
        for row in range(depth):
            ctx.set(dut.peek.payload, {"row": row, "low": low})
            await pulse(ctx, dut.peek.valid)
            await wait(ctx, latency)
            found.append(list(ctx.get(dut.peeked)))
    return np.array(found)


@pytest.mark.parametrize(("kind", "lanes", "depth", "width", "turn"), ONE + TWO)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_updates(kind, lanes, depth, width, turn, seed):
    """Two sweeps over all rows; turns without pauses, and with some at random."""
    print("seed", seed)
    dut = made(kind, lanes, depth, width, turn)
    rng, random_state = np.random.default_rng(seed or 7), random.Random(seed)
    groups = lanes // width
    masters = rng.integers(-LIMIT, LIMIT, (depth, lanes))
    taken = rng.integers(-(2**9), 2**9, (2, depth, lanes))
    after = (masters - taken[0]).clip(-LIMIT, LIMIT - 1)
    after = (after - taken[1]).clip(-LIMIT, LIMIT - 1)
    due, cycle, seen = {}, 0, []

    def split(values):
        return [
            {"high": high, "low": low}
            for high, low in zip(
                arithmetic.high(values).tolist(), arithmetic.low(values).tolist(), strict=True
            )
        ]

    async def bench(ctx):
        nonlocal cycle
        await load(ctx, dut, random_state, masters)
        assert (await read_back(ctx, dut, depth)).ravel().tolist() == planes(masters).tolist()
        for sweep in range(2):
            await pulse(ctx, dut.renew, *[dut.rewind][sweep:], tick=tick)
            for row in range(depth):
                for _ in range(turn * random_state.choice([0, 0, 1, 2]) if seed else 0):
                    await tick(ctx)
                for group in range(groups):
                    due[cycle + dut.reads + group] = taken[sweep, row].reshape(groups, width)[group]
                await pulse(ctx, dut.take, tick=tick)
                if row == depth - 1:  # what is read begins anew, what is written does not
                    await pulse(ctx, dut.rewind, tick=tick)
                for _ in range(turn - 1):
                    await tick(ctx)
            for _ in range(turn + 10 + groups):
                await tick(ctx)
        assert (await read_back(ctx, dut, depth)).ravel().tolist() == planes(after).tolist()

    pipeline = [None] * MasterUpdate(lanes=1).latency

    async def tick(ctx):
        """A cycle, in which the update between ``old`` and ``new`` goes on."""
        nonlocal cycle
        entering = None
        if cycle in due:
            old = [256 * ctx.get(each.high) + ctx.get(each.low) for each in dut.old]
            entering = (np.array(old) - due.pop(cycle)).clip(-LIMIT, LIMIT - 1)
            seen.append(len(old))
        pipeline.append(entering)
        pipeline.pop(0)
        await ctx.tick()
        cycle += 1
        following = pipeline[0]
        noise = rng.integers(-LIMIT, LIMIT, width)
        for each, value in zip(
            dut.new, split(noise if following is None else following), strict=True
        ):
            ctx.set(each, value)

    simulate(dut, bench)
    assert sum(seen) == 2 * depth * lanes
    assert not due


@pytest.mark.parametrize(("kind", "turn"), [(OnePortMasters, 4), (TwoPortMasters, 1)])
@pytest.mark.parametrize("registered", [False, True])
def test_weights_in_their_order(kind, turn, registered):
    """What inference takes: the high plane, row after row, from ``rewind`` on."""
    dut = made(kind, 4, 8, 4, turn, registered=registered)
    masters = np.random.default_rng(1).integers(-LIMIT, LIMIT, (8, 4))
    found = []

    async def bench(ctx):
        await load(ctx, dut, random.Random(1), masters)
        for _ in range(2):
            await pulse(ctx, dut.rewind)
            for _ in range(8):
                await pulse(ctx, dut.advance)
                await wait(ctx, registered)
                found.append(list(ctx.get(dut.weights)))
            for row in (5, 2, 7):
                ctx.set(dut.read.payload, row)
                await pulse(ctx, dut.read.valid)
                await wait(ctx, registered)
                found.append(list(ctx.get(dut.weights)))

    simulate(dut, bench)
    high = arithmetic.high(masters).tolist()
    assert found == [*high, high[5], high[2], high[7]] * 2


@pytest.mark.parametrize("kind", [OnePortMasters, TwoPortMasters])
def test_rejects(kind):
    with pytest.raises(ValueError, match="lanes must be a power of two of at least 1, not 6"):
        made(kind, 6, 4, 1, 8)
    with pytest.raises(ValueError, match="depth must be a power of two of at least 2, not 1"):
        made(kind, 4, 1, 1, 4)


def test_a_turn_of_one_port():
    with pytest.raises(ValueError, match="turn must be a multiple of 4, not 2"):
        made(OnePortMasters, 4, 4, 2, 2)
