"""The native back end: the compiled engine in a shared library, driven from C++."""

import ctypes
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine.image import interleaved

from . import library
from .record import ARRAYS, Job, Stuck, Trace

FAILED = 2**32 - 1  # what functions of the harness return then


class _Record(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ARRAYS]


class NativeEngine:
    """An engine in a compiled simulation, loaded with a network; a context manager.

    Parameters
    ----------
    job : sim.backends.record.Job
    vcd : a file for waveforms, or None.
    folder, say : where libraries are kept, and who is told; see ``sim.backends.library.build``.

    Raises ``InputError`` if the library cannot be built or loaded, ``Stuck`` if the engine does not
    take the network.
    """

    name = "native"

    def __init__(
        self,
        job: Job,
        *,
        vcd: Path | str | None = None,
        folder: Path | str | None = None,
        say: Callable[[str], object] = lambda text: None,
    ) -> None:
        made = library.build(job.config, waves=vcd is not None, folder=folder, say=say)
        self._library = library.opened(made)
        self._declare()
        self._job = job
        self._widths, self._bases = np.array(job.widths, np.uint32), np.array(job.bases, np.uint32)
        self._engine = self._done("open", None if vcd is None else os.fsencode(vcd))
        for space, address, content in job.writes:
            size = len(content)
            if self._done("write", self._engine, int(space), address, content, size):
                self._library.engine_close(self._engine)
                raise Stuck(f"the engine must take bytes of {space.name} while idle, but does not")

    def _declare(self):
        handle, count, wait = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
        for name, result, *arguments in (
            ("open", handle, ctypes.c_char_p),
            ("close", count, handle),
            ("error", ctypes.c_char_p),
            ("cycle", wait, handle),
            ("write", count, handle, ctypes.c_uint, count, ctypes.c_char_p, count),
            ("run", count, *(handle, handle, count, handle, handle, *[count] * 5), wait, _Record),
        ):
            function = getattr(self._library, f"engine_{name}")
            function.restype, function.argtypes = result, arguments

    def _done(self, name, *arguments):
        """What a function of the harness returns. ``InputError`` where the simulator failed."""
        result = getattr(self._library, f"engine_{name}")(*arguments)
        if result in (None, FAILED):
            reason = self._library.engine_error().decode(errors="replace")
            raise InputError(f"the compiled simulator failed: {reason}")
        return result

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        if kind is None:
            self._done("close", self._engine)
        else:
            self._library.engine_close(self._engine)

    def run(self, images: np.ndarray) -> Trace:
        """Run ``uint8`` (B, n_0) images: a :class:`sim.backends.record.Trace`.

        B must be a multiple of the images that share a weight.
        """
        together = self._job.config.images
        inputs = np.ascontiguousarray(interleaved(np.asarray(images, np.uint8), together))
        inferences = len(inputs)
        trace = Trace.empty(inferences, self._job)
        before = self._library.engine_cycle(self._engine)
        finished = self._done(
            "run",
            self._engine,
            inputs.ctypes.data,
            inferences,
            self._widths.ctypes.data,
            self._bases.ctypes.data,
            len(self._widths) - 1,
            self._job.outputs,
            self._job.steps,
            self._job.schedule.words,
            self._job.schedule.inputs,
            self._job.patience,
            _Record(*(array.ctypes.data for array in trace.arrays)),
        )
        total = self._library.engine_cycle(self._engine) - before
        return replace(trace, finished=finished, total=total)
