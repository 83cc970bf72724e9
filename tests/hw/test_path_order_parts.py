"""The parts of the path-order engine, each alone, against NumPy."""

import numpy as np
import pytest

from sobolpath.golden.topology import gf2, linear
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.path_order.accumulators import Accumulators
from sobolpath.hw.path_order.addresses import BlockAddresses
from sobolpath.hw.path_order.config import PathOrderConfig
from sobolpath.hw.path_order.loader import ItemLoader, WordLoader, loader
from sobolpath.hw.path_order.operands import OperandBanks
from tests.support.streams import put, simulate

pytestmark = pytest.mark.timeout(120)


def config(lanes, **options):
    """Banks of 8 rows, and up to 256 paths a junction."""
    sizes = {"max_neurons": 8 * lanes, "weight_words": 64, "max_paths": max(64, 8 * lanes)}
    return PathOrderConfig(lanes=lanes, program_words=32, **{**sizes, **options})


@pytest.mark.parametrize("lanes", [4, 8, 16])
class TestBlockAddresses:
    def columns(self, some, topology, layer):
        """The columns of a layer's matrix, and its shift, as the control gives them."""
        matrix = topology.matrix(layer, 1)
        left = some.address_bits - len(matrix)
        values = [int(value) << left for value in gf2.columns(matrix)]
        items = [{"index": digit, "value": value} for digit, value in enumerate(values)]
        shift = topology.digital_shifts[layer] << left
        return [*items, {"index": some.index_bits - 1, "value": shift}]

    def expected(self, some, topology, backward):
        """Rows read, and of every bank added to its row, bank and lane, block after block."""
        ends = [
            np.asarray(neurons) << some.address_bits - (width.bit_length() - 1)
            for neurons, width in zip(topology.edges(1), topology.layers, strict=True)
        ]
        read, add = [side.reshape(-1, some.lanes) for side in ends]
        order = range(len(read))[::-1] if backward else range(len(read))
        found, epoch = [], topology.layers[1] // some.lanes
        for number, block in enumerate(order):
            banks, rows = np.divmod(np.stack([read[block], add[block]]), 1 << some.row_bits)
            met = np.argsort(banks, axis=1)
            found.append(
                {
                    "read_rows": rows[0][met[0]].tolist(),
                    "rows": rows[1][met[1]].tolist(),
                    "banks": banks[0][met[1]].tolist(),
                    "lanes": met[1].tolist(),
                    "first": number < epoch,
                    "last": number == len(read) - 1,
                }
            )
        return found

    @pytest.mark.parametrize("backward", [False, True])
    def test_equals_the_edges(self, lanes, backward):
        some, rng = config(lanes), np.random.default_rng(lanes)
        dut = BlockAddresses(some)
        layers = (8 * lanes, 2 * lanes)
        count = some.max_paths
        topologies = [
            Topology(layers, (count,), (3, 17)),
            Topology((lanes, lanes), (2 * lanes,)),
            linear.scrambled(layers, (count,), 2),
            linear.shifted(layers, (count,), int(rng.integers(9))),
        ]
        got = []

        async def drive(ctx):
            cycle = 0
            for number, topology in enumerate(topologies):
                for side, layer in ((dut.read, 0), (dut.add, 1)):
                    items = self.columns(some, topology, layer)
                    cycle = (await put(ctx, side, items, start=cycle))[-1] + 1
                start = {
                    "last": topology.paths[0] // lanes - 1,
                    "backward": backward,
                    "epoch": topology.layers[1] // lanes - 1,
                }
                cycle = (await put(ctx, dut.start, [start], start=cycle))[-1] + 1
                total = sum(each.paths[0] // lanes for each in topologies[: number + 1])
                while len(got) < total:
                    await ctx.tick()
                    cycle += 1

        async def watch(ctx):
            before = None
            async for _, _, valid, rows, block in ctx.tick().sample(dut.valid, dut.rows, dut.o):
                if valid:
                    names = ("rows", "banks", "lanes")
                    lists = {name: list(getattr(block, name)) for name in names}
                    flags = {"first": bool(block.first), "last": bool(block.last)}
                    got.append({"read_rows": before, **lists, **flags})
                before = list(rows)

        simulate(dut, drive, background=[watch])
        wanted = [
            block for topology in topologies for block in self.expected(some, topology, backward)
        ]
        assert got == wanted
        assert len(got) > 2 * count // lanes


@pytest.mark.parametrize("lanes", [4, 8, 32])
class TestLoader:
    def written(self, some, digits, loads, seed):
        """(bank, row, value) of what is written for inputs 0, 1, 2 and so on, in that order."""
        dut, rng, found = loader(some), np.random.default_rng(seed), []
        assert isinstance(dut, ItemLoader if some.input_width == 1 else WordLoader)
        words = some.inputs(np.arange(loads << digits, dtype=np.uint8))
        offered = iter(words)

        async def bench(ctx):
            ctx.set(dut.digits, digits)
            await ctx.tick().repeat(2)
            ctx.set(dut.known, 1)
            word, done = next(offered), 0
            for _ in range(40 * len(words)):
                ctx.set(dut.i.valid, int(word is not None and rng.random() < 0.7))
                ctx.set(dut.i.payload, word or 0)
                ctx.set(dut.load, int(rng.random() < 0.7))
                valid, ready, loading, loaded, held, o = (
                    ctx.get(each)
                    for each in (
                        *(dut.i.valid, dut.i.ready, dut.loading, dut.loaded, dut.held, dut.o),
                    )
                )
                assert o.enable == loading
                if loading and some.input_width == 1:
                    found.append((*divmod(o.address, 1 << some.row_bits), o.data))
                elif loading:
                    found.extend((bank, o.row, o.items[bank]) for bank in range(some.lanes))
                    assert held
                done += loaded
                assert loaded == (loading and len(found) == done << digits)
                await ctx.tick()
                if valid and ready:
                    word = next(offered, None)
            assert done == loads

        simulate(dut, bench, limit=100_000)
        return found

    @pytest.mark.parametrize("wide", [False, True])
    def test_every_input_reaches_its_place(self, lanes, wide):
        """From one row to all rows, and one inference behind the other."""
        some = config(lanes, backward=False, input_width=lanes if wide else 1)
        for digits in range(some.bank_bits, some.address_bits + 1):
            found = self.written(some, digits, 3, digits)
            bits = some.address_bits
            neurons = np.arange(1 << digits) << bits - digits
            expected = [
                {(*divmod(int(place), 1 << some.row_bits), (inference << digits | number) % 256)}
                for inference in range(3)
                for number, place in enumerate(neurons)
            ]
            assert len(found) == 3 << digits
            for inference in range(3):
                part = slice(inference << digits, inference + 1 << digits)
                assert set(found[part]) == set.union(*expected[part])


class TestAccumulators:
    @pytest.mark.parametrize("backward", [False, True])
    @pytest.mark.parametrize("rows", [1, 2, 8])
    def test_sums(self, rows, backward):
        """Blocks back to back or with gaps, few rows, so that many come again at once."""
        some = config(4, backward=backward)
        dut, rng = Accumulators(some), np.random.default_rng([rows, backward])
        width, digits = 8 + some.operand.width, some.accumulator_bits
        sums, got = np.zeros((4, 8), np.int64), []

        async def bench(ctx):
            previous = None
            for number in range(200):
                row, idle = int(rng.integers(rows)), number >= rows and rng.random() < 0.3
                # In hardware the rows of a block differ by bank; here by a constant.
                place = [(row + bank) % 8 if rows == 8 else row for bank in range(4)]
                ctx.set(dut.rows, place)
                if previous is not None:
                    ctx.set(dut.valid, previous["valid"])
                    ctx.set(dut.first, previous["first"])
                    ctx.set(dut.products, previous["products"])
                products = rng.integers(-(2 ** (width - 2)), 2 ** (width - 2), 4)
                fresh = number < rows
                if fresh:
                    row = number
                    place = [(row + bank) % 8 if rows == 8 else row for bank in range(4)]
                    ctx.set(dut.rows, place)
                previous = {
                    "valid": not idle,
                    "first": fresh,
                    "products": [int(value) & (1 << width) - 1 for value in products],
                }
                if not idle:
                    for bank in range(4):
                        own = 0 if fresh else sums[bank, place[bank]]
                        sums[bank, place[bank]] = own + products[bank]
                await ctx.tick()
            ctx.set(dut.valid, previous["valid"])
            ctx.set(dut.first, previous["first"])
            ctx.set(dut.products, previous["products"])
            await ctx.tick()
            ctx.set(dut.valid, 0)
            await ctx.tick().repeat(3)
            for row in range(rows):
                ctx.set(dut.rows, [row] * 4)
                await ctx.tick()
                low = [ctx.get(value) for value in dut.low]
                await ctx.tick()
                high = [ctx.get(value) for value in dut.high]
                for bank in range(4):
                    value = high[bank] << 16 | low[bank]
                    got.append((bank, row, value - (value >> digits - 1 << digits)))

        simulate(dut, bench)
        written = [(bank, row, int(sums[bank, row])) for row in range(rows) for bank in range(4)]
        assert got == written


class TestOperandBanks:
    def test_reads_what_was_written(self):
        some = config(8)
        dut, rng, checked = OperandBanks(some), np.random.default_rng(3), []
        content = rng.integers(-(2**15), 2**15, some.max_neurons)

        async def bench(ctx):
            for neuron, value in enumerate(content.tolist()):
                ctx.set(dut.store, {"enable": 1, "address": neuron, "data": value})
                await ctx.tick()
            ctx.set(dut.store.enable, 0)
            for _ in range(40):
                rows = rng.integers(0, 8, 8)
                ctx.set(dut.rows, rows.tolist())
                await ctx.tick()
                wanted = content.reshape(8, 8)[np.arange(8), rows].tolist()
                assert [ctx.get(value) for value in dut.o] == wanted
                checked.append(1)

        simulate(dut, bench)
        assert len(checked) == 40
