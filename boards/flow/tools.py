"""Runs the tools of a build: in the build folder, output in a log, a failure in one line."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import platformdirs

from sobolpath.golden.support import packages

POLL = 0.1  # seconds between two looks at whether to stop


class BuildError(Exception):
    """The design could not be built, or is not what it must be; the message is one line."""


def find(name: str) -> str:
    """The path of a tool of the flow, one of YoWASP's. Raises ``InputError``."""
    return packages.tool(name, "to build for a board", "boards")


def first_run() -> bool:
    """Whether the WebAssembly tools have yet to be compiled for this machine, once."""
    named = os.environ.get("YOWASP_CACHE_DIR")
    try:
        folder = Path(named or platformdirs.user_cache_dir("YoWASP", appauthor=False))
    except RuntimeError:  # no home: the tools will say so
        return True
    return not folder.exists()


def run(
    arguments: Sequence[Any], *, folder: Path, log: str, step: str, stop: Event | None = None
) -> None:
    """Run a tool in ``folder``. Its output goes to the file ``log`` there.

    Whatever ends this ends the tool and all of its children; so does ``stop``, a
    ``threading.Event`` that is set: for a tool that another thread waits for.

    Raises ``BuildError`` that quotes the tool's first error if it exits with other than 0.
    """
    command = [find(arguments[0]), *map(str, arguments[1:])]
    with (
        open(folder / log, "wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            status = _wait(process, stop)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if status:
        lines = (folder / log).read_text(errors="replace").splitlines()
        errors = [line for line in lines if "ERROR" in line] or lines[-1:] or ["no message"]
        raise BuildError(f"{step} must succeed: {errors[0].strip()} (log: {folder / log})")


def _wait(process, stop):
    while stop is not None:
        if stop.is_set():
            raise BuildError("stopped")
        with suppress(subprocess.TimeoutExpired):
            return process.wait(POLL)
    return process.wait()
