# amaranth: UnusedElaboratable=no
"""The multiply-accumulate lanes against NumPy: rows of any length, with and without gaps."""

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring

from sobolpath.hw.mac import MacLanes, Multiplier
from sobolpath.hw.tags import STEP
from tests.support.streams import late, simulate

pytestmark = pytest.mark.timeout(60)


class SlowMultiplier(wiring.Component):
    """The contract of ``Multiplier`` with a latency of 3."""

    latency = 3

    def __init__(self, *, images):
        self._images = images
        super().__init__(dict(Multiplier(images=images).signature.members))

    def elaborate(self, platform):
        m = Module()
        m.submodules.fast = fast = Multiplier(images=self._images)
        m.d.sync += self.products.eq(fast.products)
        m.d.comb += [
            fast.weight.eq(self.weight),
            fast.activations.eq(self.activations),
        ]
        return m


@pytest.mark.parametrize("images", [1, 2, 4])
def test_multiplier(images):
    dut, rng = Multiplier(images=images), np.random.default_rng(images)
    weights = np.concatenate([[-128, -128, 127, 127, 0, -1], rng.integers(-128, 128, 200)])
    extremes = np.array([[255, 0, 255, 0, 255, 1]] * images).T
    extremes[:, 1:] ^= 255 * (extremes[:, 1:] != 1)  # the images differ
    activations = np.concatenate([extremes, rng.integers(0, 256, (200, images))])
    got = []

    async def bench(ctx):
        for weight, word in zip(weights.tolist(), activations.tolist(), strict=True):
            ctx.set(dut.weight, weight)
            ctx.set(dut.activations, word)
            got.append(list(ctx.get(dut.products)))
            await ctx.tick()

    simulate(dut, bench)
    expected = (weights[:, None] * activations).tolist()
    assert got[Multiplier.latency :] == expected[: -Multiplier.latency]
    assert len(got) == 206


def tag_of(valid, first, last):
    """A step's tag, with noise in the flags that the lanes only pass on."""
    noise = {"begins": valid & first, "opening": last, "closing": first ^ last}
    return {"valid": valid, "first": first, "last": last, **noise}


def dict_of(tag):
    return {name: tag[name] for name, _ in STEP}


def run_rows(dut, rng, weights, activations, lengths, gaps=0.0):
    """Feed rows of these lengths: weights (steps, lanes), activations (steps, lanes, images).

    Asserts the sums, and the cycles that they came in.
    """
    seen, done, ends, cycle, given, ahead = [], [], [], 0, [], []

    async def step(ctx, valid, first, last, word=0):
        nonlocal cycle
        ctx.set(dut.tag, tag_of(valid, first, last))
        ctx.set(dut.weights, weights[word].tolist())
        ctx.set(dut.activations, activations[word].ravel().tolist())
        seen.append(list(ctx.get(dut.accumulators)))
        if ctx.get(dut.done):
            done.append(cycle)
        given.append((dict_of(ctx.get(dut.tag)), dict_of(ctx.get(dut.o_tag))))
        ahead.append(dict_of(ctx.get(dut.ahead)))
        await ctx.tick()
        cycle += 1

    async def bench(ctx):
        word = 0
        for length in lengths:
            for index in range(length):
                while rng.random() < gaps:  # whatever stands at the other inputs
                    await step(ctx, 0, *rng.integers(0, 2, 2).tolist(), rng.integers(len(weights)))
                await step(ctx, 1, index == 0, index == length - 1, word)
                word += 1
            ends.append(cycle - 1)
        for _ in range(dut.latency + 5):
            await step(ctx, 0, 1, 1)

    simulate(dut, bench)
    products = (weights[:, :, None] * activations).reshape(len(weights), -1)
    starts = np.cumsum([0, *lengths[:-1]])
    got = [late(seen[end], seen[end + 1]) for end in done]
    assert got == np.add.reduceat(products, starts).tolist()
    assert done == [end + dut.latency for end in ends]
    assert len(done) == len(lengths)
    before, after = zip(*given, strict=True)
    assert after[dut.latency :] == before[: -dut.latency]
    assert tuple(ahead[:-1]) == after[1:]


