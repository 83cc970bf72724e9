"""One file format for a trained and quantized network: a ``.npz``, no pickles, versioned, checked.

Weights stand in path order and biases in neuron order, so a file does not depend on the number of
lanes. The generator matrices are stored (as direction numbers), so it does not depend on SciPy.
Paths that are linear but not Sobol' have no dimensions: their name, their shifts, and the two maps
of each junction stand in their place.

Version 2 also tells how samples become inputs (:mod:`golden.data.preparation`). A model that does
not know is written as version 1, and that is read as ever.
"""

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..data.preparation import Preparation
from ..errors import InputError, near
from ..support import foreign
from ..support.cli import write_atomically
from ..topology import gf2, linear
from ..topology.paths import Paths, Topology, log2_exact
from . import shipped

FORMAT = "sobolpath-model"
VERSIONS = (1, 2)  # without and with a preparation
MAX_SHIFT = 24
MAX_BIAS = (
    2**29
)  # with at most 2**15 paths a neuron no accumulator wraps: see golden.machine.engine


@dataclass(frozen=True)
class Model:
    """A network, as floats and as the integers that the hardware runs.

    Parameters
    ----------
    topology : the paths, linear over GF(2).
    weights : per junction, ``int8`` (N_l,), path order.
    biases : per junction, ``int32`` (n_l,), neuron order, accumulator scale, |b| <= 2**29.
    shifts : per junction, 0 to 24; the last is 0: logits are raw accumulators.
    float_weights, float_biases : what was quantized, ``float32``, the same shapes.
    input_scale : the real value of one step of the ``uint8`` inputs.
    classes : how many outputs are classes; the others are padding.
    info : facts of its making (data set, seed, accuracies, ...), anything JSON can hold.
    preparation : how samples become ``uint8`` inputs; ``None`` where that is not known.
    """

    topology: Paths
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    shifts: tuple[int, ...]
    float_weights: tuple[np.ndarray, ...]
    float_biases: tuple[np.ndarray, ...]
    input_scale: float
    classes: int
    info: dict[str, Any] = field(default_factory=dict)
    preparation: Preparation | None = None

    def __post_init__(self):
        topology = self.topology
        topology.check_linear()
        for name, dtype, sizes in (
            ("weights", np.int8, topology.paths),
            ("biases", np.int32, topology.layers[1:]),
            ("float_weights", np.float32, topology.paths),
            ("float_biases", np.float32, topology.layers[1:]),
        ):
            arrays = tuple(getattr(self, name))
            if len(arrays) != len(sizes):
                raise InputError(
                    f"{name} must be {len(sizes)} arrays, one per junction, not {len(arrays)}"
                )
            for junction, (array, size) in enumerate(zip(arrays, sizes, strict=True), 1):
                if getattr(array, "dtype", None) != dtype or array.shape != (size,):
                    kind = getattr(array, "dtype", type(array).__name__)
                    raise InputError(
                        f"{name} of junction {junction} must be {np.dtype(dtype)} ({size},), "
                        f"not {kind} {getattr(array, 'shape', '')}".rstrip()
                    )
                if not np.isfinite(array).all():
                    raise InputError(
                        f"{name} of junction {junction} must be finite, not NaN or infinite"
                    )
                if name == "biases" and np.abs(array.astype(np.int64)).max() > MAX_BIAS:
                    raise InputError(
                        f"biases of junction {junction} must be within +-2**29, not {array.max()}"
                    )
            object.__setattr__(self, name, arrays)
        shifts = tuple(int(shift) for shift in self.shifts)
        if (
            len(shifts) != len(topology.paths)
            or not all(0 <= shift <= MAX_SHIFT for shift in shifts)
            or shifts[-1]
        ):
            raise InputError(
                f"shifts must be {len(topology.paths)} integers from 0 to {MAX_SHIFT}, the last 0, "
                f"not {shifts}"
            )
        object.__setattr__(self, "shifts", shifts)
        if not (np.isfinite(self.input_scale) and self.input_scale > 0):
            raise InputError(
                f"input_scale must be a finite number above 0, not {self.input_scale!r}"
            )
        if not 1 <= self.classes <= topology.layers[-1]:
            raise InputError(
                f"classes must be 1 to {topology.layers[-1]}, the outputs, not {self.classes}"
            )
        if self.preparation is not None and self.preparation.inputs != topology.layers[0]:
            raise InputError(
                f"preparation must make {topology.layers[0]} inputs, one per neuron of layer 0, "
                f"not {self.preparation.inputs}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes are called: as the labels that it was trained on, else their numbers."""
        known = self.info.get("labels")
        if isinstance(known, list) and len(known) == self.classes:
            return tuple(str(name) for name in known)
        return tuple(str(number) for number in range(self.classes))

    def called(self, number: int) -> str:
        """A class for people: its number, and its name where that is another: ``2 (oak)``."""
        name = self.names[number]
        return name if name == str(number) else f"{number} ({name})"

    def save(self, path: str | Path) -> None:
        """Write the file; the old one stays if anything goes wrong."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **_fields(self))
        write_atomically(path, buffer.getvalue())


def _fields(model):
    topology = model.topology
    fields = {
        "format": np.array(FORMAT),
        "version": np.array(VERSIONS[model.preparation is not None], np.int64),
        "layers": np.array(topology.layers, np.int64),
        "paths": np.array(topology.paths, np.int64),
        "dimensions": np.array(topology.dimensions, np.int64),
        "shifts": np.array(model.shifts, np.int64),
        "input_scale": np.array(model.input_scale, np.float64),
        "classes": np.array(model.classes, np.int64),
        "info": np.array(json.dumps(model.info, sort_keys=True)),
    }
    if model.preparation is not None:
        fields["sample_shape"] = np.array(model.preparation.shape, np.int64)
        fields["sample_least"] = np.array(model.preparation.least, np.float64)
        fields["sample_largest"] = np.array(model.preparation.largest, np.float64)
    if isinstance(topology, Topology):
        for layer, matrix in enumerate(topology.matrices):
            fields[f"directions_{layer}"] = gf2.columns(matrix[:, ::-1])
    else:
        fields["topology"] = np.array(topology.name)
        fields["layer_shifts"] = np.array(topology.digital_shifts, np.int64)
        for junction in topology.junctions:
            for layer, name in ((junction - 1, "sources"), (junction, "targets")):
                masks = gf2.integers(topology.matrix(layer, junction))
                fields[f"{name}_{junction}"] = masks
    for junction in topology.junctions:
        for name in ("weights", "biases", "float_weights", "float_biases"):
            fields[f"{name}_{junction}"] = getattr(model, name)[junction - 1]
    fields["digest"] = np.array(_digest(fields))
    return fields


def _digest(fields):
    """SHA-256 over every other field: an edited file is told from a whole one."""
    state = hashlib.sha256()
    for name in sorted(set(fields) - {"digest"}):
        array = np.ascontiguousarray(fields[name])
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return state.hexdigest()


def _read(path):
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        hint = near(Path(path).stem, shipped.names())
        raise InputError(
            f"{path}: no such model file; make one with 'sobolpath train'{hint}"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: must be a readable model file: {error.strerror}") from None
    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(archive, np.lib.npyio.NpzFile):
            with archive:
                twice = foreign.twice(archive.files)
                fields = {name: np.asarray(archive[name]) for name in archive.files}
            if twice is not None:
                raise InputError(f"{path}: must have every field once, but {twice} is twice there")
            if "format" in fields or "layers" in fields:
                return fields
    except InputError:
        raise
    except (
        Exception
    ):  # whatever NumPy, zipfile, zlib and struct raise for bytes that are not theirs
        pass
    kind = foreign.kind(content) or "truncated or of another kind"
    raise InputError(f"{path}: must be a whole model file (.npz), but it is {kind}")


def load(path: str | Path) -> Model:
    """Read a model file, or a shipped model by its name, and check every field of it.

    Raises ``InputError`` in one line.
    """
    path = shipped.find(path)
    fields = _read(path)

    def version():
        return int(fields["version"]) if "version" in fields else VERSIONS[0]

    def get(name, kind, ndim):
        if name not in fields:
            raise InputError(
                f"{path}: field {name!r} is missing; a model file of version {version()} has it"
            )
        if fields[name].dtype.kind != kind or fields[name].ndim != ndim:
            raise InputError(
                f"{path}: field {name!r} must be {ndim}-dimensional of kind {kind!r}, "
                f"not {fields[name].ndim}-dimensional of kind {fields[name].dtype.kind!r}"
            )
        return fields[name]

    if str(get("format", "U", 0)) != FORMAT:
        raise InputError(f"{path}: format must be {FORMAT!r}, not {str(fields['format'])!r}")
    if int(get("version", "i", 0)) not in VERSIONS:
        raise InputError(
            f"{path}: version must be {' or '.join(map(str, VERSIONS))}, not {version()}; "
            "update sobolpath or train again"
        )
    try:
        topology = _topology(get)
        arrays = {
            name: tuple(
                get(f"{name}_{junction}", "f" if "float" in name else "i", 1)
                for junction in topology.junctions
            )
            for name in ("weights", "biases", "float_weights", "float_biases")
        }
        model = Model(
            topology=topology,
            shifts=tuple(get("shifts", "i", 1).tolist()),
            input_scale=float(get("input_scale", "f", 0)),
            classes=int(get("classes", "i", 0)),
            info=_info(path, get("info", "U", 0)),
            preparation=_preparation(get, topology) if version() > 1 else None,
            **arrays,
        )
    except InputError as error:
        message = str(error)
        raise InputError(
            message if message.startswith(str(path)) else f"{path}: {message}"
        ) from None
    if isinstance(topology, Topology):  # the cached property: the file's own, not SciPy's
        topology.__dict__["matrices"] = [
            _matrix(path, get(f"directions_{n}", "i", 1), topology, n)
            for n in range(len(topology.layers))
        ]
    if str(get("digest", "U", 0)) != _digest(fields):
        raise InputError(
            f"{path}: digest must be that of the other fields: the file was edited or damaged; "
            "train again"
        )
    return model


def _topology(get):
    """The topology of a file: Sobol' paths by their dimensions, or linear ones by their maps."""

    def numbers(name):
        return tuple(get(name, "i", 1).tolist())

    layers, paths, dimensions = (numbers(name) for name in ("layers", "paths", "dimensions"))
    if dimensions or len(layers) < 2:
        return Topology(layers, paths, dimensions)
    maps = [
        [numbers(f"{name}_{junction}") for name in ("sources", "targets")]
        for junction in range(1, len(paths) + 1)
    ]
    return linear.Linear(layers, paths, maps, str(get("topology", "U", 0)), numbers("layer_shifts"))


def _preparation(get, topology):
    """How samples become the inputs of the first layer."""
    shape = tuple(get("sample_shape", "i", 1).tolist())
    least, largest = (
        tuple(get(f"sample_{name}", "f", 1).tolist()) for name in ("least", "largest")
    )
    return Preparation(shape, least, largest, topology.layers[0])


def _info(path, text):
    try:
        info = json.loads(str(text))
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise InputError(f"{path}: field 'info' must be a JSON object")
    return info


def _matrix(path, directions, topology, layer):
    """A stored generator matrix, checked to be one that lanes can use."""
    rows = log2_exact(topology.layers[layer], "width")
    longest = max(topology.paths[max(layer - 1, 0) : layer + 1])
    columns = log2_exact(longest, "paths")
    if directions.shape != (columns,) or (directions < 0).any() or (directions >> rows).any():
        raise InputError(
            f"{path}: field 'directions_{layer}' must be {columns} integers of {rows} bits"
        )
    matrix = gf2.from_columns(directions, rows)[:, ::-1].copy()
    square = matrix[:, :rows]
    if np.tril(square, -1).any() or not np.diagonal(square).all():
        raise InputError(
            f"{path}: field 'directions_{layer}' must be upper triangular with a unit diagonal"
        )
    return matrix
