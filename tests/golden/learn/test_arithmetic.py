"""The contract of learning: planes, rounding, shifts, errors of the outputs, and its bounds."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import arithmetic
from sobolpath.golden.learn.arithmetic import BIAS_LIMIT, LIMIT, Fractions
from sobolpath.golden.machine.engine import requantize
from sobolpath.golden.path_order import backward
from sobolpath.golden.topology import patterns
from sobolpath.golden.topology.paths import Topology

SHIFTS = Fractions().shifts(3, 5)


class TestPlanes:
    def test_every_master_is_two_signed_bytes(self):
        masters = np.arange(-LIMIT, LIMIT)
        high, low = arithmetic.high(masters), arithmetic.low(masters)
        assert np.array_equal(256 * high + low, masters)
        assert (high.min(), high.max()) == (-127, 127)
        assert (low.min(), low.max()) == (-128, 127)

    def test_biases(self):
        ends = np.array([-BIAS_LIMIT, BIAS_LIMIT - 1])
        assert arithmetic.high(ends).tolist() == [-65535, 65535]
        assert np.array_equal(ends.astype(np.float32).astype(np.int64), ends)

    def test_low_is_not_seen_until_it_carries(self):
        assert arithmetic.high(np.array([127, 128, -128, -129])).tolist() == [0, 1, 0, -1]


class TestShifts:
    def test_by_hand(self):
        """Real values: 2**-13 a master, 2**-14 an error, 2**-8 an input, 2**-6 a hidden one."""
        assert SHIFTS.forward == (7, 5, 0)
        assert SHIFTS.weights == (14, 12, 12)  # 14 + 8 - 13 + 5 and 14 + 6 - 13 + 5
        assert SHIFTS.biases == (5, 7, 7)
        assert SHIFTS.logits == 3  # 2**-11 to 2**-14
        assert SHIFTS.one == 2**11

    @pytest.mark.parametrize("inputs", range(9))
    @pytest.mark.parametrize("rate", [0, 15])
    def test_none_is_negative_and_none_is_large(self, inputs, rate):
        for hidden in range(min(inputs + 5, 8) + 1):
            for junctions in (1, 2, 5):
                shifts = Fractions(inputs, hidden).shifts(junctions, rate)
                all_of = (*shifts.forward, *shifts.weights, *shifts.biases, shifts.logits)
                assert min(all_of) >= 0
                assert max(all_of) <= 24
                assert len(shifts.forward) == len(shifts.weights) == len(shifts.biases) == junctions

    @pytest.mark.parametrize("rate", [-1, 16])
    def test_a_rate_out_of_range(self, rate):
        with pytest.raises(InputError, match=rf"be 2\*\*0 to 2\*\*-15, not 2\*\*{-rate}"):
            Fractions().shifts(2, rate)

    def test_fractions_out_of_range(self):
        with pytest.raises(InputError, match="fraction of hidden must be 0 to 8 digits, not 9"):
            Fractions(8, 9)
        with pytest.raises(InputError, match="of inputs must be at least 2 digits for 7 of hidden"):
            Fractions(1, 7)


class TestErrors:
    def test_of_the_outputs_by_hand(self):
        """The true class lacks what it is below 1; the others are what they are above 0."""
        one = SHIFTS.one
        logits = [one // 2, -5, 7, 0, 3 * one]
        assert arithmetic.output_errors(logits, 0, SHIFTS).tolist() == [
            -8 * (one // 2),
            0,
            56,
            0,
            2**15 - 1,
        ]
        assert arithmetic.output_errors([one, one + 1], 1, SHIFTS)[1] == 0
        assert arithmetic.output_errors([-(2**30), 2**30], 0, SHIFTS).tolist() == [
            -(2**15),
            2**15 - 1,
        ]

    def test_is_a_gradient(self):
        """Of half the squares of what is missing, by differences."""
        rng, unit = np.random.default_rng(1), 2.0**-11

        def loss(z):
            others = np.maximum(np.delete(z, 2), 0)
            return (min(z[2] - 1, 0) ** 2 + (others**2).sum()) / 2

        for _ in range(20):
            logits = rng.integers(-2000, 3000, 8)
            found = arithmetic.output_errors(logits, 2, SHIFTS) * 2.0**-14
            steps = np.eye(8) * 1e-6
            real = logits * unit
            slopes = [(loss(real + step) - loss(real - step)) / 2e-6 for step in steps]
            assert np.allclose(found, slopes, atol=1e-5)

    def test_rounds_half_up_as_inference_does(self):
        values = np.arange(-600, 600)
        for shift in (0, 1, 4):
            found = np.clip(arithmetic.rounded(values, shift), 0, 255)
            assert np.array_equal(found, requantize(values, shift))


class TestBounds:
    """The proofs of the module, at their ends."""

    def test_backward_sums(self):
        most = arithmetic.MOST * 127 * 2**15
        assert most + 16 < 2**31
        assert arithmetic.MOST * 127 == backward.MOST

    def test_updates(self):
        assert 2**15 * 255 < 2**23
        assert 2**15 * 255 + 2**23 + LIMIT < 2**25
        assert 128 * 2**15 + 2**22 + BIAS_LIMIT < 2**25

    def test_fixed_signs_stop(self):
        masters = np.array([-LIMIT, -1, 0, LIMIT - 1])
        low, high = arithmetic.bounds(masters, True)
        assert low.tolist() == [-LIMIT, -LIMIT, 0, 0]
        assert high.tolist() == [-1, -1, LIMIT - 1, LIMIT - 1]
        assert arithmetic.high(np.array([-1, 0])).tolist() == [0, 0]
        assert arithmetic.bounds(masters, False) == (-LIMIT, LIMIT - 1)

    def test_paths_from_a_hidden_neuron(self):
        arithmetic.check(Topology((1024, 16, 512), (16384, 8192)))  # 1024 to a neuron, 512 from one
        with pytest.raises(InputError, match=r"at most 512 paths .* but 1024 of junction 2"):
            arithmetic.check(Topology((16, 16, 1024), (16, 16384)))

    def test_paths_that_are_not_linear(self):
        with pytest.raises(InputError, match="not linear"):
            arithmetic.check(patterns.pseudo_random((8, 8), (16,), 1))
