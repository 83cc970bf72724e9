"""Other Pythons than this one, as far as they are on ``PATH``, and environments made with them."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.support.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = f"python3.{sys.version_info[1]}"
#: The names of the interpreters that this project is for, but for the one that runs the tests.
OTHERS = [
    f"python{match[1]}"
    for line in PROJECT["classifiers"]
    if (match := re.search(r"Python :: (3\.\d+)$", line)) and f"python{match[1]}" != OURS
]


def run(*command, cwd=None, **environment):
    """(status, standard output and error) of a command; ``environment`` is added to this one's."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def environment(name, folder):
    """Make an empty environment of the interpreter ``name`` in ``folder``: the path of its Python.

    The test is skipped where there is no such interpreter, or it makes none.
    """
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not on PATH")
    # pyenv puts programs of these names on PATH that work only where this says which is meant.
    meant = {"PYENV_VERSION": name.removeprefix("python")} if name in OTHERS else {}
    status, output = run(name, "-m", "venv", folder, **meant)
    if status:
        pytest.skip(f"{name} makes no environment: {output.strip()}")
    return folder / "bin" / "python"


def skip_offline(folder):
    """Skip the test where pip gets nothing from its index, as it is without a network."""
    get = ("pip", "download", "--quiet", "--no-deps", "--dest", folder, "platformdirs")
    status, output = run(sys.executable, "-m", *get)
    if status:
        pytest.skip(f"pip gets no packages: {output.strip()}")
