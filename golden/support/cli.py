"""What every command shares: one-line errors, exit codes, progress bars, JSON, number lists.

Exit codes: 0 good, 1 the check failed, 2 the input is wrong; 130 interrupted, 141 whoever read the
output stopped reading, as the shell has them.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from ..errors import InputError, near


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are one line and exit with 2.

    Members ``read`` and ``written`` : the options that name files to read and to write.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)
        self.read: list[str] = []
        self.written: list[str] = []

    def reads(self, *names: str, **settings: Any) -> None:
        """Add an option or argument that names a file to read."""
        self.read.append(self.add_argument(*names, **settings).dest)

    def writes(self, *names: str, **settings: Any) -> None:
        """Add an option that names a file to write."""
        self.written.append(self.add_argument(*names, **settings).dest)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """Parse; an option that is not there is told first, with the nearest that is.

        An argument may also stand behind options, if it may be left out.
        """
        known = self._option_string_actions
        for word in itertools.takewhile("--".__ne__, sys.argv[1:] if args is None else args):
            name = word.partition("=")[0]
            if name.startswith("--") and name not in known:
                options = [each for each in known if each.startswith("--")]
                self.error(f"unrecognized arguments: {name}{near(name, options)}")
        found, left = self.parse_known_args(args, namespace)
        if not left:
            return found
        return self.parse_intermixed_args(args, namespace)  # a MODEL behind the options

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (try '{self.prog} --help')")


def main(run: Callable[[Sequence[str]], int | None], argv: Sequence[str] | None = None) -> int:
    """Call ``run(argv)``; return its exit code (None is 0). Wrong input is one line and a 2."""
    try:
        code = run(sys.argv[1:] if argv is None else argv) or 0
        sys.stdout.flush()
        return code
    except InputError as error:
        return _fail(str(error), 2)
    except BrokenPipeError:  # who read the output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _fail(message: str, code: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return code


def progress(iterable: Iterable[Any] | None = None, **options: Any) -> Any:
    """A progress bar on standard error; none where that is not a terminal.

    One within another goes when it is through. ``options`` are those of ``tqdm``.
    """
    if _quiet.get():
        options["disable"] = True
    return tqdm(iterable, **{"disable": None, "ncols": 79, "leave": None, **options})


_quiet = ContextVar("quiet", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars within: for what is one of many, which have a bar together."""
    before = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(before)


def integers(text: str, separator: str, name: str = "numbers") -> tuple[int, ...]:
    """``"64-128"`` or ``"2048,1024"`` as a tuple of integers; ``name`` is for the message."""
    try:
        return tuple(int(item) for item in text.split(separator))
    except ValueError:
        raise InputError(f"{name} must be integers joined by {separator!r}, not {text!r}") from None


def floats(text: str, name: str) -> tuple[float, ...]:
    """``"-1,1"`` as a tuple of floats; ``name`` is for the message."""
    try:
        return tuple(float(item) for item in text.split(","))
    except ValueError:
        raise InputError(f"{name} must be numbers joined by ',', not {text!r}") from None


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write ``content`` (bytes or str) so that the file is whole or not there.

    A link stays one: what it points to is written. A device or a pipe is written as it is. An
    ``OSError`` has the file's name.
    """
    try:
        content = content.encode() if isinstance(content, str) else content
        _write(Path(path).resolve(), content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def check_writable(*paths: str | Path | None, read: Iterable[str | Path] = ()) -> None:
    """Fail before the work, not after it, where a result cannot be written.

    ``None`` and ``-`` (standard output) are passed over; ``read`` are files that must not be
    written over. Raises ``InputError``.
    """
    taken = {Path(path).resolve() for path in read}
    for path in (Path(path) for path in paths if path not in (None, "-")):
        if path.resolve() in taken:
            raise InputError(f"{path}: must be a file of its own, not one that is read or written")
        taken.add(path.resolve())
        if path.is_dir():
            raise InputError(f"{path}: must be a file to write, not a folder")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise InputError(
                f"{path}: must be in a folder that can be written, but {folder} cannot"
            )
        try:
            tempfile.TemporaryFile(dir=folder).close()  # what the rights of a folder do not tell
        except OSError as error:
            reason = error.strerror
            raise InputError(
                f"{path}: must be in a folder that can be written, not {folder}: {reason}"
            ) from None


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: str | Path, result: Any) -> None:
    """Write ``result`` as indented JSON; ``-`` is standard output."""
    text = json.dumps(result, indent=2) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write_atomically(path, text)
