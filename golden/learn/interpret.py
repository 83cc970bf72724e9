"""What an engine that learns computes from its memories, and what it leaves in them.

:mod:`golden.learn.program` describes the bytes. Where :mod:`golden.learn.by_path` starts from
parameters, this starts from what a device holds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..machine.engine import requantize
from ..machine.image import Kind
from ..machine.interpret import Hangs, Reader
from . import arithmetic, program
from .arithmetic import BIAS_INPUT, ERROR, HIGH
from .program import SWEEP
from .schedule import Sweep
from .task import Task

FORWARD, LEARN = 1, 3  # the words that point to the chains
STEEPEST = 9  # at the rate 1 the shift of weights with inputs of 8 digits


@dataclass(frozen=True)
class Block:
    """A block of the runner: ``rows`` and ``distances`` of its steps, ``int64`` (steps,), so many
    ``turns`` each row; ``shift``; ``base``, the first row of its layer; ``kind``."""

    kind: int
    shift: int
    turns: int
    rows: np.ndarray
    distances: np.ndarray
    base: int


class Program(Reader):
    """The program of an engine that learns, which runs on the bytes of its memories.

    Parameters
    ----------
    engine : a ``hw.learn.config.LearnConfig``, or what a device says of one.
    words : of the program.

    A program that is none lets the engine hang: then ``Hangs`` is raised where it is run.
    """

    def __init__(self, engine: Any, words: np.ndarray) -> None:
        super().__init__(engine, words)
        self.places = self.inputs()
        self.results = self.outputs()[:, 0]
        self.forward = self._chain(FORWARD, Kind.OUTPUT, (Sweep.FORWARD,))[Sweep.FORWARD]

    @property
    def infer_bytes(self) -> int:
        """Bytes of the inputs of one inference."""
        return self.places.size

    @cached_property
    def learns(self) -> dict[Sweep, list[Block]]:
        """The blocks of what learns."""
        chain = self._chain(LEARN, Kind.INPUT, (Sweep.BACKWARD, Sweep.UPDATE))
        sizes = [len(block.rows) for block in self.forward]
        for sweep, wanted in ((Sweep.BACKWARD, sizes[:0:-1]), (Sweep.UPDATE, sizes)):
            if [len(block.rows) for block in chain[sweep]] != wanted:
                raise Hangs
        if any(block.shift > STEEPEST for block in chain[Sweep.UPDATE]):
            raise Hangs
        return chain

    def _chain(self, entry, ending, sweeps):
        """The blocks of a chain, by their sweeps."""
        found: dict[Sweep, list[Block]] = {sweep: [] for sweep in sweeps}
        place, kind, steps = self.word(entry), Kind.HIDDEN, 0
        while kind != ending:
            fields, base, addresses, place = self.block(place)
            kind, sweep, steps = fields["kind"], base >> SWEEP, steps + len(addresses)
            turns = 1 << fields["fan_in"]
            whole = kind in (Kind.HIDDEN, ending) and sweep in sweeps and len(addresses) >= turns
            if not whole or steps > 3 * self.engine.weight_words:
                raise Hangs
            rows, distances = np.divmod(addresses, self.engine.lanes)
            base &= (1 << SWEEP) - 1
            found[Sweep(sweep)].append(Block(kind, fields["shift"], turns, rows, distances, base))
        return found

    def run(
        self, weights: bytearray, biases: bytearray, activations: ArrayLike, task: Task | None
    ) -> np.ndarray:
        """The logits, ``int32`` (n_L,), those before the step where there is a ``task``.

        ``weights``, ``biases`` : the whole memories, which a step changes.
        """
        lanes = self.engine.lanes
        planes = np.frombuffer(weights, np.int8).reshape(2, -1, lanes)
        offsets = np.frombuffer(biases, "<i4").reshape(-1, lanes)
        blocks = None if task is None else self.learns
        memory = np.zeros(2 * self.engine.max_neurons, np.int64)
        memory[self.places] = np.asarray(activations)
        sums, steps, rows = np.zeros((0, lanes), np.int64), 0, 0
        for block in self.forward:
            own = planes[0, steps : steps + len(block.rows)].astype(np.int64)
            count = len(block.rows) // block.turns
            if len(own) < len(block.rows) or rows + count > len(offsets):
                raise Hangs
            products = own * memory[self._sources(block)]
            sums = products.reshape(-1, block.turns, lanes).sum(axis=1)
            sums += offsets[rows : rows + count] >> 8
            if block.kind == Kind.HIDDEN:
                memory[self._places(block.base, sums)] = requantize(sums, block.shift)
            steps, rows = steps + len(block.rows), rows + count
        results = np.zeros(self.engine.max_outputs, np.int64)
        results[self._places(self.forward[-1].base, sums) % len(results)] = sums
        if blocks is not None:
            errors = self._errors(blocks[Sweep.BACKWARD], planes[0], memory, sums, steps, task)
            self._update(blocks[Sweep.UPDATE], planes, offsets, memory, errors, task)
        return results[self.results % len(results)].astype(np.int32)

    def _sources(self, block):
        """The values that the steps of a block read: ``int64`` (steps, lanes)."""
        lanes = self.engine.lanes
        lane = np.arange(lanes) ^ block.distances[:, None]
        return (block.rows[:, None] * lanes + lane) % (2 * self.engine.max_neurons)

    def _places(self, base, rows):
        """Where rows stand from ``base`` on, as the activations do."""
        lanes = self.engine.lanes
        places = base * lanes + np.arange(rows.size).reshape(rows.shape)
        return places % (2 * self.engine.max_neurons)

    def _errors(self, blocks, weights, memory, sums, steps, task):
        """The backward sweep: the errors of all layers, where they stand."""
        engine, output = self.engine, self.forward[-1]
        lanes, shift = engine.lanes, output.shift
        errors = np.zeros(engine.bias_neurons, np.int64)
        own = np.maximum(sums, 0).ravel()
        label = task.label % engine.max_outputs
        if label < len(self.results):
            true = (int(self.results[label]) - output.base * lanes) % len(own)
            own[true] = min(int(sums.flat[true]) - (1 << ERROR >> shift), 0)
        errors[self._places(output.base, sums) % len(errors)] = arithmetic.error16(
            own << shift
        ).reshape(sums.shape)
        targets = output.base
        for block, forward in zip(blocks, self.forward[:0:-1], strict=True):
            steps -= len(forward.rows)
            rows = (targets + (block.rows >> block.shift)) * lanes
            products = weights[steps + block.rows].astype(np.int64)
            products *= errors[(rows[:, None] + np.arange(lanes)) % len(errors)]
            lane = np.arange(lanes) ^ block.distances[:, None]
            products = np.take_along_axis(products, lane, axis=1)
            total = products.reshape(-1, block.turns, lanes).sum(axis=1)
            places = self._places(block.base, total)
            seen = memory[places]
            found = arithmetic.error16(arithmetic.rounded(total, HIGH))
            errors[places % len(errors)] = np.where((seen > 0) & (seen < 255), found, 0)
            targets = block.base
        return errors

    def _update(self, blocks, planes, offsets, memory, errors, task):
        """New masters and biases, where the old ones stood."""
        steps = rows = 0
        for block in blocks:
            own = slice(steps, steps + len(block.rows))
            masters = 256 * planes[0, own].astype(np.int64) + planes[1, own]
            count = len(block.rows) // block.turns
            row = np.empty((count, self.engine.lanes))
            error = errors[self._places(block.base, row) % len(errors)]
            taken = np.repeat(error, block.turns, axis=0) * memory[self._sources(block)]
            low, high = arithmetic.bounds(masters, task.fixed)
            taken = arithmetic.rounded(taken, block.shift + task.rate)
            masters = np.clip(masters - taken, low, high)
            planes[0, own], planes[1, own] = arithmetic.high(masters), arithmetic.low(masters)
            words = offsets[rows : rows + count].astype(np.int64)
            biases = 256 * (words >> 8) + ((words & 255 ^ 128) - 128)
            taken = arithmetic.rounded(error * BIAS_INPUT, task.rate + 9 - block.shift)
            biases = arithmetic.clamped_biases(biases - taken)
            offsets[rows : rows + count] = program.halves(biases)
            steps, rows = steps + len(block.rows), rows + count


def interpret(engine: Any, words: bytes) -> Program | None:
    """The :class:`Program` that a memory holds; None where it is none."""
    try:
        return Program(engine, np.frombuffer(words, "<u2").astype(np.int64))
    except Hangs:
        return None
