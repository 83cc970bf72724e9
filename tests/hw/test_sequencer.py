"""The sequencer: loads, runs and reads that overlap, for walkers as slow as may be."""

import random
from dataclasses import dataclass, field

import pytest

from sobolpath.hw.sequencer import Sequencer
from tests.support.streams import simulate, wait

pytestmark = pytest.mark.timeout(60)

INFERENCES = 30


@dataclass
class Log:
    """The cycles in which things happened, in order."""

    loads: list = field(default_factory=list)
    loaded: list = field(default_factory=list)
    runs: list = field(default_factory=list)
    begins: list = field(default_factory=list)  # of the last junctions
    ended: list = field(default_factory=list)  # first cycles with the runner idle again
    written: list = field(default_factory=list)
    left: list = field(default_factory=list)


class Environment:
    """Stands for the three walkers and what they steer; checks the rules while it plays.

    Inferences are loaded in ``load`` cycles, run in ``run`` cycles a junction and read in ``read``
    cycles, or with ``rng`` a random number of cycles up to that; inputs then come up to ``pause``
    cycles late.
    """

    def __init__(self, dut, rng, *, load, run, read, alone, pause=9):
        self.dut, self.rng, self.log = dut, rng, Log()
        self.load, self.run, self.read, self.alone = load, run, read, alone
        self.pause = pause
        self.cycle, self.busy, self.overlapped, self.held = 0, [], 0, 0

    def after(self, most):
        return most if self.rng is None else self.rng.randint(1, most)

    async def loader(self, ctx):
        """Offers inputs by chance, loads them, one inference after the other."""
        dut, log = self.dut, self.log
        ctx.set(dut.alone, self.alone)
        for number in range(INFERENCES):
            ctx.set(dut.load_idle, 1)
            await wait(ctx, self.after(self.pause) if self.rng else 0)
            ctx.set(dut.offered, 1)
            while not ctx.get(dut.load):
                await ctx.tick()
            log.loads.append(self.cycle)
            await ctx.tick()
            ctx.set(dut.load_idle, 0)
            ctx.set(dut.offered, self.rng is not None and self.rng.randrange(2))
            await ctx.tick()  # the header is fetched
            while ctx.get(dut.load_hold):
                assert self.alone
                await ctx.tick()
            for _ in range(self.after(self.load)):
                assert ctx.get(dut.load_half) == number % 2
                self.overlapped += not ctx.get(dut.run_idle)
                await ctx.tick()
            ctx.set(dut.loaded, 1)
            assert ctx.get(dut.load_half) == number % 2
            log.loaded.append(self.cycle)
            await ctx.tick()
            ctx.set(dut.loaded, 0)
            ctx.set(dut.offered, 0)
        ctx.set(dut.load_idle, 1)

    async def runner(self, ctx):
        """Runs two junctions an inference; the last one waits while it is held."""
        dut, log = self.dut, self.log
        for number in range(INFERENCES):
            ctx.set(dut.run_idle, 1)
            while not ctx.get(dut.run):
                await ctx.tick()
            log.runs.append(self.cycle)
            await ctx.tick()
            ctx.set(dut.run_idle, 0)
            for output in (0, 1):
                for _ in range(self.after(3)):  # the header is fetched
                    assert not ctx.get(dut.run)
                    await ctx.tick()
                ctx.set(dut.output, output)
                await ctx.tick()
                while ctx.get(dut.run_hold):
                    assert output
                    self.held += 1
                    await ctx.tick()
                ctx.set(dut.begin, 1)
                log.begins.extend([self.cycle] * output)
                await ctx.tick()
                ctx.set(dut.begin, 0)
                for _ in range(self.after(self.run)):
                    assert ctx.get(dut.run_half) == number % 2
                    await ctx.tick()
            log.ended.append(self.cycle)
        ctx.set(dut.run_idle, 1)

    async def reader(self, ctx):
        """Writes the results some cycles after each run, and reads them."""
        dut, log = self.dut, self.log
        for number in range(INFERENCES):
            while len(log.ended) <= number:
                await ctx.tick()
            await wait(ctx, self.after(4))
            ctx.set(dut.written, 1)
            assert ctx.get(dut.read)
            log.written.append(self.cycle)
            await ctx.tick()
            ctx.set(dut.written, 0)
            for _ in range(self.after(self.read)):
                assert not ctx.get(dut.read)
                await ctx.tick()
            ctx.set(dut.left, 1)
            log.left.append(self.cycle)
            await ctx.tick()
            ctx.set(dut.left, 0)

    async def clock(self, ctx):
        """Counts cycles, before the other benches go on; records when something is under way."""
        rest = 5
        while rest:
            _, _, idle = await ctx.tick().sample(self.dut.idle)
            self.busy.append(not idle)
            self.cycle += 1
            rest -= len(self.log.left) == INFERENCES

    def play(self):
        simulate(self.dut, self.clock, self.loader, self.runner, self.reader)
        return self.log


