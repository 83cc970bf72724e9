"""How the sums of a junction are computed, forwards and backwards.

Activations are stored neuron by neuron, (neurons, images), so that a gather moves whole rows. There
are two ways, and :func:`wire` chooses: :class:`BlockWiring` where the junction is dense blocks
(:mod:`golden.topology.blocks`; all linear paths that repeat no edge), and :class:`TableWiring` for
all others. Both keep the weights of a junction as one vector by *place*, an order of their own, and
what one gathers for the sums serves the gradient of the weights again.
"""

from typing import Protocol

import numpy as np

from .blocks import Blocks, blocks
from .paths import Paths


class Wiring(Protocol):
    """What a network needs of a junction of N_l paths, n_{l-1} sources and n_l targets.

    Members
    -------
    path : ``int64`` (N_l,), the path at each place.
    fan_in : the largest number of edges that end in a target.
    """

    path: np.ndarray
    fan_in: int

    def gather(self, activations: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The sources, (n_{l-1}, B), as the sums need them; in ``out``, a former result, if given.

        ``out`` must come from activations of the same shape and dtype.
        """
        ...

    def sums(self, weights: np.ndarray, gathered: np.ndarray) -> np.ndarray:
        """The weighted sums of the targets, (n_l, B), of weights by place, (N_l,)."""
        ...

    def gradient(self, gathered: np.ndarray, error: np.ndarray, out: np.ndarray) -> None:
        """The gradient of the weights by place, into ``out`` (N_l,), of the error (n_l, B)."""
        ...

    def back(self, weights: np.ndarray, error: np.ndarray) -> np.ndarray:
        """The error of the sources, (n_{l-1}, B)."""
        ...

    def places(self, first: int) -> np.ndarray:
        """The places whose targets are ``first`` or above: ``int64``."""
        ...


class BlockWiring:
    """Gather, multiply a stack of dense matrices, gather: see :class:`Wiring`.

    Time and memory are linear in the paths, and the matrix product is the library's.
    """

    def __init__(self, parts: Blocks):
        self.path, self.shape, self.fan_in = parts.path, parts.shape, parts.shape[2]
        self._source, self._target = parts.source.ravel(), parts.target.ravel()
        self._by_source, self._by_target = np.argsort(self._source), np.argsort(self._target)

    def _stack(self, weights):
        return weights.reshape(self.shape)

    def gather(self, activations: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        many, _, width = self.shape
        flat = None if out is None else out.reshape(len(self._source), out.shape[-1])
        found = np.take(activations, self._source, axis=0, out=flat, mode="clip")
        return found.reshape(many, width, found.shape[-1])

    def sums(self, weights: np.ndarray, gathered: np.ndarray) -> np.ndarray:
        found = np.matmul(self._stack(weights), gathered)
        return np.take(
            found.reshape(len(self._target), found.shape[-1]), self._by_target, axis=0, mode="clip"
        )

    def _error(self, error):
        found = np.take(error, self._target, axis=0, mode="clip")
        return found.reshape(*self.shape[:2], found.shape[-1])

    def gradient(self, gathered: np.ndarray, error: np.ndarray, out: np.ndarray) -> None:
        parts = self._error(error), gathered.transpose(0, 2, 1)
        product = np.multiply if error.shape[1] == 1 else np.matmul  # of one image much faster
        product(*parts, out=self._stack(out))

    def back(self, weights: np.ndarray, error: np.ndarray) -> np.ndarray:
        found = np.matmul(self._stack(weights).transpose(0, 2, 1), self._error(error))
        return np.take(
            found.reshape(len(self._source), found.shape[-1]), self._by_source, axis=0, mode="clip"
        )

    def places(self, first: int) -> np.ndarray:
        rows = np.flatnonzero(self._target >= first)
        return (rows[:, None] * self.fan_in + np.arange(self.fan_in)).ravel()


class TableWiring:
    """Tables of sources and targets, for paths that are no blocks: see :class:`Wiring`.

    The edges sorted by target, then by path, are a table of sources (n_l, fan-in); sorted by
    source, a table of targets (n_{l-1}, fan-out). Rows are as long as the largest fan-in and
    fan-out; where fan-ins differ (random paths), the shorter rows end in edges of weight 0: the
    work is that of the largest fan-in, still less than segment sums take. One ``take`` gathers what
    the neurons need and a stack of small matrix-vector products sums it.
    """

    def __init__(self, topology: Paths, junction: int):
        source, target = topology.edges(junction)
        n, m = topology.layers[junction - 1 : junction + 1]
        self.path = topology.by_target(junction)
        self._place = np.argsort(source[self.path], kind="stable")
        fan_ins, fan_outs = np.bincount(target, minlength=m), np.bincount(source, minlength=n)
        self.fan_in = int(fan_ins.max())
        self._first = np.concatenate([[0], np.cumsum(fan_ins)])
        self._source, self._slots = _table(source[self.path], fan_ins)
        self._target, self._back = _table(target[self.path][self._place], fan_outs)

    def gather(self, activations: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        return np.take(activations, self._source, axis=0, out=out, mode="clip")

    def sums(self, weights: np.ndarray, gathered: np.ndarray) -> np.ndarray:
        table = _filled(weights, self._slots, self._source.shape)
        return np.matmul(table[:, None, :], gathered)[:, 0]

    def gradient(self, gathered: np.ndarray, error: np.ndarray, out: np.ndarray) -> None:
        if self._slots is None:
            np.matmul(gathered, error[:, :, None], out=out.reshape(*self._source.shape, 1))
        else:
            out[...] = np.matmul(gathered, error[:, :, None]).ravel()[self._slots]

    def back(self, weights: np.ndarray, error: np.ndarray) -> np.ndarray:
        table = _filled(weights[self._place], self._back, self._target.shape)
        gathered = np.take(error, self._target, axis=0, mode="clip")
        return np.matmul(table[:, None, :], gathered)[:, 0]

    def places(self, first: int) -> np.ndarray:
        return np.arange(self._first[first], self._first[-1])


def wire(topology: Paths, junction: int) -> Wiring:
    """The :class:`BlockWiring` of a junction if it is dense blocks, else a :class:`TableWiring`."""
    parts = blocks(topology, junction)
    return TableWiring(topology, junction) if parts is None else BlockWiring(parts)


def _rows(stack, order):
    """Neurons block by block, (blocks, neurons, B), in the ``order`` of their numbers."""
    flat = stack.reshape(len(order), stack.shape[-1])
    return np.take(flat, order, axis=0, mode="clip")


def _table(values, counts):
    """Rows of ``counts`` values each, padded with 0 to the longest; the values' flat indices.

    The indices are ``None`` where no row is padded.
    """
    width = counts.max()
    if counts.min() == width:
        return values.reshape(-1, width), None
    slots = np.flatnonzero(np.arange(width) < counts[:, None])
    return _filled(values, slots, (len(counts), width)), slots


def _filled(values, slots, shape):
    if slots is None:
        return values.reshape(shape)
    table = np.zeros(shape, values.dtype)
    table.ravel()[slots] = values
    return table
