"""Where what can be made again is kept: the user's cache folder, never the package's.

``$SOBOLPATH_CACHE`` names another. Nothing is made here until something is written.
"""

import os
from pathlib import Path

import platformdirs

from ..errors import InputError

VARIABLE = "SOBOLPATH_CACHE"


def folder(name: str) -> Path:
    """The folder for one kind of thing, such as ``sim`` or ``data``; it need not exist.

    Raises ``InputError`` where the variable is not set, and the user has no home folder.
    """
    named = os.environ.get(VARIABLE)
    root = Path(named) if named else _own()
    if root is None:
        raise InputError(f"{VARIABLE} must be a folder where HOME is none: nothing can be kept")
    return root.absolute() / name


def _own():
    """The user's own; None where the system does not know the user and HOME is not set."""
    try:
        path = platformdirs.user_cache_path("sobolpath")
    except RuntimeError:  # of newer versions; in older ones "~" stays
        return None
    return None if path.parts[0] == "~" else path
