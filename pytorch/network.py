"""A network of paths as a module of PyTorch: junctions, with a ReLU between two of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..golden.errors import InputError
from ..golden.machine import model as models
from ..golden.machine.model import Model
from ..golden.topology.catalogue import build
from ..golden.topology.paths import Paths
from ..golden.training.initialize import MAGNITUDES, initialize
from ..golden.training.network import Network
from ..golden.training.signs import RULES
from .linear import Junction


class PathNetwork(nn.Module):
    """What :class:`golden.training.network.Network` computes, to be trained by PyTorch.

    Parameters
    ----------
    layers, paths : neurons of each layer, inputs first; paths of each junction.
    topology : which paths, by a name of :mod:`golden.topology.catalogue`; or a topology, whose
        layers and paths they are.
    dimensions : the Sobol' dimension of each layer, where the topology has some.
    seed : of all that is random: of the topology, and of the weights at the start.
    initialization, magnitudes : how weights start, as of
        :func:`golden.training.initialize.initialize`.
    bias : whether neurons have biases.
    device, dtype : of the parameters, as of ``torch.nn.Linear``.

    Raises ``InputError`` as these do.

    Members
    -------
    topology : the paths.
    junctions : a ``torch.nn.ModuleList`` of :class:`Junction`.
    """

    def __init__(
        self,
        layers: Sequence[int],
        paths: Sequence[int],
        topology: str | Paths = "sobol",
        *,
        dimensions: Sequence[int] | None = None,
        seed: int = 0,
        initialization: str = RULES[0],
        magnitudes: str = MAGNITUDES[0],
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        if isinstance(topology, str):
            topology = build(topology, layers, paths, seed=seed, dimensions=dimensions)
        elif (topology.layers, topology.paths) != (tuple(layers), tuple(paths)) or dimensions:
            raise InputError(
                f"layers and paths must be the topology's, {topology.layers} and "
                f"{topology.paths}, without dimensions, not {tuple(layers)} and {tuple(paths)}"
            )
        self.topology = topology
        self.seed, self.initialization, self.magnitudes = seed, initialization, magnitudes
        started = {"seed": seed, "initialization": initialization, "magnitudes": magnitudes}
        made = {"bias": bias, "device": device, "dtype": dtype}
        self.junctions = nn.ModuleList(
            Junction(topology, junction, **started, **made) for junction in topology.junctions
        )

    @classmethod
    def from_network(cls, network: Network, **made: Any) -> Self:
        """A module of the weights and biases of a float network; ``made`` as for the class."""
        topology = network.topology
        result = cls(topology.layers, topology.paths, topology, **made)
        for junction, weights, biases in zip(
            result.layers(), network.weights, network.biases, strict=True
        ):
            junction.assign(weights, biases)
        return result

    @classmethod
    def from_model(cls, model: Model | str | Path, **made: Any) -> Self:
        """A module of the floats of a model, or of a model file, or of a model that ships.

        ``model.input_scale`` is what one step of its ``uint8`` inputs is worth; ``made`` is as for
        the class. Raises ``InputError`` for a file that is missing or bad.
        """
        model = model if isinstance(model, Model) else models.load(model)
        floats = Network(model.topology, model.float_weights, model.float_biases)
        return cls.from_network(floats, **made)

    def layers(self) -> list[Junction]:
        """The junctions, as a list of what they are."""
        return list(self.junctions)  # pyright: ignore[reportReturnType]

    def reset_parameters(self, seed: int | None = None) -> None:
        """Start again: weights as of ``initialization``, with another ``seed`` if given, biases 0.

        The paths stay as they are.
        """
        seed = self.seed if seed is None else seed
        started = initialize(self.topology, self.initialization, seed, self.magnitudes)
        for junction, weights in zip(self.layers(), started.weights, strict=True):
            junction.sums.reset_parameters()
            junction.assign(weights)

    def to_network(self) -> Network:
        """A float network of these weights and biases, ``float32``. Raises ``InputError``.

        A weight or bias must be finite.
        """
        return Network(
            self.topology,
            [junction.path_weights() for junction in self.layers()],
            [junction.biases() for junction in self.layers()],
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits, (..., n_L), of ``inputs`` (..., n_0), as of :meth:`Junction.forward`."""
        *hidden, last = self.junctions
        for junction in hidden:
            inputs = junction(inputs).relu_()
        return last(inputs)

    def extra_repr(self) -> str:
        """The name of the topology."""
        return f"topology={self.topology.name!r}"
