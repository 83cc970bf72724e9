"""Another Python makes the same engine: bytes of the Verilog, and all that a synthesis is given."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest

from sobolpath.boards import NAMES
from sobolpath.hw.export import verilog
from tests.support.places import ROOT

pytestmark = pytest.mark.timeout(600)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = f"python3.{sys.version_info[1]}"
OTHERS = [
    f"python{match[1]}"
    for line in PROJECT["classifiers"]
    if (match := re.search(r"Python :: (3\.\d+)$", line)) and f"python{match[1]}" != OURS
]
#: What the script below imports, in the versions of this environment: others give other bytes.
PACKAGES = (
    "amaranth",
    "amaranth-boards",
    "numpy",
    "platformdirs",
    "threadpoolctl",
    "tqdm",
    "pyvcd",
)

#: Prints a line for each board: its name, and the digest of every file of its synthesis, without
#: the places in the source that Amaranth notes; then the digest of an engine's Verilog.
SCRIPT = r"""
import hashlib, re, sys
from sobolpath import boards
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.export import verilog
from sobolpath.hw.export.axis import AxisEngine

def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()

for name in boards.NAMES:
    board = boards.load(name)
    platform = board.new_platform()
    top, _ = board.top(platform=platform, clock_hz=board.clock_hz, baud=board.baud)
    files = platform.build(top, do_build=False, **board.family.synthesis).files
    texts = [t if isinstance(t, str) else t.decode() for _, t in sorted(files.items())]
    without = [re.sub(r"^\s*attribute \\src .*\n", "", t, flags=re.M) for t in texts]
    print(name, sum(map(len, without)), digest(*sorted(files), *without))
verilog.yosys = lambda: sys.argv[1]  # one Yosys for all
print("tiny", digest(verilog.convert(AxisEngine(CONFIGS["tiny"]), "engine")))
"""


def run(*command, **environment):
    """(status, standard output and error) of a command in the folder of this test."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def digests(python):
    """The lines that ``SCRIPT`` prints under the interpreter ``python``."""
    command = (python, "-c", SCRIPT, verilog.yosys())
    status, output = run(*command, PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1")
    assert status == 0, output
    lines = output.splitlines()
    assert [line.split()[0] for line in lines] == [*NAMES, "tiny"]
    return lines


@pytest.fixture(scope="module")
def ours():
    return digests(sys.executable)


def test_other_pythons_are_known():
    assert len(OTHERS) >= 2
    assert OURS not in OTHERS


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_engine(name, tmp_path, monkeypatch, ours):
    monkeypatch.chdir(tmp_path)
    # pyenv puts programs of these names on PATH that work only where this says which is meant.
    monkeypatch.setenv("PYENV_VERSION", name.removeprefix("python"))
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not on PATH")
    status, output = run(name, "-m", "venv", "other")
    if status:
        pytest.skip(f"{name} makes no environment: {output.strip()}")
    python = str(tmp_path / "other" / "bin" / "python")
    pins = [f"{package}=={version(package)}" for package in PACKAGES]
    status, output = run(python, "-m", "pip", "install", "--quiet", *pins)
    if status:
        pytest.skip(f"{name} gets no packages: {output.strip()}")
    assert digests(python) == ours
