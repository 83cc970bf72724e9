"""Training: determinism, optimizers against their textbook formulas, and the complaints."""

import sys

import numpy as np
import pytest
from tqdm import tqdm

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.loop import Optimizer, Recipe, train

TOPOLOGY = Topology((64, 32, 16), (256, 256))


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def trained(digits, images=300, **recipe):
    network = initialize(TOPOLOGY)
    recipe = Recipe(**{"epochs": 3, **recipe})
    images, labels = digits.x_train[:images], digits.y_train[:images]
    return network, train(network, images, labels, 10, recipe, data.INPUT_SCALE)


def test_the_same_seed_gives_the_same_network(digits):
    (first, losses), (again, _), (other, _) = (trained(digits, seed=seed) for seed in (5, 5, 6))
    assert len(losses) == 3
    assert first.parameters.tobytes() == again.parameters.tobytes()
    assert first.parameters.tobytes() != other.parameters.tobytes()


@pytest.mark.parametrize(("quiet", "bars"), [(False, 1), (True, 0)])
def test_a_caller_s_bar_stands_alone(digits, monkeypatch, quiet, bars):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = []
    monkeypatch.setattr(tqdm, "display", lambda bar, *_, **__: shown.append(bar.desc))
    network, recipe = initialize(TOPOLOGY), Recipe(epochs=1)
    images, labels = digits.x_train[:16], digits.y_train[:16]
    train(network, images, labels, 10, recipe, data.INPUT_SCALE, quiet=quiet)
    assert len(set(shown)) == bars


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "sgd", "rate": 0.1, "decay": 0.001}])
def test_learns(digits, recipe):
    network, losses = trained(digits, images=1000, epochs=8, **recipe)
    assert losses[-1] < 0.7 < losses[0]
    hits = network.infer(digits.x_test / 255)[:, :10].argmax(1) == digits.y_test
    assert hits.mean() > 0.75


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_any_batch(digits, batch):
    _, losses = trained(digits, images=50, batch=batch, rate=0.001)
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def test_padding_outputs_end_at_0(digits):
    network, _ = trained(digits)
    assert not network.infer(digits.x_test[:9] / 255)[:, 10:].any()


def test_no_bar_where_no_terminal_is(digits, capsys):
    trained(digits)
    assert capsys.readouterr() == ("", "")


class TestOptimizer:
    gradients = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)

    def run(self, recipe):
        parameters = np.linspace(-1, 1, 5).astype(np.float32)
        optimizer = Optimizer(recipe, parameters, weights=3)
        for gradient in self.gradients:
            optimizer.step(gradient.copy(), recipe.rate)
        return parameters

    def test_sgd(self):
        recipe = Recipe(optimizer="sgd", rate=0.1, momentum=0.8, decay=0.05)
        expected, velocity = np.linspace(-1, 1, 5), np.zeros(5)
        for gradient in self.gradients:
            expected[:3] -= 0.1 * 0.05 * expected[:3]
            velocity = 0.8 * velocity + gradient
            expected -= 0.1 * velocity
        assert self.run(recipe) == pytest.approx(expected, rel=1e-4)

    def test_adam(self):
        recipe = Recipe(rate=0.01, decay=0.05)
        expected, m, v = np.linspace(-1, 1, 5), np.zeros(5), np.zeros(5)
        for step, gradient in enumerate(self.gradients, 1):
            expected[:3] -= 0.01 * 0.05 * expected[:3]
            m = 0.9 * m + 0.1 * gradient
            v = 0.999 * v + 0.001 * gradient**2
            expected -= 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        assert self.run(recipe) == pytest.approx(expected, rel=1e-3)


def test_diverging_is_told(digits):
    with pytest.raises(InputError, match=r"the loss must stay finite, but epoch .* lower the rate"):
        trained(digits, optimizer="sgd", rate=1e30)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer from 1 to 4294967295, not 0"),
        ({"epochs": 1.5}, r"epochs must be an integer from 1 to 4294967295, not 1\.5"),
        ({"batch": 0}, "batch must be an integer from 1 to 4294967295, not 0"),
        ({"batch": True}, "batch must be an integer from 1 to 4294967295, not True"),
        ({"seed": -1}, "seed must be an integer from 0 to 4294967295, not -1"),
        ({"rate": 0.0}, r"rate must be a finite number above 0, not 0\.0"),
        ({"rate": float("nan")}, "rate must be a finite number above 0, not nan"),
        ({"rate": float("inf")}, "rate must be a finite number above 0, not inf"),
        ({"momentum": 1.0}, r"momentum must be a number from 0 to below 1, not 1\.0"),
        ({"decay": -0.1}, r"decay must be a finite number of at least 0, not -0\.1"),
        ({"decay": "much"}, "decay must be a finite number of at least 0, not 'much'"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of adam, sgd, not 'lbfgs'"),
        ({"signs": "mixed"}, "signs must be one of free, fixed, not 'mixed'"),
    ],
)
def test_complaints(recipe, message):
    with pytest.raises(InputError, match=message):
        Recipe(**recipe)
