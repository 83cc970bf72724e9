"""Networks of paths as modules: against the golden network, masked matrices, PyTorch's habits."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch.nn import functional

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training.initialize import initialize
from sobolpath.golden.training.network import Network
from sobolpath.golden.training.signs import RULES
from sobolpath.pytorch import PathNetwork
from sobolpath.pytorch.masked import Masked
from sobolpath.pytorch.sums import BlockSums, MatrixSums
from tests.pytorch.networks import TOPOLOGIES, inputs_of, module, random_network

SMALL = Topology((16, 32, 8), (64, 64))


@pytest.fixture(params=TOPOLOGIES, ids=list(TOPOLOGIES))
def topology(request):
    return TOPOLOGIES[request.param]


def loss_of(network, inputs, labels, classes):
    return functional.cross_entropy(network(inputs)[:, :classes], labels)


class TestLikeTheGoldenNetwork:
    def test_logits(self, topology):
        inputs = inputs_of(topology, 9)
        wanted = random_network(topology).infer(inputs.numpy())
        got = module(topology)(inputs).detach().numpy()
        assert got.shape == (9, topology.layers[-1])
        assert np.allclose(got, wanted, atol=1e-5)

    def test_gradients(self, topology):
        """Every weight's, in the order of the paths, and every bias's."""
        golden, own, inputs = random_network(topology), module(topology), inputs_of(topology, 7)
        classes = topology.layers[-1]
        labels = np.random.default_rng(4).integers(0, classes, 7)
        out = golden.vector()
        wanted = golden.gradients(inputs.numpy().T.copy(), labels, classes, out)
        loss = loss_of(own, inputs, torch.from_numpy(labels), classes)
        loss.backward()
        assert loss.item() == pytest.approx(wanted, rel=1e-5)
        for junction, wiring, weights, biases in zip(
            own.layers(), golden.wiring, out[1], out[2], strict=True
        ):
            by_path = np.empty(junction.paths, np.float32)
            by_path[wiring.path] = weights.ravel()
            found = junction.weight.grad.numpy().ravel()
            assert np.allclose(found, by_path[junction.sums.path], atol=1e-6)
            assert np.allclose(junction.bias.grad.numpy(), biases[:, 0], atol=1e-6)

    def test_and_back(self, topology):
        golden = random_network(topology)
        again = PathNetwork.from_network(golden).to_network()
        for name in ("weights", "biases"):
            for mine, wanted in zip(getattr(again, name), getattr(golden, name), strict=True):
                assert np.array_equal(mine, wanted)

    def test_how_sums_are_found(self):
        found = {name: [type(j.sums) for j in module(t).layers()] for name, t in TOPOLOGIES.items()}
        assert found["sobol"] == [BlockSums] * 3
        assert found["cascaded"] == found["dense"] == found["shifted"] == [BlockSums] * 2
        assert found["repeated"] == [MatrixSums]
        assert found["pseudo-random"] == [MatrixSums] * 2


class TestLikeMaskedMatrices:
    """In ``float64``, whatever the order in memory, forward and backward."""

    @pytest.mark.parametrize("lies", ["row by row", "neuron by neuron", "apart"])
    def test_autograd(self, topology, lies):
        own = module(topology, dtype=torch.float64)
        masked = Masked(own)
        inputs = inputs_of(topology, 6, dtype=torch.float64)
        if lies == "neuron by neuron":
            inputs = inputs.t().contiguous().t()
        if lies == "apart":
            inputs = inputs.repeat_interleave(3, 1)[:, ::3]
        error = inputs_of(Topology((topology.layers[-1], 1), topology.layers[-1:]), 6, 8).double()
        gradients = []
        for network in (own, masked):
            given = inputs.clone().requires_grad_()
            logits = network(given)
            logits.backward(error)
            gradients.append((logits.detach(), given.grad))
        for mine, wanted in zip(*gradients, strict=True):
            assert torch.allclose(mine, wanted, atol=1e-12)
        for junction, matrix, bias in zip(
            own.layers(), masked.matrices, masked.biases, strict=True
        ):
            source, target = topology.edges(junction.junction)
            found = junction.weight.grad.reshape(-1)
            path = junction.sums.path
            assert torch.allclose(found, matrix.grad[target[path], source[path]], atol=1e-12)
            assert torch.allclose(junction.bias.grad, bias.grad, atol=1e-12)

    def test_without_a_mask_every_edge_learns(self):
        own = module(SMALL)
        dense = Masked(own, mask=False)
        inputs = inputs_of(SMALL, 5)
        assert torch.allclose(dense(inputs), own(inputs), atol=1e-5)
        dense(inputs).square().sum().backward()
        masked = Masked(own)
        masked(inputs).square().sum().backward()
        counts = [(net.matrices[1].grad != 0).sum() for net in (dense, masked)]
        assert counts[1] <= 64 < counts[0]


class TestStart:
    @pytest.mark.parametrize("rule", [rule for rule in RULES if ":" not in rule])
    @pytest.mark.parametrize("magnitudes", ["constant", "random"])
    def test_is_the_golden_one(self, rule, magnitudes):
        made = {"seed": 5, "initialization": rule, "magnitudes": magnitudes}
        own = PathNetwork(SMALL.layers, SMALL.paths, **made)
        wanted = initialize(SMALL, rule, 5, magnitudes)
        assert same(own.to_network(), wanted)
        for junction in own.layers():  # each of its own gives the same
            torch.nn.init.zeros_(junction.weight)
            junction.reset_parameters()
        assert same(own.to_network(), wanted)

    def test_reset_with_a_seed(self):
        own = PathNetwork(SMALL.layers, SMALL.paths, seed=1, initialization="uniform")
        torch.nn.init.ones_(own.layers()[0].bias)
        own.reset_parameters(9)
        assert same(own.to_network(), initialize(SMALL, "uniform", 9))
        own.reset_parameters()
        assert same(own.to_network(), initialize(SMALL, "uniform", 1))

    def test_topologies_by_name(self):
        own = PathNetwork((16, 32, 8), (64, 64), "scrambled", seed=3)
        wanted = build("scrambled", (16, 32, 8), (64, 64), seed=3)
        for junction in wanted.junctions:
            for mine, other in zip(
                own.topology.edges(junction), wanted.edges(junction), strict=True
            ):
                assert np.array_equal(mine, other)
        own = PathNetwork((16, 32, 8), (64, 64), dimensions=(3, 1, 0))
        assert own.topology.dimensions == (3, 1, 0)
        assert "dimensions=(1, 0)" in repr(own)

    def test_without_biases(self):
        own = PathNetwork(SMALL.layers, SMALL.paths, bias=False)
        assert len(list(own.parameters())) == 2
        assert not any(biases.any() for biases in own.to_network().biases)
        own(inputs_of(SMALL, 3)).sum().backward()
        assert all(parameter.grad is not None for parameter in own.parameters())

    def test_from_a_file(self, tmp_path):
        models.load("digits").save(tmp_path / "m.npz")
        for name in (tmp_path / "m.npz", str(tmp_path / "m.npz"), models.load("digits")):
            assert same(
                PathNetwork.from_model(name).to_network(),
                PathNetwork.from_model("digits").to_network(),
            )

    def test_from_a_model(self):
        model = models.load("digits")
        own = PathNetwork.from_model("digits")
        images = np.random.default_rng(0).integers(0, 256, (20, 64), np.uint8)
        wanted = Network(model.topology, model.float_weights, model.float_biases)
        steps = images * np.float32(model.input_scale)
        got = own(torch.from_numpy(steps)).detach().numpy()
        assert np.allclose(got, wanted.infer(steps), atol=1e-4)


def same(network, other):
    pairs = zip(network.weights + network.biases, other.weights + other.biases, strict=True)
    return all(np.array_equal(mine, wanted) for mine, wanted in pairs)


class TestHabits:
    """What PyTorch's users take for granted of a module."""

    def test_state_dict(self):
        own, other = module(SMALL), PathNetwork(SMALL.layers, SMALL.paths)
        file = io.BytesIO()
        torch.save(own.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file, weights_only=True))
        assert same(own.to_network(), other.to_network())
        assert not any("source" in key or "target" in key for key in own.state_dict())

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
    def test_copies_are_whole(self, copied):
        own, inputs = module(SMALL), inputs_of(SMALL, 3)
        other = copied(own)
        assert torch.equal(own(inputs), other(inputs))
        torch.nn.init.zeros_(other.layers()[0].weight)
        assert not torch.equal(own(inputs), other(inputs))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
    def test_other_dtypes(self, topology, dtype):
        own, inputs = module(topology), inputs_of(topology, 5)
        wanted = own(inputs)
        got = own.to(dtype)(inputs.to(dtype))
        assert got.dtype == dtype
        assert torch.allclose(got.float(), wanted, atol=0.1, rtol=0.1)
        got.float().sum().backward()
        assert all(parameter.grad.dtype == dtype for parameter in own.parameters())
        assert same(own.to(torch.float32).to_network(), own.to_network())

    def test_made_of_a_dtype(self):
        own = PathNetwork(SMALL.layers, SMALL.paths, dtype=torch.float64, device="cpu")
        assert {parameter.dtype for parameter in own.parameters()} == {torch.float64}

    @pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3), (2, 0, 4), (4, 1, 2)])
    def test_dimensions_before_the_features(self, topology, shape):
        own, linear = module(topology), Masked(module(topology))
        width = topology.layers[0]
        inputs = torch.linspace(-1, 1, int(np.prod(shape)) * width).reshape(*shape, width)
        got = own(inputs.requires_grad_())
        assert got.shape == (*shape, topology.layers[-1])
        assert torch.allclose(got, linear(inputs), atol=1e-5)
        got.sum().backward()
        assert inputs.grad.shape == inputs.shape

    @pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
    def test_autocast(self, topology, kind):
        """As a linear layer: of the lower dtype forwards, of its own backwards."""
        own, inputs = module(topology), inputs_of(topology, 5)
        with torch.autocast("cpu", kind):
            got = own(inputs)
            assert got.dtype == kind
        got.float().square().sum().backward()
        assert {parameter.grad.dtype for parameter in own.parameters()} == {torch.float32}
        gradients = [parameter.grad.clone() for parameter in own.parameters()]
        own.zero_grad()
        own(inputs).square().sum().backward()
        for parameter, lower in zip(own.parameters(), gradients, strict=True):
            most = parameter.grad.abs().max()
            assert (parameter.grad - lower).abs().max() <= 0.1 * most

    def test_derivatives_of_derivatives(self, topology):
        own = module(topology, dtype=torch.float64)
        for turned in (False, True):
            inputs = inputs_of(topology, 2, dtype=torch.float64).requires_grad_()
            junction = own.layers()[0]

            def sums(inputs, weight, bias, junction=junction, turned=turned):
                given = inputs.t().contiguous().t() if turned else inputs
                return junction.sums(given, weight, bias)

            given = inputs, junction.weight, junction.bias
            assert torch.autograd.gradcheck(sums, given, fast_mode=True)
            assert torch.autograd.gradgradcheck(sums, given, fast_mode=True)

    @pytest.mark.slow  # a checkpoint imports much of PyTorch
    def test_checkpoints_and_frozen_parameters(self):
        own, inputs = module(SMALL), inputs_of(SMALL, 5)
        own(inputs).sum().backward()
        wanted = [parameter.grad.clone() for parameter in own.parameters()]
        own.zero_grad()
        own.layers()[1].weight.requires_grad_(False)
        torch.utils.checkpoint.checkpoint(own, inputs, use_reentrant=False).sum().backward()
        for parameter, gradient in zip(own.parameters(), wanted, strict=True):
            if parameter.requires_grad:
                assert torch.allclose(parameter.grad, gradient)
        assert own.layers()[1].weight.grad is None

    def test_results_may_be_changed_in_place(self, topology):
        """As ``torch.nn.ReLU(inplace=True)`` does."""
        own, inputs = module(topology), inputs_of(topology, 5)
        gradients = []
        for function in (torch.relu, torch.relu_):
            own.zero_grad()
            function(own(inputs)).square().sum().backward()
            gradients.append([parameter.grad.clone() for parameter in own.parameters()])
        assert all(map(torch.equal, *gradients))
        assert own(inputs)._base is None

    def test_results_lie_neuron_by_neuron(self):
        got = module(SMALL)(inputs_of(SMALL, 5))
        assert got.stride() == (1, 5)
        assert torch.relu(got).stride() == (1, 5)

    def test_made_without_memory(self, topology):
        """On ``meta``, then given memory and started: the way of models that are sharded."""
        wanted = PathNetwork(topology.layers, topology.paths, topology)
        with torch.device("meta"):
            own = PathNetwork(topology.layers, topology.paths, topology)
        assert own(torch.zeros(3, topology.layers[0], device="meta")).shape[0] == 3
        own = own.to_empty(device="cpu")
        own.reset_parameters()
        inputs = inputs_of(topology, 3)
        assert torch.equal(own(inputs), wanted(inputs))

    def test_export(self):
        own, inputs = module(SMALL), inputs_of(SMALL, 3)
        exported = torch.export.export(own, (inputs,)).module()
        assert torch.allclose(exported(inputs), own(inputs))

    def test_it_learns(self):
        own, inputs = PathNetwork((16, 32, 8), (256, 128)), inputs_of(SMALL, 64)
        labels = (inputs[:, 0] > 0).long() + 2 * (inputs[:, 1] > 0).long()
        steps = torch.optim.Adam(own.parameters(), 0.01)
        losses = []
        for _ in range(60):
            steps.zero_grad()
            loss = loss_of(own, inputs, labels, 4)
            loss.backward()
            steps.step()
            losses.append(loss.item())
        assert losses[-1] < 0.3 * losses[0]


