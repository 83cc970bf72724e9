# amaranth: UnusedElaboratable=no
"""The weight memory and streamer against the words that were written."""

import random

import numpy as np
import pytest

from sobolpath.hw.stream import StreamRegister
from sobolpath.hw.weights import WeightMemory, WeightReader, WeightStreamer
from tests.support.streams import at_random, get, idle, put, simulate, wait

pytestmark = pytest.mark.timeout(60)

GAP = 1  # cycles without a word from one start to the next

#: lanes, depth, registered.
SIZES = [(1, 2, False), (1, 2, True), (4, 32, False), (4, 32, True), (16, 4, False), (8, 64, True)]


class TestMemory:
    @pytest.mark.parametrize(("lanes", "depth"), [(1, 2), (4, 8), (32, 4), (2, 9)])
    @pytest.mark.parametrize("always", [False, True])
    def test_random_accesses(self, lanes, depth, always):
        rng = np.random.default_rng(lanes)
        kind = type("Kind", (WeightMemory,), {"reads_always": always})
        dut, words = kind(lanes=lanes, depth=depth), np.zeros((depth, lanes), int)
        reads = 0

        async def bench(ctx):
            nonlocal reads
            shown = None  # what data must be; None where it is undefined
            for _ in range(400):
                address, weight = int(rng.integers(depth)), int(rng.integers(-128, 128))
                enable, mask = int(rng.integers(2)), int(rng.integers(1 << lanes))
                writing = int(rng.integers(2))
                ctx.set(dut.address, address)
                ctx.set(dut.enable, enable)
                ctx.set(dut.writing, writing)
                ctx.set(dut.write, mask)
                ctx.set(dut.write_data, weight & 255)
                await ctx.tick().repeat(WeightMemory.latency)
                if enable and writing:
                    before = words[address].tolist()
                    words[address, [lane for lane in range(lanes) if mask >> lane & 1]] = weight
                    shown = before if always else None  # as simulated: a device may differ
                elif enable:
                    shown = words[address].tolist()
                if shown is not None:
                    assert list(ctx.get(dut.data)) == shown
                    reads += 1

        simulate(dut, bench)
        assert reads > 100

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"lanes": 3}, ValueError, "lanes must be a power of two of at least 1, not 3"),
            ({"depth": 1}, ValueError, "depth must be .*at least 2, not 1"),
            ({"depth": 2.0}, TypeError, r"depth must be an integer, not 2\.0"),
        ],
    )
    @pytest.mark.parametrize("kind", [WeightMemory, WeightReader, WeightStreamer])
    def test_rejects(self, kind, options, error, message):
        with pytest.raises(error, match=message):
            kind(**{"lanes": 4, "depth": 8, **options})

    def test_the_streamer_wraps(self):
        with pytest.raises(ValueError, match="depth must be a power of two of at least 2, not 24"):
            WeightStreamer(lanes=4, depth=24)


def word(payload):
    return list(payload.weights), bool(payload.last)


def transfers(words, starts):
    """What must come out for the starts (address, count, backward)."""
    result = []
    for address, count, backward in starts:
        places = (address + np.arange(count) * (-1 if backward else 1)) % len(words)
        result += [(words[place].tolist(), n == count - 1) for n, place in enumerate(places)]
    return result


def items(starts):
    return [
        {"address": address, "last": count - 1, "backward": backward}
        for address, count, backward in starts
    ]


def bytes_of(rng, words):
    """The words as items of the write stream, in random order."""
    weights = words.ravel().tolist()
    order = rng.sample(range(len(weights)), len(weights))
    return [{"address": place, "data": weights[place] & 255} for place in order]


def starts_of(rng, depth):
    """Both directions, one word and the whole depth, from both ends and wrapping."""
    fixed = [(0, depth), (depth - 1, depth), (depth // 2, depth), (depth - 1, 2), (0, 2), (0, 1)]
    some = [(rng.randrange(depth), rng.randint(1, depth)) for _ in range(4)]
    return [(*start, backward) for start in fixed + some for backward in (0, 1)]


def random_words(seed, lanes, depth):
    return np.random.default_rng(seed).integers(-128, 128, (depth, lanes))


def stream(size, seed=None):
    """Write a memory and stream it; compares, and returns the cycles of starts and words."""
    lanes, depth, registered = size
    dut = WeightStreamer(lanes=lanes, depth=depth, registered=registered)
    rng = random.Random(seed)
    stalls = {port: seed and at_random(random.Random(f"{seed}{port}"), 0.4) for port in "wso"}
    words = random_words(seed, lanes, depth)
    starts, entered, left = starts_of(rng, depth), [], []
    expected = transfers(words, starts)

    async def drive(ctx):
        cycle = (await put(ctx, dut.write, bytes_of(rng, words), stalls=stalls["w"]))[-1] + 1
        entered.extend(await put(ctx, dut.start, items(starts), stalls=stalls["s"], start=cycle))

    async def collect(ctx):
        got, taken = await get(ctx, dut.o, len(expected), word, stalls=stalls["o"])
        assert got == expected
        left.extend(taken)
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)
    return dut, starts, entered, left


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_word_a_cycle(size):
    dut, starts, entered, left = stream(size)
    cycle, expected = entered[0] + dut.latency, []
    for _, count, _ in starts:
        expected += range(cycle, cycle + count)
        cycle += count + GAP
    assert left == expected
    assert dut.latency == 2 + size[2]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_stalls(size, seed):
    print("seed", seed)
    _, starts, entered, left = stream(size, seed)
    assert len(entered) == len(starts)
    assert len(left) == sum(count for _, count, _ in starts)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_bytes_wait_while_words_are_read(registered, seed):
    """Bytes offered all the time are taken between two starts, and change no word on its way."""
    print("seed", seed)
    rng = random.Random(seed)
    dut = WeightStreamer(lanes=2, depth=16, registered=registered)
    before, after = random_words(1, 2, 16), random_words(2, 2, 16)
    stalls = seed and at_random(rng, 0.5)
    written, left = [], []

    async def drive(ctx):
        cycle = (await put(ctx, dut.write, bytes_of(rng, before)))[-1] + 1
        cycle = (await put(ctx, dut.start, items([(3, 16, 0)]), start=cycle))[-1] + 1
        written.extend(await put(ctx, dut.write, bytes_of(rng, after), start=cycle))
        await put(ctx, dut.start, items([(9, 16, 1)]))

    async def collect(ctx):
        expected = transfers(before, [(3, 16, 0)]) + transfers(after, [(9, 16, 1)])
        got, taken = await get(ctx, dut.o, len(expected), word, stalls=stalls)
        assert got == expected
        left.extend(taken)
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)
    assert len(written) == 32
    # The word's stage before the register, where there is one, frees the memory a cycle earlier.
    assert left[14] - registered < written[0] <= left[15] + 1
    assert written[-1] < left[16]


