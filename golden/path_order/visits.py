"""From a neuron to the paths that visit it: the inverse of a generator matrix.

Path i visits neuron C i of a layer. In every epoch, n_l consecutive aligned paths, one path visits
a given neuron: that with C_k j = x xor C (e n_l), where j < n_l counts within epoch e and C_k, the
first k columns, is invertible. So all paths of a neuron come from one solved system, and no path
has to be enumerated to find them (Keller & Van keirsbilck, section 4.4, which uses C^-1 so).
"""

import numpy as np

from ..errors import InputError
from ..topology import gf2
from ..topology.paths import Paths


def visiting_paths(topology: Paths, junction: int, layer: int, neuron: int) -> np.ndarray:
    """The paths of a junction that visit a neuron of one of its two layers, in ascending order.

    Returns ``int64`` (N_l / n,), one path an epoch. Raises ``InputError`` where the paths are not
    linear over GF(2), the layer is not of the junction, or the neuron not of the layer; and where
    epochs do not meet every neuron once.
    """
    topology.check_linear()
    if layer not in (junction - 1, junction) or junction not in topology.junctions:
        raise InputError(
            f"layer must be one of junction {junction}, {junction - 1} or {junction}, not {layer}"
        )
    width, count = topology.layers[layer], topology.paths[junction - 1]
    if not 0 <= neuron < width:
        raise InputError(f"neuron must be 0 to {width - 1}, not {neuron}")
    matrix, digits = topology.matrix(layer, junction), width.bit_length() - 1
    within = matrix[:, len(matrix[0]) - digits :]  # of the lowest digits of the path's number
    if gf2.rank(within) < digits:
        raise InputError(
            f"{topology.name} paths must meet every neuron of layer {layer} once an epoch, those "
            f"of junction {junction} do not"
        )
    starts = np.arange(0, count, width)
    wanted = neuron ^ topology.digital_shifts[layer] ^ gf2.apply(matrix, starts)
    return starts + gf2.apply(gf2.inverse(within), wanted)
