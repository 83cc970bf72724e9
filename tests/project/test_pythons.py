"""Another Python makes the same engine: bytes of the Verilog, and all that a synthesis is given."""

import sys
from importlib.metadata import version

import pytest

from sobolpath.boards import NAMES
from sobolpath.hw.export import verilog
from tests.support.places import ROOT
from tests.support.pythons import OTHERS, OURS, environment, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

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
from dataclasses import replace
from sobolpath import boards
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.export import verilog
from sobolpath.hw.export.axis import AxisEngine

def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()

for name in boards.NAMES:
    board = boards.load(name)
    if board.config.lanes > 16:  # fewer are soon made, by the same code
        fewer = {"lanes": 16, "crossbar_registers": (1, 3)}
        fewer["requantizers"] = min(board.config.requantizers, 16)
        board = replace(board, config=replace(board.config, **fewer))
    platform = board.new_platform()
    top, _ = board.top(platform=platform, clock_hz=board.clock_hz, baud=board.baud)
    files = platform.build(top, do_build=False, **board.family.synthesis).files
    texts = [t if isinstance(t, str) else t.decode() for _, t in sorted(files.items())]
    without = [re.sub(r"^\s*attribute \\src .*\n", "", t, flags=re.M) for t in texts]
    print(name, sum(map(len, without)), digest(*sorted(files), *without))
verilog.yosys = lambda: sys.argv[1]  # one Yosys for all
print("tiny", digest(verilog.convert(AxisEngine(CONFIGS["tiny"]), "engine")))
"""


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
def test_the_same_engine(name, tmp_path, ours):
    python = environment(name, tmp_path / "other")
    pins = [f"{package}=={version(package)}" for package in PACKAGES]
    status, output = run(python, "-m", "pip", "install", "--quiet", *pins)
    if status:
        pytest.skip(f"{name} gets no packages: {output.strip()}")
    assert digests(python) == ours
