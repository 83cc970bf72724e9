"""Packages and their programs that an installation may lack: found, or what to type to have them.

``pyproject.toml`` has some packages in extras, for who needs neither pictures nor bitstreams.
"""

import shlex
import shutil
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from ..errors import InputError


def checkout() -> Path | None:
    """The checkout that this package runs from; ``None`` where it is installed without one."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def install(extra: str = "") -> str:
    """The command that brings an extra of pyproject.toml to where this Python looks for packages.

    As it is typed in the current folder: a checkout is installed in place; otherwise all comes from
    pip's index. Without an extra it brings what every installation has.
    """
    wanted, root = f"[{extra}]" if extra else "", checkout()
    if root is None:
        return f"{_pip()} install {shlex.quote(f'sobolpath{wanted}')}"
    return f"{_pip()} install -e {shlex.quote(f'{_from_here(root)}{wanted}')}"


def _pip() -> str:
    """pip of this Python, whatever else is on ``PATH``."""
    python = Path(sys.executable)
    found = shutil.which("pip")
    if found is not None and Path(found).parent == python.parent:
        return "pip"
    return f"{shlex.quote(str(_from_here(python)))} -m pip"


def _from_here(path: Path) -> Path:
    """``path`` as it is said in the current folder, if it is below that."""
    try:
        return path.relative_to(Path.cwd())
    except (ValueError, OSError):
        return path


def missing(name: str, purpose: str, extra: str = "", reason: str = "") -> InputError:
    """The error where a package or program of an ``extra`` is not there: one line.

    ``purpose`` goes on after "must be installed", as ``to ...`` does; ``reason`` is Python's own.
    """
    why = f", but {reason}" if reason else ""
    return InputError(f"{name} must be installed {purpose}{why}: {install(extra)}")


def module(name: str, purpose: str, extra: str) -> ModuleType:
    """The module called ``name``, imported where it is needed. Raises :func:`missing`'s error."""
    try:
        return import_module(name)
    except ImportError as error:
        raise missing(name.partition(".")[0], purpose, extra, str(error)) from None


def tool(name: str, purpose: str, extra: str = "") -> str:
    """The path of a YoWASP program: beside this Python, else on ``PATH``.

    Another Yosys or nextpnr is never taken: Debian 12's are too old, and some versions miscompile,
    so pyproject.toml holds YoWASP's tight. Raises :func:`missing`'s error.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside) or shutil.which(name)
    if found is None:
        raise missing(name, purpose, extra)
    return found


def versions(*packages: str) -> dict[str, str | None]:
    """The installed versions of ``packages``; ``None`` of one that is not."""
    result: dict[str, str | None] = {}
    for package in packages:
        try:
            result[package] = version(package)
        except PackageNotFoundError:
            result[package] = None
    return result
