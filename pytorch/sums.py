"""How the sums of a junction are computed as tensors, and their gradients.

Where the junction is dense blocks (:mod:`golden.topology.blocks`; all linear paths that repeat no
edge are), the sources are gathered block by block, ``torch.bmm`` multiplies them by the stack of
small matrices, and a second gather puts the targets in order: linear in the paths. Any other
junction scatters its weights into a matrix of all neurons by all, where edges that repeat are
added, and multiplies by that: this takes as long as a dense layer.

**The memory order.** A gather that moves whole rows is several times faster than one that picks
numbers, so results lie in memory neuron by neuron: they have the shape (B, n), and ``stride(0)`` is
1. Element by element functions keep that order, and the next junction profits from it. Inputs may
lie in any order.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..golden.topology.blocks import Blocks, blocks
from ..golden.topology.paths import Paths


def _columns(values, order, shape):
    """Of ``values`` (B, n) the columns in this ``order``, as (blocks, neurons, B); any strides."""
    count, width = shape
    if values.stride(0) == 1 and values.stride(1) != 1:
        return values.t().index_select(0, order).view(count, width, values.shape[0])
    return values.index_select(1, order).view(values.shape[0], count, width).permute(1, 2, 0)


class _BlockSums(torch.autograd.Function):
    """The sums and the gradients; the four orders are those of :class:`BlockSums`.

    One function, as every step that Python takes costs as much as a small product. Its result is
    no view of another tensor, so that it may be changed in place. The gathered sources are kept for
    the gradient of the weights, and gathered again where that gradient is to be differentiated.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        source: Tensor,
        target: Tensor,
        by_source: Tensor,
        by_target: Tensor,
    ) -> Tensor:
        many, high, wide = weight.shape
        gathered = _columns(inputs, source, (many, wide))
        ctx.save_for_backward(inputs, gathered, weight, source, target, by_source)
        sums = torch.bmm(weight, gathered).view(many * high, inputs.shape[0])
        if torch.compiler.is_compiling():  # it knows no ``out``, and in place means nothing there
            result = sums.index_select(0, by_target).t()
            return result if bias is None else result + bias
        result = sums.new_empty_strided((inputs.shape[0], many * high), (1, inputs.shape[0]))
        rows = result.t()
        torch.index_select(sums, 0, by_target, out=rows)
        if bias is not None:
            rows.add_(bias.unsqueeze(1))
        return result

    @staticmethod
    def backward(ctx: Any, *errors: Any) -> Any:
        error = errors[0]
        inputs, gathered, weight, source, target, by_source = ctx.saved_tensors
        many, high, wide = weight.shape
        back, own, offsets = None, None, None
        parts = _columns(error, target, (many, high))
        if ctx.needs_input_grad[0]:
            found = torch.bmm(weight.transpose(1, 2), parts).view(many * wide, error.shape[0])
            back = found.index_select(0, by_source).t()
        if ctx.needs_input_grad[1]:
            if torch.is_grad_enabled():
                gathered = _columns(inputs, source, (many, wide))
            turned = gathered.transpose(1, 2)
            if turned.stride(2) != 1:
                turned = turned.contiguous()  # quicker than a product with both turned
            own = torch.bmm(parts, turned)
        if ctx.needs_input_grad[2]:
            offsets = error.sum(0)
        return back, own, offsets, None, None, None, None


def _register(module, orders):
    """Give a module these arrays as buffers, which its ``state_dict`` has not."""
    for name, order in orders.items():
        module.register_buffer(name, torch.from_numpy(order), persistent=False)


def _restore(module, orders):
    for name, order in orders.items():
        module.get_buffer(name).copy_(torch.from_numpy(order))


class BlockSums(nn.Module):
    """The sums of a junction that is dense blocks.

    Members
    -------
    shape : of the weights: blocks, targets of each, sources of each.
    path : ``int64`` (N_l,), the path of each weight, in the order of the flattened weights.
    """

    source: Tensor
    target: Tensor
    by_source: Tensor
    by_target: Tensor

    def __init__(self, parts: Blocks):
        super().__init__()
        self.shape, self.path, self.orders = parts.shape, parts.path, {}
        for name, order in (("source", parts.source.ravel()), ("target", parts.target.ravel())):
            self.orders |= {name: order.copy(), f"by_{name}": np.argsort(order)}
        _register(self, self.orders)

    def reset_parameters(self) -> None:
        """Write the orders again, as who makes a module without memory (``meta``) expects."""
        _restore(self, self.orders)

    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The sums of the targets, (B, n_l), of ``inputs`` (B, n_{l-1}); all of one dtype."""
        orders = self.source, self.target, self.by_source, self.by_target
        return _BlockSums.apply(inputs, weight, bias, *orders)  # pyright: ignore[reportReturnType]

    def extra_repr(self) -> str:
        """How many blocks of how many sources and targets."""
        many, high, wide = self.shape
        return f"{many} blocks of {wide} sources and {high} targets"


class MatrixSums(nn.Module):
    """The sums of any other junction; the members are those of :class:`BlockSums`."""

    edge: Tensor

    def __init__(self, topology: Paths, junction: int):
        super().__init__()
        source, target = topology.edges(junction)
        self.sizes = topology.layers[junction], topology.layers[junction - 1]
        self.shape, self.path = source.shape, np.arange(len(source))
        self.orders = {"edge": target * self.sizes[1] + source}
        _register(self, self.orders)

    def reset_parameters(self) -> None:
        """As of :class:`BlockSums`."""
        _restore(self, self.orders)

    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """As of :class:`BlockSums`."""
        high, wide = self.sizes
        matrix = weight.new_zeros(high * wide).index_add(0, self.edge, weight)
        return functional.linear(inputs, matrix.view(high, wide), bias)

    def extra_repr(self) -> str:
        """That a matrix is made."""
        return f"a matrix of {self.sizes[1]} sources and {self.sizes[0]} targets"


def sums_of(topology: Paths, junction: int) -> BlockSums | MatrixSums:
    """The :class:`BlockSums` of a junction if it is dense blocks, else its :class:`MatrixSums`."""
    parts = blocks(topology, junction)
    return MatrixSums(topology, junction) if parts is None else BlockSums(parts)
