"""Where what can be made again is kept: the user's cache folder, never the package's.

``$SOBOLPATH_CACHE`` names another. Nothing is made here until something is written.
"""

import os
from pathlib import Path

import platformdirs

VARIABLE = "SOBOLPATH_CACHE"


def folder(name):
    """The folder for one kind of thing, such as ``sim`` or ``data``; it need not exist."""
    root = os.environ.get(VARIABLE) or platformdirs.user_cache_path("sobolpath")
    return Path(root).absolute() / name
