"""What a network needs, against what there is: of a configuration, or as a device tells.

``sizes`` is anything that has the names of ``hw.config.EngineConfig``, and ``machine``; ``name`` is
what it is called where a network is too big for it.
"""

from typing import Any

from ..errors import InputError
from .image import MemoryImage, pack
from .model import Model


def fit(name: str, what: str, count: int, limit: int) -> None:
    """Raise ``InputError`` where a network has more of something than there is room for."""
    if count > limit:
        raise InputError(
            f"too big for this {name}: the {what} must be at most {limit}, not {count}"
        )


def fitted(model: Model, sizes: Any, name: str = "engine") -> MemoryImage:
    """The image of a model for the row-lane engine. Raises ``InputError`` where it does not fit."""
    topology = model.topology
    layers = (*topology.layers[:-1], max(topology.layers[-1], sizes.lanes))  # with the copies
    fit(name, "neurons of the widest layer", max(layers), sizes.max_neurons)
    fit(name, "neurons of the last layer", layers[-1], sizes.max_outputs)
    fit(name, "paths of all junctions", topology.total_paths, sizes.weight_words * sizes.lanes)
    fit(name, "neurons of the layers after the first", sum(layers[1:]), sizes.bias_neurons)
    image = pack(model, sizes.machine)
    fit(name, "words of the program", image.program.size, sizes.program_words)
    return image
