"""GF(2) algebra: against definitions in plain Python, and its own laws."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.golden.topology import gf2


def random_matrix(random, rows, columns):
    return random.integers(0, 2, (rows, columns)).astype(np.uint8)


def invertible(random, n):
    """A random invertible matrix: lower times upper triangular, both with unit diagonals."""
    eye = np.eye(n, dtype=np.uint8)
    lower, upper = np.tril(random_matrix(random, n, n), -1), np.triu(random_matrix(random, n, n), 1)
    return gf2.product(lower | eye, upper | eye)


seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)


class TestDigits:
    def test_most_significant_first(self):
        assert gf2.bits(6, 4).tolist() == [0, 1, 1, 0]
        assert gf2.bits([[1, 2]], 2).tolist() == [[[0, 1], [1, 0]]]
        assert gf2.integers([0, 1, 1, 0]) == 6

    @given(st.lists(st.integers(0, 2**40 - 1), max_size=20))
    def test_round_trip(self, values):
        digits = gf2.bits(np.array(values, np.int64), 40)
        assert digits.shape == (len(values), 40)
        assert digits.dtype == np.uint8
        assert gf2.integers(digits).tolist() == values

    def test_no_digits(self):
        assert gf2.bits([0, 0], 0).shape == (2, 0)
        assert gf2.integers(np.zeros((2, 0))).tolist() == [0, 0]

    @pytest.mark.parametrize("bad", [-1, 4, [0, 5]])
    def test_out_of_range(self, bad):
        with pytest.raises(ValueError, match=r"integers must be in 0 to 2\*\*2 - 1, not"):
            gf2.bits(bad, 2)


class TestProduct:
    @given(seeds, sizes, sizes, sizes)
    @settings(max_examples=50, deadline=None)
    def test_definition(self, seed, m, n, k):
        random = np.random.default_rng(seed)
        a, b = random_matrix(random, m, n), random_matrix(random, n, k)
        expected = [
            [sum(int(a[i, t]) * int(b[t, j]) for t in range(n)) % 2 for j in range(k)]
            for i in range(m)
        ]
        assert gf2.product(a, b).tolist() == expected

    def test_shapes(self):
        with pytest.raises(ValueError, match="a must have as many columns as b has rows, not"):
            gf2.product(np.eye(2, dtype=int), np.eye(3, dtype=int))

    @pytest.mark.parametrize("bad", [[[2]], [[-1]], [[0.5]], [1, 0], [["1"]]])
    def test_entries(self, bad):
        with pytest.raises(ValueError, match="a must be a 2-dimensional array of 0 and 1, not"):
            gf2.product(bad, [[1]])
        with pytest.raises(ValueError, match="matrix must be a 2-dimensional array of 0 and 1"):
            gf2.rank(bad)


class TestSolve:
    @given(seeds, sizes)
    @settings(max_examples=50, deadline=None)
    def test_inverse(self, seed, n):
        a = invertible(np.random.default_rng(seed), n)
        assert gf2.product(a, gf2.inverse(a)).tolist() == np.eye(n, dtype=int).tolist()
        assert gf2.rank(a) == n

    @given(seeds, sizes, sizes, sizes)
    @settings(max_examples=50, deadline=None)
    def test_solves_what_has_a_solution(self, seed, m, n, k):
        random = np.random.default_rng(seed)
        a, x = random_matrix(random, m, n), random_matrix(random, n, k)
        b = gf2.product(a, x)
        found = gf2.solve(a, b)
        assert found.shape == (n, k)
        assert np.array_equal(gf2.product(a, found), b)

    @given(seeds, st.integers(1, 4), st.integers(1, 4))
    @settings(max_examples=50, deadline=None)
    def test_rank_counts_the_span(self, seed, m, n):
        a = random_matrix(np.random.default_rng(seed), m, n)
        span = {
            tuple(np.bitwise_xor.reduce(a[list(rows)], axis=0).tolist()) if rows else (0,) * n
            for size in range(m + 1)
            for rows in itertools.combinations(range(m), size)
        }
        assert len(span) == 2 ** gf2.rank(a)

    def test_no_solution(self):
        with pytest.raises(ValueError, match="the equations contradict each other"):
            gf2.solve([[1, 1], [1, 1]], [[0], [1]])
        with pytest.raises(ValueError, match="a must have as many rows as b"):
            gf2.solve([[1]], [[1], [0]])

    def test_singular(self):
        with pytest.raises(ValueError, match="must be invertible, but its rank is 1 of 2"):
            gf2.inverse([[1, 1], [1, 1]])
        with pytest.raises(ValueError, match=r"must be square, not of shape \(1, 2\)"):
            gf2.inverse([[1, 0]])


class TestSpaces:
    @given(seeds, sizes, sizes)
    @settings(max_examples=50, deadline=None)
    def test_nullspace(self, seed, rows, columns):
        matrix = random_matrix(np.random.default_rng(seed), rows, columns)
        basis = gf2.nullspace(matrix)
        assert basis.shape == (columns, columns - gf2.rank(matrix))
        assert gf2.rank(basis) == basis.shape[1]
        assert not gf2.product(matrix, basis).any()

    @given(seeds, sizes, sizes)
    @settings(max_examples=50, deadline=None)
    def test_pivots_are_the_first_independent_rows(self, seed, rows, columns):
        matrix = random_matrix(np.random.default_rng(seed), rows, columns)
        ranks = [0] + [gf2.rank(matrix[: n + 1]) for n in range(rows)]
        assert gf2.pivots(matrix) == [n for n in range(rows) if ranks[n + 1] > ranks[n]]


class TestMaps:
    @given(seeds, sizes, sizes)
    @settings(max_examples=50, deadline=None)
    def test_apply_is_the_matrix_product(self, seed, rows, columns):
        random = np.random.default_rng(seed)
        matrix = random_matrix(random, rows, columns)
        x = random.integers(0, 2**columns, (3, 5))
        digits = gf2.bits(x, columns).reshape(-1, columns)
        expected = gf2.integers(gf2.product(digits, matrix.T)).reshape(3, 5)
        assert np.array_equal(gf2.apply(matrix, x), expected)

    @given(seeds, sizes, sizes)
    @settings(max_examples=50, deadline=None)
    def test_columns_are_the_images_of_powers_of_two(self, seed, rows, columns):
        matrix = random_matrix(np.random.default_rng(seed), rows, columns)
        images = gf2.columns(matrix)
        assert np.array_equal(images, gf2.apply(matrix, 1 << np.arange(columns)))
        assert np.array_equal(gf2.from_columns(images, rows), matrix)

    @pytest.mark.parametrize("bad", [-1, 4])
    def test_out_of_range(self, bad):
        with pytest.raises(ValueError, match=r"integers must be in 0 to 2\*\*2 - 1, not"):
            gf2.apply(np.eye(2, dtype=int), bad)