#: What takes longest: loading, running, reading, or nothing.
PACES = [(30, 4, 4), (4, 30, 4), (4, 4, 60), (9, 9, 9)]


@pytest.mark.parametrize("alone", [0, 1])
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize(("load", "run", "read"), PACES)
def test_inferences(load, run, read, seed, alone):
    """Every inference is loaded, run, written and read once, in order, and never too early."""
    print("seed", seed)
    rng = None if seed is None else random.Random(seed)
    bench = Environment(Sequencer(), rng, load=load, run=run, read=read, alone=alone)
    log = bench.play()
    stages = [log.loads, log.loaded, log.runs, log.begins, log.ended, log.written, log.left]
    assert [len(stage) for stage in stages] == [INFERENCES] * len(stages)
    for inference in zip(*stages, strict=True):
        assert list(inference) == sorted(inference)
    for number in range(1, INFERENCES):
        # The half that is loaded is not that of the run before the last one, which has ended.
        assert log.loads[number] > log.runs[number - 1]
        assert log.runs[number] >= log.ended[number - 1]
        assert log.begins[number] > log.left[number - 1], "results are written over others"
        # What may go on, does: the runner begins in the cycle after both are there.
        assert log.runs[number] == max(log.loaded[number] + 1, log.ended[number - 1])
    if alone:
        pairs = zip(log.loaded[1:], log.ended[:-1], strict=True)
        assert all(loaded > ended for loaded, ended in pairs)
        assert bench.overlapped == 0
    else:
        assert bench.overlapped > INFERENCES
    if read == 60:
        assert bench.held > INFERENCES


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("alone", [0, 1])
def test_idle(alone, seed):
    """From the cycle of ``load`` until the cycle after the results have left, no byte is taken."""
    print("seed", seed)
    paces = {"load": 5, "run": 3, "read": 3, "pause": 60}
    bench = Environment(Sequencer(), random.Random(seed), alone=alone, **paces)
    log = bench.play()
    quiet = 0
    for number in range(INFERENCES):
        load, left = log.loads[number], log.left[number]
        assert all(bench.busy[load : left + 1]), "the network may be written meanwhile"
        following = log.loads[number + 1] if number + 1 < INFERENCES else len(bench.busy)
        for cycle in range(left + 2, following):
            assert not bench.busy[cycle]
            quiet += 1
    assert quiet > 100


def test_nothing_begins_unasked():
    """Without inputs nothing is loaded, run or read; the network may be written."""
    dut, seen = Sequencer(), []

    async def bench(ctx):
        ctx.set(dut.load_idle, 1)
        ctx.set(dut.run_idle, 1)
        await wait(ctx, 3)
        for _ in range(20):
            _, _, *now = await ctx.tick().sample(dut.load, dut.run, dut.read, dut.idle)
            seen.append(now)

    simulate(dut, bench)
    assert seen == [[0, 0, 0, 1]] * 20


def test_load_latency():
    """A load begins in the cycle after an input is offered, once; with the loader busy, none."""
    dut, loads = Sequencer(), []

    async def bench(ctx):
        ctx.set(dut.run_idle, 1)
        ctx.set(dut.offered, 1)
        for cycle in range(30):
            ctx.set(dut.load_idle, 10 <= cycle < 12)
            _, _, load, run = await ctx.tick().sample(dut.load, dut.run)
            assert not run
            loads.extend([cycle] * load)

    simulate(dut, bench)
    assert loads == [11]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_weights_are_rewound_for_the_first_junction_alone(seed):
    """``rewind`` is 1 while the first junction after each start of a run begins."""
    print("seed", seed)
    rng, dut, rewound = random.Random(seed), Sequencer(), []

    async def bench(ctx):
        ctx.set(dut.load_idle, 1)
        ctx.set(dut.offered, 1)
        for _ in range(10):
            ctx.set(dut.loaded, 1)
            ctx.set(dut.run_idle, 1)
            await ctx.tick()
            ctx.set(dut.loaded, 0)
            assert ctx.get(dut.run)
            await ctx.tick()
            ctx.set(dut.run_idle, 0)
            junctions = rng.randrange(1, 5)
            for number in range(junctions):
                await wait(ctx, rng.randrange(4))
                assert not ctx.get(dut.rewind)
                ctx.set(dut.begin, 1)
                rewound.append((number, ctx.get(dut.rewind)))
                await ctx.tick()
                ctx.set(dut.begin, 0)

    simulate(dut, bench)
    assert [rewind for _, rewind in rewound] == [number == 0 for number, _ in rewound]
    assert len(rewound) > 15
