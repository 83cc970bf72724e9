"""The module's integers are the engine's; its gradients the golden ones; models there and back."""

import copy
import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, shipped
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import qat, quantize
from sobolpath.pytorch import PathNetwork, QuantizedPathNetwork
from sobolpath.pytorch.units import unit
from tests.pytorch.networks import TOPOLOGIES, module, random_network
from tests.support.networks import extreme_model, make_model, random_images, random_model

LINEAR = {name: topology for name, topology in TOPOLOGIES.items() if topology.linear}
#: Fan-ins on both sides of what float32 holds: 512, 1,024, and with edges that repeat.
WIDE = [
    Topology((512, 16, 16), (8192, 64)),
    Topology((1024, 8, 8), (8192, 64)),
    Topology((1024, 16), (16384,), (2, 3)),
]
SCALE = data.INPUT_SCALE


def random_module(topology, seed, **made):
    """Random scales and floats, so that some weights, biases and activations are clamped."""
    random = np.random.default_rng(seed)
    shifts = [int(n) for n in random.integers(0, 12, len(topology.paths) - 1)]
    units = random.uniform(0.005, 0.02, len(topology.paths))
    own = QuantizedPathNetwork(topology, SCALE, units, [*shifts, 0], **made)
    for junction, weights, biases in zip(own.layers(), *_normals(topology, random), strict=True):
        junction.assign(weights, biases)
    return own


def _normals(topology, random):
    weights = [random.normal(0, 0.7, count) for count in topology.paths]
    sizes = 10.0 ** random.uniform(-2, 3, len(topology.paths))
    return weights, [
        random.normal(0, size, n) for size, n in zip(sizes, topology.layers[1:], strict=True)
    ]


def same_layers(own, model, images):
    """Every layer's integers are the engine's: how many values were compared."""
    wanted = engine.layers(model, images)
    got = own.integers(torch.from_numpy(images))
    assert len(got) == len(wanted) == len(model.topology.paths)
    for mine, other in zip(got, wanted, strict=True):
        assert mine.numpy().dtype == other.dtype
        assert np.array_equal(mine.numpy(), other)
    return sum(other.size for other in wanted)


class TestIntegers:
    @pytest.mark.parametrize("seed", range(8))
    @pytest.mark.parametrize("name", LINEAR)
    def test_are_the_engine_s(self, name, seed):
        topology = LINEAR[name]
        own = random_module(topology, seed)
        images = random_images(np.random.default_rng(seed), topology, 20)
        count = same_layers(own, own.to_model(topology.layers[-1]), images)
        assert count == 20 * sum(topology.layers[1:])

    @pytest.mark.parametrize("topology", WIDE, ids=lambda t: str(t.fan_in(1)))
    @pytest.mark.parametrize("sign", [1, -1])
    def test_at_the_bounds(self, topology, sign):
        """Sums that no float of 24 bits holds; biases of 2**29, weights of 127 and -128."""
        for weight in (127, -128):
            model = extreme_model(topology, weight, sign)
            own = QuantizedPathNetwork.from_model(model)
            images = random_images(np.random.default_rng(1), topology, 6)
            same_layers(own, model, images)
            same_layers(own, own.to_model(1), images)
        assert np.abs(engine.infer(model, images)).max() > 2**24

    @pytest.mark.parametrize("topology", WIDE, ids=lambda t: str(t.fan_in(1)))
    def test_of_random_models(self, topology):
        for seed in range(3):
            model = random_model(np.random.default_rng(seed), topology)
            own = QuantizedPathNetwork.from_model(model)
            same_layers(own, model, random_images(np.random.default_rng(seed), topology, 9))

    def test_odd_sums_need_float64(self):
        """What would be wrong in float32: 255 * 127 times 1,024 sources, and one more."""
        topology = Topology((1024, 1), (1024,))
        model = make_model(topology, [np.full(1024, 127)], [[2**29 - 2]], (0,))
        own = QuantizedPathNetwork.from_model(model, dtype=torch.float64)
        images = np.full((1, 1024), 255, np.uint8)
        images[0, 0] = 254
        same_layers(own, model, images)
        wanted = 1024 * 255 * 127 - 127 + 2**29 - 2
        assert own.integers(torch.from_numpy(images))[0].item() == wanted
        assert int(np.float32(wanted)) != wanted

    def test_any_dtype_device_and_autocast(self):
        own = QuantizedPathNetwork.from_model("digits")
        images = torch.from_numpy(data.load("digits").x_test[:30])
        wanted = own.integers(images)
        with torch.autocast("cpu", torch.bfloat16):
            assert all(map(torch.equal, own.integers(images), wanted))
        assert all(map(torch.equal, own.double().integers(images), wanted))
        assert own(images).dtype == torch.float64

    def test_batches_of_any_shape(self):
        own = random_module(LINEAR["sobol"], 0)
        images = torch.randint(0, 256, (2, 3, 16), dtype=torch.uint8)
        got = own.integers(images)
        assert [tuple(layer.shape) for layer in got] == [(2, 3, 8), (2, 3, 16), (2, 3, 8)]
        flat = own.integers(images.reshape(6, 16))
        assert torch.equal(got[-1].reshape(6, 8), flat[-1])
        assert own(images[0, 0]).shape == (8,)
        assert own(images[:, :0]).shape == (2, 0, 8)

    def test_logits_are_the_integers_real_values(self):
        own = random_module(LINEAR["sobol"], 0)
        images = torch.randint(0, 256, (9, 16), dtype=torch.uint8)
        whole = own.integers(images)[-1]
        step = own.steps[-1]
        assert torch.equal(own(images), (whole.double() * step).float())
        assert torch.equal(own(images * np.float32(SCALE)), own(images))
        assert torch.equal(own(images * np.float32(SCALE) + 5), own(torch.full_like(images, 255)))


