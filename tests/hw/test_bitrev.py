# amaranth: UnusedElaboratable=no
"""Bit reversal: the golden model against its definition, the hardware against the golden model."""

import random
from itertools import chain, pairwise

import numpy as np
import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data
from amaranth.sim import Simulator

from sobolpath.golden.machine.bitrev import reverse, reverse_blocks
from sobolpath.golden.topology import sobol
from sobolpath.hw.bitrev import BitReversal, BitReversalPermuter
from tests.support.streams import at_random, get, put, simulate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class TestGolden:
    @pytest.mark.parametrize("m", [0, 1, 2, 5, 9])
    def test_reverse_is_the_digits_backwards(self, m):
        expected = [int(f"{x:0{m}b}"[::-1], 2) if m else 0 for x in range(1 << m)]
        assert reverse(np.arange(1 << m), m).tolist() == expected

    def test_dimension_0_of_the_sobol_sequence(self):
        assert np.array_equal(reverse(np.arange(1024), 10), sobol.points(0, 10, np.arange(1024)))

    def test_shapes_high_bits_and_the_largest_m(self):
        assert reverse(0b1101, 3) == 0b101
        assert reverse(np.array([[6, 1], [0, 15]], np.uint8), 3).tolist() == [[3, 4], [0, 7]]
        assert reverse(1, 62) == 2**61
        assert reverse(np.array([], np.int64), 4).shape == (0,)

    @pytest.mark.parametrize("m", [0, 1, 3])
    def test_blocks(self, m):
        items = np.random.default_rng(3).integers(0, 256, (24, 2)).astype(np.uint8)
        moved = reverse_blocks(items, m)
        assert moved.dtype == np.uint8
        for index, item in enumerate(items):
            block, i = divmod(index, 1 << m)
            assert (moved[(block << m) + int(reverse(i, m))] == item).all()
        assert np.array_equal(reverse_blocks(moved, m), items)

    def test_no_blocks(self):
        assert reverse_blocks(np.empty((0, 3)), 2).shape == (0, 3)

    def test_errors(self):
        with pytest.raises(ValueError, match=r"m must be 0 to 62, not 63"):
            reverse(0, 63)
        with pytest.raises(ValueError, match=r"m must be 0 to 62, not -1"):
            reverse_blocks([0], -1)
        with pytest.raises(TypeError, match=r"m must be an integer, not 1\.0"):
            reverse(0, 1.0)
        with pytest.raises(TypeError, match=r"m must be an integer, not True"):
            reverse(0, True)
        with pytest.raises(TypeError, match="x must be integers, not float64"):
            reverse([0.5], 1)
        with pytest.raises(ValueError, match="x must be at least 0, not -2"):
            reverse([3, -2], 1)
        with pytest.raises(
            ValueError, match=r"items must be whole blocks of 4, not of shape \(6,\)"
        ):
            reverse_blocks(np.arange(6), 2)
        with pytest.raises(ValueError, match=r"items must be whole blocks of 1, not of shape \(\)"):
            reverse_blocks(3, 0)


class TestAddress:
    @pytest.mark.parametrize("max_bits", [1, 2, 3, 6, 7, 11, 32])
    def test_equals_the_golden_model(self, max_bits):
        dut, rng = BitReversal(max_bits=max_bits), random.Random(max_bits)
        checked, last = 0, min(2 ** len(dut.bits) - 1, 62)

        async def bench(ctx):
            nonlocal checked
            for bits in range(last + 1):
                for _ in range(40):
                    index = rng.getrandbits(max_bits)
                    ctx.set(dut.index, index)
                    ctx.set(dut.bits, bits)
                    await ctx.delay(1e-9)
                    expected = int(reverse(index, bits)) % (1 << max_bits)
                    assert ctx.get(dut.address) == expected, (index, bits)
                    checked += 1

        simulator = Simulator(dut)
        simulator.add_testbench(bench)
        simulator.run()
        assert checked == 40 * (last + 1)

    def test_errors(self):
        with pytest.raises(TypeError, match="max_bits must be an integer, not '3'"):
            BitReversal(max_bits="3")
        with pytest.raises(ValueError, match="max_bits must be 1 to 32, not 0"):
            BitReversal(max_bits=0)
        with pytest.raises(ValueError, match="max_bits must be 1 to 32, not 33"):
            BitReversal(max_bits=33)


