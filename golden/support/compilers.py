"""The C++ compiler of this machine: where it is, and how it is run."""

import hashlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import InputError

COMPILERS = ("g++", "clang++")
# Without -march a library runs on any CPU of its architecture, so that a kept one is good wherever
# the folder is moved.
LIBRARY = ("-std=c++17", "-fPIC", "-shared")
TIMEOUT = 600  # seconds for one run of a tool


def find(who: str) -> list[str]:
    """The C++ compiler as a list of arguments: ``$CXX``, else g++, else clang++.

    Raises ``InputError`` if it is not there; the message names ``who`` needs it, and what was
    looked for.
    """
    try:
        wanted = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        raise InputError(f"CXX must be a command, not {os.environ['CXX']!r}: {error}") from None
    if wanted:
        if shutil.which(wanted[0]):
            return wanted
        raise InputError(f"CXX must be a C++ compiler on PATH, not {wanted[0]!r}: unset it")
    for name in COMPILERS:
        if shutil.which(name):
            return [name]
    raise InputError(
        f"{who} needs a C++ compiler, {' or '.join(COMPILERS)} on PATH or $CXX: apt-get install g++"
    )


def compile_with(
    compiler: Sequence[str],
    arguments: Sequence[str],
    folder: Path | str = ".",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a compiler as of :func:`find`, as of :func:`run`."""
    return run([*compiler, *arguments], folder, environment, f"the C++ compiler {compiler[0]}")


def digest(made_of: object, digits: int = 16) -> str:
    """A hash of all that something is made of, whose ``repr`` must tell it."""
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:digits]


def run(
    command: Sequence[str], folder: Path | str, environment: Mapping[str, str] | None, name: str
) -> str:
    """Run a tool; its standard output. Whatever ends this ends the tool and all of its children.

    Raises ``InputError``, which begins with ``name``, where it fails or takes longer than
    ``TIMEOUT``.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise InputError(f"{name} must be done in {TIMEOUT} s, but was not") from None
            raise
    if process.returncode:
        ended = f"ended by signal {-process.returncode}" if process.returncode < 0 else "no message"
        lines = (errors or output).strip().splitlines() or [ended]
        first = next((line for line in lines if "rror" in line), lines[0])
        raise InputError(f"{name} failed: {first.strip()}")
    return output
