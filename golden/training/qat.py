"""Quantization-aware training: what is trained is what runs.

The scales and shifts that :mod:`golden.training.quantize` chose stay; the floats behind the
weights and biases go on learning. Every step rounds them to the integers of the contract, runs the
integers of :mod:`golden.machine.engine` (in floats that hold them exactly), and takes the gradient
as if rounding were not there: the straight-through estimator (Bengio, Leonard & Courville,
"Estimating or propagating gradients through stochastic neurons", 2013). It is 0 where a value is
clamped: a weight beyond +-127 steps (fewer where a weight has fewer bits), an activation at 0 or
255.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.preparation import Preparation
from ..errors import InputError
from ..machine.model import MAX_BIAS, Model
from ..topology.paths import Paths
from . import loop, nested, quantize
from .network import Network, Vector, cross_entropy

RATE = 0.1  # of the recipe's rate: what was found is refined


class QuantizedNetwork(Network):
    """A float network that computes with the integers it rounds to.

    Parameters
    ----------
    network : :class:`golden.training.network.Network` whose topology the hardware runs.
    scale : the real value of one step of an input.
    units : per junction, the real value of one step of a weight.
    shifts : per junction, those of the contract; the last is 0.
    bits : of a weight, 2 to 8, as of :func:`golden.training.quantize.choose`.

    Members
    -------
    steps : per layer, the real value of one step of an activation; of the last, of a logit.
    """

    def __init__(
        self,
        network: Network,
        scale: float,
        units: Sequence[float],
        shifts: Sequence[int],
        bits: int = quantize.BITS,
    ):
        super().__init__(network.topology, network.weights, network.biases)
        if not len(units) == len(shifts) == len(self.wiring):
            raise InputError(
                f"units and shifts must be {len(self.wiring)}, one per junction, "
                f"not {len(units)} and {len(shifts)}"
            )
        self.bits, self.limit = bits, quantize.limit_of(bits)
        self.units, self.shifts, self.steps = list(units), list(shifts), [float(scale)]
        for unit, shift in zip(units, shifts, strict=True):
            self.steps.append(self.steps[-1] * unit * 2.0**shift)

    def first(self, topology: Paths) -> "QuantizedNetwork":
        """As of :class:`Network`, with the same scales and shifts."""
        scales = self.steps[0], self.units, self.shifts
        return QuantizedNetwork(super().first(topology), *scales, self.bits)

    def rounded(self, junction: int) -> tuple[np.ndarray, np.ndarray]:
        """A junction's weights and biases as integers in ``float64``, by place."""
        unit, step = self.units[junction - 1], self.steps[junction - 1]
        weights = np.rint(self._weights[junction - 1] / np.float64(unit))
        biases = np.rint(self._biases[junction - 1] / np.float64(unit * step))
        clipped = np.clip(weights, -self.limit, self.limit)
        return clipped, np.clip(biases, -MAX_BIAS, MAX_BIAS)

    def integers(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Every layer's integers for ``inputs``, integers 0 to 255 in ``float32`` (n_0, B).

        Returns a list from the inputs' on: (n_l, B), the last the logits; floats, all exact: in
        ``float64`` where a sum could pass 2**24.
        """
        results = [inputs]
        for junction in self.topology.junctions:
            weights, biases = self.rounded(junction)
            gathered, shift = self._gather(junction, results[-1]), self.shifts[junction - 1]
            wiring = self.wiring[junction - 1]
            largest = self.limit * 255 * wiring.fan_in + np.abs(biases).max() + 2.0**shift
            dtype = np.float32 if largest < 2**24 else np.float64
            sums = wiring.sums(weights.astype(dtype), gathered.astype(dtype, copy=False))
            sums += biases.astype(dtype)
            if junction < len(self.wiring):
                sums += (1 << shift) >> 1
                sums *= dtype(2.0**-shift)
                np.floor(sums, out=sums)
                sums = np.clip(sums, 0, 255).astype(np.float32, copy=False)
            results.append(sums)
        return results

    def _steps_of(self, inputs):
        return np.rint(inputs / np.float32(self.steps[0]))

    def forward(self, activations: np.ndarray) -> list[np.ndarray]:
        """As of :class:`Network`: the integers times the value of a step, ``float32``."""
        integers = self.integers(self._steps_of(activations))
        pairs = zip(integers, self.steps, strict=True)
        return [(layer * np.float64(step)).astype(np.float32) for layer, step in pairs]

    def gradients(self, inputs: np.ndarray, labels: np.ndarray, classes: int, out: Vector) -> float:
        """As of :class:`Network`, straight through the rounding."""
        _, weight_gradients, bias_gradients = out
        layers = self.integers(self._steps_of(inputs))
        logits = (layers[-1] * np.float64(self.steps[-1])).astype(np.float32)
        loss, error = cross_entropy(logits, labels, classes)
        for junction in reversed(self.topology.junctions):
            unit, wiring = self.units[junction - 1], self.wiring[junction - 1]
            gathered, gradient = (
                self._gathered[junction, inputs.shape[1]],
                weight_gradients[junction - 1],
            )
            wiring.gradient(gathered, error, gradient)
            gradient *= np.float32(self.steps[junction - 1])
            gradient[np.abs(self._weights[junction - 1]) > (self.limit + 0.5) * unit] = 0
            error.sum(axis=1, keepdims=True, out=bias_gradients[junction - 1])
            if junction > 1:
                weights = self.rounded(junction)[0] * unit
                error = wiring.back(weights.astype(np.float32), error)
                error *= (layers[junction - 1] > 0) & (layers[junction - 1] < 255)
        return loss

    def model(
        self,
        classes: int,
        info: dict[str, Any] | None = None,
        preparation: Preparation | None = None,
    ) -> Model:
        """The :class:`golden.machine.model.Model` that computes the same integers.

        ``info`` and ``preparation`` are the model's.
        """
        weights, biases = [], []
        for junction in self.topology.junctions:
            whole, offsets = self.rounded(junction)
            own = np.empty(whole.size, np.int8)
            own[self.wiring[junction - 1].path] = whole
            weights.append(own)
            biases.append(offsets[:, 0].astype(np.int32))
        return Model(
            topology=self.topology,
            weights=tuple(weights),
            biases=tuple(biases),
            shifts=tuple(self.shifts),
            float_weights=tuple(self.weights),
            float_biases=tuple(self.biases),
            input_scale=self.steps[0],
            classes=classes,
            info=dict(info or {}),
            preparation=preparation,
        )


def train(
    network: Network,
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    recipe: loop.Recipe,
    scale: float,
    epochs: int,
    smallest: int | None = None,
    bits: int = quantize.BITS,
) -> tuple[QuantizedNetwork, list[float]]:
    """Go on training a trained network with its integers, ``epochs`` times through the images.

    Arguments as of :func:`golden.training.loop.train`; the rate starts at a tenth of the recipe's.
    ``smallest`` : train it nested, from so many paths on (:mod:`golden.training.nested`).
    ``bits`` : of a weight, 2 to 8.
    Returns (:class:`QuantizedNetwork`, each epoch's mean loss). Raises ``InputError`` where the
    network cannot be quantized or the loss does not stay finite.
    """
    recipe = replace(recipe, epochs=epochs, rate=recipe.rate * RATE)
    chosen = quantize.choose(network, images, classes, scale, bits)
    quantized = QuantizedNetwork(network, scale, chosen["units"], chosen["shifts"], bits)
    trained = nested.of(quantized, smallest)
    return quantized, loop.train(trained, images, labels, classes, recipe, scale)
