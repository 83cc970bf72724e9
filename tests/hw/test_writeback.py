"""Row tagger and write-back: the place and the cycle of every group; how long a header is kept."""

import random
from dataclasses import dataclass

import pytest
from amaranth.hdl import Elaboratable, Module

from sobolpath.golden.machine.image import Kind
from sobolpath.hw.config import EngineConfig
from sobolpath.hw.requantizer import Requantizer
from sobolpath.hw.rowtags import RowTagger
from sobolpath.hw.writeback import WriteBack
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)


def make(lanes, requantizers, images=1):
    return EngineConfig(
        lanes=lanes,
        requantizers=requantizers,
        images=images,
        max_neurons=64,
        weight_words=256,
        bias_neurons=64,
        max_outputs=64,
    )


#: A tag that would end the inference, were it valid.
NOTHING = {"row": 0, "shift": 0, "output": 1, "closing": 1}


class Both(Elaboratable):
    """A row tagger and the write-back; between them is the row serializer, which is played."""

    def __init__(self, config):
        self.tagger, self.writeback = RowTagger(config), WriteBack(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.tagger, m.submodules.writeback = self.tagger, self.writeback
        return m


@dataclass
class Junction:
    kind: Kind
    rows: int
    shift: int
    base: int
    half: int


def junctions_of(rng, config):
    """The largest layer, one row, half a layer of results, in each half of the memory."""
    middle = config.rows // 2
    return [
        Junction(Kind.HIDDEN, middle, 31, 0, 0),
        Junction(Kind.HIDDEN, 1, 0, config.rows - 1, 1),
        Junction(Kind.HIDDEN, middle, rng.randrange(32), 0, 1),
        Junction(Kind.OUTPUT, max(middle // 2, 1), rng.randrange(32), 0, 0),
        Junction(Kind.HIDDEN, 1, rng.randrange(32), middle, 1),
        Junction(Kind.OUTPUT, 1, rng.randrange(32), 0, 1),
    ]


class Bench:
    """Plays the runner, the lanes and the row serializer; records what comes out, by cycle."""

    def __init__(self, dut, config, rng, gaps):
        self.dut, self.config, self.rng, self.gaps = dut, config, rng, gaps
        self.cycle, self.got, self.expected, self.kept = 0, [], [], []
        self.groups = []  # (group, last, tag) that are about to leave the serializer

    async def step(self, ctx, **inputs):
        """A cycle with these inputs 1, or what is given; the serializer gives its next group."""
        tagger, dut, rng = self.dut.tagger, self.dut.writeback, self.rng
        for port, name in (
            (tagger.begin, "begin"),
            (tagger.ahead.begins, "begins"),
            (tagger.capture, "capture"),
            (tagger.step.opening, "opening"),
            (tagger.step.closing, "closing"),
        ):
            ctx.set(port, inputs.get(name, 0))
        group, last, tag = self.groups.pop(0) if self.groups else (None, 1, NOTHING)
        number = rng.randrange(self.config.groups) if group is None else group
        ctx.set(dut.group, {"valid": group is not None, "number": number, "last": last, "row": tag})
        for name in ("result", "activation"):
            if ctx.get(getattr(dut, name)):
                self.got.append((name, self.cycle, ctx.get(getattr(dut, f"{name}_place"))))
        if ctx.get(dut.done):
            self.got.append(("done", self.cycle, None))
        self.kept.append(ctx.get(tagger.keep))
        if inputs.get("capture"):
            given, groups = ctx.get(tagger.o), self.config.groups
            assert given.closing == inputs.get("closing", 0)
            tag = {name: given[name] for name in NOTHING}
            assert not self.groups, "rows are far enough"
            self.groups = [(n, n == groups - 1, tag) for n in range(groups)]
        await ctx.tick()
        self.cycle += 1

    async def header(self, ctx, junction):
        """Begin a junction; its header is there until its first products are summed."""
        port, rng = self.dut.tagger.junction, self.rng
        head = {"kind": junction.kind, "shift": junction.shift, "fan_in": 3, "steps": 4}
        ctx.set(port, {"header": head, "base": junction.base, "half": junction.half})
        first = self.cycle + 1
        await self.step(ctx, begin=1)
        for _ in range(rng.randrange(5)):
            await self.step(ctx)
        last = self.cycle
        await self.step(ctx, begins=1)
        assert self.kept[first:] == [1] * (last + 1 - first)
        noise = {"kind": rng.choice(list(Kind)), "shift": rng.randrange(32), "fan_in": 0}
        ctx.set(port.header, {**noise, "steps": 0})
        ctx.set(port.base, rng.randrange(self.config.rows))
        ctx.set(port.half, rng.randrange(2))

    async def rows(self, ctx, junction):
        """Capture every row of a junction as soon as the one before has left, or later."""
        config, output = self.config, junction.kind == Kind.OUTPUT
        name, latency = (
            ("result", Requantizer.sums_latency) if output else ("activation", Requantizer.latency)
        )
        mirrored = 0 if output else junction.half  # results have a memory of their own
        first = junction.base ^ mirrored * config.rows // 2
        for row in range(junction.rows):
            while len(self.groups) > 1 or self.rng.random() < self.gaps:
                await self.step(ctx)
            for group in range(config.groups):
                place = (first + row) * config.groups + group
                self.expected.append((name, self.cycle + 1 + group + latency, place))
            opening, closing = row == 0, row == junction.rows - 1
            if output and closing:
                self.expected.append(("done", self.cycle + config.groups + latency, None))
            # The last group of the row before leaves in this cycle, at the latest.
            await self.step(ctx, capture=1, opening=opening, closing=closing)
            tag = self.groups[0][2]
            assert (tag["shift"], tag["output"]) == (junction.shift, output)
            assert self.kept[-1] == 0


@pytest.mark.parametrize("gaps", [0.0, 0.4])
@pytest.mark.parametrize(
    ("lanes", "requantizers", "images"),
    [(1, 1, 1), (8, 1, 1), (8, 2, 2), (8, 8, 1), (32, 4, 1), (4, 16, 4)],
)
def test_places(lanes, requantizers, images, gaps):
    """Junctions one after the other: one begins while the rows of the one before leave."""
    config, rng = make(lanes, requantizers, images), random.Random(lanes + requantizers)
    dut = Both(config)
    bench, junctions = Bench(dut, config, rng, gaps), junctions_of(rng, config)

    async def play(ctx):
        for junction in junctions:
            await bench.header(ctx, junction)
            await bench.rows(ctx, junction)
        for _ in range(config.groups + 10):
            await bench.step(ctx)

    simulate(dut, play)
    order = ["result", "activation", "done"]  # of a cycle
    assert bench.got == sorted(bench.expected, key=lambda item: (item[1], order.index(item[0])))
    writes = sum(junction.rows for junction in junctions) * config.groups
    assert len(bench.got) == writes + 2


def test_latency():
    """An activation is written when it leaves the requantizer."""
    assert (Requantizer.sums_latency, Requantizer.latency) == (2, 4)
