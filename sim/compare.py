"""Hardware against golden model, value by value: every activation, every sum, every logit."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from golden import engine
from golden.lanes import places

from .trace import NEVER


@dataclass(frozen=True)
class Mismatch:
    """One neuron whose value is not the golden one.

    ``got`` is None where nothing was written; ``cycle``, that of the write, is None there too, and
    for a logit that was written well but came out wrong.
    """

    image: int
    layer: int
    neuron: int
    expected: int
    got: int | None
    cycle: int | None

    def __str__(self):
        if self.got is None:
            got = "nothing"
        elif self.cycle is None:
            got = f"{self.got} at the output"
        else:
            got = f"{self.got} in cycle {self.cycle}"
        where = f"image {self.image}, layer {self.layer}, neuron {self.neuron}"
        return f"{where}: expected {self.expected}, got {got}"


class Comparison:
    """Compares traces of a :class:`sim.trace.Job` with the golden model, batch after batch.

    Members: ``images`` and ``values`` compared; ``mismatches`` among the values; ``first`` of them
    or None; ``cycles``, a ``Counter`` of the images by their cycles.
    """

    def __init__(self, model, job):
        self._model = model
        self._neurons, self._layers = _positions(job.topology, job.config.lanes)
        self.images = self.values = self.mismatches = 0
        self.first, self.cycles = None, Counter()

    def add(self, inputs, trace):
        """Compare the trace of these images; return their golden logits, ``int32`` (B, n_L)."""
        golden = engine.layers(self._model, inputs)
        natural = np.concatenate(golden, axis=1).astype(np.int64)
        expected, logits = natural[:, self._neurons], golden[-1]
        wrong = (trace.values != expected) | (trace.at == NEVER)
        wrong_logits = trace.logits != logits
        self.values += wrong.size + wrong_logits.size
        self.mismatches += int(wrong.sum() + wrong_logits.sum())
        if self.first is None:
            self.first = self._first(trace, expected, wrong, logits, wrong_logits)
        self.cycles.update(trace.cycles.tolist())
        self.images += len(inputs)
        return logits

    def _first(self, trace, expected, wrong, logits, wrong_logits):
        """Of the first image with a mismatch: its first layer's earliest wrong write.

        Only where no write is wrong, a missing one; where none is missing, a logit.
        """
        bad = np.flatnonzero(wrong.any(axis=1) | wrong_logits.any(axis=1))
        if not bad.size:
            return None
        image = bad[0]
        where = self.images + int(image)
        if not wrong[image].any():
            neuron = int(np.flatnonzero(wrong_logits[image])[0])
            values = int(logits[image, neuron]), int(trace.logits[image, neuron])
            return Mismatch(where, int(self._layers[-1]), neuron, *values, None)
        layer = int(self._layers[wrong[image]].min())
        candidates = np.flatnonzero(wrong[image] & (self._layers == layer))
        position = candidates[np.argmin(trace.at[image, candidates])]  # NEVER comes last
        values = expected[image, position], trace.values[image, position], trace.at[image, position]
        wanted, got, cycle = map(int, values)
        neuron = int(self._neurons[position] - np.searchsorted(self._layers, layer))
        seen = (None, None) if cycle == NEVER else (got, cycle)
        return Mismatch(where, layer, neuron, wanted, *seen)


def _positions(topology, lanes):
    """For each position of a trace, the layer and which of all neurons after the inputs it is."""
    neurons, layers, base = [], [], 0
    for layer, width in enumerate(topology.layers[1:], 1):
        place = places(topology, layer, lanes)
        neurons.append(base + np.argsort(place))  # the inverse of a permutation
        layers.append(np.full(width, layer))
        base += width
    return np.concatenate(neurons), np.concatenate(layers)
