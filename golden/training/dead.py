"""Dead weight: what a trained network carries along and no training image makes use of.

An input that no image lights, and a hidden neuron that is 0 for every image, pass nothing on; an
output beyond the classes is padding, which nobody reads. A weight that begins or ends there is
stored, streamed and multiplied for nothing. What counts are the integers of
:mod:`golden.machine.engine`, on all images that the network was trained with.
"""

from typing import Any

import numpy as np

from ..machine import engine
from ..machine.model import Model
from ..support import cli

PIECE = 2048  # images at a time


def alive(model: Model, images: np.ndarray) -> list[np.ndarray]:
    """Per layer which neurons are of use: ``bool`` (n_l,), inputs first.

    ``images`` : ``uint8`` (B, n_0). An input that some image lights, a hidden neuron that some
    image makes fire, an output that is a class. Raises ``InputError`` for images of another shape.
    """
    topology = model.topology
    found = [np.zeros(width, bool) for width in topology.layers]
    with cli.progress(total=len(images), desc="dead", unit="image", delay=1) as bar:
        for start in range(0, max(len(images), 1), PIECE):
            some = images[start : start + PIECE]
            for own, values in zip(found, [some, *engine.layers(model, some)], strict=True):
                own |= values.any(axis=0)
            bar.update(len(some))
    found[-1][:] = np.arange(topology.layers[-1]) < model.classes
    return found


def measure(model: Model, images: np.ndarray) -> dict[str, Any]:
    """What is dead, a dictionary for ``--json``.

    ``dead_neurons`` : per layer how many, inputs first; ``dead_weights`` : per junction how many
    begin or end there; ``dead_share`` : of all weights, 0 to 1. Parameters and errors are those of
    :func:`alive`.
    """
    topology, living = model.topology, alive(model, images)
    weights = []
    for junction in topology.junctions:
        source, target = topology.edges(junction)
        used = living[junction - 1][source] & living[junction][target]
        weights.append(int((~used).sum()))
    return {
        "dead_neurons": [int((~own).sum()) for own in living],
        "dead_weights": weights,
        "dead_share": sum(weights) / topology.total_paths,
    }


def describe(model: Model, found: dict[str, Any]) -> str:
    """What :func:`measure` found, in a line."""
    first, *hidden, last = found["dead_neurons"]
    neurons, total = sum(model.topology.layers[1:-1]), sum(found["dead_weights"])
    return (
        f"{total:,} of {model.topology.total_paths:,} weights ({found['dead_share']:.1%}): "
        f"{first} of {model.topology.layers[0]} inputs never lit, {sum(hidden)} of {neurons} "
        f"hidden neurons never fire, {last} of {model.topology.layers[-1]} outputs are padding"
    )
