"""Growth during training: what there is at each epoch, what is kept, how new weights begin."""

import json
import sys
from itertools import pairwise

import numpy as np
import pytest
from tqdm import tqdm

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model
from sobolpath.golden.topology.catalogue import LINEAR, build
from sobolpath.golden.training import growing, loop, nested
from sobolpath.golden.training.initialize import initialize

LAYERS, PATHS = (64, 32, 16), (1024, 256)
TOPOLOGY = build("sobol", LAYERS, PATHS)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def course(at, epochs, topology=TOPOLOGY, rule="rudin-shapiro", smallest=None):
    """Networks of every stage, what is trained first, and what that grows into."""
    stages = growing.stages(topology, at, epochs)
    networks = [initialize(stage.topology, rule, 1) for stage in stages]
    return networks, *growing.course(stages, networks, smallest)


def trained(digits, at, images=300, smallest=None, **recipe):
    """The network, and each epoch's loss."""
    recipe = loop.Recipe(**{"epochs": 6, **recipe})
    networks, first, later = course(at, recipe.epochs, smallest=smallest)
    samples = digits.x_train[:images], digits.y_train[:images], 10
    losses = loop.train(first, *samples, recipe, data.INPUT_SCALE, later=later)
    return networks[-1], losses


class TestStages:
    def paths(self, *args, **more):
        return [(s.epoch, s.topology.paths) for s in growing.stages(*args, **more)]

    def test_none(self):
        stages = growing.stages(TOPOLOGY, (), 1)
        assert [(stage.epoch, stage.topology is TOPOLOGY) for stage in stages] == [(1, True)]

    def test_doublings(self):
        """Junction 2 has no fewer than 32 paths; it waits for junction 1 there, from 1/8 on."""
        assert self.paths(TOPOLOGY, (2, 5, 6, 9), 9) == [
            (1, (64, 32)),
            (2, (128, 32)),
            (5, (256, 64)),
            (6, (512, 128)),
            (9, PATHS),
        ]

    def test_kept(self):
        """Of a network that is extended: no junction begins with fewer than it has."""
        found = self.paths(TOPOLOGY, (2, 3), 3, kept=(128, 128))
        assert found == [(1, (256, 128)), (2, (512, 128)), (3, PATHS)]

    @pytest.mark.parametrize("name", LINEAR)
    def test_are_the_first_paths(self, name):
        whole = build(name, LAYERS, PATHS, seed=3)
        stages = growing.stages(whole, (2, 3), 3)
        assert [stage.topology.paths for stage in stages] == [(256, 64), (512, 128), PATHS]
        for stage in stages:
            for junction, count in zip(whole.junctions, stage.topology.paths, strict=True):
                pairs = zip(stage.topology.edges(junction), whole.edges(junction), strict=True)
                assert all(np.array_equal(own, every[:count]) for own, every in pairs)

    def test_mean_paths(self):
        """3 epochs of 320, 2 of 640, 1 of 1,280."""
        stages = growing.stages(TOPOLOGY, (4, 6), 6)
        assert growing.mean_paths(stages, 6) == (3 * 320 + 2 * 640 + 1280) / 6
        assert growing.mean_paths(growing.stages(TOPOLOGY, (), 6), 6) == 1280

    @pytest.mark.parametrize("at", [(1,), (0, 3), (7,), (3, 3), (4, 2), (-1,)])
    def test_wrong_epochs(self, at):
        told = ",".join(map(str, at))
        message = f"after the first one up to the last, 6, each later than .*, not {told}$"
        with pytest.raises(InputError, match=message):
            growing.stages(TOPOLOGY, at, 6)

    def test_one_epoch_is_too_few(self):
        with pytest.raises(InputError, match="up to the last, 1, each"):
            growing.stages(TOPOLOGY, (2,), 1)

    def test_too_many(self):
        message = "at most 4 epochs for 1024,256 paths, which begin with 64,32 or more, not 5"
        with pytest.raises(InputError, match=message):
            growing.stages(TOPOLOGY, (2, 3, 4, 5, 6), 6)
        with pytest.raises(InputError, match="at most 0 epochs for 1024,256 paths"):
            growing.stages(TOPOLOGY, (2,), 6, kept=PATHS)

    @pytest.mark.parametrize("name", ["pseudo-random", "fixed-fan", "dense"])
    def test_not_linear(self, name):
        with pytest.raises(
            InputError, match=r"grow-at must be left out for .* paths: Sobol' paths"
        ):
            growing.stages(build(name, LAYERS, (2048, 512)), (2,), 6)

    def test_signs(self):
        stages = growing.stages(TOPOLOGY, (2,), 6)
        for rule in ("rudin-shapiro", "parity", "random", "uniform", "dimension:7", "ratio:1"):
            growing.check_signs(stages, rule)
        for rule in ("halves", "ratio:0.3"):
            with pytest.raises(InputError, match=f"keeps the signs .* rudin-shapiro, not '{rule}'"):
                growing.check_signs(stages, rule)
            growing.check_signs(stages[:1], rule)


