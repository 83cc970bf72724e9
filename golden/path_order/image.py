"""The memory image of the path-order engine: weights in path order, and generator matrices.

The three spaces are those of :mod:`golden.machine.image`, all little-endian:

- WEIGHTS: of junction l, path i at byte first_l * P + i. Each junction has room for all of its
  paths, at a multiple of that; the junctions with most paths come first, so there are no gaps.
  Behind the weights the biases: neuron x of layer l at byte bias_l * P + 4 x, ``int32``, with half
  = 2**shift / 2 already added. Errors that flow backwards have none.
- BIASES: none, they stream from the memory of the weights.
- PROGRAM: 16-bit words.

      word 0   G, the one number that says how many paths there are: see below
      word 1   log2 of the neurons that inputs are taken for
      and on, for each junction in the order of work

      word 0   shift | digits of a path's number << 5 | digits of a neuron of the layer that is
               added to << 10 | last << 14 | backward << 15
      word 1   M, its last block where all paths are there
      word 2   L, its last block where as few are there as may be: one a neuron of its wider layer
      word 3   the word of its first weight
      word 4   the word of its first bias
      and on   the columns of the two generator matrices, lowest digit first: for each digit that of
               the layer that is read and that of the layer that is added to; last, in the same way,
               their digital shifts

  A column is a neuron's number, its leading digit the word's digit A - 1, with A the digits that
  the engine has. A junction runs the blocks 0 to (G | L) & M: all three are 2**k - 1, so that is
  the least of M and the greater of G and L.

Nothing here is worked out from the matrices: they are what the topology has.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..machine.image import MemoryImage, Space
from ..machine.model import Model
from ..topology import gf2
from ..topology.paths import Paths, log2_exact
from . import backward, conflicts

HEADER_WORDS, BEFORE = 5, 2  # of a junction, and before the first one
#: The fields of a junction's first word, from the lowest digit on, and their digits.
HEADER = {"shift": 5, "path_digits": 5, "digits": 4, "last": 1, "backward": 1}


@dataclass(frozen=True, kw_only=True)
class PathOrderMachine:
    """What networks are packed for; ``hw.path_order.config.PathOrderConfig.machine`` makes it.

    ``lanes`` : P. ``address_bits`` : A, digits of a neuron of the widest layer. ``input_width`` :
    inputs that are taken together; the image does not depend on it.
    """

    lanes: int
    address_bits: int
    input_width: int = 1

    @property
    def max_copies(self) -> int:
        """1: the last layer has a neuron for every lane."""
        return 1


def program_words(topology: Paths) -> int:
    """Words of the program of a network, forwards or backwards."""
    digits = (log2_exact(count, "paths") for count in topology.paths)
    return BEFORE + sum(HEADER_WORDS + 2 * (each + 1) for each in digits)


def weight_words(topology: Paths, lanes: int) -> tuple[int, ...]:
    """The word of each junction's first weight."""
    order = sorted(topology.junctions, key=lambda junction: -topology.paths[junction - 1])
    firsts, word = {}, 0
    for junction in order:
        firsts[junction] = word
        word += topology.paths[junction - 1] // lanes
    return tuple(firsts[junction] for junction in topology.junctions)


