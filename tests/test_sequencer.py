"""The sequencer: a program walked through, phase by phase, to the cycle."""

import random
from dataclasses import dataclass, field

import pytest
from streams import at_random, get, put, simulate, wait

from golden.image import Kind, header
from hw.config import EngineConfig
from hw.sequencer import Program, Sequencer

pytestmark = pytest.mark.timeout(60)

CONFIG = EngineConfig(
    lanes=4,
    max_neurons=64,
    weight_words=256,
    bias_neurons=128,
    max_outputs=16,
    program_words=128,
)
SMALLEST = EngineConfig(
    lanes=1, max_neurons=2, weight_words=2, bias_neurons=2, max_outputs=2, program_words=16
)


@dataclass
class Phase:
    """A phase of the program."""

    kind: Kind
    shift: int
    fan_in: int
    word: int
    row: int
    columns: list

    @property
    def words(self):
        first = header(self.kind, self.shift, self.fan_in, len(self.columns))
        return [first, self.word, self.row, *self.columns]

    @property
    def header(self):
        names = "kind", "shift", "fan_in", "steps"
        return dict(
            zip(names, (self.kind, self.shift, self.fan_in, len(self.columns)), strict=True)
        )


def program_of(rng, config, kinds):
    """Random phases of these kinds."""
    phases = []
    for kind in kinds:
        columns = [
            rng.randrange(config.max_neurons) for _ in range(rng.randrange(config.step_bits + 1))
        ]
        word = rng.randrange(config.weight_words)
        row = rng.randrange(config.bias_neurons // config.lanes)
        phases.append(Phase(kind, rng.randrange(32), rng.randrange(16), word, row, columns))
    return phases


def bytes_of(phases):
    words = [word for phase in phases for word in phase.words]
    return [
        {"address": 2 * at + byte, "data": word >> 8 * byte & 255}
        for at, word in enumerate(words)
        for byte in (0, 1)
    ]


@dataclass
class Record:
    """What came out: (cycle, value) each."""

    weights: list = field(default_factory=list)
    starts: list = field(default_factory=list)
    columns: list = field(default_factory=list)
    taken: list = field(default_factory=list)  # the cycles in which ``taken`` was set
    begun: list = field(default_factory=list)


def collect(port, items, count, read, stalls):
    async def bench(ctx):
        values, cycles = await get(ctx, port, count, read, stalls=stalls)
        items.extend(zip(cycles, values, strict=True))

    return bench


def watch(dut, record):
    """Record the columns and what is valid with ``begin``."""

    async def bench(ctx):
        cycle, column = 0, dut.column
        async for _, _, valid, index, value, begin, row in ctx.tick().sample(
            column.valid, column.payload.index, column.payload.value, dut.begin, dut.bias_row
        ):
            if valid:
                record.columns.append((cycle, (index, value)))
            if begin:
                record.begun.append((cycle, row))
            cycle += 1

    return bench


class Environment:
    """Stands for everything that the sequencer waits for."""

    def __init__(self, dut, rng, record, programs):
        self._dut, self._rng, self._record, self._programs = dut, rng, record, programs
        self._cycle = 0

    async def _wait(self, ctx, cycles):
        await wait(ctx, cycles)
        self._cycle += cycles

    async def _pulse(self, ctx, *signals):
        for signal in signals:
            ctx.set(signal, 1)
        await self._wait(ctx, 1)
        for signal in signals:
            ctx.set(signal, 0)

    async def run(self, ctx):
        for phases in self._programs:
            dut = self._dut
            assert ctx.get(dut.idle)
            written = await put(ctx, dut.write, bytes_of(phases), start=self._cycle)
            self._cycle = written[-1] + 1
            for _ in range(2):
                await self._wait(ctx, self._rng.randrange(3))
                await self._inference(ctx, phases)

    async def _inference(self, ctx, phases):
        dut = self._dut
        assert ctx.get(dut.idle)
        self._record.taken.append(self._cycle)
        await self._pulse(ctx, dut.request)
        bank = 0
        for phase in phases:
            while not ctx.get(dut.begin):
                assert not ctx.get(dut.idle)
                await self._wait(ctx, 1)
            assert ctx.get(dut.following) == phase.header
            await self._wait(ctx, 1)
            bank = 0 if phase.kind == Kind.INPUT else 1 - bank
            # A junction's last step is taken no earlier than its columns are loaded.
            for _ in range(len(phase.columns) + 2 + self._rng.randrange(5)):
                assert not ctx.get(dut.begin)
                assert ctx.get(dut.phase) == phase.header
                assert ctx.get(dut.bank) == bank
                await self._wait(ctx, 1)
            self._record.taken.append(self._cycle)
            late = self._rng.choice((0, 0, 3, 12))
            await self._pulse(ctx, dut.taken, *[dut.done] * (late == 0))
            if late:
                for _ in range(late):
                    assert not ctx.get(dut.begin)
                    assert ctx.get(dut.phase) == phase.header
                    await self._wait(ctx, 1)
                await self._pulse(ctx, dut.done)
        self._record.taken.pop()  # no phase follows
        await self._wait(ctx, 2)
        assert ctx.get(dut.idle)


KINDS = [
    [Kind.INPUT, Kind.OUTPUT, Kind.READ],
    [Kind.INPUT, Kind.HIDDEN, Kind.HIDDEN, Kind.HIDDEN, Kind.OUTPUT, Kind.READ],
]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("config", [SMALLEST, CONFIG], ids=["smallest", "small"])
def test_programs(config, seed):
    """Two programs, one written over the other, run twice each; with a seed, starts wait."""
    print("seed", seed)
    rng, dut, record = random.Random(seed), Sequencer(config), Record()
    kinds = KINDS if config is CONFIG else KINDS[:1] * 2
    programs = [program_of(rng, config, some) for some in kinds]
    phases = [phase for program in programs for phase in program * 2]
    junctions = [phase for phase in phases if phase.kind in (Kind.HIDDEN, Kind.OUTPUT)]
    stalls = [seed and at_random(random.Random(f"{seed}{port}"), 0.5, longest=50) for port in "ws"]
    simulate(
        dut,
        collect(
            dut.weights,
            record.weights,
            len(junctions),
            lambda w: (w.address, w.last),
            stalls[0],
        ),
        collect(dut.start, record.starts, len(phases), lambda s: (s.first, s.last), stalls[1]),
        Environment(dut, rng, record, programs).run,
        background=[watch(dut, record)],
    )

    def values(items):
        return [value for _, value in items]

    assert values(record.weights) == [(j.word, 2 ** len(j.columns) - 1) for j in junctions]
    assert values(record.starts) == [(0, 2 ** len(phase.columns) - 1) for phase in phases]
    assert values(record.begun) == [phase.row for phase in phases]
    assert values(record.columns) == [
        column for phase in phases for column in enumerate(phase.columns)
    ]
    after = [  # columns follow their start, one a cycle
        cycle + 1 + index
        for (cycle, _), phase in zip(record.starts, phases, strict=True)
        for index in range(len(phase.columns))
    ]
    assert [cycle for cycle, _ in record.columns] == after
    if not seed:
        first = [phase.kind == Kind.INPUT for phase in phases]
        assert [cycle for cycle, _ in record.starts] == [
            cycle + 3 + rewinding for cycle, rewinding in zip(record.taken, first, strict=True)
        ]


def test_program_memory():
    """Words come in order and hold; bytes go where they are told."""
    dut, rng = Program(16), random.Random(1)
    words = [rng.randrange(2**16) for _ in range(16)]
    items = [
        {"address": 2 * at + byte, "data": word >> 8 * byte & 255}
        for at, word in enumerate(words)
        for byte in (0, 1)
    ]
    rng.shuffle(items)

    async def bench(ctx):
        assert await put(ctx, dut.write, items) == list(range(32))
        for count in (16, 5, 20):  # and around the end
            ctx.set(dut.rewind, 1)
            await ctx.tick()
            ctx.set(dut.rewind, 0)
            for n in range(count):
                ctx.set(dut.advance, 1)
                await ctx.tick()
                ctx.set(dut.advance, 0)
                assert ctx.get(dut.word) == words[n % 16]
                for _ in range(rng.choice((0, 0, 2))):
                    await ctx.tick()
                    assert ctx.get(dut.word) == words[n % 16]

    simulate(dut, bench)
