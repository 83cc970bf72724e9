"""Where compiled simulators and downloads are kept, and who is told where they cannot be."""

import pwd
from pathlib import Path

import pytest

from sobolpath.__main__ import main
from sobolpath.golden.data import files
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cache
from tests.support.places import DIGITS

RUN = ("sim", "run", str(DIGITS), "--data", "digits", "--limit", "1")


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """A user whom the system does not know, in an empty folder."""

    def unknown(user):
        raise KeyError(user)

    for name in ("HOME", "XDG_CACHE_HOME", "SOBOLPATH_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_variable_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path / "é à"))
    assert cache.folder("sim") == tmp_path / "é à" / "sim"
    assert not (tmp_path / "é à").exists()


def test_it_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("SOBOLPATH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder("data") == tmp_path / "sobolpath" / "data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.folder("data") == tmp_path / "home" / ".cache" / "sobolpath" / "data"


def test_no_home(homeless):
    with pytest.raises(InputError, match="SOBOLPATH_CACHE must be a folder where HOME is none"):
        cache.folder("sim")
    assert Path("~") not in [folder.parts[0] for folder in files.folders()]


@pytest.mark.slow
def test_a_run_without_a_home(homeless, capsys):
    """One line, and nothing is made here."""
    assert main([*RUN, "--backend", "native"]) == 2
    reason = "SOBOLPATH_CACHE must be a folder where HOME is none: nothing can be kept"
    assert capsys.readouterr().err == f"error: {reason}\n"
    assert main([*RUN, "--jobs", "1"]) == 0
    assert capsys.readouterr().out.startswith(f"taking the slow back end pysim: {reason}\n")
    assert list(homeless.iterdir()) == []


@pytest.mark.slow
def test_a_run_whose_cache_cannot_be_written(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path / "file"))
    assert main([*RUN, "--jobs", "1"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(f"taking the slow back end pysim: {tmp_path}/file/sim/")
    assert first.endswith(": must be a folder to write in: Not a directory")
    assert rest[0].startswith("model ")
    assert main([*RUN, "--backend", "native"]) == 2
    assert capsys.readouterr().err.endswith(": must be a folder to write in: Not a directory\n")
