"""Runs the tools of a build: in the build folder, output in a log, a failure in one line."""

import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

from golden.errors import InputError


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


def run(arguments, *, folder, log, step):
    """Run a tool in ``folder``. Its output goes to the file ``log`` there.

    Raises ``BuildError`` that quotes the tool's first error if it exits with other than 0.
    """
    command = [find(arguments[0]), *map(str, arguments[1:])]
    with open(folder / log, "wb") as output:
        status = subprocess.run(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status:
        lines = (folder / log).read_text(errors="replace").splitlines()
        errors = [line for line in lines if "ERROR" in line] or lines[-1:] or ["no message"]
        raise BuildError(f"{step} must succeed: {errors[0].strip()} (log: {folder / log})")
