"""Dense layers as junctions of paths: every edge once, widths padded to powers of two.

A junction of n m paths whose dimensions repeat no edge has every edge exactly once, so a dense
layer *is* a junction of paths (:func:`golden.topology.linear.omitted` finds the dimensions).
Padding adds neurons whose weights are 0.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sobolpath.golden.data import INPUT_SCALE
from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import MAX_LOG2_NEURONS, MAX_LOG2_PATHS, Paths
from sobolpath.golden.training.network import Network

from .chain import Chain, Layer
from .inputs import Inputs


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


def layers(chain: Chain, inputs: int) -> tuple[int, ...]:
    """Neurons of the layers of paths: those of the chain, padded, behind so many ``inputs``.

    Raises ``InputError`` where they are too many.
    """
    widths = (inputs, *(padded(width) for width in chain.widths[1:]))
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


def matrices(
    weights: Sequence[np.ndarray], widths: tuple[int, ...], places: np.ndarray
) -> list[np.ndarray]:
    """The ``weights`` of each layer as ``float64`` (m, n) of the padded ``widths``.

    ``places`` : the input that each input of the first layer is (:mod:`exchange.inputs`).
    """
    result = []
    for index, own in enumerate(weights):
        whole = np.zeros((widths[index + 1], widths[index]))
        rows, columns = own.shape
        whole[:rows, np.arange(columns) if index else places] = own
        result.append(whole)
    return result


def biases(each: Sequence[np.ndarray], widths: tuple[int, ...]) -> list[np.ndarray]:
    """The biases of ``each`` layer padded with 0 to ``widths``."""
    return [np.pad(own, (0, width - len(own))) for own, width in zip(each, widths[1:], strict=True)]


def along(paths: Paths, whole: list[np.ndarray]) -> list[np.ndarray]:
    """The elements of matrices (m, n) that each path meets, in path order: (N_l,) per junction."""
    result = []
    for junction, matrix in zip(paths.junctions, whole, strict=True):
        source, target = paths.edges(junction)
        result.append(matrix[target, source])
    return result


def folded(
    chain: Chain, widths: tuple[int, ...], inputs: Inputs
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights, (m, n) of padded ``widths``, and biases, for inputs of ``INPUT_SCALE`` a step."""
    whole = matrices([layer.weights for layer in chain.layers], widths, inputs.places)
    offsets = biases([layer.bias for layer in chain.layers], widths)
    first = chain.layers[0]
    offsets[0][: len(first.bias)] += first.weights @ np.broadcast_to(inputs.low, inputs.width)
    whole[0][:, inputs.places] *= np.ravel(inputs.step) / INPUT_SCALE
    return whole, offsets


def network(chain: Chain, paths: Paths, inputs: Inputs) -> Capped:
    """The float network of dense ``paths`` that computes what the chain does."""
    whole, offsets = folded(chain, tuple(paths.layers), inputs)
    ceilings = [ceiling(layer) for layer in chain.layers[:-1]]
    return Capped(paths, along(paths, whole), offsets, ceilings)


def ceiling(layer: Layer) -> float:
    """The largest output of a layer: of its Clip, and of its quantizer."""
    top = np.inf
    if layer.output is not None:
        top = float(np.max((layer.output.largest - layer.output.zero) * layer.output.scale))
    return min(layer.ceiling, top)
