"""The distribution: built from a copy of the checkout, installed where nothing else is, and run."""

import re
import shutil
import sys
import tarfile
import zipfile
from email.parser import Parser

import pytest

import sobolpath
from sobolpath.boards import NAMES
from tests.support.places import ROOT
from tests.support.pythons import OTHERS, PROJECT, environment, run, skip_offline

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PACKAGES = ("golden", "hw", "sim", "boards", "host", "demo", "exchange", "pytorch")
BETWEEN = next((name for name in OTHERS if name == "python3.12"), OTHERS[0])
INFO = f"sobolpath-{sobolpath.__version__}.dist-info"


def files_of_the_checkout():
    """What must be in the package, by the names that it has there."""
    files = [path for path in (ROOT / "sobolpath").iterdir() if path.is_file()]
    found = {f"sobolpath/{path.name}" for path in files}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.add(f"sobolpath/{path.relative_to(ROOT).as_posix()}")
    return found | {f"sobolpath/models/{path.name}" for path in (ROOT / "models").glob("*.npz")}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The source distribution, and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("distributions")
    skip_offline(folder / "index")
    checkout = folder / "a checkout"  # the build leaves files beside the source
    unwanted = shutil.ignore_patterns(".*", "build", "shared", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=unwanted)
    out = folder / "out"
    status, output = run(sys.executable, "-m", "build", "--outdir", out, checkout, cwd=folder)
    assert status == 0, output
    assert "absent from the `packages` configuration" not in output
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return source, wheel


def test_the_source_distribution_has_real_files(distributions):
    with tarfile.open(distributions[0]) as archive:
        members = archive.getmembers()
    assert all(member.isfile() or member.isdir() for member in members)
    top = f"sobolpath-{sobolpath.__version__}/"
    names = {member.name.removeprefix(top) for member in members if member.isfile()}
    assert {name for name in names if name.startswith("sobolpath/")} == files_of_the_checkout()
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_the_wheel_has_one_name_and_every_file(distributions):
    with zipfile.ZipFile(distributions[1]) as archive:
        assert not any(info.external_attr >> 28 == 0o12 for info in archive.infolist())  # links
        names = set(archive.namelist())
        metadata = Parser().parsestr(archive.read(f"{INFO}/METADATA").decode())
    assert {name.partition("/")[0] for name in names} == {"sobolpath", INFO}
    assert {name for name in names if name.startswith("sobolpath/")} == files_of_the_checkout()
    some = ("models/digits.npz", "sim/backends/harness.cpp", "boards/report/report.md", "py.typed")
    some += ("golden/learn/kernel.cpp",)
    assert {f"sobolpath/{name}" for name in some} <= names
    assert metadata["Version"] == sobolpath.__version__
    assert metadata["License-Expression"] == "BSD-2-Clause"
    assert metadata.get_all("Classifier") == PROJECT["classifiers"]
    assert len(metadata.get_all("Project-URL")) == len(PROJECT["urls"])


def listing(folder):
    """The files below a folder and when they changed, but for what Python compiles."""
    return {
        path: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("name", [sys.executable, BETWEEN], ids=lambda name: name.split("/")[-1])
def test_runs_where_nothing_else_is_installed(name, distributions, tmp_path):
    """By this Python, and by one that CI tests otherwise not at all; nothing is written beside."""
    python = environment(name, tmp_path / "environment")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    (packages,) = (tmp_path / "environment" / "lib").glob("python*/site-packages")
    before = set(packages.iterdir())
    status, output = run(*pip, "--no-deps", distributions[1])
    assert status == 0, output
    assert {path.name for path in set(packages.iterdir()) - before} == {"sobolpath", INFO}
    status, output = run(*pip, distributions[1])
    assert status == 0, output
    installed = listing(packages)

    elsewhere = tmp_path / "another folder"
    elsewhere.mkdir()
    cache = tmp_path / "cache"
    settings = {"PYTHONPATH": "", "SOBOLPATH_CACHE": str(cache), "SOBOLPATH_DATA": ""}

    def sobolpath_(*words):
        command = python.with_name("sobolpath")
        status, output = run(command, *words, cwd=elsewhere, **settings)
        assert status == 0, output
        return output

    assert sobolpath_("--version") == f"sobolpath {sobolpath.__version__}\n"
    output = sobolpath_("sim", "run", "digits", "--data", "digits", "--limit", "2")
    assert re.search(r"^mismatches +0 of \d+ values$", output, re.MULTILINE)
    lines = sobolpath_("board", "list").splitlines()
    assert [line.split()[0] for line in lines] == ["board", *NAMES]
    output = sobolpath_("hw", "verilog", "--config", "tiny", "--out", tmp_path / "engine.v")
    assert "endmodule" in (tmp_path / "engine.v").read_text()
    assert not list(elsewhere.iterdir())
    assert listing(packages) == installed
