"""A junction of paths as a layer of PyTorch, in the place of ``torch.nn.Linear``."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ..golden.errors import InputError
from ..golden.topology.paths import Paths, Topology
from ..golden.topology.patterns import check_integer
from ..golden.training.initialize import MAGNITUDES, initialize
from ..golden.training.signs import RULES
from .sums import sums_of


class Junction(nn.Module):
    """One junction of any topology: its weights and biases, and the sums of its targets.

    Parameters
    ----------
    topology : the paths of the whole network, of :mod:`golden.topology`.
    junction : which of its junctions, from 1.
    bias : whether a bias is added to each sum.
    seed, initialization, magnitudes : how weights start, as of
        :func:`golden.training.initialize.initialize`.
    device, dtype : of the parameters, as of ``torch.nn.Linear``.

    Members
    -------
    weight : a weight for each path: (blocks, targets, sources) where the junction is dense blocks,
        else (paths,) in the order of the paths. :meth:`path_weights` has them in that order always.
    bias : (n_l,), in the order of the neurons; or ``None``.

    Edges that repeat share no weight: each path has its own, and they are added.
    """

    def __init__(
        self,
        topology: Paths,
        junction: int,
        *,
        bias: bool = True,
        seed: int = 0,
        initialization: str = RULES[0],
        magnitudes: str = MAGNITUDES[0],
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        if junction not in topology.junctions:
            most = len(topology.paths)
            raise InputError(f"junction must be 1 to {most}, not {junction!r}")
        check_integer(seed, "seed", 0, 2**32 - 1)
        self.topology, self.junction = topology, junction
        self.in_features, self.out_features = topology.layers[junction - 1 : junction + 1]
        self.paths = topology.paths[junction - 1]
        self.seed, self.initialization, self.magnitudes = seed, initialization, magnitudes
        sums, made = sums_of(topology, junction), {"device": device, "dtype": dtype}
        self.weight = nn.Parameter(torch.empty(sums.shape, **made))
        self.sums = sums.to(self.weight.device)
        self.bias = nn.Parameter(torch.empty(self.out_features, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self, seed: int | None = None) -> None:
        """Start again: weights as of ``initialization``, with another ``seed`` if given, biases 0.

        The weights are those that the whole network's initialization gives this junction.
        """
        seed = self.seed if seed is None else seed
        self.sums.reset_parameters()
        started = initialize(self.topology, self.initialization, seed, self.magnitudes)
        self.assign(started.weights[self.junction - 1])

    @torch.no_grad()
    def assign(self, weights: ArrayLike, biases: ArrayLike | None = None) -> None:
        """Take weights (N_l,) in the order of the paths, and biases (n_l,), 0 unless given.

        Raises ``InputError`` where a shape does not fit, or where there is no bias to be taken.
        """
        biases = np.zeros(self.out_features) if biases is None else np.asarray(biases)
        weights = np.asarray(weights)
        for name, array, size in (
            ("weights", weights, self.paths),
            ("biases", biases, self.out_features),
        ):
            if array.shape != (size,):
                raise InputError(f"{name} must have shape ({size},), not {array.shape}")
        self.weight.copy_(torch.from_numpy(weights[self.sums.path]).view(self.weight.shape))
        if self.bias is not None:
            self.bias.copy_(torch.from_numpy(biases))
        elif biases.any():
            raise InputError("biases must be 0 where the layer has none: make it with bias=True")

    def path_weights(self) -> np.ndarray:
        """The weights in the order of the paths: (N_l,), a copy, of ``weight``'s dtype."""
        found = self.weight.detach().cpu().reshape(-1)
        result = torch.empty_like(found)
        result[torch.from_numpy(self.sums.path)] = found
        return _array(result)

    def biases(self) -> np.ndarray:
        """The biases, (n_l,), a copy; 0 where there are none."""
        if self.bias is None:
            return np.zeros(self.out_features, np.float32)
        return _array(self.bias.detach().cpu().clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """The sums, (..., n_l), of ``inputs`` (..., n_{l-1}), floats of the weights' dtype.

        Within ``torch.autocast`` they are of its dtype, as of ``torch.nn.Linear``. Raises
        ``InputError`` for inputs of another shape or dtype.
        """
        weight, bias = self.weight, self.bias
        self._check(inputs)
        kind = inputs.device.type
        if kind != "meta" and torch.is_autocast_enabled(kind) and inputs.dtype != torch.float64:
            lower = torch.get_autocast_dtype(kind)
            inputs, weight = inputs.to(lower), weight.to(lower)
            bias = None if bias is None else bias.to(lower)
        if inputs.dtype != weight.dtype:
            raise InputError(f"inputs must be {weight.dtype}, as the weights, not {inputs.dtype}")
        if inputs.ndim == 2:
            return self.sums(inputs, weight, bias)
        sums = self.sums(inputs.reshape(-1, self.in_features), weight, bias)
        return sums.reshape(*inputs.shape[:-1], self.out_features)

    def _check(self, inputs):
        check_tensor(inputs)
        if not inputs.ndim or inputs.shape[-1] != self.in_features:
            raise InputError(
                f"inputs must have shape (..., {self.in_features}), not {tuple(inputs.shape)}"
            )

    def get_extra_state(self) -> Tensor:
        """A checksum of the edges that the weights belong to: ``int64``, in the ``state_dict``."""
        source, target = self.topology.edges(self.junction)
        ends = np.stack([source, target])[:, self.sums.path].astype("<i4")
        return torch.tensor(zlib.crc32(ends.tobytes()))

    def set_extra_state(self, state: Tensor) -> None:
        """Raise ``InputError`` where a ``state_dict`` is of other paths than these."""
        if int(state) != int(self.get_extra_state()):
            raise InputError(
                "state_dict must be of the same paths: the same layers, paths, topology, "
                "dimensions and seed"
            )

    def extra_repr(self) -> str:
        """The sizes, and the dimensions where there are some."""
        own = self.topology.dimensions[self.junction - 1 : self.junction + 1]
        text = f"in_features={self.in_features}, out_features={self.out_features}"
        text += f", paths={self.paths}" + (f", dimensions={own}" if own else "")
        return f"{text}, bias={self.bias is not None}"


class PathLinear(Junction):
    """A layer of Sobol' paths in the place of ``torch.nn.Linear(in_features, out_features)``.

    Parameters
    ----------
    in_features, out_features : neurons, powers of two.
    paths : how many weights, a power of two from the wider side's neurons to their product.
    dimensions : the Sobol' dimensions of both sides. (0, 1) repeat no edge; for other pairs
        ``golden.topology.blocks`` tells, and what is no blocks takes as long as a dense layer.

    The others are those of :class:`Junction`. Raises ``InputError`` where a size does not fit.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        paths: int,
        dimensions: Sequence[int] = (0, 1),
        *,
        bias: bool = True,
        seed: int = 0,
        initialization: str = RULES[0],
        magnitudes: str = MAGNITUDES[0],
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__(
            Topology((in_features, out_features), (paths,), tuple(dimensions)),
            1,
            bias=bias,
            seed=seed,
            initialization=initialization,
            magnitudes=magnitudes,
            device=device,
            dtype=dtype,
        )


def check_tensor(inputs: Any) -> None:
    """Raise ``InputError`` unless the inputs are a tensor."""
    if not isinstance(inputs, Tensor):
        raise InputError(f"inputs must be a torch.Tensor, not {type(inputs).__name__}")


def _array(values):
    """A tensor as an array; of a dtype that NumPy lacks (bfloat16), as ``float32``."""
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
