"""The set-up: the Makefile and its scripts, in a world made of stand-in programs."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from sobolpath.boards import NAMES
from tests.support.places import ROOT
from tests.support.pythons import OTHERS, OURS

pytestmark = pytest.mark.timeout(60)


def run(*command, path=None):
    """Run from the checkout's root; (status, standard output, standard error)."""
    environment = {**os.environ, "PATH": str(path) if path else os.environ["PATH"]}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # the suite may itself be run by make
        environment.pop(name, None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def world(tmp_path):
    """Makes a ``PATH`` of stand-ins, name -> shell commands, and a few real programs."""

    def make(**programs):
        for name in ("sh", "env", "rm"):
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, script in programs.items():
            program = tmp_path / name.replace("_", "-").replace("cxx", "g++")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        return tmp_path

    return make


def tools(path, *names):
    return run("/bin/sh", "scripts/system-tools.sh", *names, path=path)


class TestMake:
    def test_help_is_the_default_and_names_every_target(self):
        status, output, _ = run("make")
        assert status == 0
        targets = [line.split()[0] for line in output.splitlines() if line.startswith("  ")]
        assert targets == [
            "help",
            "sim",
            "learn",
            "demo",
            "check",
            "test",
            "synth",
            "seeds",
            "boards",
            "figures",
            "faults",
            "models/NAME.npz",
            "lint",
            "clean",
        ]
        assert max(map(len, output.splitlines())) <= 80

    @pytest.mark.parametrize("target", ["synth", "seeds", "boards"])
    @pytest.mark.parametrize("value", ["nope", "ulx3s nope"])
    def test_refuses_an_unknown_board(self, target, value):
        name = "BOARDS" if target == "boards" else "BOARD"
        status, _, error = run("make", target, f"{name}={value}")
        assert status == 2
        assert f"BOARD must be one of {' '.join(NAMES)}, not nope" in error
        assert error.count("\n") == 1

    @pytest.mark.parametrize("target", ["seeds", "boards"])
    @pytest.mark.parametrize("count", ["0", "-1", "ten", "1 2"])
    def test_refuses_a_number_of_seeds(self, target, count):
        status, _, error = run("make", target, f"N={count}")
        assert status == 2
        assert f"N must be a number of seeds from 1, not {count}" in error
        assert error.count("\n") == 1

    @pytest.mark.parametrize(
        ("words", "command"),
        [
            (["synth"], "sobolpath board build icebreaker --report"),
            (["check"], 'python -m pytest -m "not slow" --numprocesses auto --dist worksteal'),
            (["test"], "python -m pytest --numprocesses auto --dist worksteal"),
            (["sim"], "sobolpath sim run digits --data digits"),
            (["learn"], "sobolpath sim learn --data digits --plot build/learning.svg"),
            (["demo"], "sobolpath demo"),
            (["demo", "PORT=/dev/ttyUSB1"], "sobolpath demo --port /dev/ttyUSB1"),
            (["seeds", "BOARD=hx8k"], "sobolpath board build hx8k --report --seeds 10"),
            (["seeds", "N=3"], "sobolpath board build icebreaker --report --seeds 3"),
            (["boards"], "python -m scripts.boards"),
            (
                ["boards", "BOARDS=hx8k upduino", "N=12"],
                "python -m scripts.boards hx8k upduino --seeds 12",
            ),
        ],
    )
    def test_commands(self, words, command):
        status, output, _ = run("make", "--dry-run", *words)
        assert status == 0
        assert output.splitlines()[-1].rstrip() == f".venv/bin/{command}"

    def test_ci_runs_the_readme_s_command(self):
        script = ROOT / ".ci" / "run"
        assert os.access(script, os.X_OK)
        assert script.read_text().splitlines()[-1] == "make test"


def stand_in(version):
    """A Python of a version, such as ``3.12.1``: it makes an environment of itself, no more."""
    short = version.rpartition(".")[0]
    return (
        f'case "$*" in *%d.%d.%d*) echo {version};; *%d.%d*) echo {short};; '
        '*"-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python";; esac'
    )


class TestPython:
    """``PYTHON=``: the environment is of the Python that was asked for, at any time."""

    @pytest.fixture
    def make(self, tmp_path, monkeypatch):
        (tmp_path / "checkout").mkdir()
        for name in ("Makefile", "scripts", "pyproject.toml"):
            (tmp_path / "checkout" / name).symlink_to(ROOT / name)
        (tmp_path / "bin").mkdir()
        for name, version in (("python3", "3.11.7"), ("python3.12", "3.12.1")):
            program = tmp_path / "bin" / name
            program.write_text(f"#!/bin/sh\n{stand_in(version)}\n")
            program.chmod(0o755)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        monkeypatch.delenv("PYTHON", raising=False)

        def run_make(*words, refused=""):
            """What it prints, where it is not refused with this message."""
            where = ("--directory", tmp_path / "checkout", ".venv/.all")
            status, output, error = run("make", "--no-print-directory", *where, *words, path=path)
            assert status == (2 if refused else 0)
            assert error.partition("\n")[0] == refused
            return output

        run_make.folder = tmp_path / "checkout" / ".venv"
        return run_make

    def test_first(self, make):
        assert make().startswith("installing sobolpath[all]")
        assert [path.name for path in make.folder.glob(".created*")] == [".created-3.11.7"]
        assert "up to date" in make()
        assert "up to date" in make("PYTHON=python3")

    def test_another(self, make):
        make()
        output = make("PYTHON=python3.12")
        assert output.startswith("making .venv anew, of Python 3.12\ninstalling sobolpath[all]")
        assert [path.name for path in make.folder.glob(".created*")] == [".created-3.12.1"]
        assert "echo 3.12" in (make.folder / "bin" / "python").read_text()
        assert "up to date" in make("PYTHON=python3.12")
        assert "up to date" in make()

    def test_by_the_environment(self, make, monkeypatch):
        make()
        monkeypatch.setenv("PYTHON", "python3.12")
        assert make().startswith("making .venv anew, of Python 3.12\n")

    def test_none_that_is_there(self, make):
        """The environment stays as it is."""
        make()
        message = (
            "python3.99 must be installed; another one is named by: make PYTHON=python3.12 ..."
        )
        make("PYTHON=python3.99", refused=f"error: {message}")
        assert (make.folder / ".created-3.11.7").exists()


class TestVenv:
    def test_refuses_an_old_python(self, world, tmp_path):
        script = 'case "$2" in *print*) echo 3.9;; *) exit 1;; esac'
        path = world(python3=script)
        folder = tmp_path / "venv"
        status, _, error = run("/bin/sh", "scripts/make-venv.sh", "python3", folder, path=path)
        assert status == 2
        assert "Python must be 3.11 or newer, python3 is 3.9; try: make PYTHON=" in error
        assert not folder.exists()

    def test_refuses_a_missing_python(self, world, tmp_path):
        path, folder = world(), tmp_path / "venv"
        status, _, error = run("/bin/sh", "scripts/make-venv.sh", "python3", folder, path=path)
        assert status == 2
        assert "python3 must be installed" in error

    def test_names_debian_s_package(self, world, tmp_path):
        script = 'case "$2" in *print*) echo 3.11;; *ensurepip*) exit 1;; esac'
        path, folder = world(python3=script), tmp_path / "venv"
        status, _, error = run("/bin/sh", "scripts/make-venv.sh", "python3", folder, path=path)
        assert status == 2
        assert "must have the venv module; on Debian: sudo apt-get install python3.11-venv" in error

    @pytest.mark.slow
    def test_makes_one(self, tmp_path):
        folder = tmp_path / "venv"
        status, _, error = run("/bin/sh", "scripts/make-venv.sh", sys.executable, folder)
        assert (status, error) == (0, "")
        assert (folder / "bin" / "python").exists()


class TestSystemTools:
    def test_nothing_to_do(self, world):
        path = world(iverilog="", cxx="")
        assert tools(path, "iverilog", "g++") == (0, "", "")

    @pytest.mark.parametrize("name", ["chromium", "chromium_browser", "google_chrome"])
    def test_any_chromium_will_do(self, world, name):
        assert tools(world(**{name: ""}), "chromium") == (0, "", "")

    def test_chromium_of_homebrew(self, world):
        status, _, error = tools(world(brew=""), "chromium")
        assert status == 2
        assert error == "error: Chromium must be installed: brew install --cask chromium\n"

    @pytest.mark.parametrize(
        ("manager", "command"),
        [
            ("apt_get", "sudo apt-get install -y iverilog g++"),
            ("dnf", "sudo dnf install -y iverilog gcc-c++"),
            ("pacman", "sudo pacman -S --noconfirm iverilog gcc"),
            ("zypper", "sudo zypper install -y iverilog gcc-c++"),
            ("apk", "sudo apk add iverilog g++"),
        ],
    )
    @pytest.mark.parametrize("sudo", [{}, {"sudo": "exit 1"}])
    def test_prints_the_command_where_it_may_not(self, world, manager, command, sudo):
        path = world(**{manager: "exit 99"}, id="echo 1000", **sudo)
        status, _, error = tools(path, "iverilog", "g++")
        assert status == 2
        assert error.endswith(f"type: {command}\n")
        assert error.count("\n") == 1

    @pytest.mark.parametrize("user", [0, 1000])
    def test_installs_where_it_may(self, world, tmp_path, user):
        """As root, or by sudo without a password; the list is updated first."""
        log = tmp_path / "log"
        install = f'echo "$0 $*" >> {log}; for last; do :; done; test "$1" = update || '
        install += f": > {tmp_path}/iverilog; /bin/chmod +x {tmp_path}/iverilog 2>/dev/null || :"
        sudo = f'test "$1" = -n && exit 0; echo sudo >> {log}; "$@"'
        path = world(apt_get=install, id=f"echo {user}", sudo=sudo)
        status, output, error = tools(path, "iverilog")
        assert (status, error) == (0, "")
        assert "installing iverilog with apt-get" in output
        calls = [line.split("/")[-1] for line in log.read_text().splitlines()]
        assert calls.count("sudo") == (2 if user else 0)
        assert [call for call in calls if call != "sudo"] == [
            "apt-get update -qq",
            "apt-get install -y -qq iverilog",
        ]

    def test_an_installation_that_fails(self, world):
        path = world(apt_get="exit 100", id="echo 0")
        status, _, error = tools(path, "iverilog")
        assert status != 0
        assert "error:" in error

    def test_no_manager(self, world):
        status, _, error = tools(world(), "iverilog")
        assert status == 2
        assert error == "error: these programs must be installed: iverilog\n"

    def test_brew_needs_no_sudo(self, world, tmp_path):
        path = world(brew=f": > {tmp_path}/iverilog; /bin/chmod +x {tmp_path}/iverilog")
        status, output, _ = tools(path, "iverilog")
        assert status == 0
        assert "installing icarus-verilog with brew" in output


class TestWorkflow:
    """The workflow runs what a person runs, on the Pythons that the project is for."""

    JOB = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["test"]

    def test_runs_the_script(self):
        assert [step["run"] for step in self.JOB["steps"] if "run" in step] == [".ci/run"]

    def test_pythons(self):
        (setup,) = (s for s in self.JOB["steps"] if "setup-python" in s.get("uses", ""))
        *listed, last = setup["with"]["python-version"].split("\n")[:-1]
        assert last == "${{ matrix.python }}"
        assert sorted(f"python{each}" for each in listed) == sorted([OURS, *OTHERS])
        assert set(self.JOB["strategy"]["matrix"]["python"]) == {listed[0], listed[-1]}


def test_no_test_is_in_a_folder_that_is_passed_over():
    """pyproject.toml names the folders of tests, the fast ones first."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    found = {path.parent.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    assert len(found) > 3
    assert {str(Path(*path.parts[:2])) for path in found} == set(options["testpaths"])
