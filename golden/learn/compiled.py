"""A step of learning, compiled: what :mod:`golden.learn.learner` does, some ten times as fast.

``kernel.cpp`` is compiled once, where there is a C++ compiler, and kept in the user's cache folder
under a hash of what it is made of. :func:`learner` falls back to NumPy where there is none.
"""

import ctypes
import platform
import tempfile
from functools import cache as once
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..support import cache, compilers, kept
from ..topology.blocks import blocks
from ..topology.paths import Paths
from .arithmetic import Shifts, high
from .learner import Learner
from .parameters import Parameters

KERNEL = Path(__file__).with_name("kernel.cpp")
FLAGS = ("-O3", *compilers.LIBRARY)


class _Junction(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("blocks", "targets", "sources")),
        *((name, ctypes.c_void_p) for name in ("source", "target", "weights", "seen", "biases")),
        *((name, ctypes.c_void_p) for name in ("sums", "errors", "gathered", "activations")),
        ("back", ctypes.c_void_p),
        *((name, ctypes.c_int32) for name in ("neurons", "forward", "weight_shift", "bias_shift")),
    ]


def build(folder: Path, compiler: list[str]) -> Path:
    """The library in ``folder``, compiled unless it is there. Raises ``InputError``."""
    made_of = (KERNEL.read_bytes(), FLAGS, compiler, platform.machine(), platform.system())
    made = folder / f"{compilers.digest(made_of, 24)}.so"
    try:
        if kept.is_whole(made):
            return made
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as room:
            part = Path(room) / made.name
            try:
                compilers.compile_with(compiler, [*FLAGS, str(KERNEL), "-o", str(part)])
            except InputError as error:
                raise InputError(f"{compiler[0]} must compile {KERNEL}: {error}") from None
            kept.keep(part, made)
    except OSError as error:
        raise InputError(f"{folder}: must be a folder to write in: {error.strerror}") from None
    return made


@once
def library() -> ctypes.CDLL | None:
    """The compiled step; ``None`` where there is no compiler, or it fails, or nothing is kept."""
    try:
        compiler = compilers.find("what learns")
        return ctypes.CDLL(str(build(cache.folder("learn"), compiler)))
    except (InputError, OSError):
        return None


def _layout(topology: Paths, junction: int):
    """Sources (blocks, sources), targets (blocks, targets) and paths, by place."""
    parts = blocks(topology, junction)
    if parts is not None:
        return parts.source, parts.target, parts.path
    path, width = topology.by_target(junction), topology.layers[junction]
    source, target = (ends[path].reshape(width, -1) for ends in topology.edges(junction))
    return source, target[:, :1], path  # a block for each target


class CompiledLearner:
    """As of :class:`golden.learn.learner.Learner`, compiled.

    Golden twin: :func:`golden.learn.by_path.step`. ``compiled`` : what :func:`library` gave.
    """

    def __init__(
        self,
        compiled: ctypes.CDLL,
        parameters: Parameters,
        shifts: Shifts,
        *,
        fixed: bool = False,
    ):
        self.topology = topology = parameters.topology
        self._step, self._fixed = compiled.learn_step, int(fixed)
        self._step.restype = None
        self._junctions = (_Junction * len(topology.paths))()
        self._kept, self._paths, self._logits = [], [], np.zeros(topology.layers[-1], np.int32)
        for index, own in enumerate(self._junctions):
            source, target, path = _layout(topology, index + 1)
            masters, width = parameters.weights[index][path], topology.layers[index + 1]
            sums = np.zeros(width, np.int32) if index + 1 < len(topology.paths) else self._logits
            arrays = {
                "source": source.astype(np.int32),
                "target": target.astype(np.int32),
                "weights": masters.astype(np.int16),
                "seen": high(masters).astype(np.int8),
                "biases": parameters.biases[index].astype(np.int32),
                "sums": sums,
                "errors": np.zeros(width, np.int32),
                "gathered": np.zeros(source.size, np.int16),
                "activations": np.zeros(width, np.int32),
                "back": np.zeros(source.shape[1], np.int32),
            }
            self._kept.append(arrays)
            self._paths.append(path)
            for name, array in arrays.items():
                setattr(own, name, array.ctypes.data)
            own.blocks, own.targets, own.sources = *target.shape, source.shape[1]
            own.neurons = width
        self.set(shifts)

    def set(self, shifts: Shifts) -> None:
        """As of :class:`golden.learn.learner.Learner`."""
        rows = zip(self._junctions, shifts.forward, shifts.weights, shifts.biases, strict=True)
        for own, forward, weights, biases in rows:
            own.forward, own.weight_shift, own.bias_shift = forward, weights, biases
        self._one, self._shift = shifts.one, shifts.logits

    def step(self, image: np.ndarray, label: int) -> np.ndarray:
        """As of :class:`golden.learn.learner.Learner`; the logits are (n_L, 1) too."""
        inputs = image.astype(np.int32)
        pointer = ctypes.c_void_p(inputs.ctypes.data)
        counts = len(self._junctions), pointer, int(label)
        self._step(self._junctions, *counts, self._one, self._shift, self._fixed)
        return self._logits[:, None].copy()

    @property
    def parameters(self) -> Parameters:
        """The parameters as they are now, a copy."""
        weights = []
        for arrays, path in zip(self._kept, self._paths, strict=True):
            weights.append(np.empty(len(path), np.int32))
            weights[-1][path] = arrays["weights"]
        biases = tuple(arrays["biases"].copy() for arrays in self._kept)
        return Parameters(self.topology, tuple(weights), biases)


def learner(
    parameters: Parameters, shifts: Shifts, *, fixed: bool = False
) -> Learner | CompiledLearner:
    """What learns fastest here: compiled where that can be, else in NumPy; both do the same."""
    compiled = library()
    if compiled is None:
        return Learner(parameters, shifts, fixed=fixed)
    return CompiledLearner(compiled, parameters, shifts, fixed=fixed)
