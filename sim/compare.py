"""Hardware against golden model, value by value: every activation, every sum, every logit."""

from dataclasses import dataclass

import numpy as np

from golden import engine, gf2
from golden.lanes import coordinate_map


@dataclass(frozen=True)
class Mismatch:
    """One neuron whose value is not the golden one. ``got`` is None where nothing was written."""

    image: int
    layer: int
    neuron: int
    expected: int
    got: int | None
    cycle: int | None

    def __str__(self):
        got = "nothing" if self.got is None else self.got
        cycle = "at the output" if self.cycle is None else f"in cycle {self.cycle}"
        return (
            f"image {self.image}, layer {self.layer}, neuron {self.neuron}: "
            f"expected {self.expected}, got {got} {cycle}"
        )


class Comparison:
    """Compares traces with the golden model's layers, batch after batch.

    Members: ``values`` compared, ``mismatches`` among them, ``first`` of them (the earliest write
    of the first image that has one) or None, ``cycles`` the counts that differ from ``predicted``.
    """

    def __init__(self, model, lanes, predicted):
        self._model, self._predicted = model, predicted
        topology = model.topology
        self._neurons, self._layers, base = [], [], 0
        for layer, width in enumerate(topology.layers[1:], 1):
            place = gf2.apply(coordinate_map(topology, layer, lanes), np.arange(width))
            neuron = np.empty(width, np.int64)
            neuron[place] = np.arange(width)
            self._neurons.append(neuron)
            self._layers += [layer] * width
            base += width
        self.images = self.values = self.mismatches = 0
        self.first, self.cycles = None, {}

    def add(self, inputs, trace):
        """Compare the trace of these images; return their golden logits."""
        golden = engine.layers(self._model, inputs)
        expected = np.concatenate(
            [layer[:, neuron] for layer, neuron in zip(golden, self._neurons, strict=True)], axis=1
        ).astype(np.int64)
        wrong = (trace.values != expected) | (trace.at == 0)
        wrong_logits = trace.logits != golden[-1]
        self.values += wrong.size + wrong_logits.size
        self.mismatches += int(wrong.sum() + wrong_logits.sum())
        if self.first is None:
            self.first = self._first(trace, expected, wrong, golden[-1], wrong_logits)
        for cycles in trace.cycles[trace.cycles != self._predicted]:
            self.cycles[int(cycles)] = self.cycles.get(int(cycles), 0) + 1
        self.images += len(inputs)
        return golden[-1]

    def _first(self, trace, expected, wrong, logits, wrong_logits):
        bad = np.flatnonzero(wrong.any(axis=1) | wrong_logits.any(axis=1))
        if not bad.size:
            return None
        image = int(bad[0])
        number = self.images + image
        if not wrong[image].any():
            neuron = int(np.flatnonzero(wrong_logits[image])[0])
            values = int(logits[image, neuron]), int(trace.logits[image, neuron])
            return Mismatch(number, self._layers[-1], neuron, *values, None)
        positions = np.flatnonzero(wrong[image])
        written = positions[trace.at[image, positions] > 0]
        missing = not written.size
        position = int(positions[0] if missing else written[np.argmin(trace.at[image, written])])
        layer = self._layers[position]
        offset = position - self._layers.index(layer)
        return Mismatch(
            number,
            layer,
            int(self._neurons[layer - 1][offset]),
            int(expected[image, position]),
            None if missing else int(trace.values[image, position]),
            None if missing else int(trace.at[image, position]),
        )
