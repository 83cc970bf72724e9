"""PyTorch is imported by those who ask for it; where it is not installed, one line says so."""

import subprocess
import sys

import pytest

import sobolpath.pytorch
from sobolpath.__main__ import COMMANDS
from tests.support.places import ROOT

IMPORTS = """
import importlib, sys
for name in {names}:
    importlib.import_module("sobolpath." + name)
print("torch" in sys.modules)
"""
WITHOUT = """
import sys
sys.modules["torch"] = None  # as if it were not installed
from sobolpath.__main__ import main
code = main(["pytorch", "bench"])
try:
    from sobolpath.pytorch import PathLinear
except ImportError as error:
    print(code, error)
"""


def python(script):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_no_command_brings_it_along():
    names = [name for name, _ in COMMANDS.values()]
    assert python(IMPORTS.format(names=["pytorch", *names])).stdout == "False\n"


@pytest.mark.slow
def test_asked_for():
    script = IMPORTS.format(names=["pytorch"]) + "sobolpath.pytorch.PathLinear"
    script = script.replace("import importlib", "import sobolpath.pytorch, importlib")
    script += "\nprint('torch' in sys.modules)"
    assert python(script).stdout == "False\nTrue\n"


def test_where_it_is_not_installed():
    done = python(WITHOUT)
    assert done.stderr.startswith("error: torch must be installed to time it, but")
    assert done.stderr.count("\n") == 1
    assert done.stdout.startswith("2 torch must be installed for PathLinear, but")
    for text in (done.stdout, done.stderr):
        assert text.rstrip().endswith("install -e '.[torch]'")


def test_names():
    assert set(sobolpath.pytorch.__all__) <= set(dir(sobolpath.pytorch))
    assert [getattr(sobolpath.pytorch, name).__name__ for name in sobolpath.pytorch.__all__] == (
        sobolpath.pytorch.__all__
    )
    with pytest.raises(AttributeError, match="has no attribute 'PathLine'"):
        sobolpath.pytorch.PathLine  # noqa: B018
