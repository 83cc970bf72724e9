"""One process at a time, where two would make the same files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InputError


@contextmanager
def hold(path: Path, *, busy: str, say: Callable[[str], object]) -> Iterator[None]:
    """Hold the lock that is the file ``path``, whose folder is made where it is not there.

    Where another process holds it, ``busy`` is said once, and this waits for as long as that lives:
    a lock ends with its process. A thread that holds the lock may take it again. Raises
    ``InputError`` where the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            say(busy)
            lock.acquire()
    except OSError as error:
        raise InputError(f"{path.parent}: must be a folder to write in: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
