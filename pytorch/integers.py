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
from typing import Any

import torch
from torch import Tensor

from ..golden.errors import InputError
from ..golden.machine.model import MAX_BIAS
from ..golden.topology.paths import Paths
from .linear import check_tensor
from .network import PathNetwork
from .rounding import requantized, rounded
from .units import checked

EXACT = 2**24  # integers below are exact in float32


class IntegerNetwork(PathNetwork):
    """What a :class:`pytorch.quantized.QuantizedPathNetwork` computes, whose parameters it has."""

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
