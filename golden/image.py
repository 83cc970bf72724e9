"""The memory image: a model as the bytes that are written into an engine of P lanes.

Three spaces, all little-endian:

- WEIGHTS: word s, lane t at byte s * P + t: junction after junction, in the order of use.
- BIASES: the neuron at row r, lane t of junction l at byte 4 * (base_l + r * P + t), ``int32``,
  with the rounding constant half = 2**shift / 2 already added.
- PROGRAM: 16-bit words. An inference is a list of phases, each three words and then the columns of
  a GF(2) matrix, column t the image of step 2**t:

      word 0   kind | shift << 2 | log2(fan-in) << 7 | log2(steps) << 11
      word 1   the weight word of its first step
      word 2   the row of its first bias; both are 0 in INPUT and READ

  INPUT maps the neuron's number to row * P + lane of the input layer, each HIDDEN or OUTPUT
  junction maps the step to source row * P + D (see ``golden.lanes``), READ maps the output's
  number to row * P + lane of the last layer.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from . import gf2
from . import lanes as lane_maps
from .errors import InputError

MAX_WORD = 2**16 - 1  # of the program


class Space(IntEnum):
    """What a byte is written to."""

    WEIGHTS = 0
    BIASES = 1
    PROGRAM = 2


class Kind(IntEnum):
    """What a phase of the program does."""

    INPUT = 0
    HIDDEN = 1
    OUTPUT = 2
    READ = 3


@dataclass(frozen=True)
class MemoryImage:
    """``weights`` int8 (words, P), ``biases`` int32 (rows, P), ``program`` uint16 (words,)."""

    weights: np.ndarray
    biases: np.ndarray
    program: np.ndarray

    def spaces(self):
        """The three spaces as (Space, bytes)."""
        return (
            (Space.WEIGHTS, self.weights.astype("<i1").tobytes()),
            (Space.BIASES, self.biases.astype("<i4").tobytes()),
            (Space.PROGRAM, self.program.astype("<u2").tobytes()),
        )


def header(kind, shift, fan_in, steps):
    """The first word of a phase; ``fan_in`` and ``steps`` are powers of two, given as log2."""
    return kind | shift << 2 | fan_in << 7 | steps << 11


def pack(model, lanes):
    """The :class:`MemoryImage` of a model for ``lanes`` lanes, which no layer may undercut.

    Raises ``InputError`` if a layer has fewer neurons than there are lanes, if no lanes are found,
    if the inputs or outputs are shifted, or if the number of a junction's first word or row needs
    more than 16 bits.
    """
    topology = model.topology
    for layer, what in ((0, "inputs"), (-1, "outputs")):
        if topology.shifts[layer]:
            raise InputError(
                f"shift of the {what} must be 0, not {topology.shifts[layer]}: the engine numbers "
                "them by a linear map; shift hidden layers"
            )
    weights, biases, program = [], [], []

    def phase(kind, matrix, shift=0, fan_in=1):
        junction = kind in (Kind.HIDDEN, Kind.OUTPUT)
        first = [sum(map(len, part)) if junction else 0 for part in (weights, biases)]
        if max(first) > MAX_WORD:
            raise InputError(
                f"a junction must begin within the first {MAX_WORD + 1} words of weights and rows "
                f"of biases, not at {max(first)}: use more than {lanes} lanes"
            )
        program.extend([header(kind, shift, fan_in.bit_length() - 1, matrix.shape[1]), *first])
        program.extend(gf2.columns(matrix))

    phase(Kind.INPUT, lane_maps.coordinate_map(topology, 0, lanes))
    for junction in topology.junctions:
        last = junction == len(topology.paths)
        shift = model.shifts[junction - 1]
        matrix = lane_maps.junction_matrix(topology, junction, lanes)
        phase(Kind.OUTPUT if last else Kind.HIDDEN, matrix, shift, topology.fan_in(junction))
        weights.append(model.weights[junction - 1][lane_maps.path_order(topology, junction, lanes)])
        place = lane_maps.places(topology, junction, lanes)
        rows = np.empty(place.size, np.int32)
        rows[place] = model.biases[junction - 1] + ((1 << shift) >> 1)
        biases.append(rows.reshape(-1, lanes))
    phase(Kind.READ, lane_maps.coordinate_map(topology, len(topology.paths), lanes))
    return MemoryImage(
        np.concatenate(weights), np.concatenate(biases), np.array(program, dtype=np.uint16)
    )
