"""The signs that weights start with: each rule, what it is at every neuron, and what is refused."""

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from sobolpath.golden.errors import InputError
from sobolpath.golden.topology import gf2, sobol
from sobolpath.golden.topology.catalogue import LINEAR, TOPOLOGIES, build
from sobolpath.golden.topology.paths import Topology, log2_exact
from sobolpath.golden.training import signs as module
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.signs import (
    RULES,
    balance,
    balancing,
    check,
    describe,
    parity,
    signs,
    single,
)

DIGITS = Topology((64, 128, 128, 16), (2048, 2048, 1024))


def by_index(rule, count):
    """The signs of the first ``count`` paths, by a rule that looks at nothing else."""
    return signs(rule, SimpleNamespace(paths=(count,), linear=True), 1)


def every(rule, topology, seed=0):
    random = np.random.default_rng(seed)
    return [signs(rule, topology, junction, random) for junction in topology.junctions]


def test_rudin_shapiro():
    """The first 16 terms as the sequence's definition gives them (OEIS A020985)."""
    expected = [1, 1, 1, -1, 1, 1, -1, 1, 1, 1, 1, -1, -1, -1, 1, -1]
    assert by_index("rudin-shapiro", 16).tolist() == expected
    pairs = [f"{i:b}" for i in range(4096)]
    counts = [sum(s[k : k + 2] == "11" for k in range(len(s))) for s in pairs]
    assert by_index("rudin-shapiro", 4096).tolist() == [(-1) ** c for c in counts]


def test_parity_rule_is_the_papers():
    assert by_index("parity", 6).tolist() == [1, -1, 1, -1, 1, -1]


def test_halves_and_ratios():
    assert by_index("halves", 6).tolist() == [1, 1, 1, -1, -1, -1]
    assert by_index("halves", 1).tolist() == [1]
    assert by_index("ratio:0.25", 8).tolist() == [1, 1, -1, -1, -1, -1, -1, -1]
    assert by_index("ratio:0", 3).tolist() == [-1, -1, -1]
    assert by_index("ratio:1", 3).tolist() == [1, 1, 1]
    assert np.array_equal(by_index("ratio:0.5", 1024), by_index("halves", 1024))


def test_a_ratio_for_each_junction():
    wanted = [signs(f"ratio:{r}", DIGITS, j) for j, r in enumerate((0.25, 0.5, 1), 1)]
    for found, one in zip(every("ratio:0.25,0.5,1", DIGITS), wanted, strict=True):
        assert np.array_equal(found, one)


def test_signs_by_a_dimension():
    """Dimension 0 is bit reversal: its leading digit is the parity of the index."""
    assert np.array_equal(by_index("dimension:0", 64), by_index("parity", 64))
    below = qmc.Sobol(6, scramble=False).random(64)[:, 5] < 0.5
    natural = np.arange(64) ^ np.arange(64) >> 1  # SciPy counts in Gray code
    expected = np.empty(64)
    expected[natural] = np.where(below, 1, -1)
    assert np.array_equal(by_index("dimension:5", 64), expected)


def test_parity_of_ones():
    values = [0, 1, 3, 2**40, 2**62 + 1]
    assert parity(values).tolist() == [bin(v).count("1") % 2 for v in values]


@st.composite
def networks(draw):
    """Linear paths of any kind: two or three layers of up to 64 neurons."""
    layers = [1 << draw(st.integers(0, 6)) for _ in range(draw(st.integers(2, 3)))]
    paths = []
    for n, m in pairwise(layers):
        low, high = (log2_exact(x, "paths") for x in (max(n, m), n * m))
        paths.append(1 << draw(st.integers(low, high)))
    kind = draw(st.sampled_from(sorted(set(LINEAR) - {"omitted"})))
    return build(kind, layers, paths, seed=draw(st.integers(0, 9)))