@pytest.mark.parametrize("gaps", [0.0, 0.5])
@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("multiplier", [Multiplier, SlowMultiplier])
@pytest.mark.parametrize(("lanes", "images"), [(1, 1), (1, 4), (2, 2), (4, 4), (16, 1)])
def test_rows(lanes, images, multiplier, registered, gaps):
    rng = np.random.default_rng([lanes, images, int(2 * gaps)])
    lengths = [1, 1, 1, 2, 64, *rng.integers(1, 20, 20).tolist(), 1]
    weights = rng.integers(-128, 128, (sum(lengths), lanes))
    activations = rng.integers(0, 256, (sum(lengths), lanes, images))
    dut = MacLanes(
        lanes=lanes,
        images=images,
        accumulator_bits=23,
        registered=registered,
        multiplier=multiplier,
    )
    assert dut.latency == multiplier.latency + registered + 1
    run_rows(dut, rng, weights, activations, lengths, gaps)


@pytest.mark.parametrize("registered", [False, True])
def test_a_row_begins_from_nothing(registered):
    """However full the accumulator was, and whatever its low digits and the product come to."""
    dut = MacLanes(lanes=1, accumulator_bits=24, registered=registered)
    lengths = [length for single in (1, 2) for length in (64, single) * 4]
    rng = np.random.default_rng(5)
    weights = rng.choice([-128, -1, 127], (sum(lengths), 1))
    run_rows(dut, rng, weights, np.full((len(weights), 1, 1), 255), lengths)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("multiplier", [Multiplier, SlowMultiplier])
def test_reset_at_any_time(multiplier, registered):
    """No row that was begun before a reset is done after it, and the next one's sum is right."""
    dut = MacLanes(lanes=1, accumulator_bits=20, registered=registered, multiplier=multiplier)
    reset, seen = Signal(), []

    async def step(ctx, valid, first, last, weight):
        ctx.set(dut.tag, tag_of(valid, first, last))
        ctx.set(dut.weights, [weight])
        ctx.set(dut.activations, [200])
        _, _, done, sums = await ctx.tick().sample(dut.done, dut.accumulators)
        return done, sums[0]

    async def bench(ctx):
        for before in range(4 * dut.latency):  # of steps of rows of 3, a step a cycle
            for number in range(before):
                ctx.set(reset, number == before - 1)
                await step(ctx, 1, number % 3 == 0, number % 3 == 2, -128)
            ctx.set(reset, 0)
            some = [await step(ctx, 1, n == 0, n == 1, 100) for n in range(2)]
            some += [await step(ctx, 0, 1, 1, 100) for _ in range(dut.latency + 3)]
            assert [n for n, (done, _) in enumerate(some) if done] == [1 + dut.latency]
            seen.append(late(some[1 + dut.latency][1:], some[2 + dut.latency][1:]))

    simulate(ResetInserter(reset)(dut), bench)
    assert seen == [[2 * 100 * 200]] * 4 * dut.latency


@pytest.mark.parametrize("weight", [-128, 127])
def test_the_longest_sums(weight):
    """2**6 of the largest products fit 6 + 16 bits: the accumulator never wraps."""
    lengths = [64, 64, 1]
    dut = MacLanes(lanes=2, images=2, accumulator_bits=22)
    weights, activations = np.full((129, 2), weight), np.full((129, 2, 2), 255)
    run_rows(dut, np.random.default_rng(0), weights, activations, lengths)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lanes": 5}, ValueError, "lanes must be a power of two of at least 1, not 5"),
        ({"lanes": "8"}, TypeError, "lanes must be an integer, not '8'"),
        ({"images": 3}, ValueError, "images must be a power of two of at least 1, not 3"),
        ({"images": 0}, ValueError, "images must be a power of two of at least 1, not 0"),
        ({"accumulator_bits": 15}, ValueError, "accumulator_bits must be at least 17, not 15"),
        (
            {"accumulator_bits": 20.5},
            ValueError,
            r"accumulator_bits must be at least 17, not 20\.5",
        ),
    ],
)
def test_rejects(options, error, message):
    with pytest.raises(error, match=message):
        MacLanes(**{"lanes": 4, "accumulator_bits": 24, **options})
