"""The Sobol' sequence: against SciPy's own stream of points, a literal table and the paper."""

import numpy as np
import pytest
from scipy.stats import qmc

from sobolpath.golden.topology import sobol

# Digits of the points 0 to 15 times 16, in natural order. Dimension 0 is bit reversal, dimension 1
# Pascal's triangle modulo 2; 2 and 3 are worked out by hand from the primitive polynomials
# x^2 + x + 1 (m = 1, 3) and x^3 + x + 1 (m = 1, 3, 1) of Joe & Kuo's table:
# directions 8, 12, 6, 9 and 8, 12, 2, 5 and 8, 12, 2, ...
DIRECTIONS = {0: (8, 4, 2, 1), 1: (8, 12, 10, 15), 2: (8, 12, 6, 9), 3: (8, 12, 2, 5)}
TABLE = {
    0: (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
    1: (0, 8, 12, 4, 10, 2, 6, 14, 15, 7, 3, 11, 5, 13, 9, 1),
    2: (0, 8, 12, 4, 6, 14, 10, 2, 9, 1, 5, 13, 15, 7, 3, 11),
    3: (0, 8, 12, 4, 2, 10, 14, 6, 5, 13, 9, 1, 7, 15, 11, 3),
}
DIMENSIONS = 64


def test_literal_table():
    for dimension, expected in TABLE.items():
        assert sobol.points(dimension, 4, np.arange(16)).tolist() == list(expected)


def test_literal_directions():
    for dimension, directions in DIRECTIONS.items():
        powers = 1 << np.arange(4)
        assert sobol.points(dimension, 4, powers).tolist() == list(directions)


def test_the_papers_permutation():
    """Section 4.2: the first 2^m points of dimension 0 are bit reversal, scaled by 2^m."""
    assert sobol.points(0, 4, np.arange(8)).tolist() == [0, 8, 4, 12, 2, 10, 6, 14]


@pytest.mark.parametrize("digits", [1, 7, 10])
def test_scipys_own_points(digits):
    """SciPy's point number i is ours number i ^ (i >> 1): it enumerates in Gray-code order."""
    stream = qmc.Sobol(DIMENSIONS, scramble=False).random(2**digits)
    theirs = np.floor(stream * 2**digits).astype(np.int64)
    assert theirs.shape == (2**digits, DIMENSIONS)
    indices = np.arange(2**digits)
    for dimension in range(DIMENSIONS):
        ours = sobol.points(dimension, digits, indices ^ (indices >> 1))
        assert np.array_equal(ours, theirs[:, dimension]), dimension


@pytest.mark.parametrize("dimension", [0, 1, 5, 63])
@pytest.mark.parametrize(("rows", "columns"), [(5, 12), (12, 5), (1, 1), (0, 3), (3, 0), (30, 20)])
def test_matrix(dimension, rows, columns):
    matrix = sobol.generator_matrix(dimension, rows, columns)
    assert matrix.shape == (rows, columns)
    assert matrix.dtype == np.uint8
    square = matrix[: min(rows, columns), : min(rows, columns)]
    assert not np.tril(square, -1).any()
    assert np.diagonal(square).all()
    whole = sobol.generator_matrix(dimension, 30, 20)
    assert np.array_equal(matrix, whole[:rows, :columns])


@pytest.mark.parametrize("dimension", [0, 3, 17, 63])
def test_every_aligned_run_is_a_permutation(dimension):
    for digits in range(1, 9):
        run = sobol.points(dimension, digits, np.arange(512)).reshape(-1, 2**digits)
        assert np.array_equal(np.sort(run, axis=1), np.tile(np.arange(2**digits), (len(run), 1)))


def test_dimensions_of_high_degree_with_few_digits(capfd):
    """SciPy itself fails silently with fewer bits than the polynomial's degree: 13 for 1,000."""
    expected = np.floor(qmc.Sobol(1001, scramble=False).random(2)[:, 1000] * 4)
    assert sobol.points(1000, 2, [0, 1]).tolist() == expected.tolist()
    assert capfd.readouterr().err == ""


def test_shapes_of_indices():
    assert sobol.points(2, 3, 5).shape == ()
    assert sobol.points(2, 3, np.zeros((2, 0), int)).shape == (2, 0)
    assert sobol.points(2, 3, [[1, 2], [3, 4]]).tolist() == [[4, 6], [2, 3]]


def test_a_returned_matrix_is_the_callers_own():
    sobol.generator_matrix(1, 4, 4)[:] = 0
    assert sobol.generator_matrix(1, 4, 4).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 4, 4), "dimension must be 0 to 21200, not -1"),
        ((21201, 4, 4), "dimension must be 0 to 21200, not 21201"),
        ((0, 31, 4), "rows must be 0 to 30, not 31"),
        ((0, 4, -1), "columns must be 0 to 30, not -1"),
    ],
)
def test_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        sobol.generator_matrix(*arguments)


def test_indices_out_of_range():
    with pytest.raises(ValueError, match="columns must be 0 to 30, not 31"):
        sobol.points(0, 4, [2**30])
    with pytest.raises(ValueError, match="integers must be in 0 to"):
        sobol.points(0, 4, [-1, 3])
