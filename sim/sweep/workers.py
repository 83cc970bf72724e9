"""Who computes the cells of a sweep: processes of this machine, or a cluster of others.

Either hands out tasks in their order and gives back what comes of each as soon as it is there, so
results do not come in order. A task's result does not depend on who computes it.
"""

import logging
from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from typing import Any

import joblib

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages

from . import cell

SECONDS = 10  # to wait for a cluster's scheduler, and for its first worker

Results = Generator[tuple[int, cell.Done], None, None]
"""The number of a task, and what came of it."""


class Lost(RuntimeError):
    """A process that computed ended before it was done, and the task cannot be had by others."""


class Local:
    """Processes of this machine, by joblib.

    Parameters
    ----------
    jobs : how many, at least 1; one for each CPU unless given. Raises ``InputError``.
    """

    def __init__(self, jobs: int | None = None):
        if jobs is not None and jobs < 1:
            raise InputError(f"--jobs must be at least 1, not {jobs}")
        self._jobs = joblib.cpu_count() if jobs is None else jobs

    def __str__(self) -> str:
        return f"{self._jobs} process{'es' if self._jobs > 1 else ''}"

    def compute(self, tasks: Sequence[cell.Task]) -> Results:
        """Iterate over results. Raises :class:`Lost`, and :class:`sim.sweep.cell.Differs`."""
        how: Any = {"return_as": "generator_unordered", "batch_size": 1}
        parallel = joblib.Parallel(n_jobs=min(self._jobs, len(tasks)), **how)
        results: Any = parallel(joblib.delayed(_numbered)(*each) for each in enumerate(tasks))
        try:
            yield from results
        except BrokenProcessPool:
            raise Lost("a process was ended from outside, for want of memory perhaps") from None


def _numbered(number, task):
    return number, cell.compute(task)


class Cluster:
    """The workers of a Dask cluster.

    Parameters
    ----------
    address : of its scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises ``InputError`` where the package is not installed, or nothing answers at the address.
    """

    def __init__(self, address: str):
        self._dask = packages.module("distributed", "to send cells to a cluster", "cluster")
        self._address = address
        _silence("distributed")  # what ends is told here
        try:
            self._dask.comm.get_address_host_port(address)  # complains sooner than a client does
            self._client = self._dask.Client(address, timeout=SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, OverflowError) as error:
            raise self._wrong(str(error)) from None
        try:
            self._client.wait_for_workers(1, timeout=SECONDS)
        except OSError:  # a time-out
            self._client.close()
            raise self._wrong("no worker is there") from None

    def _wrong(self, reason):
        wanted = "--scheduler must be the address of a Dask scheduler with workers"
        return InputError(f"{wanted}, not {self._address!r}: {reason}")

    def __str__(self) -> str:
        count = len(self._client.scheduler_info(n_workers=-1)["workers"])
        return f"{count} worker{'s' if count > 1 else ''} of {self._address}"

    def compute(self, tasks: Sequence[cell.Task]) -> Results:
        """As of :class:`Local`. What a worker that ended was at is computed by another."""
        numbers = {_name(task): number for number, task in enumerate(tasks)}
        with self._client:
            futures = [
                self._client.submit(_remote(), asdict(task), key=name)
                for name, task in zip(numbers, tasks, strict=True)
            ]
            for future in self._dask.as_completed(futures, loop=self._client.loop):
                yield numbers[future.key], self._result(future)
                future.release()

    def _result(self, future):
        try:
            where, result = future.result()
        except self._dask.KilledWorker:
            raise Lost("a cell ended every worker that took it") from None
        except (OSError, CancelledError):
            raise Lost("the scheduler was lost") from None
        if isinstance(result, str):
            raise cell.Differs(f"the worker at {where} has {result}")
        return result


def _silence(package):
    """Nothing that ``package`` logs is shown, whatever level a part of it chose for itself."""
    parts = [name for name in logging.root.manager.loggerDict if name.startswith(f"{package}.")]
    for name in (package, *parts):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _name(task):
    """What the cluster knows a task by: two sweeps that ask for the same share it."""
    return "-".join(["sobolpath", task.key, *task.boards, *(["whole"] if task.whole else [])])


def _remote():
    """A function that pickles by value: it says so where a worker has no package to import."""

    def compute(words):
        from importlib import import_module

        from distributed import get_worker

        where = get_worker().address
        try:
            cell = import_module("sobolpath.sim.sweep.cell")
        except ImportError as error:
            return where, f"no sobolpath of this version ({error})"
        try:
            return where, cell.serve(words)
        except cell.Differs as error:
            return where, str(error)

    return compute
