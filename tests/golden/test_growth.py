"""Growing a network: first edges and weights stay, and so does what it computes."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.training import growth
from sobolpath.golden.training.initialize import initialize

LAYERS, PATHS = (64, 32, 16), (256, 128)
DOUBLE = tuple(2 * count for count in PATHS)


@pytest.mark.parametrize("name", ["sobol", "scrambled", "shifted"])
def test_twice_the_paths(name):
    small, large = (build(name, LAYERS, paths, seed=3) for paths in (PATHS, DOUBLE))
    network = initialize(small, "uniform", 1)
    network.parameters[-48:] = np.random.default_rng(2).normal(size=48)  # the biases
    grown = growth.extend(network, large)
    assert grown.topology.paths == DOUBLE
    for junction in small.junctions:
        for ends, kept in zip(large.edges(junction), small.edges(junction), strict=True):
            assert np.array_equal(ends[: len(kept)], kept)
    for weights, kept, biases, old in zip(
        grown.weights, network.weights, grown.biases, network.biases, strict=True
    ):
        assert np.array_equal(weights[: len(kept)], kept)
        assert not weights[len(kept) :].any()
        assert np.array_equal(biases, old)
    images = np.random.default_rng(4).random((20, 64))
    assert grown.infer(images) == pytest.approx(network.infer(images), rel=1e-4, abs=1e-4)


def test_new_paths_learn():
    """From 0: their gradient is not 0."""
    grown = growth.extend(initialize(build("sobol", LAYERS, PATHS)), build("sobol", LAYERS, DOUBLE))
    gradient = grown.vector()
    inputs = np.random.default_rng(0).random((64, 8)).astype(np.float32)
    grown.gradients(inputs, np.arange(8), 10, gradient)
    weights = np.concatenate([view.ravel() for view in grown._weights])
    new = gradient[0][: weights.size][weights == 0]
    assert new.size == sum(PATHS)
    assert np.count_nonzero(new) > new.size / 3


def test_given_weights_for_new_paths():
    network, large = initialize(build("sobol", LAYERS, PATHS)), build("sobol", LAYERS, DOUBLE)
    grown = growth.extend(network, large, initialize(large, "uniform", 5).weights)
    fresh = initialize(large, "uniform", 5).weights
    for weights, kept, new in zip(grown.weights, network.weights, fresh, strict=True):
        assert np.array_equal(weights, np.concatenate([kept, new[len(kept) :]]))


class TestComplaints:
    @pytest.mark.parametrize("name", ["cascaded", "pseudo-random", "fixed-fan"])
    def test_not_progressive(self, name):
        network = initialize(build(name, LAYERS, PATHS))
        message = "the first 256 paths of junction 1 must stay as they are, but .* change them"
        with pytest.raises(InputError, match=message):
            growth.extend(network, build(name, LAYERS, DOUBLE))

    def test_fewer(self):
        network = initialize(build("sobol", LAYERS, DOUBLE))
        with pytest.raises(InputError, match="of junction 1 must be at least the 512 there are"):
            growth.extend(network, build("sobol", LAYERS, PATHS))

    def test_other_layers(self):
        network = initialize(build("sobol", LAYERS, PATHS))
        with pytest.raises(InputError, match="grows in paths, not in neurons: layers must be"):
            growth.extend(network, build("sobol", (64, 32, 32), PATHS))


class TestCommand:
    """``sobolpath train --extend``."""

    LAYERS = ("--layers", "64-32-16")

    def run(self, folder, paths, name, *more):
        arguments = ["train", "--data", "digits", *self.LAYERS, "--paths", paths, "--epochs", 4]
        arguments += ["--out", folder / name, "--json", folder / "r.json", *more]
        return main([str(argument) for argument in arguments])

    @pytest.fixture
    def small(self, tmp_path):
        assert self.run(tmp_path, "256,128", "small.npz") == 0
        return tmp_path / "small.npz"

    @pytest.mark.parametrize("signs", ["free", "fixed"])
    def test_twice_the_paths(self, small, tmp_path, signs):
        """At a rate of nearly 0 the weights stay as they were, and new ones at 0."""
        slow = ("--rate", 1e-9, "--decay", 0, "--signs", signs)
        assert self.run(tmp_path, "512,256", "m.npz", "--extend", small, *slow) == 0
        before, after = model.load(small), model.load(tmp_path / "m.npz")
        assert after.info["extended"] == [256, 128]
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["paths"] == [512, 256]
        assert result["accuracy_float"] == before.info["accuracy_float"]
        for grown, kept in zip(after.float_weights, before.float_weights, strict=True):
            assert len(grown) == 2 * len(kept)
            assert grown[: len(kept)] == pytest.approx(kept, abs=1e-5)
            assert grown[len(kept) :] == pytest.approx(0, abs=1e-5)

    def test_goes_on_learning(self, small, tmp_path):
        assert self.run(tmp_path, "512,256", "m.npz", "--extend", small) == 0
        accuracies = [model.load(p).info["accuracy_float"] for p in (small, tmp_path / "m.npz")]
        assert accuracies[1] > accuracies[0] + 0.02

    @pytest.mark.parametrize(
        ("paths", "more", "message"),
        [
            ("256,64", (), "paths of junction 2 must be at least the 128 there are, not 64"),
            (
                "512,256",
                ("--dimensions", "1,2,3"),
                "of junction 1 must stay as they are, but Sobol",
            ),
            ("512,256", ("--topology", "cascaded"), "stay as they are, but cascaded paths change"),
            ("512,256", ("--layers", "64-64-16"), "a network grows in paths, not in neurons"),
        ],
    )
    def test_mistakes(self, small, tmp_path, capsys, paths, more, message):
        assert self.run(tmp_path, paths, "m.npz", "--extend", small, *more) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not (tmp_path / "m.npz").exists()

    def test_files(self, small, tmp_path, capsys):
        assert self.run(tmp_path, "512,256", "small.npz", "--extend", small) == 2
        assert "small.npz: must be a file of its own" in capsys.readouterr().err
        assert self.run(tmp_path, "512,256", "m.npz", "--extend", tmp_path / "none.npz") == 2
        assert "none.npz: no such model file" in capsys.readouterr().err
