"""Hardware against golden model, value by value: every activation, every sum, every logit."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from golden import engine
from golden.lanes import places
from golden.widen import widened_model

from .trace import NEVER


@dataclass(frozen=True)
class Mismatch:
    """One neuron whose value is not the golden one.

    ``got`` is None where nothing was written; ``cycle``, that of the write, is None there too, and
    for a logit that was written well but came out wrong. ``copy`` tells which part of the neuron's
    sum it is, where there are several (``golden.widen``).
    """

    image: int
    layer: int
    neuron: int
    expected: int
    got: int | None
    cycle: int | None
    copy: int | None = None

    def __str__(self):
        if self.got is None:
            got = "nothing"
        elif self.cycle is None:
            got = f"{self.got} at the output"
        else:
            got = f"{self.got} in cycle {self.cycle}"
        where = f"image {self.image}, layer {self.layer}, neuron {self.neuron}"
        where += "" if self.copy is None else f", copy {self.copy}"
        return f"{where}: expected {self.expected}, got {got}"


class Comparison:
    """Compares traces of a :class:`sim.trace.Job` with the golden model, batch after batch.

    Members: ``images`` and ``values`` compared; ``mismatches`` among the values; ``first`` of them
    or None; ``latencies``, a ``Counter`` of the cycles of those inferences that found the engine
    idle, and ``intervals``, of the cycles between one inference and the next. The first interval of
    a batch is left out: before it, the engine had nothing to do.
    """

    def __init__(self, model, job):
        self._model, self._per = model, job.config.images
        self._wide, self._copies = widened_model(model, job.schedule.wide), job.schedule.copies
        self._neurons, self._layers, self._images = _positions(job)
        self.images = self.values = self.mismatches = 0
        self.first, self.latencies, self.intervals = None, Counter(), Counter()

    def add(self, inputs, trace):
        """Compare the trace of these images; return their golden logits, ``int32`` (B, n_L).

        B is a multiple of the images that share a weight.
        """
        golden = engine.layers(self._wide, inputs)
        natural = np.concatenate(golden, axis=1).astype(np.int64)
        shared = natural.reshape(-1, self._per, natural.shape[1])
        expected = shared[:, self._images, self._neurons]
        logits = golden[-1] if self._copies == 1 else engine.infer(self._model, inputs)
        wrong = (trace.values != expected) | (trace.at == NEVER)
        got = trace.logits.reshape(logits.shape)
        wrong_logits = got != logits
        self.values += wrong.size + wrong_logits.size
        self.mismatches += int(wrong.sum() + wrong_logits.sum())
        if self.first is None:
            self.first = self._first(trace, expected, wrong, (logits, got, wrong_logits))
        if len(trace.ends):
            self.latencies[int(trace.ends[0] - trace.starts[0])] += 1
            self.intervals.update(np.diff(trace.ends)[1:].tolist())
        self.images += len(inputs)
        return logits

    def _first(self, trace, expected, wrong, outputs):
        """Of the first inference with a mismatch: its first layer's earliest wrong write.

        Only where no write is wrong, a missing one; where none is missing, a logit.
        """
        logits, got, wrong_logits = outputs
        wrong_outputs = wrong_logits.reshape(trace.logits.shape)
        bad = np.flatnonzero(wrong.any(axis=1) | wrong_outputs.any(axis=1))
        if not bad.size:
            return None
        inference = int(bad[0])
        where = self.images + inference * self._per
        if not wrong[inference].any():
            image, neuron = divmod(
                int(np.flatnonzero(wrong_outputs[inference])[0]), logits.shape[1]
            )
            place = inference * self._per + image, neuron
            values = int(logits[place]), int(got[place])
            return Mismatch(where + image, int(self._layers[-1]), neuron, *values, None)
        layer = int(self._layers[wrong[inference]].min())
        candidates = np.flatnonzero(wrong[inference] & (self._layers == layer))
        position = candidates[np.argmin(trace.at[inference, candidates])]  # NEVER comes last
        arrays = expected, trace.values, trace.at
        wanted, value, cycle = (int(array[inference, position]) for array in arrays)
        before = int(self._neurons[self._layers == layer].min())
        seen = (None, None) if cycle == NEVER else (value, cycle)
        image, neuron = int(self._images[position]), int(self._neurons[position]) - before
        copy = None
        if self._copies > 1 and layer == self._layers[-1]:
            neuron, copy = divmod(neuron, self._copies)
        return Mismatch(where + image, layer, neuron, wanted, *seen, copy)


def _positions(job):
    """For each position of a trace: which of all neurons after the inputs, its layer, its image."""
    topology, images = job.schedule.wide, job.config.images
    neurons, layers, base = [], [], 0
    for layer, width in enumerate(topology.layers[1:], 1):
        place = places(topology, layer, job.config.lanes)
        neurons.append(base + np.argsort(place))  # the inverse of a permutation
        layers.append(np.full(width, layer))
        base += width
    neurons, layers = np.concatenate(neurons), np.concatenate(layers)
    return np.repeat(neurons, images), np.repeat(layers, images), np.tile(np.arange(images), base)
