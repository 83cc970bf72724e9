"""How weights start: signs, magnitudes, and what they do to the neurons."""

import numpy as np
import pytest
from scipy.stats import qmc

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import MAGNITUDES, RULES, initialize, parity, signs

DIGITS = Topology((64, 128, 128, 16), (2048, 2048, 1024))


def test_rudin_shapiro():
    """The first 16 terms as the sequence's definition gives them (OEIS A020985)."""
    expected = [1, 1, 1, -1, 1, 1, -1, 1, 1, 1, 1, -1, -1, -1, 1, -1]
    assert signs("rudin-shapiro", 16).tolist() == expected
    pairs = [f"{i:b}" for i in range(4096)]
    counts = [sum(s[k : k + 2] == "11" for k in range(len(s))) for s in pairs]
    assert signs("rudin-shapiro", 4096).tolist() == [(-1) ** c for c in counts]


def test_parity_rule_is_the_papers():
    assert signs("parity", 6).tolist() == [1, -1, 1, -1, 1, -1]


def test_halves_and_ratios():
    assert signs("halves", 6).tolist() == [1, 1, 1, -1, -1, -1]
    assert signs("halves", 1).tolist() == [1]
    assert signs("ratio:0.25", 8).tolist() == [1, 1, -1, -1, -1, -1, -1, -1]
    assert signs("ratio:0", 3).tolist() == [-1, -1, -1]
    assert signs("ratio:1", 3).tolist() == [1, 1, 1]
    assert np.array_equal(signs("ratio:0.5", 1024), signs("halves", 1024))


def test_signs_by_a_dimension():
    """Dimension 0 is bit reversal: its leading digit is the parity of the index."""
    assert np.array_equal(signs("dimension:0", 64), signs("parity", 64))
    below = qmc.Sobol(6, scramble=False).random(64)[:, 5] < 0.5
    natural = np.arange(64) ^ np.arange(64) >> 1  # SciPy counts in Gray code
    expected = np.empty(64)
    expected[natural] = np.where(below, 1, -1)
    assert np.array_equal(signs("dimension:5", 64), expected)


@pytest.mark.parametrize("rule", ["halves", "dimension:4"])
def test_every_neuron_is_balanced(rule):
    """As many + as - at every neuron, in and out (section 4.3), for an unused dimension."""
    for junction in DIGITS.junctions:
        values = signs(rule, DIGITS.paths[junction - 1])
        for ends in DIGITS.edges(junction):
            assert not np.bincount(ends, values).any()


def test_parity_of_ones():
    values = [0, 1, 3, 2**40, 2**62 + 1]
    assert parity(values).tolist() == [bin(v).count("1") % 2 for v in values]


def test_constant_magnitude_and_zero_biases():
    network = initialize(DIGITS)
    for junction, weights in zip(DIGITS.junctions, network.weights, strict=True):
        magnitude = (6 / (DIGITS.fan_in(junction) + DIGITS.fan_out(junction))) ** 0.5
        assert np.abs(weights) == pytest.approx(np.full(weights.size, magnitude))
        assert weights / np.float32(magnitude) == pytest.approx(
            signs("rudin-shapiro", weights.size)
        )
    assert not any(biases.any() for biases in network.biases)


@pytest.mark.parametrize("rule", ["rudin-shapiro", "parity", "halves", "ratio:0.3", "dimension:4"])
def test_constant_rules_need_no_seed(rule):
    first, second = initialize(DIGITS, rule, 1), initialize(DIGITS, rule, 2)
    assert np.array_equal(first.parameters, second.parameters)


@pytest.mark.parametrize("rule", ["random", "uniform"])
def test_random_rules_go_by_seed(rule):
    first, again, other = (initialize(DIGITS, rule, seed).parameters for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    bound = (6 / (DIGITS.fan_in(1) + DIGITS.fan_out(1))) ** 0.5
    assert np.abs(initialize(DIGITS, rule, 1).weights[0]).max() <= np.float32(bound)


@pytest.mark.parametrize("rule", ["rudin-shapiro", "parity", "ratio:0.3", "random"])
def test_random_magnitudes_keep_the_signs_of_the_rule(rule):
    """Uniform from 0 to the constant: of mean 1 / 2 and mean square 1 / 3 of it."""
    network = initialize(DIGITS, rule, 1, "random")
    assert np.array_equal(network.parameters, initialize(DIGITS, rule, 1, "random").parameters)
    assert not np.array_equal(network.parameters, initialize(DIGITS, rule, 2, "random").parameters)
    for junction, weights in zip(DIGITS.junctions, network.weights, strict=True):
        bound = (6 / (DIGITS.fan_in(junction) + DIGITS.fan_out(junction))) ** 0.5
        relative = np.abs(weights) / bound
        assert relative.mean() == pytest.approx(1 / 2, abs=0.04)
        assert np.square(relative).mean() == pytest.approx(1 / 3, abs=0.04)
        assert (relative.min(), relative.max()) == pytest.approx((0, 1), abs=0.01)
        if rule != "random":
            assert np.array_equal(np.sign(weights), signs(rule, weights.size))
        else:
            assert (weights > 0).mean() == pytest.approx(1 / 2, abs=0.05)


def test_uniform_has_magnitudes_of_its_own():
    first, second = (initialize(DIGITS, "uniform", 1, each).parameters for each in MAGNITUDES)
    assert np.array_equal(first, second)


def test_unknown_magnitudes():
    with pytest.raises(InputError, match="magnitudes must be one of constant, random, not 'tiny'"):
        initialize(DIGITS, magnitudes="tiny")


def never_fire(rule, dimensions):
    """How many neurons of the first hidden layer are 0 for each of 500 random images."""
    network = initialize(Topology((64, 128, 16), (2048, 1024), dimensions), rule)
    images = np.random.default_rng(0).uniform(0, 1, (500, 64))
    return int((network.layers(images)[0].max(axis=0) <= 0).sum())


def test_parity_kills_half_a_layer_in_dimension_0_and_rudin_shapiro_none():
    """The reason for the default: see the docstring of golden.training.initialize."""
    assert never_fire("parity", (1, 0, 2)) == 64
    for dimensions in ((1, 0, 2), (0, 1, 2), (4, 5, 6)):
        assert never_fire("rudin-shapiro", dimensions) <= 16


@pytest.mark.parametrize("rule", ["zero", "halves:2", "ratio", ""])
def test_unknown_rule(rule):
    message = f"initialization must be one of {', '.join(RULES)}, not '{rule}'"
    with pytest.raises(InputError, match=message):
        initialize(DIGITS, rule)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("ratio:1.5", "ratio: must be followed by a number from 0 to 1, not '1.5'"),
        ("ratio:nan", "ratio: must be followed by a number from 0 to 1, not 'nan'"),
        ("ratio:R", "ratio: must be followed by a number from 0 to 1, not 'R'"),
        ("dimension:-1", "dimension: must be followed by an integer from 0 to 21200, not '-1'"),
        ("dimension:21201", "dimension: must be followed by an integer from 0 to 21200, not"),
        ("dimension:D", "dimension: must be followed by an integer from 0 to 21200, not 'D'"),
    ],
)
def test_numbers_of_rules(rule, message):
    with pytest.raises(InputError, match=message):
        initialize(DIGITS, rule)
