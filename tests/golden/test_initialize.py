"""How weights start: signs, magnitudes, and what they do to the neurons."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.signs import signs

DIGITS = Topology((64, 128, 128, 16), (2048, 2048, 1024))


def test_constant_magnitude_and_zero_biases():
    network = initialize(DIGITS)
    for junction, weights in zip(DIGITS.junctions, network.weights, strict=True):
        magnitude = (6 / (DIGITS.fan_in(junction) + DIGITS.fan_out(junction))) ** 0.5
        assert np.abs(weights) == pytest.approx(np.full(weights.size, magnitude))
        assert weights / np.float32(magnitude) == pytest.approx(signs("balanced", DIGITS, junction))
    assert not any(biases.any() for biases in network.biases)


@pytest.mark.parametrize(
    "rule", ["balanced", "rudin-shapiro", "parity", "halves", "ratio:0.3", "dimension:4"]
)
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


@pytest.mark.parametrize("rule", ["balanced", "rudin-shapiro", "parity", "ratio:0.3", "random"])
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
            assert np.array_equal(np.sign(weights), signs(rule, DIGITS, junction))
        else:
            assert (weights > 0).mean() == pytest.approx(1 / 2, abs=0.05)


def test_uniform_has_magnitudes_of_its_own():
    first, second, third = (
        initialize(DIGITS, "uniform", 1, each).parameters
        for each in ("constant", "random", "norm:2")
    )
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)


@pytest.mark.parametrize(("name", "power"), [("norm:1", 1), ("norm:2", 2), ("norm:3.5", 3.5)])
@pytest.mark.parametrize("kind", ["sobol", "pseudo-random"])
def test_norm_of_the_weights_into_a_neuron_is_one(name, power, kind):
    """Section 3.3, where fan-ins differ too."""
    topology = build(kind, DIGITS.layers, DIGITS.paths)
    network = initialize(topology, "random", 1, name)
    for junction, weights in zip(topology.junctions, network.weights, strict=True):
        target = topology.edges(junction)[1]
        norms = np.bincount(target, np.abs(weights.astype(np.float64)) ** power)
        assert norms[np.bincount(target) > 0] == pytest.approx(1, rel=1e-5)


def test_largest_norm_is_one():
    assert set(np.abs(initialize(DIGITS, magnitudes="norm:inf").weights[0])) == {1}


@pytest.mark.parametrize("text", ["0.5", "nan", "", "P", "-1"])
def test_norms_that_are_none(text):
    message = f"norm: must be followed by a number of at least 1, or inf, not '{text}'"
    with pytest.raises(InputError, match=message):
        initialize(DIGITS, magnitudes=f"norm:{text}")


def test_unknown_magnitudes():
    with pytest.raises(
        InputError, match="magnitudes must be one of constant, random, norm:P, not 'tiny'"
    ):
        initialize(DIGITS, magnitudes="tiny")


def never_fire(rule, dimensions):
    """How many neurons of the first hidden layer are 0 for each of 500 random images."""
    network = initialize(Topology((64, 128, 16), (2048, 1024), dimensions), rule)
    images = np.random.default_rng(0).uniform(0, 1, (500, 64))
    return int((network.layers(images)[0].max(axis=0) <= 0).sum())


def test_parity_kills_half_a_layer_in_dimension_0_and_balanced_signs_no_neuron():
    """The reason for the default: see the docstring of golden.training.signs."""
    assert never_fire("parity", (1, 0, 2)) == 64
    for dimensions in ((1, 0, 2), (0, 1, 2), (4, 5, 6)):
        assert never_fire("balanced", dimensions) == 0
