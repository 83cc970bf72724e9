"""Batches of a data set through the engine, compared: in this process, or split over several.

A batch is run alone and its tally does not depend on what else its engine runs, so any number of
processes find the same.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from sobolpath.golden.errors import InputError, check_name
from sobolpath.golden.machine.model import Model
from sobolpath.golden.support import threads
from sobolpath.golden.training.network import Network

from ..backends.native import NativeEngine
from ..backends.pysim import PysimEngine
from ..backends.record import NEVER, Job
from .comparison import Comparison
from .tally import Tally

BACKENDS = ("native", "pysim")
BATCH = {"native": 64, "pysim": 4}  # inferences that are handed to the engine at once
SHARE = {"native": 5_000_000, "pysim": 5_000}  # cycles that are worth starting a process for


def open_engine(
    backend: str,
    job: Job,
    *,
    vcd: Path | str | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> NativeEngine | PysimEngine:
    """An engine of the back end asked for; ``auto`` takes native where it can be built.

    Raises ``InputError`` for an unknown back end, or where ``native`` cannot be built.
    """
    check_name("--backend", backend, ("auto", *BACKENDS))
    if backend != "pysim":
        try:
            return NativeEngine(job, vcd=vcd, say=say)
        except InputError as error:
            if backend == "native":
                raise
            say(f"taking the slow back end pysim: {error}")
    return PysimEngine(job, vcd=vcd)


@dataclass(frozen=True)
class Task:
    """What every process of a run is told.

    Parameters
    ----------
    model, job : the network, and it on the engine.
    images, labels : ``uint8`` (B, n_0) and integers (B,).
    backend : of ``BACKENDS``.
    """

    model: Model
    job: Job
    images: np.ndarray
    labels: np.ndarray
    backend: str

    @property
    def size(self) -> int:
        """Images of a batch."""
        return BATCH[self.backend] * self.job.config.images

    @property
    def batches(self) -> int:
        """How many there are; the last one may have fewer images."""
        return -(-len(self.images) // self.size)

    @property
    def cycles(self) -> int:
        """About how many the whole run takes."""
        return self.job.schedule.interval * -(-len(self.images) // self.job.config.images)


class Runner:
    """Runs single batches of a :class:`Task` on an open engine."""

    def __init__(self, task: Task, simulated: NativeEngine | PysimEngine) -> None:
        self._task, self._simulated = task, simulated
        self._comparison, model = Comparison(task.model, task.job), task.model
        self._network = Network(model.topology, model.float_weights, model.float_biases)

    def run(self, number: int) -> Tally:
        """The :class:`sim.run.tally.Tally` of a batch, up to the first image that hangs."""
        began, task, per = time.process_time(), self._task, self._task.job.config.images
        part = slice(number * task.size, (number + 1) * task.size)
        real = task.images[part]
        blank = np.zeros((-len(real) % per, real.shape[1]), np.uint8)
        batch = np.concatenate([real, blank])  # the images that share weights come together
        trace = self._simulated.run(batch)
        tally = self._comparison.tally = Tally(cycles=trace.total)
        whole = trace.finished * per
        golden = self._comparison.add(batch[:whole], trace[: trace.finished])
        done = slice(min(whole, len(real)))
        outputs = {
            "accuracy": trace.logits.reshape(len(batch), -1)[done],
            "accuracy_float": self._network.infer(real[done] * np.float32(task.model.input_scale)),
            "accuracy_int": golden[done],
        }
        tally.judge(task.model, task.labels[part][done], outputs)
        if whole < len(batch):
            written = trace.at[trace.finished] != NEVER
            tally.hung = (
                f"image {part.start + done.stop} must be done in {task.job.patience} cycles, but "
                f"was not: {written.sum()} of {written.size} values were written"
            )
        tally.seconds = time.process_time() - began
        return tally


def cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def jobs_for(task: Task, asked: int | None = None) -> int:
    """How many processes to take: as ``asked``, but no more than batches.

    Unless asked, as many as there are CPUs, if each has enough to do to be worth its start.
    Raises ``InputError`` for less than 1.
    """
    if asked is None:
        asked = min(cpus(), max(1, task.cycles // SHARE[task.backend]))
    if asked < 1:
        raise InputError(f"--jobs must be at least 1, not {asked}")
    return min(asked, task.batches)


class Killed(RuntimeError):
    """A process of the simulation ended before it was done."""


@contextmanager
def tallies(
    task: Task, numbers: Iterable[int], jobs: int, simulated: NativeEngine | PysimEngine
) -> Iterator[Iterator[Tally]]:
    """The tallies of these batches, in their order, as an iterator.

    One job runs on ``simulated``, an open engine. More are processes, each with an engine of its
    own; none is left behind, however this ends. Iteration raises :class:`Killed` where one of them
    is.
    """
    with threads.limit(1):
        if jobs == 1:
            yield map(Runner(task, simulated).run, numbers)
            return
        context, processes, pipes = multiprocessing.get_context("spawn"), [], []
        resource_tracker.ensure_running()  # its start would end _no_interrupts
        try:
            for _ in range(jobs):
                pipe, other = context.Pipe()
                processes.append(context.Process(target=_serve, args=(other, task), daemon=True))
                with _no_interrupts():  # the process inherits it
                    processes[-1].start()
                other.close()
                pipes.append(pipe)
            yield _share(pipes, numbers)
        finally:
            for process in processes:
                process.kill()
                process.join()


def _share(pipes, numbers):
    """Hand batches to whichever process is free; their tallies, in order."""
    waiting, done = iter(numbers), {}
    try:
        for pipe, number in zip(pipes, waiting, strict=False):
            pipe.send(number)
        for wanted in numbers:
            while wanted not in done:
                ready = wait(pipes)
                for pipe in (each for each in pipes if each in ready):
                    number, result = pipe.recv()
                    if isinstance(result, Exception):
                        raise result
                    done[number] = result
                    number = next(waiting, None)
                    if number is not None:
                        pipe.send(number)
            yield done.pop(wanted)
    except (EOFError, ConnectionError):
        raise Killed from None


@contextmanager
def _no_interrupts():
    """Hold Ctrl-C back: a terminal sends it to every process, and only the first is to answer."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe, task):
    """What a process does: the batches whose numbers it is sent, until its parent ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threads.limit(1)
    number = pipe.recv()
    try:
        with open_engine(task.backend, task.job) as simulated:
            runner = Runner(task, simulated)
            while True:
                pipe.send((number, runner.run(number)))
                number = pipe.recv()
    except Exception as error:
        pipe.send((number, error))


def _end_with_parent():
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