class TestReader:
    """Words in order, each ``latency`` cycles after it is asked for."""

    @staticmethod
    async def rewind(ctx, dut):
        ctx.set(dut.rewind, 1)
        await ctx.tick()
        ctx.set(dut.rewind, 0)

    @staticmethod
    async def read(ctx, dut, asks):
        """Ask for a word in the cycles whose ask is 1; the words, when they must be there."""
        got, due = [], [0] * dut.latency
        for ask in [*asks, *due]:
            ctx.set(dut.advance, ask)
            due.append(ask)
            if due.pop(0):
                got.append(list(ctx.get(dut.weights)))
            await ctx.tick()
        ctx.set(dut.advance, 0)
        return got

    @pytest.mark.parametrize("chance", [1.0, 0.5, 0.1])
    @pytest.mark.parametrize("size", [*SIZES, (2, 9, False), (4, 20, True)], ids=str)
    def test_in_order(self, size, chance):
        """From the first word on after every rewind, however far the words before were read."""
        lanes, depth, registered = size
        dut = WeightReader(lanes=lanes, depth=depth, registered=registered)
        assert dut.latency == 1 + registered
        rng, words, compared = random.Random(depth), random_words(depth, lanes, depth), 0

        async def bench(ctx):
            nonlocal compared
            assert await put(ctx, dut.write, bytes_of(rng, words)) == list(range(depth * lanes))
            await wait(ctx, 1)  # the last byte is written
            for count in (depth, depth // 2, 1, depth):
                await self.rewind(ctx, dut)
                asks, left = [], count
                while left:
                    asks.append(int(rng.random() < chance))
                    left -= asks[-1]
                assert await self.read(ctx, dut, asks) == words[:count].tolist()
                compared += count

        simulate(dut, bench)
        assert compared == 2 * depth + depth // 2 + 1

    @pytest.mark.parametrize("registered", [False, True])
    def test_bytes_between_readings(self, registered):
        """A byte changes nothing beside it; the word after it is the first one, once rewound."""
        dut, rng = WeightReader(lanes=4, depth=8, registered=registered), random.Random(1)
        words, rounds = random_words(1, 4, 8), 0

        async def bench(ctx):
            nonlocal rounds
            await put(ctx, dut.write, bytes_of(rng, words))
            for place in rng.sample(range(32), 16):
                words[divmod(place, 4)] ^= 0x55
                byte = {"address": place, "data": int(words[divmod(place, 4)]) & 255}
                await put(ctx, dut.write, [byte], stalls=lambda: rng.randrange(3))
                ctx.set(dut.write.payload, {"address": rng.randrange(32), "data": 0x77})
                await self.rewind(ctx, dut)  # in the cycle in which the byte is written
                assert await self.read(ctx, dut, [1] * 8) == words.tolist()
                rounds += 1

        simulate(dut, bench)
        assert rounds == 16


@pytest.mark.parametrize("kind", [WeightReader, WeightStreamer])
def test_another_memory(kind):
    """``memory`` makes it from the sizes."""
    made = []

    def factory(*, lanes, depth):
        made.append((lanes, depth))
        return WeightMemory(lanes=lanes, depth=depth)

    kind(lanes=2, depth=8, memory=factory)
    assert made == [(2, 8)]


@pytest.mark.parametrize("kind", [WeightReader, WeightStreamer])
def test_rejects_a_slow_memory(kind):
    class Slow(WeightMemory):
        latency = 2

    with pytest.raises(ValueError, match="memory must have a latency of 1, not 2"):
        kind(lanes=2, depth=8, memory=lambda **sizes: Slow(**sizes))


@pytest.mark.parametrize("seed", [None, 1])
def test_stream_register(seed):
    dut, numbers = StreamRegister(8), random.Random(7).choices(range(256), k=50)
    stalls = [seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "io"]
    entered, left = [], []

    async def drive(ctx):
        entered.extend(await put(ctx, dut.i, numbers, stalls=stalls[0]))

    async def collect(ctx):
        got, taken = await get(ctx, dut.o, 50, int, stalls=stalls[1])
        assert got == numbers
        left.extend(taken)
        await idle(ctx, dut.o)

    simulate(dut, drive, collect)
    if not seed:
        assert left == [cycle + StreamRegister.latency for cycle in entered]
        assert left == list(range(1, 51))