class TestLikeTheGoldenTraining:
    @pytest.fixture(params=["sobol", "cascaded", "repeated"])
    def pair(self, request):
        """A golden network and a module, and what they are trained on."""
        topology = LINEAR[request.param]
        random = np.random.default_rng(3)
        images = random.integers(0, 256, (64, topology.layers[0]), np.uint8)
        golden = random_network(topology)
        chosen = quantize.choose(golden, images, topology.layers[-1], SCALE)
        wanted = qat.QuantizedNetwork(golden, SCALE, chosen["units"], chosen["shifts"])
        own = QuantizedPathNetwork.calibrated(
            PathNetwork.from_network(golden), images, topology.layers[-1]
        )
        return wanted, own, images, random.integers(0, topology.layers[-1], 64)

    def test_models(self, pair):
        wanted, own, images, _ = pair
        classes = own.topology.layers[-1]
        model, other = own.to_model(classes, {"a": 1}), wanted.model(classes, {"a": 1})
        assert same_model(model, other)
        assert model.info == {"a": 1}
        again = QuantizedPathNetwork.from_network(wanted)
        assert same_model(again.to_model(classes), other)
        golden = quantize.quantize(own.to_network(), images, classes, SCALE)
        assert same_model(model, golden)

    def test_gradients(self, pair):
        wanted, own, images, labels = pair
        classes, count = own.topology.layers[-1], own.topology.paths[0]
        random = np.random.default_rng(0)
        moved = random.normal(1, 0.7, count).astype(np.float32)  # beyond +-127 steps, some
        wanted.parameters[:count] *= moved
        weights = own.layers()[0].path_weights()
        weights[wanted.wiring[0].path] *= moved
        own.layers()[0].assign(weights, own.layers()[0].biases())
        assert (own.rounded(1)[0].abs() == 127).sum() > 1
        out = wanted.vector()
        inputs = (images.T * np.float32(SCALE)).astype(np.float32)
        loss = wanted.gradients(inputs, labels, classes, out)
        got = functional.cross_entropy(own(torch.from_numpy(images)), torch.from_numpy(labels))
        assert got.item() == pytest.approx(loss, rel=1e-5)
        got.backward()
        zeros = 0
        for junction, wiring, weights, biases in zip(
            own.layers(), wanted.wiring, out[1], out[2], strict=True
        ):
            by_path = np.empty(junction.paths, np.float32)
            by_path[wiring.path] = weights.ravel()
            by_path = by_path[junction.sums.path]
            found = junction.weight.grad.numpy().ravel()
            zeros += (found == 0).sum()
            most = np.abs(by_path).max()
            assert np.allclose(found, by_path, atol=1e-5 * most, rtol=1e-4)
            most = np.abs(biases).max()
            assert np.allclose(junction.bias.grad.numpy(), biases[:, 0], atol=1e-5 * most)
        assert zeros

    def test_it_learns_what_runs(self):
        """Digits, after few epochs of each kind: what is trained is what runs."""
        digits = data.load("digits")
        images, labels = (torch.from_numpy(a) for a in (digits.x_train, digits.y_train))
        floats = PathNetwork((64, 64, 16), (1024, 512))
        learn(floats, images * np.float32(SCALE), labels, 0.01, 250)
        own = QuantizedPathNetwork.calibrated(floats, digits.x_train, 10)
        before = accuracy(own.to_model(10), digits)
        losses = learn(own, images, labels, 0.001, 100)
        assert np.mean(losses[-20:]) < np.mean(losses[:20])
        model = own.to_model(10, preparation=digits.preparation)
        same_layers(own, model, digits.x_test)
        assert accuracy(model, digits) > 0.85
        assert accuracy(model, digits) >= before - 0.01


