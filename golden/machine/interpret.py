"""What the row-lane engine computes from its memories: an image taken apart again, and run.

:mod:`golden.machine.image` describes the bytes. Where :mod:`golden.machine.engine` starts from a
model, this starts from what a device holds, damaged or not.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import image
from .image import Kind


@dataclass(frozen=True)
class Junction:
    """One block of the runner: ``sources`` int64 (steps, P), values of the activation memory;
    ``weights`` int32 (steps, P); ``biases`` int32 (rows, P); ``first``, the value that its first
    target stands at."""

    sources: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    shift: int
    first: int


@dataclass(frozen=True)
class Program:
    """A network as it is run.

    Parameters
    ----------
    images : that are inferred together.
    inputs : where each input stands: int64 (n_0,), modulo ``values``.
    junctions : in order.
    values : of the activation memory, for each image.
    outputs : places of the results, int64 (images * n_L, copies), of place * images + image.
    results : of the result memory.
    """

    images: int
    inputs: np.ndarray
    junctions: tuple[Junction, ...]
    values: int
    outputs: np.ndarray
    results: int

    @property
    def infer_bytes(self) -> int:
        """Bytes of the inputs of one inference."""
        return self.images * self.inputs.size

    def infer(self, activations: ArrayLike) -> np.ndarray:
        """The logits, ``int32`` (images * n_L,), image after image.

        ``activations`` : ``uint8`` (n_0 * images,), of each neuron one for every image. Values that
        nothing was written to are 0.
        """
        memory = np.zeros((self.values, self.images), np.int32)
        memory[self.inputs] = np.asarray(activations).reshape(-1, self.images)
        sums = np.zeros(0, np.int32)
        for junction in self.junctions:
            rows, lanes = junction.biases.shape
            products = memory[junction.sources] * junction.weights[:, :, None]
            products = products.reshape(rows, -1, lanes, self.images)
            sums = products.sum(axis=1, dtype=np.int32) + junction.biases[:, :, None]
            sums = sums.reshape(-1, self.images)
            places = (junction.first + np.arange(len(sums))) % self.values
            memory[places] = np.clip(sums >> junction.shift, 0, 255)
        results = np.zeros((self.results // self.images, self.images), np.int32)
        places = np.arange(len(sums)) % len(results)
        results[places] = sums
        return results.ravel()[self.outputs % self.results].sum(axis=1, dtype=np.int32)


class Hangs(Exception):
    """What the engine would do with a program that is none."""


def interpret(engine: Any, weights: bytes, biases: bytes, program: bytes) -> Program | None:
    """The :class:`Program` that the memories of an engine hold; None where it is none.

    Such an engine is taken to hang: blocks of another kind than the place wants, more steps than
    words of weights, rows that are never complete. Addresses beyond a memory wrap.

    ``engine`` : a ``hw.config.EngineConfig``, or what a device says of one. ``weights``,
    ``biases``, ``program`` : the bytes of the whole memories.
    """
    words = np.frombuffer(program, "<u2").astype(np.int64)
    try:
        return Reader(engine, words).read(
            np.frombuffer(weights, np.int8).reshape(-1, engine.lanes),
            np.frombuffer(biases, "<i4").reshape(-1, engine.lanes),
        )
    except Hangs:
        return None


class Reader:
    """Reads the blocks of a program."""

    def __init__(self, engine: Any, words: np.ndarray) -> None:
        self.engine, self.words = engine, words
        self.most = engine.weight_words * engine.lanes  # steps of a block

    def word(self, place: int) -> int:
        """The word there; the program repeats itself."""
        return int(self.words[place % len(self.words)])

    def block(self, place: int) -> tuple[dict[str, int], int, np.ndarray, int]:
        """The fields of a block's first word, its second word, its walk and the next block."""
        head, base, fields = self.word(place), self.word(place + 1), {}
        for name, digits in image.HEADER.items():
            fields[name], head = head & (1 << digits) - 1, head >> digits
        if 1 << fields["steps"] > self.most:
            raise Hangs
        addresses = np.array([self.word(place + 3)], np.int64)
        sums = [0, *(self.word(place + 4 + digit) for digit in range(fields["steps"]))]
        for before, after in pairwise(sums):
            addresses = np.concatenate([addresses, addresses ^ before ^ after])
        return fields, base, addresses, place + 4 + fields["steps"]

    def read(self, weights: np.ndarray, biases: np.ndarray) -> Program:
        """The whole program. Raises ``Hangs``."""
        return Program(
            images=self.engine.images,
            inputs=self.inputs(),
            junctions=tuple(self._junctions(weights, biases)),
            values=2 * self.engine.max_neurons,
            outputs=self.outputs(),
            results=self.engine.max_outputs * self.engine.images,
        )

    def inputs(self) -> np.ndarray:
        """Where each input stands. Raises ``Hangs``."""
        fields, _, addresses, _ = self.block(self.word(0))
        at_once, lanes = 1 << fields["fan_in"], self.engine.lanes
        if fields["kind"] != Kind.INPUT or at_once > self.engine.input_width:
            raise Hangs
        within = np.arange(at_once)
        row, lane = addresses[:, None] // lanes ^ within, addresses[:, None] % lanes ^ within
        return ((row * lanes + lane) % (2 * self.engine.max_neurons)).ravel()

    def _junctions(self, weights, biases):
        place, lanes, step, row = self.word(1), self.engine.lanes, 0, 0
        lane, kind = np.arange(lanes), Kind.HIDDEN
        while kind == Kind.HIDDEN:
            fields, base, addresses, place = self.block(place)
            kind, steps, rows = fields["kind"], len(addresses), len(addresses) >> fields["fan_in"]
            if not rows or step + steps > len(weights) or kind not in (Kind.HIDDEN, Kind.OUTPUT):
                raise Hangs
            source = addresses[:, None] // lanes * lanes + (lane ^ addresses[:, None] % lanes)
            yield Junction(
                source % (2 * self.engine.max_neurons),
                weights[step : step + steps].astype(np.int32),
                biases[np.arange(row, row + rows) % len(biases)],
                fields["shift"],
                base * lanes,
            )
            step, row = step + steps, row + rows

    def outputs(self) -> np.ndarray:
        """Where each output's copies stand. Raises ``Hangs``."""
        fields, _, addresses, _ = self.block(self.word(2))
        copies = 1 << fields["shift"]
        if fields["kind"] != Kind.READ or copies > min(len(addresses), self.engine.max_copies):
            raise Hangs
        return addresses.reshape(-1, copies)
