"""What the path-order engine computes from its memories: an image taken apart again, and run.

:mod:`golden.path_order.image` describes the bytes; forwards alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..topology.paths import log2_exact
from .image import BEFORE, HEADER, HEADER_WORDS


@dataclass(frozen=True)
class Junction:
    """``sources`` and ``targets`` int64 (N_l,), ``weights`` float64 (N_l,) so that sums are exact,
    ``biases`` int32 (n_l,)."""

    sources: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    shift: int


@dataclass(frozen=True)
class Program:
    """A network as it is run; ``width`` : neurons that the banks have room for."""

    infer_bytes: int
    junctions: tuple[Junction, ...]
    width: int

    def infer(self, activations: ArrayLike) -> np.ndarray:
        """The logits, ``int32`` (n_L,). ``activations`` : ``uint8`` (n_0,)."""
        values = np.zeros(self.width)
        values[:: self.width // self.infer_bytes] = activations
        sums = np.zeros(0, np.int32)
        for junction in self.junctions:
            products = values[junction.sources] * junction.weights
            sums = np.bincount(junction.targets, products, self.width).astype(np.int64)
            spread = self.width // len(junction.biases)
            sums = (sums[::spread] + junction.biases).astype(np.int32)
            values[::spread] = np.clip(sums >> junction.shift, 0, 255)
        return sums


def interpret(engine: Any, weights: bytes, biases: bytes, program: bytes) -> Program | None:
    """The :class:`Program` that the memories of an engine hold; None where it is none.

    Such an engine is taken to hang: a program that runs backwards or has no last junction, more
    paths than digits, more weights than there are. Addresses beyond a memory wrap.

    ``engine`` : a ``hw.path_order.config.PathOrderConfig``, or what a device says of one.
    ``weights``, ``program`` : the bytes of the whole memories; ``biases`` : not looked at.
    """
    words = np.frombuffer(program, "<u2").tolist()
    address_bits = log2_exact(engine.max_neurons, "max_neurons")
    lanes, width = engine.lanes, engine.max_neurons
    inputs, junctions, place, paths = words[1], [], BEFORE, 0
    if inputs > address_bits or 1 << inputs < engine.input_width:
        return None
    ended = False
    while not ended:
        if place + HEADER_WORDS > len(words):
            return None  # a program ends before its memory does
        head, fields = words[place], {}
        for name, digits in HEADER.items():
            fields[name], head = head & (1 << digits) - 1, head >> digits
        most, least, word, bias = words[place + 1 : place + HEADER_WORDS]
        digits, columns = fields["path_digits"], place + HEADER_WORDS
        count, place = (((words[0] | least) & most) + 1) * lanes, columns + 2 * digits + 2
        paths += count
        if place > len(words) or fields["backward"] or fields["digits"] > address_bits:
            return None
        if count > 1 << digits or paths > len(weights):
            return None
        sources, targets = (
            _neurons(words[columns + side : place : 2], count, width) for side in range(2)
        )
        at = (word * lanes + np.arange(count)) % len(weights)
        first = 4 * np.arange(1 << fields["digits"])[:, None] + np.arange(4)
        own = np.frombuffer(weights, np.int8)
        junctions.append(
            Junction(
                sources,
                targets,
                own[at].astype(np.float64),
                np.ascontiguousarray(own[(bias * lanes + first) % len(own)])
                .view("<i4")
                .ravel()
                .astype(np.int32),
                fields["shift"],
            )
        )
        ended = bool(fields["last"])
    return Program(1 << inputs, tuple(junctions), width)


def _neurons(columns, count, width):
    """The neurons of the first ``count`` paths; the last column is the digital shift."""
    found = np.array([columns[-1] % width], np.int64)
    for column in columns[:-1]:
        if len(found) >= count:
            break
        found = np.concatenate([found, found ^ column % width])
    return found[:count]