def learn(network, images, labels, rate, steps):
    """Steps of Adam on batches of 32; the losses."""
    optimizer, losses = torch.optim.Adam(network.parameters(), rate), []
    for chosen in torch.randint(
        0, len(images), (steps, 32), generator=torch.Generator().manual_seed(0)
    ):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images[chosen])[:, :10], labels[chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def accuracy(model, dataset):
    found = engine.classify(model, engine.infer(model, dataset.x_test))
    return (found == dataset.y_test).mean()


def same_model(model, other, floats=True):
    names = ["weights", "biases"] + ["float_weights", "float_biases"] * floats
    return (model.shifts, model.input_scale) == (other.shifts, other.input_scale) and all(
        np.array_equal(mine, wanted)
        for name in names
        for mine, wanted in zip(getattr(model, name), getattr(other, name), strict=True)
    )


class TestModels:
    @pytest.mark.parametrize("name", shipped.names())
    def test_shipped_ones_there_and_back(self, name, tmp_path):
        """By a file too; the floats stay but for some biases that round otherwise."""
        model = models.load(name)
        own = QuantizedPathNetwork.from_model(name)
        again = own.to_model(model.classes, model.info, model.preparation)
        assert same_model(again, model, floats=False)
        for mine, wanted in zip(again.float_weights, model.float_weights, strict=True):
            assert np.array_equal(mine, wanted)
        again.save(tmp_path / "again.npz")
        loaded = models.load(tmp_path / "again.npz")
        assert same_model(loaded, again)
        images = random_images(np.random.default_rng(0), model.topology, 5)
        same_layers(own, loaded, images)

    def test_floats_that_do_not_round_to_the_integers(self):
        model = replace(models.load("digits"), float_weights=models.load("digits").float_weights)
        scrambled = replace(model, float_weights=tuple(w[::-1].copy() for w in model.float_weights))
        own = QuantizedPathNetwork.from_model(scrambled)
        assert same_model(own.to_model(10), model, floats=False)

    def test_unit(self):
        random = np.random.default_rng(0)
        floats = random.normal(0, 1, 500)
        whole = np.clip(np.rint(floats / 0.0123), -127, 127).astype(np.int8)
        assert unit(floats, whole) == pytest.approx(0.0123, rel=1e-3)
        assert unit(floats, np.zeros(500, np.int8)) is None
        assert unit(floats[::-1], whole) is None
        assert unit(np.zeros(500), whole) is None


class TestHabits:
    def test_state_dict(self):
        own, other = random_module(LINEAR["sobol"], 1), random_module(LINEAR["sobol"], 2)
        file = io.BytesIO()
        torch.save(own.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file, weights_only=True))
        assert (other.units, other.shifts, other.steps) == (own.units, own.shifts, own.steps)
        assert same_model(own.to_model(8), other.to_model(8))

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
    def test_copies(self, copied):
        own = random_module(LINEAR["sobol"], 1)
        assert same_model(copied(own).to_model(8), own.to_model(8))
        assert same_model(own.eval().to_model(8), own.train().to_model(8))

    def test_scales_are_not_rounded_with_the_dtype(self):
        own = random_module(LINEAR["sobol"], 1)
        units = list(own.units)
        own.half()
        assert own.units == units
        assert own.state_dict()["_extra_state"].dtype == torch.float64
        images = torch.randint(0, 256, (5, 16), dtype=torch.uint8)
        same_layers(own, own.to_model(8), images.numpy())

    def test_calibrated_keeps_what_it_was_made_of(self):
        floats = module(LINEAR["sobol"], dtype=torch.float64).eval()
        images = torch.randint(0, 256, (40, 16), dtype=torch.uint8)
        own = QuantizedPathNetwork.calibrated(floats, images, 8)
        assert not own.training
        assert own.layers()[0].weight.dtype == torch.float64
        for mine, wanted in zip(own.parameters(), floats.parameters(), strict=True):
            assert torch.equal(mine, wanted)
            assert mine.data_ptr() != wanted.data_ptr()

    def test_without_biases(self):
        floats = PathNetwork((16, 16, 8), (64, 64), bias=False)
        images = torch.randint(0, 256, (40, 16), dtype=torch.uint8)
        own = QuantizedPathNetwork.calibrated(floats, images, 8)
        assert len(list(own.parameters())) == 2
        same_layers(own, own.to_model(8), images.numpy())
        own(images).sum().backward()

    def test_says_what_it_is(self):
        text = repr(QuantizedPathNetwork.from_model("digits"))
        assert text.startswith('QuantizedPathNetwork(\n  topology="Sobol\'", shifts=[9, 7, 0]\n')


