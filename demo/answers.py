"""What the page shows: one model at several numbers of paths, and a device's answer to an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.training import nested
from sobolpath.host import rates
from sobolpath.sim.views import network_plot

from . import drawing
from .device import Device, Gone

SHAPE = (drawing.SIDE, drawing.SIDE)


@dataclass(frozen=True)
class Answer:
    """Of an image: ``layers``, the values of every layer, inputs first, the logits of the device.

    ``model`` : that inferred, cut to its number of paths; ``cycles`` of the inference, at
    ``clock_hz``.
    """

    model: Model
    layers: list[np.ndarray]
    cycles: int
    clock_hz: int

    def facts(self) -> dict[str, Any]:
        """What the page is told, as JSON has it."""
        logits = self.layers[-1]
        return {
            "class": int(engine.classify(self.model, logits[None])[0]),
            "logits": logits[: self.model.classes].tolist(),
            "paths": list(self.model.topology.paths),
            "weights": self.model.topology.total_paths,
            "cycles": self.cycles,
            "microseconds": 1e6 * self.cycles / self.clock_hz if self.clock_hz else None,
        }

    def picture(self) -> bytes:
        """The active paths, as ``sim trace --plot`` draws them: SVG.

        Raises ``InputError`` where matplotlib is not installed.
        """
        return network_plot.network(self.model, self.layers)


class Networks:
    """A model, and those of its first paths if it was trained nested, on a device.

    Parameters
    ----------
    model : its samples are images of 28 x 28 pixels.
    device : where it runs.

    Members
    -------
    sizes : the numbers of paths a junction, growing: dictionaries of ``size``, ``paths``,
        ``weights``, and ``accuracy`` on held-out images, ``None`` where that is not known.

    Raises ``InputError`` for samples of another shape.
    """

    def __init__(self, model: Model, device: Device):
        own = model.preparation
        if own is None or own.shape != SHAPE:
            shape = "another, not known" if own is None else "x".join(map(str, own.shape))
            raise InputError(f"the model must be one of images of 28x28 pixels, not {shape}")
        self.model, self.device = model, device
        rows = model.info.get("nested") or [
            {"size": max(model.topology.paths), "accuracy_int": model.info.get("accuracy_int")}
        ]
        self._cut = {row["size"]: nested.cut(model, row["size"]) for row in rows[:-1]}
        self._cut[rows[-1]["size"]] = model
        self.sizes = [
            {
                "size": row["size"],
                "paths": list(self._cut[row["size"]].topology.paths),
                "weights": self._cut[row["size"]].topology.total_paths,
                "accuracy": row["accuracy_int"],
            }
            for row in rows
        ]

    def answer(self, size: Any, pixels: np.ndarray) -> Answer:
        """Ask the device about an image, ``uint8`` (28, 28), with ``size`` paths a junction.

        Raises ``InputError`` for a size that is not there, and ``Gone`` where the device does not
        answer, or not what the golden model does.
        """
        if size not in self._cut:
            known = ", ".join(map(str, self._cut))
            raise InputError(f"the number of paths must be one of {known}, not {size!r}")
        model, image = self._cut[size], self._prepared(pixels)
        logits = self.device.infer(model, image)
        layers = self.layers(model, image)
        if not np.array_equal(layers[-1], logits[0]):
            raise Gone("the device's logits must be those of the golden model, and are not")
        identity = self.device.identity()
        cycles = rates.cycles(model.topology, identity).latency
        return Answer(model, layers, cycles, identity.clock_hz)

    def picture(self, size: Any, pixels: np.ndarray) -> bytes:
        """The picture of an answer, without the device: it was asked before."""
        model = self._cut.get(size, self.model)
        return Answer(model, self.layers(model, self._prepared(pixels)), 0, 0).picture()

    @staticmethod
    def layers(model: Model, image: np.ndarray) -> list[np.ndarray]:
        """The golden model's values of an image (1, n_0), inputs first: ``int64`` (n_l,) each."""
        found = [image, *engine.layers(model, image)]
        return [values[0].astype(np.int64) for values in found]

    def _prepared(self, pixels):
        assert self.model.preparation is not None  # as was checked
        return self.model.preparation.apply(pixels[None])