def permute(dut, lanes, jobs, *, seed=None, together=False, width=8):
    """Send blocks through ``dut`` and compare what comes out with the golden model.

    ``jobs`` is a list of (m, blocks): a control word, unless m is None or as before, and that many
    blocks. ``seed`` stalls both ends at random. ``together`` offers a control word with the first
    word of its blocks, else before it. Returns the cycles of the words taken at both ends.
    """
    rng = random.Random(seed)
    stalls = {end: seed and at_random(random.Random(f"{seed}{end}"), 0.4) for end in "io"}
    sent, expected, before = [], [], None
    for m, blocks in jobs:
        words = max((1 << m) // lanes, 1)
        items = np.array([rng.getrandbits(width) for _ in range(blocks * words * lanes)])
        sent.append((m if m != before else None, items.reshape(-1, lanes).tolist()))
        moved = reverse_blocks(items, m).reshape(-1, lanes).tolist()
        expected += [(word, (i + 1) % words == 0) for i, word in enumerate(moved)]
        before = m
    entered, received, left = [], [], []

    async def source(ctx):
        cycle = 0
        for m, words in sent:
            if m is not None:
                if together:
                    ctx.set(dut.i.payload, words[0])
                    ctx.set(dut.i.valid, 1)
                cycle = (await put(ctx, dut.control, [m], start=cycle))[-1] + 1
                if together:
                    entered.extend(await put(ctx, dut.i, words[:1], start=cycle))
                    cycle, words = entered[-1] + 1, words[1:]
            entered.extend(await put(ctx, dut.i, words, stalls=stalls["i"], start=cycle))
            cycle = entered[-1] + 1

    async def sink(ctx):
        def read(payload):
            return list(payload.items), bool(payload.last)

        items, cycles = await get(ctx, dut.o, len(expected), read, stalls=stalls["o"])
        received.extend(items)
        left.extend(cycles)
        ctx.set(dut.o.ready, 1)
        for _ in range(20):
            _, _, valid = await ctx.tick().sample(dut.o.valid)
            assert not valid, "more came out than went in"

    simulate(dut, source, sink, limit=1000 + 20 * len(expected))
    assert received == expected
    return entered, left


def make(lanes, max_log2_block, width=8):
    return BitReversalPermuter(
        lanes=lanes, max_log2_block=max_log2_block, item_shape=unsigned(width)
    )


class TestPermuter:
    @pytest.mark.parametrize(
        ("lanes", "m"),
        [(lanes, m) for lanes in (1, 2, 4, 8) for m in range(8)] + [(16, 9), (2, 11)],
    )
    def test_no_gaps_and_the_documented_latency(self, lanes, m):
        blocks, words = 5, max((1 << m) // lanes, 1)
        entered, left = permute(make(lanes, max(m, 7)), lanes, [(m, blocks)])
        count = blocks * words
        assert entered == list(range(entered[0], entered[0] + count))
        assert left == list(range(entered[0] + words, entered[0] + words + count))

    @pytest.mark.parametrize("seed", range(1, 5))
    @pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
    def test_random_stalls_and_changes_of_m(self, lanes, seed):
        rng = random.Random(seed)
        jobs = [(rng.randint(0, 8), rng.randint(1, 4)) for _ in range(12)]
        print(f"{lanes=} {seed=} {jobs=}")
        permute(make(lanes, 8), lanes, jobs, seed=seed, together=seed % 2 == 0)

    def test_it_says_what_it_holds(self):
        """``ends`` with each block's last word, ``empty`` before the first and after the last."""
        dut, seen = BitReversalPermuter(lanes=4, max_log2_block=5, item_shape=8), []

        async def bench(ctx):
            ctx.set(dut.o.ready, 1)
            taken = left = 0
            while left < 16:
                ctx.set(dut.i.valid, taken < 16)
                taken_now, left_now, last, ends, empty = (
                    ctx.get(dut.i.ready) and taken < 16,
                    ctx.get(dut.o.valid),
                    ctx.get(dut.o.payload.last),
                    ctx.get(dut.ends),
                    ctx.get(dut.empty),
                )
                assert empty == (taken == left)
                if taken_now:
                    assert ends == (taken % 8 == 7)
                    seen.append(ends)
                assert not left_now or last == (left % 8 == 7)
                taken, left = taken + taken_now, left + left_now
                await ctx.tick()
            assert ctx.get(dut.empty)

        simulate(dut, bench)
        assert sum(seen) == 2
        assert len(seen) == 16

    @pytest.mark.parametrize("together", [False, True])
    @pytest.mark.parametrize("order", [1, -1])
    def test_the_cost_of_a_change(self, order, together):
        lanes, largest = 4, 7
        jobs = [(m, 2) for m in range(largest + 1)][::order]
        entered, _ = permute(make(lanes, largest), lanes, jobs, together=together)
        position = 0
        for (m, blocks), (following, _) in pairwise(jobs):
            words = max((1 << m) // lanes, 1)
            position += blocks * words
            pause = entered[position] - entered[position - 1] - 1
            assert 1 <= pause <= words + 1, (m, following)

    @pytest.mark.parametrize(("lanes", "largest"), [(1, 0), (1, 1), (4, 0), (8, 2), (8, 3), (8, 4)])
    def test_the_smallest_memories(self, lanes, largest):
        jobs = [(m, 3) for m in [*range(largest + 1), *range(largest, -1, -1)]]
        permute(make(lanes, largest), lanes, jobs, seed=7)

    def test_the_widest_words(self):
        permute(make(64, 11, width=1), 64, [(m, 2) for m in range(12)], seed=9, width=1)

    @pytest.mark.parametrize(("lanes", "largest", "larger"), [(2, 5, 7), (8, 2, 3)])
    def test_m_from_reset_is_the_largest_and_a_larger_one_is_cut(self, lanes, largest, larger):
        items = list(range(2 * max(2**largest, lanes)))
        words = np.reshape(items, (2, -1, lanes)).tolist()
        dut, got = make(lanes, largest), []

        async def source(ctx):
            await put(ctx, dut.i, words[0])
            await put(ctx, dut.control, [larger])
            await put(ctx, dut.i, words[1])

        async def sink(ctx):
            count = len(words[0]) + len(words[1])
            got.extend((await get(ctx, dut.o, count, lambda payload: list(payload.items)))[0])

        simulate(dut, source, sink)
        assert [*chain(*got)] == reverse_blocks(items, largest).tolist()

    def test_control_offered_within_a_block_counts_for_the_next(self):
        dut, got, taken = make(2, 4), [], []
        items = list(range(24))
        words = np.reshape(items, (-1, 2)).tolist()

        async def source(ctx):
            # The second word of the first block comes late, after control has been offered.
            cycle = (await put(ctx, dut.i, words[:1]))[-1] + 1
            taken.extend(
                await put(ctx, dut.i, words[1:], stalls=iter([9] + 12 * [0]).__next__, start=cycle)
            )

        async def control(ctx):
            for _ in range(5):
                await ctx.tick()
            taken.extend(await put(ctx, dut.control, [3], start=5))

        async def sink(ctx):
            got.extend((await get(ctx, dut.o, 12, lambda payload: list(payload.items)))[0])

        simulate(dut, source, control, sink)
        assert len(taken) == 12
        expected = [*reverse_blocks(items[:16], 4), *reverse_blocks(items[16:], 3)]
        assert [*chain(*got)] == expected

    def test_items_are_of_any_shape(self):
        shape = data.StructLayout({"re": 3, "im": 4})
        dut = BitReversalPermuter(lanes=2, max_log2_block=3, item_shape=shape)
        entered, left = [], []
        items = [{"re": i, "im": 15 - i} for i in range(8)]

        async def source(ctx):
            entered.extend(await put(ctx, dut.i, [items[i : i + 2] for i in range(0, 8, 2)]))

        async def sink(ctx):
            def read(payload):
                return [{"re": item.re, "im": item.im} for item in payload.items]

            left.extend(chain(*(await get(ctx, dut.o, 4, read))[0]))

        simulate(dut, source, sink)
        assert len(entered) == 4
        assert left == [items[int(reverse(i, 3))] for i in range(8)]

    @pytest.mark.parametrize(
        ("parameters", "error", "message"),
        [
            ({"lanes": 3}, ValueError, "lanes must be a power of two of at least 1, not 3"),
            ({"lanes": 128}, ValueError, "lanes must be 1 to 64, not 128"),
            ({"lanes": 2.0}, TypeError, r"lanes must be an integer, not 2\.0"),
            ({"max_log2_block": 25}, ValueError, "max_log2_block must be 0 to 24, not 25"),
            ({"max_log2_block": -1}, ValueError, "max_log2_block must be 0 to 24, not -1"),
            ({"max_log2_block": True}, TypeError, "max_log2_block must be an integer, not True"),
            ({"item_shape": "u8"}, TypeError, "item_shape must be shape-castable, not 'u8'"),
        ],
    )
    def test_errors(self, parameters, error, message):
        legal = {"lanes": 4, "max_log2_block": 6, "item_shape": 8}
        with pytest.raises(error, match=message):
            BitReversalPermuter(**{**legal, **parameters})