class TestCourse:
    def test_a_doubling_changes_no_logit(self):
        """Nor a weight that is there; new ones are 0."""
        networks, _, later = course((2, 3), 3, rule="uniform")
        networks[0].parameters[-48:] = np.random.default_rng(2).normal(size=48)  # the biases
        optimizer = loop.Optimizer(loop.Recipe(), networks[0].parameters, 320)
        images = np.random.default_rng(4).random((20, 64))
        wanted = networks[0].infer(images)
        for (small, large), step in zip(pairwise(networks), later, strict=True):
            optimizer.grow(large.parameters, large.topology.total_paths, step.where)
            for own, kept in zip(large.weights, small.weights, strict=True):
                assert np.array_equal(own[: len(kept)], kept)
                assert not own[len(kept) :].any()
            assert np.abs(wanted).max() > 1
            assert large.infer(images) == pytest.approx(wanted, rel=1e-4, abs=1e-4)

    def test_nested_from_where_it_can_be(self):
        networks, first, later = course((2, 3), 3, smallest=256)
        assert first is networks[0]  # 256 paths: none smaller
        sizes = [nested.sizes(each.network.topology, 256) for each in later]
        assert sizes == [[256, 512], [256, 512, 1024]]
        assert all(isinstance(each.network, nested.Nested) for each in later)
        with pytest.raises(InputError, match="power of two of paths from 32 to 512, not 1024"):
            course((2, 3), 3, smallest=1024)


class Growth:
    """An optimizer of 3 parameters whose 2 weights become 4 before step 6: two are new."""

    where = np.array([0, 2, 4])
    gradients = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)

    def run(self, recipe):
        parameters = np.array([1, -1, 0.5], np.float32)
        optimizer = loop.Optimizer(recipe, parameters, weights=2)
        for step, gradient in enumerate(self.gradients):
            if step == 6:
                parameters = np.zeros(5, np.float32)
                optimizer.grow(parameters, 4, self.where)
            own = gradient if step >= 6 else gradient[self.where]
            optimizer.step(own.copy(), recipe.rate)
        return parameters

    def alone(self, recipe, place):
        """The same of one parameter, which is new at step 6, of all steps, or not."""
        new = place in (1, 3)
        value = np.array([0 if new else {0: 1, 2: -1, 4: 0.5}[place]], np.float32)
        optimizer = loop.Optimizer(recipe, value, weights=int(place < 4))
        optimizer.steps = 6 * new
        for gradient in self.gradients[6 * new :, place]:
            optimizer.step(np.array([gradient]), recipe.rate)
        return value[0]


class TestOptimizer(Growth):
    @pytest.mark.parametrize("recipe", [{"rate": 0.01}, {"optimizer": "sgd", "rate": 0.1}])
    def test_every_parameter_is_as_if_alone(self, recipe):
        """Old ones keep their moments, new ones begin with none."""
        recipe = loop.Recipe(**recipe)
        found = self.run(recipe)
        assert found == pytest.approx([self.alone(recipe, place) for place in range(5)], rel=1e-5)

    def test_the_first_step_of_a_new_weight(self):
        """Its moments are 0.1 and 0.001 of the gradient's, which no correction makes 1 again."""
        optimizer = loop.Optimizer(loop.Recipe(decay=0.0), np.ones(1, np.float32), 1)
        for _ in range(10_000):
            optimizer.step(np.ones(1, np.float32), 0.0)
        grown = np.zeros(2, np.float32)
        optimizer.grow(grown, 2, np.array([0]))
        optimizer.step(np.array([1, 7], np.float32), 0.01)
        assert grown == pytest.approx([1 - 0.01, -0.01 * 0.1 / np.sqrt(0.001)], rel=1e-3)

    def test_signs_of_zeros(self):
        """New weights begin as a 0 that has a sign, and keep it."""
        recipe = loop.Recipe(signs="fixed", decay=0.0)
        optimizer = loop.Optimizer(recipe, np.array([1, -1], np.float32), 2)
        grown = np.array([0.0, -0.0, 0.0, -0.0], np.float32)
        optimizer.grow(grown, 4, np.array([0, 3]))
        for gradient in (1, 1, 1, -1, -1):
            optimizer.step(np.array([0, gradient, gradient, 0], np.float32), 0.1)
        assert np.signbit(grown).tolist() == [False, True, False, True]
        assert grown[1] < 0 == grown[2]


