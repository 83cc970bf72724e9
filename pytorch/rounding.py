"""Rounding as the engine does it, with gradients as if it were not there.

The straight-through estimator (Bengio, Leonard & Courville, "Estimating or propagating gradients
through stochastic neurons", 2013): the gradient passes, but where a value is clamped it is 0. These
are the gradients of :mod:`golden.training.qat`.
"""

from typing import Any

import torch
from torch import Tensor


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, unit: float, least: int, most: int) -> Tensor:
        steps = values.double() / unit
        ctx.save_for_backward((steps >= least - 0.5) & (steps <= most + 0.5))
        ctx.unit, ctx.dtype = unit, values.dtype
        return steps.round().clamp(least, most)

    @staticmethod
    def backward(ctx: Any, *errors: Any) -> Any:
        (passes,) = ctx.saved_tensors
        return (errors[0] * passes / ctx.unit).to(ctx.dtype), None, None, None


class _Requantized(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, accumulators: Tensor, shift: int) -> Tensor:
        half = (1 << shift) >> 1
        values = ((accumulators + half) * 2.0**-shift).floor().clamp(0, 255)
        ctx.save_for_backward((values > 0) & (values < 255))
        ctx.shift = shift
        return values

    @staticmethod
    def backward(ctx: Any, *errors: Any) -> Any:
        (passes,) = ctx.saved_tensors
        return errors[0] * passes * 2.0**-ctx.shift, None


def rounded(values: Tensor, unit: float, least: int, most: int) -> Tensor:
    """``values`` in steps of ``unit``, rounded half to even, as NumPy does, and clamped.

    Integers in ``float64``: what is known by it is exact, up to biases of 2**29.
    """
    return _Rounded.apply(values, unit, least, most)  # pyright: ignore[reportReturnType]


def requantized(accumulators: Tensor, shift: int) -> Tensor:
    """The contract of :mod:`golden.machine.engine`: add half, shift right, clamp to 0 to 255.

    Integers in ``float64``, before and after. Below 2**31 each of the steps is exact: a product
    with a power of two only moves the exponent, and then ``floor`` is the arithmetic shift.
    """
    return _Requantized.apply(accumulators, shift)  # pyright: ignore[reportReturnType]
