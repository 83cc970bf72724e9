"""Quantization-aware training in PyTorch: what is trained is what runs.

As :mod:`golden.training.qat`: every step rounds the floats behind weights and biases to the
integers of the contract (:mod:`golden.machine.engine`), and computes with them. Integers are held
in floats, and always exactly:

- products are of ``uint8`` and ``int8``, below 2**15 in magnitude. Where a neuron has at most 512
  paths, every sum of some of them is below 2**24, and ``float32`` holds it; where it has more, up
  to 2**15, it is below 2**30, and they are summed in ``float64``;
- with the bias, of at most 2**29, and one half of the shift it is below 2**31: ``float64``.

So neither the order of a sum, nor the device, nor autocast changes a result.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..golden.data import INPUT_SCALE
from ..golden.data.preparation import Preparation
from ..golden.errors import InputError
from ..golden.machine import model as models
from ..golden.machine.model import MAX_BIAS, Model
from ..golden.topology.paths import Paths
from ..golden.topology.patterns import check_integer
from ..golden.training import quantize
from ..golden.training.network import Network
from ..golden.training.qat import QuantizedNetwork
from .linear import check_tensor
from .network import PathNetwork
from .rounding import requantized, rounded
from .units import checked, latent

EXACT = 2**24  # integers below are exact in float32


class QuantizedPathNetwork(PathNetwork):
    """A network of paths that computes with the integers it rounds to.

    Parameters
    ----------
    topology : the paths, linear over GF(2).
    input_scale : the real value of one step of an input.
    units : per junction the real value of one step of a weight.
    shifts : per junction, 0 to 24, those of the contract; the last is 0.
    least : the least integer of a weight, -127, or -128 for weights that were not made here.

    The others are those of :class:`PathNetwork`. Mostly made by :meth:`calibrated` or
    :meth:`from_model`. ``state_dict`` has the scales too. Raises ``InputError`` where these do not
    hold.
    """

    def __init__(
        self,
        topology: Paths,
        input_scale: float,
        units: Sequence[float],
        shifts: Sequence[int],
        *,
        least: int = -127,
        **made: Any,
    ):
        topology.check_linear()
        super().__init__(topology.layers, topology.paths, topology, **made)
        self._scale(input_scale, units, shifts, least)

    def _scale(self, input_scale, units, shifts, least):
        """Check and take what the steps are worth."""
        scales, shifts = checked(len(self.junctions), input_scale, units, shifts, least)
        self.units, self.shifts, self.least = scales[1:], shifts, least
        self.steps = [scales[0]]
        for unit, shift in zip(self.units, shifts, strict=True):
            self.steps.append(self.steps[-1] * unit * 2.0**shift)

    @classmethod
    def calibrated(
        cls,
        network: PathNetwork,
        images: ArrayLike,
        classes: int,
        input_scale: float = INPUT_SCALE,
    ) -> "QuantizedPathNetwork":
        """A trained network with the scales that :mod:`golden.training.quantize` chooses.

        Parameters
        ----------
        network : trained on ``images * input_scale``; it stays as it is.
        images : ``uint8`` (B, n_0), training images to calibrate on, an array or a tensor.
        classes : how many outputs are classes, the first ones.
        input_scale : the real value of one step of an input.

        Returns a module with the same weights, of the same device and dtype. Raises ``InputError``
        where the paths are not linear over GF(2), or numbers not finite.
        """
        images = np.asarray(images.cpu() if isinstance(images, Tensor) else images)
        width, outputs = network.topology.layers[0], network.topology.layers[-1]
        good = images.dtype == np.uint8 and images.ndim == 2 and images.shape[1] == width
        if not good or not len(images):
            raise InputError(
                f"images must be uint8 of shape (images, {width}), at least one, "
                f"not {images.dtype} of {images.shape}"
            )
        check_integer(classes, "classes", 1, outputs)
        chosen = quantize.choose(network.to_network(), images, classes, input_scale)
        weight, bias = network.layers()[0].weight, network.layers()[0].bias
        result = cls(
            network.topology,
            input_scale,
            chosen["units"],
            chosen["shifts"],
            bias=bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        with torch.no_grad():
            for own, other in zip(result.parameters(), network.parameters(), strict=True):
                own.copy_(other)
        return result.train(network.training)

    @classmethod
    def from_network(cls, network: Network, **made: Any) -> "QuantizedPathNetwork":
        """A module of a :class:`golden.training.qat.QuantizedNetwork`, its floats and scales.

        Raises ``InputError`` for a float network, which has no scales.
        """
        if not isinstance(network, QuantizedNetwork):
            raise InputError(
                "network must be a golden.training.qat.QuantizedNetwork, not a float one: "
                "take calibrated"
            )
        scales = network.steps[0], network.units, network.shifts
        result = cls(network.topology, *scales, **made)
        for junction, weights, biases in zip(
            result.layers(), network.weights, network.biases, strict=True
        ):
            junction.assign(weights, biases)
        return result

    @classmethod
    def from_model(cls, model: Model | str | Path, **made: Any) -> "QuantizedPathNetwork":
        """A module of the integers of a model, or of a model file, or of a model that ships.

        The floats behind them are the model's where they round to its integers. Raises
        ``InputError`` where the ``dtype`` has not the digits that a bias needs.
        """
        model = model if isinstance(model, Model) else models.load(model)
        step, units, floats = model.input_scale, [], []
        for junction, shift in enumerate(model.shifts, 1):
            unit, *values = latent(model, junction, step)
            units.append(unit)
            floats.append(values)
            step *= unit * 2.0**shift
        least = min(-127, *(int(weights.min()) for weights in model.weights))
        result = cls(model.topology, model.input_scale, units, model.shifts, least=least, **made)
        for junction, values in zip(result.layers(), floats, strict=True):
            junction.assign(*values)
        for junction, (weights, biases) in enumerate(result._arrays(), 1):
            wanted = model.weights[junction - 1], model.biases[junction - 1]
            if not np.array_equal(weights, wanted[0]) or not np.array_equal(biases, wanted[1]):
                largest = np.abs(wanted[1].astype(np.int64)).max()
                raise InputError(
                    f"dtype must hold biases of up to {largest} steps in junction {junction}, "
                    f"which {result.layers()[0].weight.dtype} does not: take torch.float64"
                )
        return result

    def rounded(self, junction: int) -> tuple[Tensor, Tensor]:
        """The integers of a junction's weights and biases, in ``float64``, shaped as these."""
        own, unit, step = self.layers()[junction - 1], *self._counts(junction)
        bias = own.weight.new_zeros(own.out_features) if own.bias is None else own.bias
        return rounded(own.weight, unit, self.least, 127), rounded(bias, step, -MAX_BIAS, MAX_BIAS)

    def _counts(self, junction):
        """What a step of a junction's weights, and of its biases, is worth."""
        unit = self.units[junction - 1]
        return unit, unit * self.steps[junction - 1]

    def _accumulators(self, inputs):
        """Per junction the accumulators, (B, n_l), integers in ``float64``."""
        values, result = self._inputs(inputs), []
        with torch.autocast(inputs.device.type, enabled=False):
            for junction, own in enumerate(self.layers(), 1):
                weight, bias = self.rounded(junction)
                most = self.topology.fan_in(junction) * 255 * 128
                dtype = torch.float32 if most < EXACT else torch.float64
                sums = own.sums(values.to(dtype), weight.to(dtype))
                result.append(sums.double() + bias)
                values = requantized(result[-1], self.shifts[junction - 1])
        return result

    def _inputs(self, inputs):
        """The inputs as integers 0 to 255, in floats, (B, n_0)."""
        check_tensor(inputs)
        width = self.topology.layers[0]
        if not inputs.ndim or inputs.shape[-1] != width:
            raise InputError(f"inputs must have shape (..., {width}), not {tuple(inputs.shape)}")
        if inputs.dtype != torch.uint8:
            if not inputs.dtype.is_floating_point:
                raise InputError(
                    f"inputs must be torch.uint8, or floats in units of one, not {inputs.dtype}"
                )
            inputs = rounded(inputs, self.steps[0], 0, 255)
        return inputs.reshape(-1, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits, (..., n_L), floats of the parameters' dtype: the integers' real values.

        ``inputs`` (..., n_0) are ``uint8``, or floats: those times ``input_scale``, as the float
        network takes them, which are rounded and clamped. For exact comparisons of logits take
        :meth:`integers`, since floats of 24 bits do not tell all of them apart.
        """
        logits = self._accumulators(inputs)[-1] * self.steps[-1]
        logits = logits.to(self.layers()[-1].weight.dtype)
        return logits.reshape(*inputs.shape[:-1], self.topology.layers[-1])

    @torch.no_grad()
    def integers(self, inputs: Tensor) -> list[Tensor]:
        """Every layer's integers for ``inputs`` as of :meth:`forward`, as the engine has them.

        A list: ``uint8`` (..., n_l) of the hidden layers, ``int32`` (..., n_L) the logits. Raises
        ``InputError`` where a number is not finite.
        """
        accumulators = self._accumulators(inputs)
        if not all(torch.isfinite(sums).all() for sums in accumulators):
            raise InputError("inputs, weights and biases must be finite, not NaN or infinite")
        *hidden, logits = accumulators
        pairs = zip(hidden, self.shifts, strict=False)
        layers = [requantized(sums, shift).to(torch.uint8) for sums, shift in pairs]
        layers.append(logits.to(torch.int32))
        return [layer.reshape(*inputs.shape[:-1], layer.shape[-1]) for layer in layers]

    @torch.no_grad()
    def _arrays(self):
        """Per junction the integers: ``int8`` (N_l,) in path order, ``int32`` (n_l,)."""
        for junction, own in enumerate(self.layers(), 1):
            weight, bias = (values.cpu().numpy() for values in self.rounded(junction))
            weights = np.empty(own.paths, np.int8)
            weights[own.sums.path] = weight.ravel()
            yield weights, bias.astype(np.int32)

    def to_model(
        self,
        classes: int,
        info: dict[str, Any] | None = None,
        preparation: Preparation | None = None,
    ) -> Model:
        """The :class:`golden.machine.model.Model` that computes the same integers; it has ``save``.

        ``classes`` : how many outputs are classes, the first ones. ``info``, facts of its making,
        and ``preparation``, how samples become inputs, are the model's. Raises ``InputError`` where
        a number is not finite.
        """
        floats = self.to_network()
        weights, biases = zip(*self._arrays(), strict=True)
        return Model(
            topology=self.topology,
            weights=weights,
            biases=biases,
            shifts=tuple(self.shifts),
            float_weights=tuple(floats.weights),
            float_biases=tuple(floats.biases),
            input_scale=self.steps[0],
            classes=classes,
            info=dict(info or {}),
            preparation=preparation,
        )

    def get_extra_state(self) -> Tensor:
        """The scales, for ``state_dict``: ``float64``, which no change of dtype rounds."""
        scales = [self.steps[0], *self.units, *self.shifts, self.least]
        return torch.tensor(scales, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Take the scales of a ``state_dict``. Raises ``InputError`` where they do not fit."""
        input_scale, *rest, least = state.tolist()
        count = len(rest) // 2
        self._scale(input_scale, rest[:count], [int(n) for n in rest[count:]], int(least))

    def extra_repr(self) -> str:
        """The topology and the shifts."""
        return f"{super().extra_repr()}, shifts={self.shifts}"
