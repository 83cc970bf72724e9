"""Whether a network fits an engine, and what to add to it where it is too small for one."""

from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import InputError
from ..topology.paths import Paths
from .model import Model


def blank(topology: Paths) -> Model:
    """A model of a topology of which every weight is 0."""
    paths, neurons = topology.paths, topology.layers[1:]
    return Model(
        topology=topology,
        weights=tuple(np.zeros(count, np.int8) for count in paths),
        biases=tuple(np.zeros(count, np.int32) for count in neurons),
        shifts=(0,) * len(paths),
        float_weights=tuple(np.zeros(count, np.float32) for count in paths),
        float_biases=tuple(np.zeros(count, np.float32) for count in neurons),
        input_scale=1.0,
        classes=1,
    )


def misfit(topology: Paths, engine: Any) -> str | None:
    """Why a topology does not fit an engine (``hw.config.EngineConfig``); ``None`` where it does.

    It is packed for the engine with weights of 0, so no limit is forgotten.
    """
    try:
        engine.image(blank(topology))
    except InputError as error:
        return str(error).removeprefix("too big for this engine: ")
    return None


def padded(
    layers: tuple[int, ...], paths: tuple[int, ...], engine: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Layers and paths as an engine needs them: powers of two, and a neuron for every lane.

    The last layer may have as few as the engine can share among its lanes. Added inputs and outputs
    are blank, so the first and the last junction get more paths by as much, to leave the others
    theirs; and every junction has as many as its layers need, and no more than they have room for.
    What is large enough stays as it is.
    """
    machine = engine.machine
    fewest = [machine.lanes] * (len(layers) - 1) + [machine.lanes // machine.max_copies]
    plain = tuple(_rounded(count) for count in layers)
    wide = tuple(max(pair) for pair in zip(plain, fewest, strict=True))
    more = [_rounded(count) for count in paths]
    if len(more) != len(wide) - 1 or not more:
        return wide, paths  # whoever builds the topology complains
    more[0] *= wide[0] // plain[0]
    more[-1] *= wide[-1] // plain[-1]
    least = [max(pair) for pair in pairwise(wide)]
    least[-1] = max(least[-1], machine.lanes)
    room = [source * target for source, target in pairwise(wide)]
    kept = zip(more, least, room, paths, strict=True)
    return wide, tuple(max(low, min(count, max(high, own))) for count, low, high, own in kept)


def _rounded(count):
    """The next power of two."""
    return 1 << max(count - 1, 0).bit_length()
