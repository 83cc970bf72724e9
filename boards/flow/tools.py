"""Runs the tools of a build: in the build folder, output in a log, a failure in one line."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

from sobolpath.golden.errors import InputError

POLL = 0.1  # seconds between two looks at whether to stop


class BuildError(Exception):
    """The design could not be built, or is not what it must be; the message is one line."""


def find(tool):
    """The path of a YoWASP tool: beside this Python, else on ``PATH``. Raises ``InputError``.

    Another Yosys or nextpnr is never taken: their versions are pinned in pyproject.toml.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(tool, path=beside) or shutil.which(tool)
    if found is None:
        raise InputError(f"{tool} must be installed to build for a board: pip install '.[boards]'")
    return found


def versions(*packages):
    """The installed versions of ``packages``; None of one that is not."""
    result = {}
    for package in packages:
        try:
            result[package] = version(package)
        except PackageNotFoundError:
            result[package] = None
    return result


def first_run():
    """Whether the WebAssembly tools have yet to be compiled for this machine, once."""
    return not Path(platformdirs.user_cache_dir("YoWASP", appauthor=False)).exists()


def run(arguments, *, folder, log, step, stop=None):
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