@given(networks())
def test_balanced_is_balanced_at_every_neuron_that_has_two_sources(topology):
    """Zero sums, in and out; but neurons all of whose paths repeat one edge have one sign."""
    for junction, found in zip(topology.junctions, every("balanced", topology), strict=True):
        ends = topology.edges(junction)
        for neurons, others in (ends, ends[::-1]):
            sums = np.bincount(neurons, found)
            width = int(others.max()) + 1
            several = np.bincount(np.unique(neurons * width + others) // width) > 1
            assert not sums[several].any()
            if topology.paths[junction - 1] == several.size:
                assert (np.abs(sums) == 1).all()


@given(networks())
def test_balanced_gives_no_edge_both_signs_where_it_can(topology):
    """Paths of one edge that add up to nothing would be no edge; u + v is never such a pair."""
    for junction, found in zip(topology.junctions, every("balanced", topology), strict=True):
        turns = [
            module._least(topology.matrix(one, junction), topology.matrix(other, junction))
            for one, other in ((junction, junction - 1), (junction - 1, junction))
        ]
        source, target = topology.edges(junction)
        for turn, same, moved in zip(turns, (target, source), (source, target), strict=True):
            if turn is not None:
                assert same[turn] == same[0]
                assert moved[turn] != moved[0]
                assert (found * found[np.arange(found.size) ^ turn] == -1).all()


@pytest.mark.parametrize("kind", ["sobol", "scrambled", "shifted"])
def test_more_paths_keep_the_signs_of_the_first(kind):
    small = build(kind, (64, 32, 32), (256, 128))
    large = build(kind, (64, 32, 32), (1024, 1024))
    for few, many in zip(every("balanced", small), every("balanced", large), strict=True):
        assert np.array_equal(many[: few.size], few)


def test_balanced_signs_are_no_product_of_the_ends_signs():
    """What linear rules are, and why they train worse: within a block the signs have rank 1."""
    topology = Topology((16, 16), (256,))  # dense: every edge once

    def rank(rule):
        source, target = topology.edges(1)
        matrix = np.zeros((16, 16))
        matrix[target, source] = signs(rule, topology, 1)
        return np.linalg.matrix_rank(matrix)

    assert (rank("halves"), rank("parity"), rank("dimension:5")) == (1, 1, 1)
    assert rank("balanced") >= 4


@pytest.mark.parametrize("name", sorted(set(TOPOLOGIES) - set(LINEAR) - {"dense"}))
def test_listed_edges_are_dealt(name):
    topology = build(name, (64, 32, 16), (256, 128), seed=1)
    found = every("balanced", topology, 5)
    for junction, values in zip(topology.junctions, found, strict=True):
        target = topology.edges(junction)[1]
        sums, edges = np.bincount(target, values), np.bincount(target)
        assert np.array_equal(np.abs(sums), edges % 2)
        assert set(values) == {-1.0, 1.0}
    again, other = every("balanced", topology, 5), every("balanced", topology, 6)
    assert np.array_equal(np.concatenate(found), np.concatenate(again))
    assert not np.array_equal(np.concatenate(found), np.concatenate(other))


@given(networks(), st.sampled_from(["parity", "halves", *(f"dimension:{d}" for d in range(9))]))
def test_linear_rules_balance_every_neuron_or_none(topology, rule):
    """The algebra of the module's text, against counting."""
    name, _, number = rule.partition(":")
    found = balance(topology, every(rule, topology))
    for junction, each in zip(topology.junctions, found, strict=True):
        digits = log2_exact(topology.paths[junction - 1], "paths")
        row = {
            "parity": np.eye(digits, dtype=np.uint8)[-1:],
            "halves": np.eye(digits, dtype=np.uint8)[:1],
        }.get(name)
        if row is None:
            row = sobol.generator_matrix(int(number), 1, digits)[:, ::-1]
        for way, layer in (("into", junction), ("out_of", junction - 1)):
            maps = topology.matrix(layer, junction)
            width, fan = topology.layers[layer], topology.paths[junction - 1]
            if digits and gf2.rank(np.vstack([maps, row])) > gf2.rank(maps):
                assert each[way] == {"sum": 0, "single": 0}
            else:
                fan //= width
                assert each[way] == {"sum": fan, "single": width if fan > 1 else 0}


def test_rudin_shapiro_is_not_balanced():
    """1,056 of 2,048 are +, and there are neurons of one sign: mnist-12k's, whose sums are 16."""
    assert by_index("rudin-shapiro", 2048).sum() == 64
    topology = Topology((1024, 256, 256, 16), (4096, 4096, 4096))
    found = balance(topology, every("rudin-shapiro", topology))
    assert found[0]["into"] == {"sum": 16, "single": 16}
    assert single(topology, found) == (
        "all weights into 16 of 256 neurons of layer 1 start with one sign"
    )
    assert single(topology, balance(topology, every("balanced", topology))) is None


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("balanced", "as many + as - at every neuron, in and out"),
        ("halves", "as many + as - at every neuron, in and out"),
        ("dimension:4", "as many + as - at every neuron, in and out"),
        ("parity", "into a neuron as many + as -, out of one at most 32 more"),
        ("ratio:1", "into a neuron at most 64 more of either, out of one at most 32 more"),
    ],
)
def test_what_is_said(rule, wanted):
    assert describe(balance(DIGITS, every(rule, DIGITS))) == wanted


