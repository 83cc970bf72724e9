"""One step of learning, all ways: path by path, row by row, as whole junctions, compiled."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import by_path, compiled, sweeps
from sobolpath.golden.learn.arithmetic import BIAS_LIMIT, LIMIT, Fractions, high
from sobolpath.golden.learn.learner import Learner
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.lanes import edges, path_order
from sobolpath.golden.topology import gf2, linear
from sobolpath.golden.topology.paths import Topology
from tests.support import learning


def native(parameters, shifts, *, fixed=False):
    library = compiled.library()
    assert library is not None, "a C++ compiler must be there"
    return compiled.CompiledLearner(library, parameters, shifts, fixed=fixed)


def same_all_ways(parameters, shifts, fixed, lanes, samples):
    """Run steps all ways and compare all they compute; how many values were compared."""
    fast = [Learner(parameters, shifts, fixed=fixed), native(parameters, shifts, fixed=fixed)]
    compared = 0
    for image, label in samples:
        wanted, seen = by_path.step(parameters, image, label, shifts, fixed=fixed)
        found, own = sweeps.step(parameters, image, label, shifts, lanes, fixed=fixed)
        compared += learning.same_parameters(wanted, found) + learning.same_step(seen, own)
        for learner in fast:
            assert np.array_equal(learner.step(image, label)[:, 0], seen.logits)
            compared += learning.same_parameters(wanted, learner.parameters)
        parameters = wanted
    return compared


class TestAllWays:
    @pytest.mark.parametrize("seed", range(30))
    def test_random_networks(self, seed):
        """300 networks of 1 to 3 junctions, of small weights and of saturated ones."""
        rng, compared = np.random.default_rng([14, seed]), 0
        for _ in range(10):
            parameters, shifts, fixed = learning.random_case(rng)
            lanes = 1 << int(rng.integers(3))
            samples = [learning.random_sample(rng, parameters.topology) for _ in range(2)]
            compared += same_all_ways(parameters, shifts, fixed, lanes, samples)
        assert compared > 1000

    @pytest.mark.parametrize("make", [linear.scrambled, linear.shifted, linear.cascaded])
    def test_other_linear_paths(self, make):
        rng = np.random.default_rng(3)
        extra = () if make is linear.cascaded else (5,)
        topology = make((16, 8, 8), (32, 16), *extra)
        parameters = learning.random_parameters(rng, topology, reach=4000)
        samples = [learning.random_sample(rng, topology) for _ in range(3)]
        assert same_all_ways(parameters, Fractions().shifts(2, 3), False, 4, samples) > 500

    def test_edges_that_repeat(self):
        """Two weights of one edge are two weights; the junction is no blocks, but tables."""
        topology = Topology((64, 128, 16), (128, 2048), (1, 2, 3))
        assert topology.duplicates(2) > 0
        rng = np.random.default_rng(4)
        parameters = learning.random_parameters(rng, topology, reach=2000)
        samples = [learning.random_sample(rng, topology) for _ in range(2)]
        assert same_all_ways(parameters, Fractions().shifts(2, 4), False, 8, samples) > 5000

    def test_the_smallest(self):
        """Two neurons, two paths, one lane."""
        parameters = Parameters(Topology((2, 2), (2,)), ([300, -300],), ([0, 50],))
        sample = np.array([255, 1], np.uint8), 1
        assert same_all_ways(parameters, Fractions().shifts(1, 0), False, 1, [sample]) > 10

    def test_extremes_saturate(self):
        """Everything at its end, with the largest fan-out: masters and errors stop, none wraps."""
        topology = Topology((16, 16, 512), (256, 8192))
        shifts, seen = Fractions(8, 8).shifts(2, 0), set()
        for sign in (-1, 1):
            parameters = Parameters(
                topology,
                tuple(
                    np.full(count, -LIMIT if sign < 0 else LIMIT - 1) for count in topology.paths
                ),
                (np.full(16, BIAS_LIMIT // 64), np.full(512, -sign * (BIAS_LIMIT - 1))),
            )
            samples = [(np.full(16, value, np.uint8), 0) for value in (255, 0, 1)]
            assert same_all_ways(parameters, shifts, False, 8, samples) > 20000
            for image, label in samples:
                parameters, step = by_path.step(parameters, image, label, shifts)
                for own in (*step.errors, *parameters.weights):
                    seen |= {int(own.min()), int(own.max())}
        assert {2**15 - 1, -(2**15), LIMIT - 1, -LIMIT} <= seen

    def test_sums_beyond_float32(self):
        """1,024 paths into a neuron: past 2**24, where the learner takes ``float64``."""
        topology = Topology((1024, 16), (16384,))
        parameters = Parameters(topology, (np.full(16384, LIMIT - 1),), (np.full(16, 12345),))
        image = np.full(1024, 255, np.uint8)
        image[5] = 254
        shifts = Fractions().shifts(1, 5)
        _, step = by_path.step(parameters, image, 0, shifts)
        assert step.logits.min() > 2**24
        for learner in (Learner(parameters, shifts), native(parameters, shifts)):
            assert np.array_equal(learner.step(image, 0)[:, 0], step.logits)


class TestShifts:
    def test_others_count_from_the_next_step_on(self):
        rng = np.random.default_rng(9)
        topology = Topology((16, 16, 8), (64, 32))
        wanted = learning.random_parameters(rng, topology, reach=3000)
        learners = [
            Learner(wanted, Fractions().shifts(2, 4)),
            native(wanted, Fractions().shifts(2, 4)),
        ]
        for fractions, rate in ((Fractions(), 4), (Fractions(), 0), (Fractions(4, 7), 2)):
            shifts = fractions.shifts(2, rate)
            image, label = learning.random_sample(rng, topology)
            wanted, _ = by_path.step(wanted, image, label, shifts)
            for learner in learners:
                learner.set(shifts)
                learner.step(image, label)
                assert learning.same_parameters(wanted, learner.parameters) == 96 + 24


class TestCompiled:
    PARAMETERS = Parameters(Topology((2, 2), (2,)), ([300, -300],), ([0, 50],))
    SHIFTS = Fractions().shifts(1, 5)

    @pytest.fixture(autouse=True)
    def fresh(self):
        compiled.library.cache_clear()
        yield
        compiled.library.cache_clear()

    def learner(self):
        return type(compiled.learner(self.PARAMETERS, self.SHIFTS))

    def test_is_kept(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path))
        assert self.learner() is compiled.CompiledLearner
        (made,) = (tmp_path / "learn").iterdir()
        before = made.stat().st_mtime_ns
        compiled.library.cache_clear()
        assert self.learner() is compiled.CompiledLearner
        assert made.stat().st_mtime_ns == before

    def test_without_a_compiler(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        assert self.learner() is Learner

    def test_the_compiler_that_is_named(self, tmp_path, monkeypatch):
        """As the simulators take it; one that is not there is none."""
        monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path))
        monkeypatch.setenv("CXX", "no-such-compiler")
        assert self.learner() is Learner
        compiled.library.cache_clear()
        monkeypatch.setenv("CXX", "env g++")
        assert self.learner() is compiled.CompiledLearner

    def test_where_nothing_can_be_kept(self, tmp_path, monkeypatch):
        (tmp_path / "learn").write_text("a file")
        monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path))
        assert self.learner() is Learner
        with pytest.raises(InputError, match="learn: must be a folder to write in"):
            compiled.build(tmp_path / "learn", ["g++"])

    def test_a_compiler_that_fails(self, tmp_path):
        with pytest.raises(InputError, match=r"false must compile .*kernel\.cpp"):
            compiled.build(tmp_path, ["false"])
        assert not list(tmp_path.iterdir())


class TestForward:
    def test_is_inference(self):
        """Logits and activations of a step are those of the engine, on the model."""
        rng = np.random.default_rng(6)
        for _ in range(20):
            parameters, _, _ = learning.random_case(rng)
            fractions = Fractions()
            model = parameters.model(fractions, parameters.topology.layers[-1])
            image, label = learning.random_sample(rng, parameters.topology)
            shifts = fractions.shifts(len(parameters.weights), 3)
            _, step = by_path.step(parameters, image, label, shifts)
            layers = engine.layers(model, image[None])
            assert np.array_equal(step.logits, layers[-1][0])
            for own, wanted in zip(step.activations[1:], layers, strict=False):
                assert np.array_equal(own, wanted[0])


class TestBackwardWalk:
    @pytest.mark.parametrize("lanes", [1, 4, 16])
    def test_meets_every_path_once_by_source(self, lanes):
        topology = Topology((64, 32, 16), (512, 128))
        for junction in topology.junctions:
            matrix = sweeps.backward_matrix(topology, junction, lanes)
            steps = topology.paths[junction - 1] // lanes
            step, distance = np.divmod(gf2.apply(matrix, np.arange(steps)), lanes)
            assert np.array_equal(np.sort(step), np.arange(steps))
            source = edges(topology, junction, lanes)[0][step]
            fan_out = topology.fan_out(junction)
            rows = source.reshape(-1, fan_out * lanes)
            assert all(len(np.unique(row)) == lanes for row in rows)
            swapped = np.take_along_axis(source, np.arange(lanes) ^ distance[:, None], axis=1)
            assert (swapped.reshape(-1, fan_out, lanes) == swapped[::fan_out, None]).all()
            assert path_order(topology, junction, lanes)[step].size == topology.paths[junction - 1]


class TestParameters:
    TOPOLOGY = Topology((8, 4), (8,))

    def test_floats_lose_nothing(self):
        rng = np.random.default_rng(7)
        topology = Topology((16, 16, 8), (64, 32))
        parameters = learning.random_parameters(rng, topology)
        network = parameters.network(Fractions())
        again = Parameters.of_network(network, Fractions())
        assert learning.same_parameters(parameters, again) == 96 + 24

    def test_the_model_has_the_high_parts(self):
        parameters = learning.random_parameters(np.random.default_rng(8), self.TOPOLOGY)
        model = parameters.model(Fractions(), 3, {"a": 1})
        assert np.array_equal(model.weights[0], high(parameters.weights[0]))
        assert np.array_equal(model.biases[0], high(parameters.biases[0]))
        assert (model.shifts, model.classes, model.info) == ((0,), 3, {"a": 1})
        assert model.input_scale == 2.0**-8

    def test_what_is_too_large_is_clamped(self):
        network = Parameters(self.TOPOLOGY, ([0] * 8,), ([0] * 4,)).network(Fractions())
        network.parameters[:] = 1e6
        parameters = Parameters.of_network(network, Fractions())
        assert (parameters.weights[0] == LIMIT - 1).all()
        assert (parameters.biases[0] == BIAS_LIMIT - 1).all()

    def test_minus_0_is_a_stopped_negative_weight(self):
        network = Parameters(self.TOPOLOGY, ([0] * 8,), ([0] * 4,)).network(Fractions())
        network.parameters[3] = -0.0
        for fixed, wanted in ((True, -1), (False, 0)):
            parameters = Parameters.of_network(network, Fractions(), fixed=fixed)
            assert sorted(parameters.weights[0].tolist()) == [wanted, *[0] * 7]

    def test_errors(self):
        with pytest.raises(InputError, match=r"weights must be arrays of \(8,\), not \[\(7,\)\]"):
            Parameters(self.TOPOLOGY, ([0] * 7,), ([0] * 4,))
        with pytest.raises(
            InputError, match="weights of junction 1 must be -32640 to 32639, not -32641"
        ):
            Parameters(self.TOPOLOGY, ([-LIMIT - 1] + [0] * 7,), ([0] * 4,))
        with pytest.raises(InputError, match=rf"biases of junction 1 must be .*, not {BIAS_LIMIT}"):
            Parameters(self.TOPOLOGY, ([0] * 8,), ([BIAS_LIMIT] + [0] * 3,))
