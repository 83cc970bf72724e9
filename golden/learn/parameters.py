"""What learns: the master weights and biases of a network, and the way to and from other forms."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.preparation import Preparation
from ..errors import InputError
from ..machine.model import Model
from ..topology.paths import Paths
from ..training.network import Network
from . import arithmetic
from .arithmetic import BIAS_LIMIT, HIGH, LIMIT, WEIGHT, Fractions


@dataclass(frozen=True)
class Parameters:
    """The masters of a network (:mod:`golden.learn.arithmetic`).

    Parameters
    ----------
    topology : the paths, linear over GF(2), at most 512 from a neuron of a hidden layer.
    weights : per junction, integers (N_l,), path order, -(2**15 - 128) to 2**15 - 129.
    biases : per junction, integers (n_l,), neuron order, -(2**24 - 128) to 2**24 - 129.

    All are kept as ``int32``.

    Raises ``InputError`` where these do not hold.
    """

    topology: Paths
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def __post_init__(self):
        arithmetic.check(self.topology)
        for name, sizes, limit in (
            ("weights", self.topology.paths, LIMIT),
            ("biases", self.topology.layers[1:], BIAS_LIMIT),
        ):
            arrays = tuple(np.array(array, np.int64) for array in getattr(self, name))
            if [array.shape for array in arrays] != [(size,) for size in sizes]:
                shapes = [array.shape for array in arrays]
                raise InputError(f"{name} must be arrays of {tuple(sizes)}, not {shapes}")
            for junction, array in enumerate(arrays, 1):
                outside = array[(array < -limit) | (array >= limit)]
                if outside.size:
                    raise InputError(
                        f"{name} of junction {junction} must be {-limit} to {limit - 1}, "
                        f"not {outside[0]}"
                    )
            object.__setattr__(self, name, tuple(array.astype(np.int32) for array in arrays))

    @classmethod
    def of_network(
        cls, network: Network, fractions: Fractions, *, fixed: bool = False
    ) -> "Parameters":
        """Those of a float network, rounded and clamped.

        With ``fixed`` signs a -0.0 is a negative weight that has stopped.
        """
        weights, biases = [], []
        layers = fractions.of_layers(len(network.topology.paths))
        for own, offsets, digits in zip(network.weights, network.biases, layers, strict=True):
            masters = np.rint(own.astype(np.float64) * 2**WEIGHT)
            masters = np.clip(masters, *arithmetic.bounds(masters, False))
            if fixed:
                masters = np.where((masters == 0) & np.signbit(own), -1, masters)
            scaled = np.rint(offsets.astype(np.float64) * 2 ** (digits + HIGH + 8))
            weights.append(masters.astype(np.int64))
            biases.append(arithmetic.clamped_biases(scaled).astype(np.int64))
        return cls(network.topology, tuple(weights), tuple(biases))

    @classmethod
    def of_model(cls, model: Model, fractions: Fractions, *, fixed: bool = False) -> "Parameters":
        """Those of a model's floats, whose inputs may have another scale: :meth:`of_network`."""
        weights = list(model.float_weights)
        scale = np.float32(model.input_scale * 2**fractions.inputs)
        network = Network(
            model.topology, [weights[0] * scale, *weights[1:]], list(model.float_biases)
        )
        return cls.of_network(network, fractions, fixed=fixed)

    def network(self, fractions: Fractions) -> Network:
        """As a float network, without loss: :meth:`of_network` gives the same masters back."""
        layers = fractions.of_layers(len(self.topology.paths))
        return Network(
            self.topology,
            [own.astype(np.float32) * np.float32(2.0**-WEIGHT) for own in self.weights],
            [
                own.astype(np.float32) * np.float32(2.0 ** -(digits + HIGH + 8))
                for own, digits in zip(self.biases, layers, strict=True)
            ],
        )

    def model(
        self,
        fractions: Fractions,
        classes: int,
        info: dict[str, Any] | None = None,
        preparation: Preparation | None = None,
    ) -> Model:
        """The model that inference runs: the high parts. Its floats are the masters, whole."""
        network = self.network(fractions)
        return Model(
            topology=self.topology,
            weights=tuple(arithmetic.high(own).astype(np.int8) for own in self.weights),
            biases=tuple(arithmetic.high(own) for own in self.biases),
            shifts=fractions.shifts(len(self.weights), 0).forward,
            float_weights=tuple(network.weights),
            float_biases=tuple(network.biases),
            input_scale=2.0**-fractions.inputs,
            classes=classes,
            info=dict(info or {}),
            preparation=preparation,
        )


@dataclass(frozen=True)
class Step:
    """What one step computed, beside the parameters that it left.

    Parameters
    ----------
    activations : per layer from the inputs' on but the last, integers (n_l,).
    logits : integers (n_L,).
    errors : per layer from the first hidden one to the last, integers (n_l,), of 16 bits.
    """

    activations: tuple[np.ndarray, ...]
    logits: np.ndarray
    errors: tuple[np.ndarray, ...]
