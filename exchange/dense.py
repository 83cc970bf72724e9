"""Dense layers as junctions of paths: every edge once, widths padded to powers of two.

A junction of n m paths whose dimensions repeat no edge has every edge exactly once, so a dense
layer *is* a junction of paths (:func:`golden.topology.linear.omitted` finds the dimensions).
Padding adds neurons whose weights are 0.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from sobolpath.golden.data import INPUT_SCALE, Preparation
from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import MAX_LOG2_NEURONS, MAX_LOG2_PATHS, Paths
from sobolpath.golden.training.network import Network

from .chain import Chain


class Capped(Network):
    """A network whose activations end at ceilings, as those of ``Clip`` do.

    ``ceilings`` : the largest activation of each layer but the last; ``inf`` where there is none.
    """

    def __init__(self, topology, weights, biases, ceilings):
        super().__init__(topology, weights, biases)
        self.ceilings = [np.float32(ceiling) for ceiling in ceilings]

    def _activate(self, junction, sums):
        np.clip(sums, 0, self.ceilings[junction - 1], out=sums)


def padded(width: int) -> int:
    """The power of two that a width is padded to."""
    return 1 << (width - 1).bit_length()


def layers(chain: Chain, preparation: Preparation) -> tuple[int, ...]:
    """Neurons of the layers of paths: those of the chain, padded.

    Raises ``InputError`` where the chain takes other samples than the preparation, or is too large.
    """
    numbers = int(np.prod(preparation.shape))
    if chain.widths[0] not in (numbers, preparation.inputs):
        raise InputError(
            f"the network must take the {numbers} numbers of a sample, not {chain.widths[0]}"
        )
    widths = (preparation.inputs, *(padded(width) for width in chain.widths[1:]))
    for layer, width in enumerate(widths):
        if width > 2**MAX_LOG2_NEURONS:
            raise InputError(
                f"layer {layer} must have at most {2**MAX_LOG2_NEURONS} neurons, not {width}"
            )
    for junction, (n, m) in enumerate(pairwise(widths), 1):
        if n * m > 2**MAX_LOG2_PATHS:
            raise InputError(
                f"junction {junction} must have at most {2**MAX_LOG2_PATHS} weights, not {n * m}: "
                "--sparsify takes fewer paths"
            )
    return widths


def topology(widths: tuple[int, ...]) -> Paths:
    """Paths that join every neuron to every neuron of the next layer, once."""
    return build("omitted", widths, [n * m for n, m in pairwise(widths)])


def matrices(chain: Chain, widths: tuple[int, ...], positions: np.ndarray) -> list[np.ndarray]:
    """The weights of each layer as ``float64`` (m, n) of the padded ``widths``.

    ``positions`` : the input that each number of a sample becomes.
    """
    result = []
    for index, layer in enumerate(chain.layers):
        whole = np.zeros((widths[index + 1], widths[index]))
        rows, columns = layer.weights.shape
        places = np.arange(columns) if index or columns == widths[0] else positions
        whole[:rows, places] = layer.weights
        result.append(whole)
    return result


def biases(chain: Chain, widths: tuple[int, ...]) -> list[np.ndarray]:
    """The biases of each layer, ``float64``, padded with 0 to ``widths``."""
    return [
        np.pad(layer.bias, (0, width - len(layer.bias)))
        for layer, width in zip(chain.layers, widths[1:], strict=True)
    ]


def along(paths: Paths, whole: list[np.ndarray]) -> list[np.ndarray]:
    """The elements of matrices (m, n) that each path meets, in path order: (N_l,) per junction."""
    result = []
    for junction, matrix in zip(paths.junctions, whole, strict=True):
        source, target = paths.edges(junction)
        result.append(matrix[target, source])
    return result


def folded(
    chain: Chain,
    widths: tuple[int, ...],
    preparation: Preparation,
    least: ArrayLike,
    step: ArrayLike,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights, (m, n) of the padded ``widths``, and biases, for inputs of ``INPUT_SCALE`` a step.

    ``least``, ``step`` : what byte 0, and one step of a byte, mean to the chain: numbers, or one
    for each number of a sample. A padded input is 0 and has no weights.
    """
    width = chain.widths[0]
    least, step = (np.broadcast_to(np.ravel(each), (width,)) for each in (least, step))
    first, positions = chain.layers[0], preparation.positions()
    own = np.arange(width) if width == widths[0] else positions
    whole, offsets = matrices(chain, widths, positions), biases(chain, widths)
    offsets[0][: len(first.bias)] += first.weights @ least
    factor = np.ones(widths[0])
    factor[own] = step / INPUT_SCALE
    whole[0] = whole[0] * factor
    return whole, offsets


def network(
    chain: Chain, paths: Paths, preparation: Preparation, least: ArrayLike, step: ArrayLike
) -> Capped:
    """The float network of dense ``paths`` that computes what the chain does.

    The other parameters are those of :func:`folded`.
    """
    whole, offsets = folded(chain, tuple(paths.layers), preparation, least, step)
    ceilings = [ceiling(layer) for layer in chain.layers[:-1]]
    return Capped(paths, along(paths, whole), offsets, ceilings)


def ceiling(layer) -> float:
    """The largest output of a layer: of its Clip, and of its quantizer."""
    top = np.inf
    if layer.output is not None:
        top = float(np.max((layer.output.largest - layer.output.zero) * layer.output.scale))
    return min(layer.ceiling, top)
