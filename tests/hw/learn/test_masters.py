# amaranth: UnusedElaboratable=no
"""The memories of master weights: written, read, updated at random, with stalls, and read back."""

import random

import numpy as np
import pytest

from sobolpath.golden.learn import arithmetic
from sobolpath.golden.learn.arithmetic import LIMIT
from sobolpath.hw.learn.masters import OnePortMasters, TwoPortMasters
from tests.support.streams import at_random, put, simulate, wait

pytestmark = pytest.mark.timeout(60)

KINDS = [OnePortMasters, TwoPortMasters]
SIZES = [(1, 2), (4, 16), (8, 32)]


def planes(masters):
    """The bytes of both planes, as they are addressed."""
    return np.concatenate([arithmetic.high(masters), arithmetic.low(masters)]).ravel()


async def load(ctx, dut, rng, masters):
    """Write both planes, byte by byte, in a random order."""
    content = list(enumerate((planes(masters) & 255).tolist()))
    rng.shuffle(content)
    items = [{"address": address, "data": byte} for address, byte in content]
    return (await put(ctx, dut.write, items))[-1] + 1


async def read_back(ctx, dut, depth):
    """Both planes, row by row."""
    found = []
    for low in (0, 1):
        for row in range(depth):
            ctx.set(dut.read.payload, {"row": row, "low": low})
            ctx.set(dut.read.valid, 1)
            await ctx.tick()
            ctx.set(dut.read.valid, 0)
            found.append(list(ctx.get(dut.bytes)))
    return np.array(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("lanes", "depth"), SIZES)
@pytest.mark.parametrize(("seed", "fixed"), [(None, False), (1, False), (2, True)])
def test_updates(kind, lanes, depth, seed, fixed):
    """Several sweeps over all rows in another order; without stalls a row every ``cycles``."""
    print("seed", seed)
    dut = kind(lanes=lanes, depth=depth)
    rng, random_state = np.random.default_rng(seed or 7), random.Random(seed)
    masters = rng.integers(-LIMIT, LIMIT, (depth, lanes))
    wanted, sweeps, shift = masters.copy(), 3 if depth > 2 else 8, 7
    orders = [rng.permutation(depth).tolist() for _ in range(sweeps)]
    products = rng.integers(-(2**20), 2**20, (sweeps, depth, lanes))
    due, taken, cycle = {}, [], 0
    for order, own in zip(orders, products, strict=True):
        for row, product in zip(order, own, strict=True):
            new = wanted[row] - arithmetic.rounded(product, shift)
            wanted[row] = np.clip(new, *arithmetic.bounds(wanted[row], fixed))

    async def feed(ctx):
        """Products in the cycle in which they must be there, and in no other."""
        while True:
            noise = rng.integers(-(2**23), 2**23, lanes).tolist()
            ctx.set(dut.products, due.pop(cycle, noise))
            await ctx.tick()

    async def bench(ctx):
        nonlocal cycle
        ctx.set(dut.shift, shift)
        ctx.set(dut.fixed, fixed)
        cycle = await load(ctx, dut, random_state, masters)
        assert ctx.get(dut.idle)
        assert (await read_back(ctx, dut, depth)).ravel().tolist() == planes(masters).tolist()
        cycle += 2 * depth
        stalls = at_random(random_state, 0.4) if seed else (lambda: 0)

        async def tick():
            nonlocal cycle
            await ctx.tick()
            cycle += 1  # before ``feed`` runs, which was added later

        for order, own in zip(orders, products, strict=True):
            for row, product in zip(order, own.tolist(), strict=True):
                for _ in range(stalls()):
                    await tick()
                ctx.set(dut.row.payload, row)
                ctx.set(dut.row.valid, 1)
                while not ctx.get(dut.row.ready):
                    await tick()
                due[cycle + dut.products_after] = product
                taken.append(cycle)
                await tick()
                ctx.set(dut.row.valid, 0)
            for last in range(dut.written_after + 1):
                if ctx.get(dut.idle):
                    break
                assert last < dut.written_after
                await tick()
        assert (await read_back(ctx, dut, depth)).ravel().tolist() == planes(wanted).tolist()

    simulate(dut, bench, background=[feed])
    assert len(taken) == sweeps * depth
    gaps = np.diff(taken).reshape(-1)
    within = np.delete(gaps, np.arange(depth - 1, len(gaps), depth))
    assert not due
    assert (wanted != masters).any()
    if not seed:
        assert (within == dut.cycles).all()
    else:
        assert within.min() == dut.cycles or depth == 2


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_stay_until_the_next_access(kind):
    dut = kind(lanes=4, depth=4)
    masters = np.arange(-8, 8).reshape(4, 4) * 300

    async def bench(ctx):
        await load(ctx, dut, random.Random(1), masters)
        await read_back(ctx, dut, 3)
        await wait(ctx, 5)
        assert list(ctx.get(dut.bytes)) == arithmetic.low(masters)[2].tolist()

    simulate(dut, bench)


@pytest.mark.parametrize("kind", KINDS)
def test_rejects(kind):
    with pytest.raises(ValueError, match="lanes must be a power of two of at least 1, not 6"):
        kind(lanes=6, depth=4)
    with pytest.raises(ValueError, match="depth must be a power of two of at least 2, not 1"):
        kind(lanes=4, depth=1)