def bias_words(topology: Paths, lanes: int) -> tuple[int, ...]:
    """The word of each junction's first bias; a word holds P / 4 of them."""
    sizes = [4 * width // lanes for width in topology.layers[1:]]
    return tuple((topology.total_paths // lanes + np.cumsum([0, *sizes[:-1]])).tolist())


def _limit(paths, lanes):
    """G for as many paths a junction: the number of the last block."""
    log2_exact(paths, "paths")
    if paths < lanes:
        raise InputError(f"paths must be at least {lanes}, one block, not {paths}")
    return paths // lanes - 1


def _columns(topology, layer, junction, machine):
    """The columns of a generator matrix and the digital shift, leading digit first in the word."""
    matrix = topology.matrix(layer, junction)
    left = machine.address_bits - len(matrix)
    return [
        int(value) << left
        for value in (*gf2.columns(matrix).tolist(), topology.digital_shifts[layer])
    ]


def program(
    topology: Paths,
    machine: PathOrderMachine,
    shifts: Sequence[int],
    *,
    paths: int | None = None,
    backwards: bool = False,
) -> np.ndarray:
    """The words of the program, ``uint16``; the parameters are those of :func:`pack`."""
    lanes, most = machine.lanes, max(topology.paths)
    words = [_limit(most if paths is None else paths, lanes)]
    words.append(log2_exact(topology.layers[-1 if backwards else 0], "width"))
    firsts, biases = weight_words(topology, lanes), bias_words(topology, lanes)
    order = list(reversed(topology.junctions) if backwards else topology.junctions)
    for junction in order:
        read, add = (junction, junction - 1) if backwards else (junction - 1, junction)
        count, word, place = topology.paths[junction - 1], 0, 0
        values = (
            shifts[junction - 1],
            log2_exact(count, "paths"),
            log2_exact(topology.layers[add], "width"),
            junction == order[-1],
            backwards,
        )
        for value, digits in zip(values, HEADER.values(), strict=True):
            word |= int(value) << place
            place += digits
        least = max(topology.layers[junction - 1 : junction + 1]) // lanes - 1
        words += [word, count // lanes - 1, least, firsts[junction - 1], biases[junction - 1]]
        for pair in zip(
            *(_columns(topology, layer, junction, machine) for layer in (read, add)), strict=True
        ):
            words += pair
    return np.array(words, np.uint16)


def pack(model: Model, machine: PathOrderMachine, *, paths: int | None = None) -> MemoryImage:
    """The :class:`golden.machine.image.MemoryImage` of a model.

    Parameters
    ----------
    model : all of its paths have room.
    machine : the :class:`PathOrderMachine`.
    paths : run the first ``paths`` paths of every junction alone, as
        ``golden.training.nested.cut`` cuts; all unless given.

    Raises ``InputError`` where :func:`golden.path_order.conflicts.check` does.
    """
    topology = model.topology
    conflicts.check(topology, machine.lanes)
    firsts = weight_words(topology, machine.lanes)
    weights = np.zeros(topology.total_paths, np.int8)
    for first, own in zip(firsts, model.weights, strict=True):
        weights[first * machine.lanes :][: len(own)] = own
    biases = _biases(model)
    content = np.concatenate([weights, np.frombuffer(biases, np.int8)])
    return MemoryImage(
        content.reshape(-1, machine.lanes),
        np.zeros((0, 1), np.int32),
        program(topology, machine, model.shifts, paths=paths),
    )


def _biases(model):
    """The biases of all layers as bytes, half added."""
    pairs = zip(model.biases, model.shifts, strict=True)
    found = [own.astype(np.int32) + ((1 << shift) >> 1) for own, shift in pairs]
    return np.concatenate(found).astype("<i4").tobytes()


def begun(model: Model, machine: PathOrderMachine, paths: int) -> list[tuple[Space, int, bytes]]:
    """What to write so that a network of ``paths`` paths a junction runs, and may grow.

    ``model`` has all paths that it may grow to: room is left for their weights. Returns a list of
    (space, address, bytes). Raises ``InputError`` as :func:`pack` does.
    """
    packed, writes = pack(model, machine, paths=paths), []
    firsts = weight_words(model.topology, machine.lanes)
    for junction, own in zip(model.topology.junctions, model.weights, strict=True):
        count = _kept(model.topology, junction, paths)
        address = firsts[junction - 1] * machine.lanes
        writes.append((Space.WEIGHTS, address, own[:count].astype("<i1").tobytes()))
    writes.append((Space.WEIGHTS, model.topology.total_paths, _biases(model)))
    return [*writes, (Space.PROGRAM, 0, packed.program.astype("<u2").tobytes())]


def _kept(topology, junction, paths):
    """The paths of a junction where ``paths`` are asked for: as ``golden.training.nested.cut``."""
    fewest = max(topology.layers[junction - 1 : junction + 1])
    return min(max(paths, fewest), topology.paths[junction - 1])


def turned(
    model: Model, machine: PathOrderMachine, shifts: Sequence[int]
) -> list[tuple[Space, int, bytes]]:
    """What to write so that errors flow backwards through the network that is there: the program.

    ``shifts`` : as of :func:`golden.path_order.backward.check`, which is done here. Returns a list
    of (space, address, bytes).
    """
    backward.check(model, shifts)
    words = program(model.topology, machine, shifts, backwards=True)
    return [(Space.PROGRAM, 0, words.astype("<u2").tobytes())]


def grown(
    model: Model, machine: PathOrderMachine, before: int, after: int
) -> list[tuple[Space, int, bytes]]:
    """What to write so that a network of ``before`` paths a junction has ``after``: nothing but the
    new weights and one number.

    ``model`` has all paths that the engine was given room for (:func:`pack`). Returns a list of
    (space, address, bytes). Raises ``InputError`` unless ``after`` is more.
    """
    if after <= before:
        raise InputError(f"a network grows: paths must be above {before}, not {after}")
    lanes, writes = machine.lanes, []
    firsts = weight_words(model.topology, lanes)
    for junction, own in zip(model.topology.junctions, model.weights, strict=True):
        start, stop = (_kept(model.topology, junction, count) for count in (before, after))
        if stop > start:
            address = firsts[junction - 1] * lanes + start
            writes.append((Space.WEIGHTS, address, own[start:stop].astype("<i1").tobytes()))
    number = np.array([_limit(after, lanes)], "<u2")
    return [*writes, (Space.PROGRAM, 0, number.tobytes())]
