# amaranth: UnusedElaboratable=no
"""Errors and updates of the hardware against ``golden.learn``: edges, extremes, random values."""

import numpy as np
import pytest

from sobolpath.golden.learn import arithmetic
from sobolpath.golden.learn.arithmetic import BIAS_LIMIT, LIMIT, Fractions
from sobolpath.hw.learn.errors import HiddenErrors
from sobolpath.hw.learn.outputs import OutputErrors
from sobolpath.hw.learn.update import MasterUpdate
from tests.support.streams import simulate

pytestmark = pytest.mark.timeout(60)


def stream(dut, inputs, output):
    """Put dictionaries of inputs in, one a cycle; what ``output`` is for each, latency later."""
    found = []

    async def bench(ctx):
        for cycle in range(len(inputs) + dut.latency):
            for name, value in inputs[min(cycle, len(inputs) - 1)].items():
                ctx.set(getattr(dut, name), value)
            if cycle >= dut.latency:
                found.append(output(ctx))
            await ctx.tick()

    simulate(dut, bench)
    assert len(found) == len(inputs)
    return found


def around(*values):
    """Those integers, their opposites, and the ones beside them."""
    return [sign * value + d for value in values for sign in (-1, 1) for d in (-1, 0, 1)]


class TestOutputErrors:
    @pytest.mark.parametrize(("values", "registered"), [(1, False), (8, False), (4, True)])
    @pytest.mark.parametrize("fractions", [Fractions(), Fractions(8, 0), Fractions(3, 8)], ids=str)
    @pytest.mark.parametrize("junctions", [1, 2])
    def test_are_golden(self, values, registered, fractions, junctions):
        shifts = fractions.shifts(junctions, 5)
        rng, top = np.random.default_rng(values), 2**31 - 2
        ends = around(0, shifts.one, 2 * shifts.one, 2**15, 2**16, 2**30, top)
        logits = np.array(ends + rng.integers(-top, top, 50).tolist())
        small = rng.integers(-4 * shifts.one, 4 * shifts.one, 150)
        logits = np.concatenate([logits, small])[: (len(logits) + 150) // values * values]
        inputs, wanted = [], []
        for row in logits.reshape(-1, values):
            for true in range(values + 1):  # of the last one none is the true class
                errors = arithmetic.output_errors([*row, 0], true, shifts)[:values]
                word = 1 << true if true < values else 0
                inputs.append({"logits": row.tolist(), "true": word, "shift": shifts.logits})
                wanted.append(errors.tolist())
        dut = OutputErrors(values=values, registered=registered)
        assert stream(dut, inputs, lambda ctx: list(ctx.get(dut.errors))) == wanted
        flat = np.concatenate(wanted)
        assert {-(2**15), 0, 2**15 - 1} <= set(flat.tolist())
        assert len(np.unique(flat)) > 20 // values

    def test_rejects(self):
        with pytest.raises(ValueError, match="values must be a power of two of at least 1, not 3"):
            OutputErrors(values=3)


def _bits(flags):
    return sum(int(flag) << place for place, flag in enumerate(flags))


class TestHiddenErrors:
    @pytest.mark.parametrize("values", [1, 4])
    def test_are_golden(self, values):
        rng, most = np.random.default_rng(values), 2**31 - 2**24
        ends = around(0, 15, 16, 17, 48, 2**20 - 16, 2**20, 2**20 + 16, most - 1)
        sums = np.array(ends + rng.integers(-most, most, 60).tolist())
        sums = np.concatenate([sums, rng.integers(-(2**21), 2**21, 174 - len(sums) % 2)])
        sums = np.tile(sums, 4)[: len(sums) * 4 // values * values]
        activations = rng.choice([0, 1, 128, 254, 255], len(sums))
        inputs = [
            {"sums": row.tolist(), "active": _bits((own > 0) & (own < 255))}
            for row, own in zip(
                sums.reshape(-1, values), activations.reshape(-1, values), strict=True
            )
        ]
        dut = HiddenErrors(values=values)
        found = stream(dut, inputs, lambda ctx: list(ctx.get(dut.errors)))
        wanted = arithmetic.error16(arithmetic.rounded(sums, 5))
        wanted[(activations == 0) | (activations == 255)] = 0
        assert np.concatenate(found).tolist() == wanted.tolist()
        assert {-(2**15), 0, 2**15 - 1} <= set(wanted.tolist())

    def test_rejects(self):
        with pytest.raises(TypeError, match=r"values must be an integer, not 2\.0"):
            HiddenErrors(values=2.0)


class TestMasterUpdate:
    @pytest.mark.parametrize("kind", ["weights", "fixed", "biases"])
    @pytest.mark.parametrize(("lanes", "registered"), [(1, False), (8, False), (4, True)])
    def test_are_golden(self, lanes, registered, kind):
        """Another shift every cycle; masters at their ends, products around what rounds."""
        rng = np.random.default_rng(lanes)
        dut = MasterUpdate(lanes=lanes, registered=registered)
        assert dut.latency == 3 + registered
        inputs, wanted, changed = [], [], 0
        biases, fixed = kind == "biases", kind == "fixed"
        limit = BIAS_LIMIT if biases else LIMIT
        ends = [0, 1, 127, 128, 129, 32639, 32640, limit - 256, limit - 2, limit - 1]
        masters = [*ends, *(-end for end in ends), -limit]
        for shift in [*range(25)] * 12:
            half = (1 << shift) >> 1
            edges = [0, half - 1, half, half + 1, -half, -half - 1, 2**15 * 255, -(2**15) * 255]
            products = rng.choice([*edges, *rng.integers(-(2**15) * 255, 2**15 * 255, 8)], lanes)
            near = rng.integers(-40, 40, lanes) << shift
            products = np.where(rng.random(lanes) < 0.3, near, products)
            products = products.clip(-(2**15) * 255, 2**15 * 255)
            own = rng.choice([*masters, *rng.integers(-limit, limit, 6)], lanes)
            taken = arithmetic.rounded(products, shift)
            bounds = (-limit, limit - 1) if biases else arithmetic.bounds(own, fixed)
            new = np.clip(own - taken, *bounds)
            changed += (new != own - taken).sum()
            pairs = zip(arithmetic.high(own).tolist(), arithmetic.low(own).tolist(), strict=True)
            rows = [{"high": high, "low": low} for high, low in pairs]
            flags = {"shift": shift, "fixed": fixed, "biases": biases}
            inputs.append({"products": products.tolist(), "masters": rows, **flags})
            wanted.append(new.tolist())

        def read(ctx):
            return [256 * ctx.get(each.high) + ctx.get(each.low) for each in dut.o]

        if registered:  # all others come a cycle later than products and shifts
            early = [{name: each[name] for name in ("products", "shift")} for each in inputs]
            pairs = zip([*early, early[-1]], [inputs[0], *inputs], strict=True)
            inputs = [others | own for own, others in pairs]
        assert stream(dut, inputs, read)[: len(wanted)] == wanted
        assert changed > 20 * lanes
        assert {-limit, limit - 1} <= {value for row in wanted for value in row}

    def test_rejects(self):
        with pytest.raises(ValueError, match="lanes must be a power of two of at least 1, not 0"):
            MasterUpdate(lanes=0)
