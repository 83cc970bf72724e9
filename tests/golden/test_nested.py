"""Networks of the first paths: their edges and weights, and training all of them at once."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, model
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training import growth, nested, qat
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.network import Network

LAYERS, PATHS = (64, 32, 16), (1024, 512)
SMALL = {128: (128, 128), 256: (256, 256), 512: (512, 512), 1024: PATHS}


def network(name="sobol"):
    """Weights and biases at random (seed 1)."""
    result = initialize(build(name, LAYERS, PATHS, seed=3), "uniform", 1)
    result.parameters[-48:] = np.random.default_rng(2).normal(size=48)  # the biases
    return result


def samples():
    random = np.random.default_rng(4)
    return random.random((64, 20)).astype(np.float32), random.integers(0, 10, 20)


class TestPrefix:
    @pytest.mark.parametrize("name", ["sobol", "scrambled", "shifted"])
    @pytest.mark.parametrize("count", SMALL)
    def test_is_the_first_paths_and_one_of_its_kind(self, name, count):
        whole = build(name, LAYERS, PATHS, seed=3)
        first = growth.prefix(whole, count)
        assert first.paths == SMALL[count]
        fresh = build(name, LAYERS, first.paths, seed=3)
        for junction in whole.junctions:
            kept = first.paths[junction - 1]
            for ends, all_ends, own in zip(
                first.edges(junction), whole.edges(junction), fresh.edges(junction), strict=True
            ):
                assert np.array_equal(ends, all_ends[:kept])
                assert np.array_equal(ends, own)
            for layer in (junction - 1, junction):
                assert np.array_equal(first.matrix(layer, junction), fresh.matrix(layer, junction))

    @pytest.mark.parametrize(("count", "paths"), [(1, (64, 32)), (2**20, PATHS)])
    def test_within_what_a_junction_can_have(self, count, paths):
        assert growth.prefix(build("sobol", LAYERS, PATHS), count).paths == paths

    def test_matrices_are_those_of_the_file(self):
        """Not SciPy's: a file's own may be others."""
        whole = build("sobol", LAYERS, PATHS)
        matrices = [matrix.copy() for matrix in whole.matrices]
        matrices[0][0, 3] ^= 1
        whole.__dict__["matrices"] = matrices
        first = growth.prefix(whole, 128)
        assert np.array_equal(first.edges(1)[0], whole.edges(1)[0][:128])
        assert [matrix.shape for matrix in first.matrices] == [(6, 7), (5, 7), (4, 7)]

    def test_other_paths(self):
        with pytest.raises(InputError, match="pseudo-random paths are not linear over GF"):
            growth.prefix(build("pseudo-random", LAYERS, PATHS), 128)


class TestNested:
    def test_sizes(self):
        topology = build("sobol", LAYERS, PATHS)
        assert nested.sizes(topology, 512) == [512, 1024]
        assert nested.sizes(topology, 32) == [32, 64, 128, 256, 512, 1024]

    @pytest.mark.parametrize("smallest", [0, -64, 16, 48, 1024, 2048])
    def test_wrong_sizes(self, smallest):
        message = f"a power of two of paths from 32 to 512, not {smallest}$"
        with pytest.raises(InputError, match=message):
            nested.sizes(build("sobol", LAYERS, PATHS), smallest)

    def test_the_gradient_is_the_mean_of_the_networks(self):
        """Each made on its own, its gradient brought back to the order of the paths."""
        whole = network()
        out = whole.vector()
        loss = nested.Nested(whole, 128).gradients(*samples(), 10, out)
        found = Network(whole.topology, [np.zeros(n) for n in PATHS])
        found.parameters[:] = out[0]
        weights, biases, losses = [np.zeros(n) for n in PATHS], [np.zeros(32), np.zeros(16)], []
        for paths in SMALL.values():
            topology = build("sobol", LAYERS, paths)
            pairs = zip(whole.weights, paths, strict=True)
            own = Network(topology, [array[:count] for array, count in pairs], whole.biases)
            gradient = own.vector()
            losses.append(own.gradients(*samples(), 10, gradient))
            own.parameters[:] = gradient[0]
            for total, part in zip(weights + biases, own.weights + own.biases, strict=True):
                total[: len(part)] += part / len(SMALL)
        assert loss == pytest.approx(np.mean(losses))
        for array, wanted in zip(found.weights + found.biases, weights + biases, strict=True):
            assert np.abs(wanted).max() > 1e-3
            assert array == pytest.approx(wanted, abs=1e-6)

    def test_of_integers(self):
        """The smaller networks compute with the scales and shifts of the whole one."""
        whole = qat.QuantizedNetwork(network(), 1 / 255, [0.01, 0.02], [7, 0])
        small = whole.first(growth.prefix(whole.topology, 256))
        cut = nested.cut(whole.model(10), 256)
        assert cut.topology.paths == (256, 256)
        assert cut.shifts == (7, 0)
        images = np.random.default_rng(5).integers(0, 256, (30, 64)).astype(np.uint8)
        logits = engine.infer(cut, images)
        assert np.array_equal(small.integers(images.T.astype(np.float32))[-1].T, logits)
        assert np.abs(logits).max() > 1000
        trained = nested.Nested(whole, 256)
        trained.gradients(*samples(), 10, whole.vector())
        assert isinstance(trained._parts[0], qat.QuantizedNetwork)


class TestCommand:
    """``sobolpath train --nested``."""

    def run(self, folder, *more):
        arguments = ["train", "--data", "digits", "--layers", "64-32-16", "--paths", "1024,512"]
        arguments += ["--epochs", 6, "--out", folder / "m.npz", "--json", folder / "r.json", *more]
        return main([str(argument) for argument in arguments])

    @pytest.mark.parametrize("epochs", [0, 1])
    def test_every_size_is_good(self, tmp_path, capsys, epochs):
        assert self.run(tmp_path, "--nested", 128, "--qat", epochs) == 0
        result, lines = json.loads((tmp_path / "r.json").read_text()), capsys.readouterr().out
        rows = result["nested"]
        assert [row["size"] for row in rows] == list(SMALL)
        assert rows[-1]["accuracy_int"] == result["accuracy_int"] > 0.9
        for row in rows:
            assert row["accuracy_float"] > 0.55  # 128 paths: a fan-in of 4
            assert abs(row["accuracy_int"] - row["accuracy_float"]) < 0.05
            assert f"{row['size']:>6} paths float {row['accuracy_float']:.2%}, int" in lines
        assert model.load(tmp_path / "m.npz").info["nested"] == rows

    def test_else_they_are_not(self, tmp_path):
        """What cutting a network costs that was not trained for it."""
        assert self.run(tmp_path) == 0
        whole = model.load(tmp_path / "m.npz")
        assert "nested" not in whole.info
        images, labels = data.load("digits").x_test, data.load("digits").y_test
        accuracies = [
            (engine.classify(m, engine.infer(m, images)) == labels).mean()
            for m in (whole, nested.cut(whole, 128))
        ]
        assert accuracies[1] < 0.4 < 0.9 < accuracies[0]

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (("--nested", 100), "power of two of paths from 32 to 512, not 100"),
            (("--nested", "x"), "argument --nested: invalid int value"),
        ],
    )
    def test_mistakes(self, tmp_path, capsys, more, message):
        assert self.run(tmp_path, *more) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert list(tmp_path.iterdir()) == []