class TestComplaints:
    def test_state_of_other_paths(self):
        own = PathNetwork(SMALL.layers, SMALL.paths, dimensions=(0, 1, 2))
        other = PathNetwork(SMALL.layers, SMALL.paths, dimensions=(0, 1, 5))
        shapes = [[tuple(p.shape) for p in net.parameters()] for net in (own, other)]
        assert shapes[0] == shapes[1]
        with pytest.raises(InputError, match="state_dict must be of the same paths"):
            other.load_state_dict(own.state_dict())

    @pytest.mark.parametrize("shape", [(3, 15), (16, 3), (), (0,)])
    def test_shapes(self, shape):
        with pytest.raises(InputError, match=r"inputs must have shape \(\.\.\., 16\), not \("):
            module(SMALL)(torch.zeros(shape))

    def test_dtypes(self):
        for dtype in (torch.float64, torch.uint8, torch.bfloat16):
            with pytest.raises(InputError, match=f"must be torch.float32, .*, not {dtype}"):
                module(SMALL)(torch.zeros(3, 16, dtype=dtype))

    def test_a_topology_of_other_layers(self):
        with pytest.raises(InputError, match="layers and paths must be the topology's"):
            PathNetwork((16, 32, 16), (64, 64), SMALL)
        with pytest.raises(InputError, match="without dimensions"):
            PathNetwork(SMALL.layers, SMALL.paths, SMALL, dimensions=(0, 1, 2))

    @pytest.mark.parametrize(
        ("inputs", "kind"), [(np.zeros((3, 16)), "ndarray"), ([[0.0] * 16], "list"), (None, "None")]
    )
    def test_no_tensors(self, inputs, kind):
        with pytest.raises(InputError, match=f"inputs must be a torch.Tensor, not {kind}"):
            module(SMALL)(inputs)

    def test_seeds(self):
        for seed in (-1, None, 0.5):
            with pytest.raises(
                InputError, match=f"seed must be an integer from 0 to .*, not {seed}"
            ):
                PathNetwork(SMALL.layers, SMALL.paths, SMALL, seed=seed)

    def test_what_the_golden_model_says(self):
        with pytest.raises(InputError, match="width of layer 0 must be a power of two, not 784"):
            PathNetwork((784, 16), (1024,))
        with pytest.raises(InputError, match="topology must be one of"):
            PathNetwork((16, 16), (16,), "sobl")
        with pytest.raises(InputError, match="initialization must be one of"):
            PathNetwork((16, 16), (16,), initialization="xavier")

    def test_numbers_that_are_none(self):
        own = module(SMALL)
        torch.nn.init.constant_(own.layers()[1].weight, float("nan"))
        with pytest.raises(InputError, match="weights of junction 2 must be finite"):
            own.to_network()
