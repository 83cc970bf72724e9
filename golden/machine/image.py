"""The memory image: a model as the bytes that are written into an engine.

Three spaces, all little-endian:

- WEIGHTS: word s, lane t at byte s * P + t: junction after junction, in the order of use.
- BIASES: the neuron at row r, lane t of junction l at byte 4 * (first_l + r * P + t), ``int32``,
  with the rounding constant half = 2**shift / 2 already added; junction after junction too.
- PROGRAM: 16-bit words. The first three tell where the blocks of the loader, of the runner (one a
  junction, one after the other) and of the reader begin. A block is

      word 0   kind | shift << 2 | log2(fan-in) << 7 | log2(steps) << 11
      word 1   the first row of the target layer; of the loader, 1 if it must not work ahead
      word 2   2**16 - cycles that the first step is held back, modulo 2**16: see
               golden.machine.schedule
      word 3   x(0), the address of step 0
      word 4   and on, one for each digit of the step number: s(t)

  Addresses are walked: x(i + 1) = x(i) xor s(t), where t is the number of trailing zeros of i + 1.
  That is x(i) = x(0) xor C i with C over GF(2), as s(t) is the sum of the columns 0 to t of C: the
  digits that change from i to i + 1. (Antonov and Saleev's one column a step holds for the order of
  the Gray code; this is its twin in natural order.)

  The loader's steps are the inputs in natural neuron order, each of all images; its addresses are
  row * P + lane of the input layer. Where several are written in one cycle
  (``golden.machine.lanes``), a step is that many in a row, its address that of the first one, and
  in the place of log2(fan-in) stands the log2 of their number. The runner's steps are those of a
  junction, its addresses source row * P + D (see ``golden.machine.lanes``). The reader's are the
  outputs in natural neuron order, image after image; its addresses are (row * P + lane) * images +
  image.

A last layer of n < P neurons is that of the widened network (``golden.machine.widen``): P neurons,
of which P / n in a row are copies of one. The shift of the reader's block is log2(P / n): that
many steps, one after the other, are added to one output. Elsewhere it is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from ..errors import InputError
from ..topology import gf2
from ..topology.paths import Paths, log2_exact
from . import lanes as lane_order
from .model import Model
from .schedule import Machine, plan
from .widen import widened_model

MAX_WORD = 2**16 - 1  # of the program
POINTERS = 3  # words before the blocks


class Space(IntEnum):
    """What a byte is written to."""

    WEIGHTS = 0
    BIASES = 1
    PROGRAM = 2


class Kind(IntEnum):
    """What a block of the program is for."""

    INPUT = 0
    HIDDEN = 1
    OUTPUT = 2
    READ = 3


#: The fields of a block's first word, from the lowest digit on, and their digits.
HEADER = {"kind": 2, "shift": 5, "fan_in": 4, "steps": 5}


@dataclass(frozen=True)
class MemoryImage:
    """``weights`` int8 (words, P), ``biases`` int32 (rows, P), ``program`` uint16 (words,)."""

    weights: np.ndarray
    biases: np.ndarray
    program: np.ndarray

    def spaces(self) -> tuple[tuple[Space, bytes], ...]:
        """The three spaces as (Space, bytes)."""
        return (
            (Space.WEIGHTS, self.weights.astype("<i1").tobytes()),
            (Space.BIASES, self.biases.astype("<i4").tobytes()),
            (Space.PROGRAM, self.program.astype("<u2").tobytes()),
        )


def header(kind: int, shift: int, fan_in: int, steps: int) -> int:
    """The first word of a block; ``fan_in`` and ``steps`` are powers of two, given as log2."""
    word, place = 0, 0
    for value, digits in zip((kind, shift, fan_in, steps), HEADER.values(), strict=True):
        word |= value << place
        place += digits
    return word


def walk(start: int, columns: Sequence[int] | np.ndarray) -> list[int]:
    """The words of a walk: x(0), then s(t) for every column of its matrix, column 0 first."""
    return [start, *np.bitwise_xor.accumulate(columns, dtype=np.int64).tolist()]


def interleaved(inputs: np.ndarray, images: int) -> np.ndarray:
    """``uint8`` (B, n_0) in the order of the engine's inputs: ``uint8`` (B / images, n_0, images).

    ``images`` are inferred together. Raises ``ValueError`` where B is no multiple of them.
    """
    return np.moveaxis(inputs.reshape(-1, images, inputs.shape[-1]), 1, 2)


def input_walk(topology: Paths, machine: Any, at_once: int, base: int = 0) -> list[int]:
    """The walk over the neurons of the first layer, ``at_once`` a step.

    ``base`` : the layer's first row.
    """
    matrix = lane_order.coordinate_map(topology, 0, machine.lanes, machine.input_width)
    start = int(gf2.apply(matrix, np.array([topology.digital_shifts[0]]))[0])
    start ^= base * machine.lanes
    return walk(start, gf2.columns(matrix)[log2_exact(at_once, "at_once") :])


def output_walk(topology: Paths, machine: Any, base: int = 0) -> list[int]:
    """The walk over the neurons of the last layer, for every image; ``base`` : its first row."""
    layer, images = len(topology.layers) - 1, machine.images
    matrix = lane_order.coordinate_map(topology, layer, machine.lanes)
    columns = [place * images for place in gf2.columns(matrix)]
    columns += [1 << digit for digit in range(images.bit_length() - 1)]
    start = int(gf2.apply(matrix, np.array([topology.digital_shifts[layer]]))[0])
    start ^= base * machine.lanes
    return walk(start * images, columns)


def pack(model: Model, machine: Machine) -> MemoryImage:
    """The :class:`MemoryImage` of a model for a :class:`golden.machine.schedule.Machine`.

    Raises ``InputError`` where :func:`golden.machine.schedule.plan` does, or if a word of the
    program needs more than 16 bits.
    """
    schedule = plan(model.topology, machine)
    topology, lanes = schedule.wide, machine.lanes
    model = widened_model(model, topology)
    weights, biases, program = [], [], [0] * POINTERS

    def block(kind, words, shift=0, fan_in=1, base=0, wait=0):
        head = header(kind, shift, fan_in.bit_length() - 1, len(words) - 1)
        program.extend([head, base, -wait & MAX_WORD, *words])

    last, at_once = len(topology.paths), schedule.at_once
    program[0] = len(program)
    inputs = input_walk(topology, machine, at_once)
    block(Kind.INPUT, inputs, fan_in=at_once, base=int(not schedule.overlap))
    program[1] = len(program)
    for junction in topology.junctions:
        shift = model.shifts[junction - 1]
        matrix = lane_order.junction_matrix(topology, junction, lanes, machine.input_width)
        block(
            Kind.OUTPUT if junction == last else Kind.HIDDEN,
            walk(schedule.bases[junction - 1] * lanes, gf2.columns(matrix)),
            shift,
            int(topology.fan_in(junction)),
            0 if junction == last else schedule.bases[junction],
            schedule.waits[junction - 1],
        )
        own = model.weights[junction - 1]
        weights.append(lane_order.by_step(topology, junction, lanes, own))
        starts = model.biases[junction - 1].astype(np.int32) + ((1 << shift) >> 1)
        biases.append(lane_order.by_place(topology, junction, lanes, starts))
    program[2] = len(program)
    block(Kind.READ, output_walk(topology, machine), schedule.copies.bit_length() - 1)
    if max(program) > MAX_WORD:
        raise InputError(
            f"a word of the program must be at most {MAX_WORD}, not {max(program)}: use more lanes"
        )
    return MemoryImage(
        np.concatenate(weights), np.concatenate(biases), np.array(program, dtype=np.uint16)
    )
