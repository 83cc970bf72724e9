"""A network whose neurons' incoming weights are signed probabilities, and computes what it did.

Keller & Van keirsbilck, section 2.1: a ReLU of f times a sum, f > 0, is f times the ReLU of the
sum. So a neuron's weights are divided by their one-norm f, and every weight that leaves the neuron
is multiplied by f instead: the factors move forward, junction after junction, to the outputs. They
end there as one factor a logit, which only the reader of the logits can apply. The incoming
weights of a neuron are then a discrete density with signs, from which paths are sampled.

With a[l-1] = f[l-1] * a'[l-1], f[0] = 1, and edges e from x(e) to y:

    f[l][y] = sum over e of |w[e]| f[l-1][x(e)]
    w'[e] = w[e] f[l-1][x(e)] / f[l][y]          b'[y] = b[y] / f[l][y]

A neuron whose incoming weights are all 0, or that has none, has no density: f = 1, and its bias
stays. Signs stay, those of zeros too: see ``signs`` of :class:`golden.training.loop.Recipe`.
"""

import numpy as np

from .network import Network


def normalize(network: Network) -> tuple[Network, np.ndarray]:
    """The same network with incoming weights of one-norm 1, and the factors of its logits.

    Parameters
    ----------
    network : :class:`golden.training.network.Network`; it stays as it is.

    Returns (:class:`golden.training.network.Network`, factors): the network's logits times
    ``factors``, ``float64`` (n_L,) above 0, are the logits that it had, up to ``float32``
    rounding. Factors differ from output to output: compare the products, not the logits. Raises
    ``InputError`` where a weight or bias is then beyond ``float32``.
    """
    topology, weights, biases = network.topology, [], []
    factors = np.ones(topology.layers[0])
    for junction, own, offsets in zip(
        topology.junctions, network.weights, network.biases, strict=True
    ):
        source, target = topology.edges(junction)
        carried = own * factors[source]
        norms = np.bincount(target, np.abs(carried), topology.layers[junction])
        factors = np.where(norms > 0, norms, 1.0)
        with np.errstate(over="ignore"):  # Network tells
            weights.append((carried / factors[target]).astype(np.float32))
            biases.append((offsets / factors).astype(np.float32))
    return Network(topology, weights, biases), factors
