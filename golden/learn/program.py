"""The memory image of a network that learns: the bytes that are written, and the way back.

Three spaces, as in :mod:`golden.machine.image`, all little-endian:

- WEIGHTS: the high plane, and behind it the low one. In each, word s, lane t at byte s * P + t:
  junction after junction, in the order of use. A plane is as long as the memory has room for.
- BIASES: the neuron at row r, lane t of junction l at byte 4 * (first_l + r * P + t): the low part
  as one byte, the high part as the three above it.
- PROGRAM: 16-bit words. The first four tell where the blocks of the loader, of the forward sweep,
  of the reader and of what learns begin. The blocks of the loader and of the reader are those of
  :mod:`golden.machine.image`; the others are

      word 0   kind | shift << 2 | log2(turns) << 7 | log2(steps) << 11
      word 1   sweep << 14 | a layer's first row
      word 2   2**16 - cycles that the first step is held back, modulo 2**16
      word 3   and on: the walk of the addresses

  of kind HIDDEN, but for the end of a chain: OUTPUT after the forward sweep, INPUT after the
  update. What each sweep has there:

                  shift                        turns     row of        address
      forward     of activations; of the       fan-in    the targets   source row * P + D
                  last one that of logits
      backward    log2(fan-in)                 fan-out   the sources   step row * P + D
      update      of weights at the rate 1     fan-in    the targets   source row * P + D

The weights of a forward step and of an update are the next ones in their order. Those of a backward
step are at its step row, counted from the junction's first one; it meets the errors of the targets
in row (step row >> log2(fan-in)) of their layer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..machine import lanes as coordinates
from ..machine.capacity import fit
from ..machine.image import (
    MAX_WORD,
    Kind,
    MemoryImage,
    header,
    input_walk,
    output_walk,
    walk,
)
from ..topology import gf2
from ..topology.paths import Paths
from . import arithmetic
from .arithmetic import Fractions
from .parameters import Parameters
from .schedule import Schedule, Sweep, plan

POINTERS = 4  # words before the blocks: loader, forward sweep, reader, what learns
SWEEP = 14  # the digit of a block's second word where the sweep begins


@dataclass(frozen=True)
class LearnImage:
    """The bytes of a network that learns: ``spaces`` as of ``golden.machine.image.MemoryImage``."""

    weights: np.ndarray  # int8 (2, depth, P)
    biases: np.ndarray  # int32 (rows, P), as they stand in the memory
    program: np.ndarray  # uint16 (words,)
    spaces = MemoryImage.spaces


def program(topology: Paths, fractions: Fractions, schedule: Schedule) -> np.ndarray:
    """The words of the program: ``uint16`` (words,). Raises ``InputError`` if one needs more."""
    machine, last = schedule.machine, len(topology.paths)
    shifts = fractions.shifts(last, 0)
    words = [0] * POINTERS

    def block(kind, steps, shift=0, turns=1, base=0, wait=0):
        head = header(kind, shift, int(turns).bit_length() - 1, len(steps) - 1)
        words.extend([head, base, -wait & MAX_WORD, *steps])

    words[0] = len(words)
    inputs = input_walk(topology, machine, schedule.at_once, schedule.bases[0])
    block(Kind.INPUT, inputs, turns=schedule.at_once, base=int(not schedule.overlap))
    for own in schedule.blocks:
        layer = own.junction - (own.sweep == Sweep.BACKWARD)
        kind, start = Kind.HIDDEN, schedule.bases[own.junction - 1] * machine.lanes
        if own.sweep == Sweep.FORWARD:
            shift = shifts.forward[own.junction - 1]
            if own.junction == 1:
                words[1] = len(words)
            if own.junction == last:
                kind, shift = Kind.OUTPUT, shifts.logits
        elif own.sweep == Sweep.BACKWARD:
            start, shift = 0, int(topology.fan_in(own.junction)).bit_length() - 1
        else:
            shift = shifts.weights[own.junction - 1]
            if own.junction == last:
                kind = Kind.INPUT
        if own.sweep != Sweep.FORWARD and not words[3]:
            words[3] = len(words)
        steps = walk(start, gf2.columns(own.addresses))
        block(kind, steps, shift, own.turns, own.sweep << SWEEP | schedule.bases[layer], own.wait)
    words[2] = len(words)
    block(Kind.READ, output_walk(topology, machine, schedule.bases[last]))
    if max(words) > MAX_WORD:
        raise InputError(
            f"a word of the program must be at most {MAX_WORD}, not {max(words)}: use more lanes"
        )
    return np.array(words, np.uint16)


def pack(
    parameters: Parameters, fractions: Fractions, schedule: Schedule, depth: int
) -> LearnImage:
    """The :class:`LearnImage` of parameters. ``depth`` : rows of a plane of the weights."""
    topology, lanes = parameters.topology, schedule.machine.lanes
    masters = [
        coordinates.by_step(topology, junction, lanes, own)
        for junction, own in enumerate(parameters.weights, 1)
    ]
    biases = [
        coordinates.by_place(topology, layer, lanes, own)
        for layer, own in enumerate(parameters.biases, 1)
    ]
    rows, offsets = np.concatenate(masters), np.concatenate(biases)
    planes = np.zeros((2, depth, lanes), np.int8)
    planes[0, : len(rows)], planes[1, : len(rows)] = arithmetic.high(rows), arithmetic.low(rows)
    words = halves(offsets).astype(np.int32)
    return LearnImage(planes, words, program(topology, fractions, schedule))


def halves(biases: np.ndarray) -> np.ndarray:
    """Biases as they stand in the memory: the low part below the high one."""
    return arithmetic.high(biases) << 8 | arithmetic.low(biases) & 255


def fitted(
    parameters: Parameters, fractions: Fractions, sizes: Any, name: str = "engine"
) -> LearnImage:
    """The image of parameters for an engine that learns.

    ``sizes`` is anything that has the names of ``hw.learn.config.LearnConfig``, ``name`` what it is
    called. Raises ``InputError`` where it does not fit.
    """
    topology = parameters.topology
    fit(name, "neurons of the last layer", topology.layers[-1], sizes.max_outputs)
    fit(name, "paths of all junctions", topology.total_paths, sizes.weight_words * sizes.lanes)
    fit(name, "neurons of the layers after the first", sum(topology.layers[1:]), sizes.bias_neurons)
    image = pack(parameters, fractions, plan(topology, sizes.machine), sizes.weight_words)
    fit(name, "words of the program", image.program.size, sizes.program_words)
    return image


def unpack(topology: Paths, lanes: int, weights: bytes, biases: bytes) -> Parameters:
    """Parameters from the bytes of both planes, and of the biases, as they are read back."""
    planes = np.frombuffer(weights, np.int8).reshape(2, -1, lanes).astype(np.int32)
    masters = 256 * planes[0] + planes[1]
    words = np.frombuffer(biases, "<i4").reshape(-1, lanes)
    offsets = 256 * (words >> 8) + (words << 24 >> 24)
    found: tuple[list[Any], list[Any]] = [], []
    for junction in topology.junctions:
        order = coordinates.path_order(topology, junction, lanes)
        own, masters = np.split(masters, [len(order)])
        found[0].append(np.empty(order.size, np.int32))
        found[0][-1][order] = own
        own, offsets = np.split(offsets, [topology.layers[junction] // lanes])
        found[1].append(coordinates.by_neuron(topology, junction, lanes, own))
    return Parameters(topology, tuple(found[0]), tuple(found[1]))
