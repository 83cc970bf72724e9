"""A step of learning as fast as NumPy goes: whole junctions at a time.

All integers are held by floats that hold them exactly, for which there are matrix products: a sum
of at most 512 products of a weight's high byte and a byte is below 2**24 in ``float32``. Sums of
more products are taken in ``float64``, and errors of 16 bits as two bytes.
"""

import numpy as np

from ..topology.wiring import wire
from .arithmetic import BIAS_INPUT, BIAS_LIMIT, HIGH, Shifts, bounds
from .parameters import Parameters

EXACT = 512  # products of 127 * 255 that, with a bias, sum to less than 2**24
HALF = np.float32(0.5)


class Learner:
    """The parameters of a network that learns, step by step, in place.

    Parameters
    ----------
    parameters : what it begins with (:class:`golden.learn.parameters.Parameters`).
    shifts : of the first steps; :meth:`set` takes others.
    fixed : weights keep their signs.

    Golden twin: :func:`golden.learn.by_path.step`.
    """

    def __init__(self, parameters: Parameters, shifts: Shifts, *, fixed: bool = False):
        self.topology = topology = parameters.topology
        self._wiring = [wire(topology, junction) for junction in topology.junctions]
        self._dtypes = [np.float32 if each.fan_in <= EXACT else np.float64 for each in self._wiring]
        masters = [
            own[each.path] for own, each in zip(parameters.weights, self._wiring, strict=True)
        ]
        whole = np.concatenate(masters)
        self._weights, self._biases = whole.astype(np.float32), _vector(parameters.biases)
        low, high = bounds(whole, fixed)
        self._low, self._high = (np.asarray(each, np.float32) for each in (low, high))
        self._taken, self._seen = np.empty_like(self._weights), np.empty_like(self._weights)
        self._bias_seen, self._errors = np.empty_like(self._biases), np.empty_like(self._biases)
        own, layers = topology.paths, topology.layers[1:]
        self._taken_of, self._seen_of = _parts(self._taken, own), _parts(self._seen, own)
        self._bias_of, self._errors_of = (
            [part[:, None] for part in _parts(whole, layers)]
            for whole in (self._bias_seen, self._errors)
        )
        self._inputs = np.zeros((topology.layers[0], 1), np.float32)
        self._gathered = [
            each.gather(np.zeros((width, 1), np.float32))
            for each, width in zip(self._wiring, topology.layers[:-1], strict=True)
        ]
        self.set(shifts)
        self._look()

    def set(self, shifts: Shifts) -> None:
        """Take other shifts, as for another learning rate, from the next step on."""
        self._forward = [np.float32(2.0**-shift) for shift in shifts.forward]
        self._rates = [np.float32(2.0**-shift) for shift in shifts.weights]
        self._bias_rates = _vector(
            np.full(width, BIAS_INPUT * 2.0**-shift)
            for width, shift in zip(self.topology.layers[1:], shifts.biases, strict=True)
        )
        self._one, self._logits = shifts.one, 2.0**shifts.logits

    def _look(self):
        """The high parts: what the next sweeps see."""
        for master, seen in (
            (self._weights, self._seen),
            (self._biases, self._bias_seen),
        ):
            np.multiply(master, np.float32(1 / 256), out=seen)
            np.add(seen, HALF, out=seen)
            np.floor(seen, out=seen)

    def step(self, image: np.ndarray, label: int) -> np.ndarray:
        """Learn one image, ``uint8`` (n_0,), of class ``label``; its logits before, (n_L, 1)."""
        self._inputs[:, 0] = image
        layers = self._forwards()
        self._backwards(layers, label)
        taken = self._taken
        np.add(taken, HALF, out=taken)
        np.floor(taken, out=taken)
        self._weights -= taken
        np.maximum(self._weights, self._low, out=self._weights)
        np.minimum(self._weights, self._high, out=self._weights)
        taken = self._errors * self._bias_rates
        taken += HALF
        self._biases -= np.floor(taken, out=taken)
        np.maximum(self._biases, -BIAS_LIMIT, out=self._biases)
        np.minimum(self._biases, BIAS_LIMIT - 1, out=self._biases)
        self._look()
        return layers[-1]

    def _forwards(self):
        """Every layer from the inputs' on: (n_l, 1) each, the last the logits."""
        layers, last = [self._inputs], len(self._wiring) - 1
        for index, (wiring, dtype) in enumerate(zip(self._wiring, self._dtypes, strict=True)):
            gathered = wiring.gather(layers[-1], self._gathered[index])
            seen = self._seen_of[index].astype(dtype, copy=False)
            sums = wiring.sums(seen, gathered.astype(dtype, copy=False))
            sums += self._bias_of[index]
            if index < last:
                sums *= self._forward[index]
                sums += HALF * (self._forward[index] < 1)
                np.floor(sums, out=sums)
                np.maximum(sums, 0, out=sums)
                sums = np.minimum(sums, 255, out=sums).astype(np.float32, copy=False)
            layers.append(sums)
        return layers

    def _backwards(self, layers, label):
        """The errors of all layers, and what is to be taken of the weights, not rounded yet."""
        logits = layers[-1].astype(np.float64)
        errors = np.maximum(logits, 0)
        errors[label] = min(logits[label, 0] - self._one, 0)
        errors = _clamped(errors * self._logits)
        for index in range(len(self._wiring) - 1, -1, -1):
            wiring, errors = self._wiring[index], errors.astype(np.float32)
            self._errors_of[index][...] = errors
            wiring.gradient(
                self._gathered[index], errors * self._rates[index], self._taken_of[index]
            )
            if index:
                upper = np.floor(errors * np.float32(1 / 256))
                both = np.concatenate([upper, errors - 256 * upper], axis=1)
                sums = wiring.back(self._seen_of[index], both).astype(np.float64)
                whole = sums[:, :1] * 256 + sums[:, 1:]
                whole *= 2.0**-HIGH
                whole += 0.5
                errors = _clamped(np.floor(whole, out=whole))
                errors *= (layers[index] > 0) & (layers[index] < 255)

    @property
    def parameters(self) -> Parameters:
        """The parameters as they are now, a copy."""
        weights, parts = [], _parts(self._weights, self.topology.paths)
        for own, wiring in zip(parts, self._wiring, strict=True):
            weights.append(np.empty(len(own), np.int32))
            weights[-1][wiring.path] = own
        biases = _parts(self._biases, self.topology.layers[1:])
        return Parameters(self.topology, tuple(weights), tuple(biases))


def _vector(arrays):
    return np.concatenate([np.asarray(array, np.float32) for array in arrays])


def _parts(whole, sizes):
    """Views of a vector's parts of these sizes."""
    return np.split(whole, np.cumsum(sizes)[:-1])


def _clamped(errors):
    np.maximum(errors, -(2**15), out=errors)
    return np.minimum(errors, 2**15 - 1, out=errors)
