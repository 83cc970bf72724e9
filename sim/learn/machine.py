"""The engine that learns in a compiled simulation, driven from C++."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.parameters import Parameters, Step
from sobolpath.golden.learn.program import fitted, unpack
from sobolpath.golden.machine import lanes
from sobolpath.golden.machine.image import Space
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.hw.learn.engine import LearnEngine

from ..backends import designs, library
from ..backends.record import Stuck

HARNESS = Path(__file__).with_name("learn.cpp")
SOURCES = designs.sources(("golden/learn", *designs.PACKAGES))
FAILED = 2**32 - 1  # what functions of the harness return then


class LearnMachine:
    """A ``hw.learn.engine.LearnEngine``, loaded with a network; a context manager.

    Parameters
    ----------
    config : the engine.
    parameters, fractions : the network.
    folder, say : where libraries are kept, and who is told; see ``sim.backends.library.build``.

    Members
    -------
    cycle : cycles simulated so far.

    Raises ``InputError`` where the network does not fit, or the library cannot be built or loaded.
    """

    def __init__(
        self,
        config: LearnConfig,
        parameters: Parameters,
        fractions: Fractions,
        *,
        folder: Path | str | None = None,
        say: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.config, self.topology = config, parameters.topology
        image = fitted(parameters, fractions, config)
        self.schedule = config.schedule(self.topology)
        made = library.compiled(design(config), folder=folder, say=say)
        self._library = library.opened(made)
        self._declare()
        self._patience = 4 * self.schedule.cycles["image"] + 4 * self.topology.layers[0] + 1000
        self._engine = self._done("open")
        for space, content in image.spaces():
            self._write(space, content)

    def _declare(self):
        handle, count, wait = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
        for name, result, *arguments in (
            ("open", handle),
            ("close", None, handle),
            ("error", ctypes.c_char_p),
            ("cycle", wait, handle),
            ("write", count, handle, ctypes.c_uint, count, ctypes.c_char_p, count, wait),
            ("peek", count, handle, ctypes.c_uint, count, handle, count, wait),
            ("run", count, *[handle] * 3, *[count] * 3, wait, *[handle] * 3),
        ):
            function = getattr(self._library, f"learner_{name}")
            function.restype, function.argtypes = result, arguments

    def _done(self, name, *arguments):
        """What a function of the harness returns. ``InputError`` where the simulator failed."""
        result = getattr(self._library, f"learner_{name}")(*arguments)
        if result in (None, FAILED):
            reason = self._library.learner_error().decode(errors="replace")
            raise InputError(f"the compiled simulator failed: {reason}")
        return result

    def __enter__(self):
        return self

    def __exit__(self, *exception: object):
        self._library.learner_close(self._engine)

    @property
    def cycle(self) -> int:
        """Cycles simulated so far."""
        return self._library.learner_cycle(self._engine)

    def _parts(self, space, size):
        """The bytes of a space that the network has: (first, count)."""
        if space != Space.WEIGHTS:
            return [(0, size)]
        plane = self.config.weight_words * self.config.lanes
        return [(0, self.topology.total_paths), (plane, self.topology.total_paths)]

    def _write(self, space, content):
        for first, count in self._parts(space, len(content)):
            part = content[first : first + count]
            if self._done("write", self._engine, int(space), first, part, count, self._patience):
                raise Stuck(f"the engine must take bytes of {space.name} while idle, but does not")

    def run(
        self,
        images: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        rate: int = 5,
        fixed: bool = False,
    ) -> np.ndarray:
        """Learn ``uint8`` (B, n_0) images of these classes, or only infer them: logits before.

        ``int32`` (B, n_L). An image of class -1 is only inferred. ``errors`` and ``intervals`` are
        then of these images. Raises ``Stuck`` where the engine does not answer.
        """
        images = np.ascontiguousarray(images, np.uint8)
        count, outputs = len(images), self.topology.layers[-1]
        task = self.config.task
        places = [task[name].offset for name in ("label", "learn", "fixed", "rate")]
        classes = np.full(count, -1) if labels is None else np.asarray(labels, np.int64)
        learn = (classes >= 0).astype(np.int64)
        tasks = learn * classes << places[0]
        tasks |= learn << places[1] | fixed << places[2] | rate << places[3]
        tasks = tasks.astype(np.uint32)
        logits = np.zeros((count, outputs), np.int32)
        places = self.schedule.machine.error_rows * self.config.lanes
        self._errors, self._firsts = np.zeros(places, np.int32), np.zeros(count, np.uint64)
        width = self.config.input_width
        arrays = (logits, self._errors, self._firsts)
        finished = self._done(
            "run",
            self._engine,
            *(images.ctypes.data, tasks.ctypes.data),
            *(count, self.topology.layers[0] // width, outputs, self._patience),
            *(array.ctypes.data for array in arrays),
        )
        if finished < count:
            raise Stuck(f"the engine must give the logits of {count} images, not of {finished}")
        return logits

    @property
    def intervals(self) -> np.ndarray:
        """Cycles from one image's first logit to the next one's, of the last :meth:`run`."""
        return np.diff(self._firsts.astype(np.int64))

    @property
    def errors(self) -> list[np.ndarray]:
        """Per layer from the first hidden one on, the errors of the image that came last."""
        found, size = [], self.config.lanes
        for layer in range(1, len(self.topology.layers)):
            first = self.schedule.bases[layer] * size
            values = self._errors[first : first + self.topology.layers[layer]]
            rows = values.reshape(-1, size)
            found.append(lanes.by_neuron(self.topology, layer, size, rows).astype(np.int64))
        return found

    @property
    def parameters(self) -> Parameters:
        """The weights and biases that stand in the engine, read back."""
        found = []
        sizes = {
            Space.WEIGHTS: 2 * self.config.weight_words * self.config.lanes,
            Space.BIASES: 4 * sum(self.topology.layers[1:]),
        }
        for space, size in sizes.items():
            content = bytearray(size)
            for first, count in self._parts(space, size):
                part = np.zeros(count, np.uint8)
                of_weights = int(space == Space.WEIGHTS)
                where = (of_weights, first, part.ctypes.data, count, self._patience)
                if self._done("peek", self._engine, *where):
                    raise Stuck(f"the engine must tell its {space.name}, but does not")
                content[first : first + count] = part.tobytes()
            found.append(bytes(content))
        return unpack(self.topology, self.config.lanes, *found)


def design(config: LearnConfig) -> designs.Design:
    """What is compiled."""
    return designs.Design(
        name="learner",
        make=lambda: LearnEngine(config),
        made_of=(SOURCES, config),
        harness=HARNESS,
        definitions=[
            f"-DADDRESS_BITS={config.write_bits}",
            f"-DREQUANTIZERS={config.requantizers}",
            f"-DWORD={config.input_width}",
        ],
    )


def mismatches(found: Parameters, wanted: Parameters) -> int:
    """How many masters of two networks differ, weights and biases."""
    pairs = zip(found.weights + found.biases, wanted.weights + wanted.biases, strict=True)
    return sum(int((one != other).sum()) for one, other in pairs)


def wrong_errors(found: list[np.ndarray], step: Step) -> int:
    """How many errors of a step differ."""
    return sum(int((own != other).sum()) for own, other in zip(found, step.errors, strict=True))
