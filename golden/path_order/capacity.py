"""As :mod:`golden.machine.capacity`, of the path-order engine."""

from typing import Any

from ..machine.capacity import fit
from ..machine.image import MemoryImage
from ..machine.model import Model
from .image import pack, program_words


def fitted(
    model: Model, sizes: Any, max_paths: int, name: str = "engine", **more: Any
) -> MemoryImage:
    """The image of a model. Raises ``InputError`` where it does not fit.

    ``sizes`` : anything that has the names of ``hw.path_order.config.PathOrderConfig``;
    ``max_paths`` : of a junction; ``more`` : as of ``golden.path_order.image.pack``.
    """
    topology = model.topology
    fit(name, "neurons of the widest layer", max(topology.layers), sizes.max_neurons)
    fit(name, "paths of the longest junction", max(topology.paths), max_paths)
    taken = topology.total_paths + 4 * sum(topology.layers[1:])
    fit(name, "bytes of weights and biases", taken, sizes.weight_words * sizes.lanes)
    fit(name, "words of the program", program_words(topology), sizes.program_words)
    return pack(model, sizes.machine, **more)
