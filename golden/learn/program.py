"""The backward sweep as words of a program, which the hardware walks as it walks inference.

The blocks are those of :mod:`golden.machine.image`, from the last junction to the second one:

    word 0   kind | log2(fan-in) << 2 | log2(fan-out) << 7 | log2(steps) << 11
    word 1   the first weight row of the junction
    word 2   0: no step is held back
    word 3   and on: the walk of the addresses weight row * lanes + D

of kind HIDDEN, but the last one, INPUT. The weight row counts from that of word 1, and the row of
the errors that it meets is that weight row >> log2(fan-in).
"""

import numpy as np

from ..errors import InputError
from ..machine.image import MAX_WORD, Kind, header, walk
from ..topology import gf2
from ..topology.paths import Paths
from .sweeps import backward_matrix


def backward_blocks(topology: Paths, lanes: int) -> np.ndarray:
    """The blocks of all junctions but the first, one after the other: ``uint16`` (words,).

    Empty where there is one junction. Raises ``InputError`` where
    :func:`golden.machine.lanes.lane_maps` does, or if a word needs more than 16 bits.
    """
    rows = [0, *(count // lanes for count in topology.paths)]
    first = np.cumsum(rows).tolist()
    words = []
    for junction in reversed(topology.junctions[1:]):
        steps = walk(0, gf2.columns(backward_matrix(topology, junction, lanes)))
        fan_in, fan_out = topology.fan_in(junction), topology.fan_out(junction)
        kind = Kind.INPUT if junction == 2 else Kind.HIDDEN
        turn, length = (int(each).bit_length() - 1 for each in (fan_in, fan_out))
        words += [header(kind, turn, length, len(steps) - 1), first[junction - 1], 0, *steps]
    if max(words, default=0) > MAX_WORD:
        raise InputError(
            f"a word of the program must be at most {MAX_WORD}, not {max(words)}: use more lanes"
        )
    return np.array(words, np.uint16)