class TestTraining:
    def test_until_it_grows_it_is_the_small_network(self, digits):
        """Losses to the bit, but for the rate, which falls with the epochs of all of it."""
        _, losses = trained(digits, (5,))
        small = initialize(build("sobol", LAYERS, (512, 128)), "rudin-shapiro", 1)
        samples = digits.x_train[:300], digits.y_train[:300], 10
        wanted = loop.train(small, *samples, loop.Recipe(epochs=6), data.INPUT_SCALE)
        assert losses[:4] == wanted[:4]
        assert losses[4] != wanted[4]

    def test_no_jump(self, digits):
        """A doubling does not set the loss back."""
        _, losses = trained(digits, (3, 5), images=1000, epochs=8)
        assert all(after < before for before, after in pairwise(losses))

    def test_new_paths_learn_and_padding_does_not(self, digits):
        network, _ = trained(digits, (3, 5))
        for weights in network.weights:
            assert np.count_nonzero(weights[len(weights) // 4 :]) > len(weights) / 4
        assert not network.infer(digits.x_test[:9] / 255)[:, 10:].any()

    @pytest.mark.parametrize("recipe", [{}, {"optimizer": "sgd", "rate": 0.1, "decay": 0.001}])
    @pytest.mark.parametrize("smallest", [None, 64, 256])
    def test_the_same_seed_gives_the_same_network(self, digits, recipe, smallest):
        runs = [trained(digits, (3, 5), seed=s, smallest=smallest, **recipe) for s in (5, 5, 6)]
        first, again, other = (network.parameters.tobytes() for network, _ in runs)
        assert first == again != other
        assert runs[0][1][-1] < runs[0][1][0]

    def test_signs_are_kept(self, digits):
        network, _ = trained(digits, (3, 5), signs="fixed")
        wanted = initialize(TOPOLOGY, "rudin-shapiro").weights
        for own, start in zip(network.weights, wanted, strict=True):
            assert np.array_equal(np.signbit(own), np.signbit(start))
            assert own[len(own) // 2 :].any()

    def test_the_bar_tells_the_paths(self, digits, monkeypatch):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        shown = []
        monkeypatch.setattr(tqdm, "set_postfix", lambda bar, **what: shown.append(what["paths"]))
        trained(digits, (2, 4), images=32, epochs=4)
        assert shown == [320, 640, 640, 1280]


class TestCommand:
    """``sobolpath train --grow-at``."""

    def run(self, folder, *more, out="m.npz"):
        arguments = ["train", "--data", "digits", "--layers", "64-32-16", "--paths", "1024,256"]
        arguments += ["--epochs", 6, "--json", folder / "r.json", *more]
        if out is not None:
            arguments += ["--out", folder / out]
        return main([str(argument) for argument in arguments])

    GROWN = ({"epoch": 1, "paths": [256, 64]}, {"epoch": 3, "paths": [512, 128]})

    def test_grows(self, tmp_path, capsys):
        assert self.run(tmp_path, "--grow-at", "3,5") == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "paths 1024,256 (1280 weights)" in out
        told = "256,64 from epoch 1, 512,128 from epoch 3, 1024,256 from epoch 5"
        assert f"growth {told}, 58% of all paths on average" in out
        info = model.load(tmp_path / "m.npz").info
        assert info["grown"] == [*self.GROWN, {"epoch": 5, "paths": [1024, 256]}]
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["grown"] == info["grown"]
        assert result["accuracy_int"] > 0.85

    def test_is_as_the_trainer_has_it(self, tmp_path, digits):
        assert self.run(tmp_path, "--grow-at", "3,5", "--batch", 32) == 0
        stages = growing.stages(TOPOLOGY, (3, 5), 6)
        networks = [initialize(stage.topology) for stage in stages]
        first, later = growing.course(stages, networks)
        samples = digits.x_train, digits.y_train, 10
        recipe = loop.Recipe(epochs=6, batch=32)
        loop.train(first, *samples, recipe, data.INPUT_SCALE, later=later)
        loaded = model.load(tmp_path / "m.npz")
        for own, wanted in zip(loaded.float_weights, networks[-1].weights, strict=True):
            assert np.array_equal(own, wanted)

    def test_without_it_nothing_is_told(self, tmp_path, capsys):
        assert self.run(tmp_path) == 0
        assert "growth" not in capsys.readouterr().out
        assert "grown" not in model.load(tmp_path / "m.npz").info

    @pytest.mark.parametrize(
        "more",
        [
            ("--qat", 2),
            ("--nested", 256),
            ("--nested", 256, "--qat", 1, "--signs", "fixed"),
            ("--validation", 300),
            ("--topology", "shifted", "--signs", "fixed"),
            ("--optimizer", "sgd", "--rate", 0.05, "--decay", 0.001),
        ],
    )
    def test_together_with(self, tmp_path, more):
        assert self.run(tmp_path, "--grow-at", "3,5", *more) == 0
        found = model.load(tmp_path / "m.npz")
        assert len(found.info["grown"]) == 3
        assert found.info["accuracy_int"] > 0.7
        if "--nested" in more:
            assert [row["size"] for row in found.info["nested"]] == [256, 512, 1024]
        if "fixed" in more:
            for own, start in zip(found.float_weights, initialize(TOPOLOGY).weights, strict=True):
                assert np.array_equal(np.signbit(own), np.signbit(start))

    def test_extends_what_it_then_grows(self, tmp_path):
        assert self.run(tmp_path, "--paths", "256,64", out="small.npz") == 0
        slow = ("--rate", 1e-9, "--decay", 0)
        more = ("--extend", tmp_path / "small.npz", "--grow-at", "3,4", *slow)
        assert self.run(tmp_path, *more) == 0
        before, after = (model.load(tmp_path / name) for name in ("small.npz", "m.npz"))
        assert after.info["extended"] == [256, 64]
        assert after.info["grown"][0] == {"epoch": 1, "paths": [256, 64]}
        assert after.info["accuracy_float"] == before.info["accuracy_float"]

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (("--grow-at", "1,3"), "grow-at must be epochs after the first one up to the last, 6"),
            (("--grow-at", "3,x"), "--grow-at must be integers joined by ',', not '3,x'"),
            (("--grow-at", "2,3,4,5,6"), "grow-at must be at most 4 epochs for 1024,256 paths"),
            (
                ("--grow-at", "3", "--signs", "fixed", "--initialization", "halves"),
                "initialization must be a rule that keeps the signs of the first paths",
            ),
            (("--grow-at", "3", "--nested", 1024), "must begin with a power of two of paths"),
        ],
    )
    def test_mistakes(self, tmp_path, capsys, more, message):
        assert self.run(tmp_path, *more) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert list(tmp_path.iterdir()) == []

    def test_other_mistakes(self, tmp_path, capsys):
        more = ("--grow-at", "3", "--topology", "pseudo-random")
        assert self.run(tmp_path, *more, out=None) == 2
        assert "grow-at must be left out for" in capsys.readouterr().err
        assert self.run(tmp_path, "--paths", "512,256", out="small.npz") == 0
        small = tmp_path / "small.npz"
        assert self.run(tmp_path, "--extend", small, "--grow-at", "3,4") == 2
        assert "at most 1 epochs for 1024,256 paths, which begin with 512,256 or more" in (
            capsys.readouterr().err
        )
        more = ("--layers", "64-64-32-16", "--paths", "512,256,256", "--grow-at", "3")
        assert self.run(tmp_path, "--extend", small, *more) == 2
        assert "a network grows in paths, not in neurons" in capsys.readouterr().err
