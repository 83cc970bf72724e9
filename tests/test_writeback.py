"""The write-back: the place and the cycle of every group, and the junction's end."""

import random

import pytest
from streams import simulate

from golden.image import Kind
from hw.config import EngineConfig
from hw.requantizer import Requantizer
from hw.writeback import WriteBack

pytestmark = pytest.mark.timeout(60)


def make(lanes, requantizers):
    return WriteBack(
        EngineConfig(
            lanes=lanes,
            requantizers=requantizers,
            max_neurons=64,
            weight_words=256,
            bias_neurons=64,
            max_outputs=64,
        )
    )


@pytest.mark.parametrize("gaps", [0.0, 0.4])
@pytest.mark.parametrize(("lanes", "requantizers"), [(1, 1), (8, 1), (8, 2), (8, 8), (32, 4)])
def test_places(lanes, requantizers, gaps):
    """Three junctions, the last an OUTPUT; the largest layer, one row, some."""
    dut, rng, groups = make(lanes, requantizers), random.Random(lanes), lanes // requantizers
    junctions = [(Kind.HIDDEN, 64 // lanes), (Kind.HIDDEN, 1), (Kind.OUTPUT, 64 // lanes // 2)]
    got, expected, cycle = [], [], 0

    async def step(ctx, valid, group, last, final):
        nonlocal cycle
        for name, value in (("valid", valid), ("group", group), ("last", last), ("final", final)):
            ctx.set(getattr(dut, name), value)
        for name in ("result", "activation"):
            if ctx.get(getattr(dut, name)):
                got.append((name, cycle, ctx.get(getattr(dut, f"{name}_place"))))
        if ctx.get(dut.done):
            got.append(("done", cycle, None))
        await ctx.tick()
        cycle += 1

    async def bench(ctx):
        for kind, rows in junctions:
            ctx.set(dut.phase, {"kind": kind, "shift": 0, "fan_in": 0, "steps": 0})
            name, latency = ("result", 1) if kind == Kind.OUTPUT else ("activation", 3)
            for row in range(rows):
                while rng.random() < gaps:
                    await step(ctx, 0, rng.randrange(groups), 1, 1)
                for group in range(groups):
                    expected.append((name, cycle + latency, row * groups + group))
                    await step(ctx, 1, group, group == groups - 1, row == rows - 1)
            expected.append(("done", cycle + 1, None))
            for _ in range(5):
                await step(ctx, 0, 0, 1, 1)

    simulate(dut, bench)
    assert sorted(got, key=str) == sorted(expected, key=str)
    assert Requantizer.latency == 3