def test_the_sign_of_a_zero_counts():
    zeros = [0 * values for values in every("balanced", DIGITS)]
    assert describe(balance(DIGITS, zeros)) == "as many + as - at every neuron, in and out"


def test_a_dimension_that_gives_neurons_one_sign_is_refused():
    """D = 16 is of no layer here, and still every neuron of layer 2 would have one sign."""
    assert balance(DIGITS, every("dimension:16", DIGITS))[1]["into"] == {"sum": 16, "single": 128}
    message = (
        "dimension:16 must not give the neurons of layer 2 incoming weights of one sign each; "
        "dimension:17 balances all"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        initialize(DIGITS, "dimension:16")
    assert balancing(DIGITS, 16) == 17
    assert balance(DIGITS, every("dimension:17", DIGITS))[1]["into"]["sum"] == 0
    assert balancing(DIGITS, sobol.MAX_DIMENSION) is None


def test_a_neuron_of_one_edge_may_have_one_sign():
    topology = Topology((4, 4), (4,))
    found = balance(topology, [initialize(topology, "dimension:1").weights[0]])
    assert found == [{"into": {"sum": 1, "single": 0}, "out_of": {"sum": 1, "single": 0}}]
    assert balancing(topology) == 0


@pytest.mark.parametrize("rule", ["zero", "halves:2", "ratio", ""])
def test_unknown_rule(rule):
    message = f"initialization must be one of {', '.join(RULES)}, not '{rule}'"
    with pytest.raises(InputError, match=message):
        initialize(DIGITS, rule)


@pytest.mark.parametrize("text", ["1.5", "nan", "R", "", "0.5,0.5", "0.1,0.2,2", "0.1,0.2,0.3,0.4"])
def test_ratios_that_are_none(text):
    message = (
        f"ratio: must be followed by a number from 0 to 1, or 3 of them joined by ',', not '{text}'"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        initialize(DIGITS, f"ratio:{text}")
    with pytest.raises(InputError, match=re.escape("a number from 0 to 1, not '2'")):
        check("ratio:2", 1)


@pytest.mark.parametrize("text", ["-1", "21201", "D", "1.5", ""])
def test_dimensions_that_are_none(text):
    message = f"dimension: must be followed by an integer from 0 to 21200, not '{text}'"
    with pytest.raises(InputError, match=re.escape(message)):
        initialize(DIGITS, f"dimension:{text}")
