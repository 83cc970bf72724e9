"""The examples run as they stand, from any folder, and do what they say."""

import json
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from sobolpath.__main__ import main
from tests.support.places import ROOT

EXAMPLES = ROOT / "examples"
SCRIPTS = (
    "adapt.py",
    "own_data.py",
    "pytorch_digits.py",
    "engine_in_design/run.py",
    "waveforms.py",
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # seconds each, alone


def example(name, folder, cwd):
    """What an example prints, with its files in ``folder``, if it has any."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, *([folder] if folder else [])],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert (done.returncode, done.stderr.count("Error")) == (0, 0), done.stderr
    return done.stdout


def test_all_are_here():
    files = [path for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".v")]
    assert {str(path.relative_to(EXAMPLES)) for path in files if path.suffix == ".py"} == set(
        SCRIPTS
    )
    assert all(len(path.read_text().splitlines()) < 100 for path in files)


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_is_named_where_one_looks(name):
    for page in (EXAMPLES / "README.md", ROOT / "docs" / "README.md"):
        assert f"examples/{name}" in page.read_text(), page
    folder = "" if name == "adapt.py" else " [FOLDER]"  # it writes nothing
    assert f".venv/bin/python examples/{name}{folder}" in (EXAMPLES / name).read_text()


def test_own_data(tmp_path):
    printed = example("own_data.py", tmp_path / "a folder", tmp_path)
    commands = re.findall(r"^\$ sobolpath (\w+)", printed, re.MULTILINE)
    assert commands == ["train", "eval", "sim"]
    accuracies = [float(figure) for figure in re.findall(r"float +([\d.]+)% of 150", printed)]
    assert len(accuracies) == 2
    assert min(accuracies) > 90
    assert re.search(r"mismatches +0 of 256 values", printed)
    assert (tmp_path / "a folder" / "model.npz").is_file()


def test_adapt(tmp_path):
    """A simulated board learns digits whose bright and dark are exchanged."""
    printed = example("adapt.py", None, tmp_path)
    before, after = (float(figure) for figure in re.findall(r"([\d.]+)%", printed))
    assert before < 20
    assert after > before + 40


def test_pytorch_digits(tmp_path):
    printed = example("pytorch_digits.py", tmp_path / "a folder", tmp_path)
    assert re.findall(r"^\$ sobolpath (\w+)", printed, re.MULTILINE) == ["eval", "sim"]
    floats, whole = (
        float(re.search(rf"^{kind} +([\d.]+)%", printed, re.MULTILINE)[1])
        for kind in ("floats", "integers")
    )
    assert min(floats, whole) > 95
    assert re.search(r"^mismatches  0 of 5760 logits", printed, re.MULTILINE)
    assert re.search(rf"^integer +{whole:.2f}%$", printed, re.MULTILINE)
    assert re.search(r"mismatches +0 of 1,152 values", printed)


def test_engine_in_design(tmp_path):
    printed = example("engine_in_design/run.py", tmp_path / "a folder", tmp_path)
    labels = [int(label) for label in re.findall(r"label (\d) in cycle", printed)]
    assert len(labels) == 3
    assert f"golden model: {json.dumps(labels)}" in printed
    cycles = [int(cycle) for cycle in re.findall(r"in cycle (\d+)", printed)]
    interval = int(re.search(r"interval +(\d+) cycles", printed)[1])
    assert [later - sooner for sooner, later in pairwise(cycles)] == [interval, interval]


def test_waveforms(tmp_path):
    printed = example("waveforms.py", tmp_path / "a folder", tmp_path)
    cycles = [int(cycle) for cycle in re.findall(r"^ +(\d+)  ", printed, re.MULTILINE)]
    assert len(cycles) == 9
    assert cycles == sorted(cycles)
    latency = int(re.search(r"latency +(\d+) cycles", printed)[1])
    taken, result = cycles[1] + 63, cycles[-2]  # of 64 inputs the last; of 16 results the first
    assert taken + latency == result + 15
    vcd = tmp_path / "a folder" / "inference.vcd"
    assert vcd.is_file()
    assert vcd.with_name("inference.vcd.gtkw").is_file()


def test_digits_toml(tmp_path, monkeypatch, capsys):
    """It is the file that docs/sweeps.md shows, and gives about the table that stands there."""
    page, file = (ROOT / "docs" / "sweeps.md").read_text(), EXAMPLES / "digits.toml"
    assert (
        f"`.venv/bin/sobolpath sweep examples/{file.name}`" in (EXAMPLES / "README.md").read_text()
    )
    own = file.read_text().split("\n", 2)[2]
    assert own.strip() in re.sub(r"^ {4}", "", page, flags=re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(file)]) == 0
    printed = re.findall(r"^(?:sobol |random-reg).*", capsys.readouterr().out, re.MULTILINE)
    shown = re.findall(r"^ {4}((?:sobol |random-reg).*)", page, re.MULTILINE)
    assert len(printed) == len(shown) == 20
    for line, wanted in zip(printed, shown, strict=True):
        for cell, figure in zip(line.split(), wanted.split(), strict=True):
            if figure.endswith("%"):  # another processor rounds otherwise
                assert abs(float(cell[:-1]) - float(figure[:-1])) < 6
            elif not re.fullmatch(r"\d\.\d\d", figure):
                assert cell == figure
