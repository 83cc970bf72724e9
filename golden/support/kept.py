"""Files that are kept whole or not at all: whoever is killed meanwhile, whatever a disk does."""

import hashlib
import os
from pathlib import Path


def _digest(content):
    return hashlib.sha256(content).hexdigest().encode()


def is_whole(path: Path) -> bool:
    """Whether the file is there and ends in the digest of what is before it: loaders do not mind,
    half of a library may crash them."""
    if not path.exists():
        return False
    content = path.read_bytes()
    return content[-64:] == _digest(content[:-64])


def keep(made: Path, path: Path) -> None:
    """Put a file that was made on the same disk to where it is kept, with its digest."""
    with made.open("ab") as file:
        file.write(_digest(made.read_bytes()))
    os.replace(made, path)


def content(path: Path) -> bytes:
    """What was made, without the digest."""
    return path.read_bytes()[:-64]
