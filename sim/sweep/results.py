"""The results of a sweep: a file of lines, each the JSON of one cell, written as that ends.

A line is there whole or not at all, whatever ends the sweep: one that was torn, the last, is told
from the others by the end that it lacks, and is cut away before the next is written.
"""

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError

KEYS = {"sweep": str, "key": str, "options": dict, "typed": str}


class Results:
    """The lines of a file; none where it is not there.

    Parameters
    ----------
    path : the file.
    sweep : the name of the sweep whose results it has.

    Members
    -------
    lines : key of a cell -> its line, a dictionary. torn : whether the last line was not whole.
    Raises ``InputError`` where the file has something else, or the results of another sweep.
    """

    def __init__(self, path: Path, sweep: str):
        self.path, self._sweep = path, sweep
        self.lines: dict[str, dict[str, Any]] = {}
        self.torn = False
        self._read()

    def _read(self):
        try:
            if self.path.exists() and not self.path.is_file():
                raise InputError(f"{self.path}: must be a file of results, not a folder or device")
            content = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise InputError(f"{self.path}: must be a file of results: {error.strerror}") from None
        *lines, rest = content.split(b"\n")
        self.lines = {}
        for number, text in enumerate(lines, 1):
            line = self._parse(number, text)
            self.lines[line["key"]] = line
        begin = self._text({"sweep": self._sweep, "key": ""})[:-3]
        if not (rest.startswith(begin) or begin.startswith(rest)):
            self._parse(len(lines) + 1, rest)
            raise self._wrong(len(lines) + 1)
        self.torn, self._whole = bool(rest), len(content) - len(rest)

    def _parse(self, number, text):
        """The dictionary of a line, which is one of this sweep."""
        try:
            line = json.loads(text)
            good = all(isinstance(line[name], kind) for name, kind in KEYS.items())
        except (ValueError, TypeError, KeyError, RecursionError):
            good = False
        if not good:
            raise self._wrong(number)
        if line["sweep"] != self._sweep:
            raise InputError(
                f"{self.path}: must have results of the sweep {self._sweep!r}, but line {number} "
                f"is of {line['sweep']!r}: name another file with --results"
            )
        return line

    def _wrong(self, number):
        return InputError(
            f"{self.path}: must have the result of a cell in each line, but line {number} is none: "
            "name another file with --results"
        )

    @staticmethod
    def _text(line):
        return json.dumps(line).encode() + b"\n"

    @contextmanager
    def writing(self) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Within, what it gives appends a line, which is on the disk when that returns.

        Raises ``InputError`` where another process writes the file, and ``OSError`` where it cannot
        be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "ab", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{self.path}: must be written by one sweep at a time, but another one runs"
                ) from None
            self._read()  # what that may have written before it ended
            if self.torn:
                file.truncate(self._whole)

            def append(line: dict[str, Any]) -> None:
                text = self._text(line)
                if file.write(text) != len(text):  # a full disk: the next write would say so
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
                os.fsync(file.fileno())
                self.lines[line["key"]] = line

            yield append
