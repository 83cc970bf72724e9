"""Whole courses of learning: gradients, accuracy, going on, fixed signs, and the command."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import by_path, compiled, loop
from sobolpath.golden.learn.arithmetic import BIAS_INPUT, ERROR, WEIGHT, Fractions
from sobolpath.golden.learn.loop import Course
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.start import SHARE
from sobolpath.golden.machine import model
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import initialize
from tests.support import learning

FRACTIONS = Fractions()
TOPOLOGY = Topology((64, 32, 32, 16), (512, 256, 256))
NETWORK = ["--data", "digits", "--layers", "64-32-16", "--paths", "256,256"]
CHIP = ["train", *NETWORK, "--arithmetic", "chip"]


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def fresh(topology=TOPOLOGY, classes=10, *, fixed=False, rule="rudin-shapiro"):
    network = initialize(topology, rule)
    network.parameters *= np.float32(SHARE)
    network.silence(classes)
    return Parameters.of_network(network, FRACTIONS, fixed=fixed)


def learner_of(parameters, rate=5, *, fixed=False):
    shifts = FRACTIONS.shifts(len(parameters.weights), rate)
    return compiled.learner(parameters, shifts, fixed=fixed)


def taught(digits, epochs, *, fixed=False, images=400):
    learner = learner_of(fresh(fixed=fixed), fixed=fixed)
    course = Course(epochs=epochs, halve=2)
    samples = digits.x_train[:images], digits.y_train[:images]
    return learner, loop.train(learner, FRACTIONS, *samples, course)


def real_gradients(parameters, image, label):
    """Of half the squares of what is missing, in real numbers: weights', then biases'."""
    network, topology = parameters.network(FRACTIONS), parameters.topology
    layers, edges = [image / 256], [topology.edges(j) for j in topology.junctions]
    for (source, target), weights, biases in zip(
        edges, network.weights, network.biases, strict=True
    ):
        sums = biases.astype(np.float64)
        np.add.at(sums, target, weights * layers[-1][source])
        layers.append(np.clip(sums, 0, 255 / 64) if len(layers) < len(edges) else sums)
    error = np.maximum(layers[-1], 0)
    error[label] = min(layers[-1][label] - 1, 0)
    found = []
    for index in range(len(edges) - 1, -1, -1):
        source, target = edges[index]
        found[:0] = [error[target] * layers[index][source]]
        found.append(error)
        back = np.zeros(topology.layers[index])
        np.add.at(back, source, network.weights[index] * error[target])
        error = back * ((layers[index] > 0) & (layers[index] < 255 / 64))
    return np.concatenate(found[: len(edges)]), np.concatenate(found[: len(edges) - 1 : -1])


def chip_gradients(parameters, image, label):
    """The same, of the errors and the activations of a step."""
    _, step = by_path.step(parameters, image, label, FRACTIONS.shifts(len(parameters.weights), 5))
    digits = FRACTIONS.of_layers(len(parameters.weights))
    weights = []
    for junction, own in enumerate(digits, 1):
        source, target = parameters.topology.edges(junction)
        product = step.errors[junction - 1][target] * step.activations[junction - 1][source]
        weights.append(product * 2.0 ** -(ERROR + own))
    return np.concatenate(weights), np.concatenate(step.errors) * 2.0**-ERROR


def cosine(one, other):
    return one @ other / np.sqrt((one @ one) * (other @ other))


class TestGradients:
    @pytest.mark.parametrize("epochs", [0, 2])
    def test_are_those_of_real_numbers(self, digits, epochs):
        """Over a batch of digits, before learning and on the way: cosines and lengths."""
        parameters = fresh() if epochs == 0 else taught(digits, epochs)[0].parameters
        totals = np.zeros((2, TOPOLOGY.total_paths)), np.zeros((2, 80))
        for index in range(400, 464):
            sample = parameters, digits.x_train[index], digits.y_train[index]
            for row, gradients in enumerate((real_gradients(*sample), chip_gradients(*sample))):
                for total, own in zip(totals, gradients, strict=True):
                    total[row] += own
        for real, chip in totals:
            assert cosine(real, chip) > 0.99
            assert np.linalg.norm(chip) == pytest.approx(np.linalg.norm(real), rel=0.12)

    def test_updates_follow_them(self, digits):
        """A step moves masters by the rate times the gradient, to half of a digit."""
        parameters = fresh()
        image, label = digits.x_train[0], digits.y_train[0]
        after, step = by_path.step(parameters, image, label, FRACTIONS.shifts(3, 2))
        moved = np.concatenate(after.weights) - np.concatenate(parameters.weights)
        wanted = -chip_gradients(parameters, image, label)[0] * 2.0 ** (WEIGHT - 2)
        assert np.abs(moved - wanted).max() <= 0.5
        assert np.abs(moved).max() > 20
        moved = after.biases[0] - parameters.biases[0]
        assert np.abs(moved + step.errors[0] * BIAS_INPUT / 4).max() <= 0.5


class TestLoop:
    def test_learns(self, digits):
        learner, shares = taught(digits, 6)
        assert len(shares) == 6
        assert shares[-1] > 0.7 > 0.4 > shares[0]
        assert learner.parameters.weights[-1].any()

    def test_padding_outputs_stay_silent(self, digits):
        parameters = taught(digits, 1)[0].parameters
        padding = TOPOLOGY.edges(3)[1] >= 10
        assert not parameters.weights[-1][padding].any()
        assert not parameters.biases[-1][10:].any()

    def test_going_on_is_as_if_never_stopped(self, digits):
        """Across a halving of the rate, through floats and back."""
        samples = digits.x_train[:200], digits.y_train[:200]
        whole = learner_of(fresh())
        shares = loop.train(whole, FRACTIONS, *samples, Course(epochs=4, halve=2))
        learner, parts = learner_of(fresh()), []
        for first in range(4):
            course = Course(epochs=1, halve=2, first=first)
            parts += loop.train(learner, FRACTIONS, *samples, course)
            network = learner.parameters.network(FRACTIONS)
            learner = learner_of(Parameters.of_network(network, FRACTIONS))
        assert parts == shares
        assert learning.same_parameters(whole.parameters, learner.parameters) == 1024 + 80

    def test_rates_and_orders(self):
        course = Course(epochs=3, halve=2, rate=13, seed=3)
        assert [course.rate_of(epoch) for epoch in range(8)] == [13, 13, 14, 14, 15, 15, 15, 15]
        orders = [course.order(epoch, 100).tolist() for epoch in (0, 1)]
        assert orders[0] != orders[1]
        assert sorted(orders[0]) == sorted(orders[1]) == list(range(100))
        assert course.order(1, 100).tolist() == orders[1]
        assert str(course) == "epochs 1 to 3, rate 2**-13, halved every 2, seed 3"

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"epochs": 0}, "epochs must be 1 to 4294967295, not 0"),
            ({"epochs": 2.0}, "epochs must be an integer, not 2.0"),
            ({"rate": 16}, "rate must be 0 to 15, not 16"),
            ({"halve": 0}, "halve must be 1 to 4294967295, not 0"),
            ({"first": -1}, "first must be 0 to 4294967295, not -1"),
            ({"seed": True}, "seed must be an integer, not True"),
        ],
    )
    def test_errors(self, wrong, message):
        with pytest.raises(InputError, match=message):
            Course(**{"epochs": 1, "halve": 1, **wrong})

    def test_fixed_signs(self, digits):
        """None changes, some stop at 0 and leave it again; free ones change."""
        before = fresh(fixed=True)
        learner, stopped, left = learner_of(before, 3, fixed=True), np.zeros(1024, bool), 0
        for index in range(300):
            learner.step(digits.x_train[index], digits.y_train[index])
            masters = np.concatenate(learner.parameters.weights)
            at_end = (masters == 0) | (masters == -1)
            left += (stopped & ~at_end).sum()
            stopped |= at_end
        assert left > 0
        assert ((masters < 0) == (np.concatenate(before.weights) < 0)).all()
        free = learner_of(before, 3)
        for index in range(300):
            free.step(digits.x_train[index], digits.y_train[index])
        masters = np.concatenate(free.parameters.weights)
        assert ((masters < 0) != (np.concatenate(before.weights) < 0)).any()


def run(*arguments):
    return main([str(argument) for argument in arguments])


class TestCommand:
    def test_report(self, tmp_path, capsys):
        assert run(*CHIP, "--epochs", 4, "--out", tmp_path / "m.npz", "--json", "-") == 0
        out, err = capsys.readouterr()
        assert "learning    epochs 1 to 4, rate 2**-5, halved every 2, seed 0" in err
        result, info = json.loads(out), model.load(tmp_path / "m.npz").info
        assert (info["arithmetic"], info["epochs"], info["rate"]) == ("chip", 4, 2.0**-5)
        assert info["halve"] == 2
        assert result["accuracy_int"] == info["accuracy_int"] > 0.8
        assert result["accuracy_float"] == pytest.approx(info["accuracy_int"], abs=0.05)
        assert 0.8 < info["accuracy_learning"] < 1

    def test_going_on_is_as_if_never_stopped(self, tmp_path):
        whole, part, rest = (tmp_path / f"{name}.npz" for name in ("whole", "part", "rest"))
        assert run(*CHIP, "--epochs", 3, "--halve", 2, "--out", whole) == 0
        assert run(*CHIP, "--epochs", 2, "--halve", 2, "--out", part) == 0
        assert run(*CHIP, "--epochs", 1, "--extend", part, "--out", rest) == 0
        one, other = (model.load(path) for path in (whole, rest))
        for name in ("weights", "biases", "float_weights", "float_biases"):
            for mine, wanted in zip(getattr(one, name), getattr(other, name), strict=True):
                assert np.array_equal(mine, wanted)
        assert other.info["epochs"] == one.info["epochs"] == 3
        assert not np.array_equal(model.load(part).weights[0], one.weights[0])

    def test_goes_on_from_floats(self, tmp_path, capsys):
        """A network that was trained in floats begins as good as it was, and its course anew."""
        floats, chip = tmp_path / "floats.npz", tmp_path / "chip.npz"
        assert run("train", *NETWORK, "--epochs", 8, "--out", floats) == 0
        more = ["--epochs", 1, "--rate", 2.0**-15, "--extend", floats]
        assert run(*CHIP, *more, "--out", chip) == 0
        before, after = (model.load(path).info for path in (floats, chip))
        assert after["accuracy_int"] == pytest.approx(before["accuracy_int"], abs=0.03)
        assert (after["epochs"], after["rate"]) == (1, 2.0**-15)

    def test_fixed_signs(self, tmp_path):
        path = tmp_path / "m.npz"
        assert run(*CHIP, "--epochs", 2, "--signs", "fixed", "--out", path) == 0
        loaded = model.load(path)
        assert loaded.info["signs"] == "fixed"
        wanted = initialize(loaded.topology).weights
        for own, rule in zip(loaded.weights, wanted, strict=True):
            assert (own * rule >= 0).all()
            assert own.any()

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--rate", "0.03"], "rate must be a power of two from 2**-15 to 1 where integers"),
            (["--rate", "2"], "not 2.0: try 0.03125"),
            (["--rate", "0"], "rate must be a finite number above 0, not 0.0"),
            (["--batch", "16"], "--batch must be left out with --arithmetic chip, which learns"),
            (["--optimizer", "sgd"], "--optimizer must be left out"),
            (["--momentum", "0.5"], "--momentum must be left out"),
            (["--decay", "0.5"], "--decay must be left out"),
            (["--qat", "1"], "--qat must be left out"),
            (["--nested", "64"], "--nested must be left out"),
            (["--halve", "0"], "halve must be 1 to"),
            (["--arithmetic", "chop"], "arithmetic must be one of float, chip, not 'chop'; did"),
            (["--arithmetic", "float", "--halve", "2"], "--halve must be left out without"),
        ],
    )
    def test_mistakes(self, tmp_path, capsys, more, message):
        assert run(*CHIP, "--out", tmp_path / "m.npz", *more) == 2
        _, err = capsys.readouterr()
        assert message in err
        assert len(err.splitlines()) == 1
        assert not (tmp_path / "m.npz").exists()

    def test_paths_that_are_not_linear(self, capsys):
        assert run(*CHIP, "--topology", "pseudo-random") == 2
        assert "not linear over GF(2)" in capsys.readouterr().err
