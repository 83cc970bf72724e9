"""``torch.compile`` takes the modules whole, and what it makes computes the same."""

import sys

import pytest
import torch

from sobolpath.pytorch import PathLinear, PathNetwork, QuantizedPathNetwork

pytestmark = [
    pytest.mark.slow,  # the compiler takes seconds to be imported
    # PyTorch's own: its tracer makes an instance of every function with a backward.
    pytest.mark.filterwarnings("ignore:.*should not be instantiated.*:DeprecationWarning"),
]
MODULES = {
    "linear": lambda: PathLinear(16, 8, 32),
    "matrix": lambda: PathNetwork((16, 32, 8), (100, 70), "pseudo-random"),
    "network": lambda: PathNetwork((16, 32, 8), (64, 64)),
    "quantized": lambda: quantized(),
}


def quantized():
    images = torch.randint(
        0, 256, (40, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return QuantizedPathNetwork.calibrated(MODULES["network"](), images, 8)


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()


def step(network, called):
    """The logits of one batch by ``called``, and the gradients of the parameters and inputs."""
    inputs = torch.rand(7, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
    network.zero_grad()
    logits = called(inputs)
    logits.float().square().sum().backward()
    return [logits, inputs.grad, *(parameter.grad.clone() for parameter in network.parameters())]


def compare(network, backend):
    compiled = torch.compile(network, backend=backend, fullgraph=True)
    wanted, got = step(network, network), step(network, compiled)
    for mine, other in zip(got, wanted, strict=True):
        assert torch.allclose(mine, other, atol=1e-5)
    assert any(gradient.any() for gradient in wanted[1:])
    return compiled


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("name", MODULES)
def test_whole_graphs(name, backend):
    compare(MODULES[name](), backend)


def test_other_batches_and_autocast():
    network = MODULES["network"]()
    compiled = compare(network, "aot_eager")
    inputs = torch.rand(3, 16)
    with torch.no_grad():
        assert torch.allclose(compiled(inputs), network(inputs), atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        assert compiled(inputs).dtype == torch.bfloat16


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:DeprecationWarning")  # its own
def test_machine_code():
    """Inductor, PyTorch's own default, which needs a C++ compiler."""
    if " " in sys.prefix:
        pytest.skip(f"PyTorch links with its own folder, in which no space may be: {sys.prefix}")
    compare(MODULES["network"](), "inductor")