class TestComplaints:
    def test_paths_that_no_hardware_runs(self):
        topology = build("pseudo-random", (16, 8), (64,))
        with pytest.raises(InputError, match="not linear over GF"):
            QuantizedPathNetwork(topology, 1.0, [1.0], [0])
        with pytest.raises(InputError, match="not linear over GF"):
            QuantizedPathNetwork.calibrated(module(topology), np.zeros((3, 16), np.uint8), 8)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ((1.0, [1.0], [1, 0]), "units and shifts must be 2, one per junction, not 1 and 2"),
            ((1.0, [1.0, 0.0], [1, 0]), "input_scale and units must be finite and above 0"),
            ((float("nan"), [1.0, 1.0], [1, 0]), "input_scale and units must be finite"),
            ((1.0, [1.0, 1.0], [1, 1]), "shifts must be integers from 0 to 24, the last 0"),
            ((1.0, [1.0, 1.0], [25, 0]), "shifts must be integers from 0 to 24, the last 0"),
        ],
    )
    def test_scales(self, given, message):
        with pytest.raises(InputError, match=message):
            QuantizedPathNetwork(Topology((16, 16, 8), (64, 64)), *given)

    def test_least(self):
        with pytest.raises(InputError, match="least must be -127 or -128, not -1"):
            QuantizedPathNetwork(Topology((4, 4), (4,)), 1.0, [1.0], [0], least=-1)

    def test_inputs(self):
        own = random_module(LINEAR["sobol"], 0)
        with pytest.raises(InputError, match=r"inputs must have shape \(\.\.\., 16\), not \(3, 8"):
            own(torch.zeros(3, 8))
        with pytest.raises(InputError, match=r"inputs must be torch\.uint8, or floats"):
            own(torch.zeros(3, 16, dtype=torch.int64))
        with pytest.raises(InputError, match=r"images must be uint8 of shape \(images, 16\)"):
            QuantizedPathNetwork.calibrated(own, np.zeros((3, 16)), 8)

        with pytest.raises(InputError, match=r"at least one, not uint8 of \(0, 16\)"):
            QuantizedPathNetwork.calibrated(own, np.zeros((0, 16), np.uint8), 8)
        with pytest.raises(InputError, match=r"inputs must be a torch\.Tensor, not ndarray"):
            own(np.zeros((3, 16), np.uint8))
        for classes in (0, 9):
            with pytest.raises(InputError, match="classes must be an integer from 1 to 8"):
                QuantizedPathNetwork.calibrated(own, np.zeros((3, 16), np.uint8), classes)

    def test_numbers_that_are_none(self):
        own = random_module(LINEAR["sobol"], 0)
        wanted = "inputs, weights and biases must be finite"
        with pytest.raises(InputError, match=wanted):
            own.integers(torch.full((2, 16), float("nan")))
        torch.nn.init.constant_(own.layers()[1].bias, float("nan"))
        with pytest.raises(InputError, match=wanted):
            own.integers(torch.zeros(2, 16))
        with pytest.raises(InputError, match="biases of junction 2 must be finite"):
            own.to_model(8)

    def test_a_float_network(self):
        with pytest.raises(InputError, match=r"must be a golden\.training\.qat\.QuantizedNetwork"):
            QuantizedPathNetwork.from_network(random_network(LINEAR["sobol"]))

    def test_a_bias_beyond_the_dtype(self):
        topology = Topology((4, 4), (16,))
        model = make_model(topology, [np.full(16, 3)], [[2**29 - 1, 0, 0, 0]], (0,))
        with pytest.raises(
            InputError, match="biases of up to 536870911 steps in junction 1, which"
        ):
            QuantizedPathNetwork.from_model(model)
        own = QuantizedPathNetwork.from_model(model, dtype=torch.float64)
        assert same_model(own.to_model(4), model, floats=False)

    def test_state_of_another_network(self):
        own = random_module(LINEAR["sobol"], 0)
        state = {**own.state_dict(), "_extra_state": torch.ones(4, dtype=torch.float64)}
        with pytest.raises(InputError, match="units and shifts must be 3"):
            own.load_state_dict(state)

    def test_a_model_that_is_not_there(self):
        for kind in (PathNetwork, QuantizedPathNetwork):
            with pytest.raises(InputError, match=r"no such model file.*did you mean 'digits'"):
                kind.from_model("digts")
