"""Hardware against golden model, value by value: every activation, every sum, every logit."""

import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.machine.widen import widened_model

from ..backends.record import NEVER, Job, Trace
from .tally import LISTED, Mismatch, Tally


class Comparison:
    """Compares traces of a :class:`sim.backends.record.Job` with the golden model, batch after
    batch.

    Member ``tally`` : the :class:`sim.run.tally.Tally` of what was compared and of its cycles.
    """

    def __init__(self, model: Model, job: Job) -> None:
        self._model, self._per = model, job.config.images
        self._wide, self._copies = widened_model(model, job.schedule.wide), job.schedule.copies
        self._neurons, self._layers, self._images = _positions(job)
        self.tally = Tally()

    def add(self, inputs: np.ndarray, trace: Trace) -> np.ndarray:
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
        found = Tally(
            compared=len(inputs),
            values=wrong.size + wrong_logits.size,
            mismatches=int(wrong.sum() + wrong_logits.sum()),
        )
        outputs = logits, got, wrong_logits.reshape(trace.logits.shape)
        bad = np.flatnonzero(wrong.any(axis=1) | outputs[2].any(axis=1))
        for inference in bad[:LISTED].tolist():
            found.listed.append(self._first(inference, trace, expected, wrong, outputs))
        if len(trace.ends):
            found.latencies[int(trace.ends[0] - trace.starts[0])] += 1
            found.intervals.update(np.diff(trace.ends)[1:].tolist())
        self.tally.add(found)
        return logits

    def _first(self, inference, trace, expected, wrong, outputs):
        """Of an inference with a mismatch: its first layer's earliest wrong write.

        Only where no write is wrong, a missing one; where none is missing, a logit.
        """
        logits, got, wrong_outputs = outputs
        where = inference * self._per
        if not wrong[inference].any():
            image, neuron = divmod(
                int(np.flatnonzero(wrong_outputs[inference])[0]), logits.shape[1]
            )
            place = where + image, neuron
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
        order = job.config.order(topology, layer)
        neurons.append(base + order)
        layers.append(np.full(width, layer))
        base += width
    neurons, layers = np.concatenate(neurons), np.concatenate(layers)
    return np.repeat(neurons, images), np.repeat(layers, images), np.tile(np.arange(images), base)
