"""What can break under a run: a disk that is full, a compiler, a library. The cache stays sound.

A full disk is ``/dev/full``, or a limit on the size of files, in a process of its own.
"""

import os
import re
import resource
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.sim.backends import library
from tests.support.marks import slow
from tests.support.networks import random_model
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

TINY = ("--data", "digits", "--config", "tiny", "--limit", "2")


@pytest.fixture
def small(tmp_path):
    """A model file for digits that fits ``--config tiny``, its weights at random (seed 5)."""
    path, rng = tmp_path / "small.npz", np.random.default_rng(5)
    replace(random_model(rng, Topology((64, 16, 16), (64, 32))), classes=10).save(path)
    return path


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def sim(model, *more):
    """Run in this process; the exit code."""
    return main(["sim", *(str(word) for word in ("run", model, *TINY, *more))])


def limited(size, model, *more):
    """Run where no file may have more than ``size`` bytes; status and standard error."""
    words = [sys.executable, "-m", "sobolpath", "sim", "run", model, *TINY, *more]
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


class TestFullDisk:
    def test_device(self, small, capsys):
        for option in ("--json", "--html"):
            assert sim(small, "--backend", "pysim", option, "/dev/full") == 2
            error = capsys.readouterr().err
            assert error == "error: /dev/full: No space left on device\n"

    def test_json(self, small, out):
        """The result before stays."""
        file = out / "r.json"
        file.write_text("before")
        status, error = limited(200, small, "--backend", "pysim", "--json", file)
        assert (status, error) == (2, f"error: {file}: File too large\n")
        assert [path.name for path in out.iterdir()] == ["r.json"]
        assert file.read_text() == "before"

    @pytest.mark.parametrize(
        ("backend", "said"),
        [
            ("pysim", ""),
            slow("native", "the compiled simulator failed: VerilatedVcd::bufferFlush: "),
        ],
    )
    def test_waveforms(self, small, out, backend, said, monkeypatch):
        if backend == "native":
            library.build(CONFIGS["tiny"], waves=True)
        status, error = limited(20_000, small, "--backend", backend, "--vcd", out / "w.vcd")
        assert status == 2
        assert error == f"error: {said}File too large\n"
        assert list(out.iterdir()) == []


def script(path, text):
    """A compiler that is a shell script."""
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo fake; exit; fi\n{text}\n')
    path.chmod(0o755)
    return path


def kept_in(folder):
    """The names of the files and folders beside the locks of compiled simulators."""
    return {path.name for path in folder.glob("sim/*/*")} - {"lock"}


class TestCompiler:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch, out):
        """Verilator's part is not run, and libraries are of the test alone."""
        monkeypatch.setattr(library, "_verilate", lambda *arguments: None)
        monkeypatch.setenv("SOBOLPATH_CACHE", str(out))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("echo half > engine.so; echo 'fatal error: no space' >&2; exit 1", "fatal error: no"),
            ("echo half > engine.so; kill -9 $$", "ended by signal 9"),
        ],
    )
    def test_fails(self, small, out, tmp_path, monkeypatch, capsys, text, message):
        """Nothing is kept; where pysim may be taken, it is, and the reason said."""
        monkeypatch.setenv("CXX", str(script(tmp_path / "cxx", text)))
        assert sim(small, "--backend", "native") == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: the C++ compiler {tmp_path / 'cxx'} failed: {message}")
        assert error.count("\n") == 1
        assert not kept_in(out)
        assert sim(small) == 0
        shown = capsys.readouterr().out
        assert f"taking the slow back end pysim: the C++ compiler {tmp_path / 'cxx'} fai" in shown

    def test_the_folder_is_full(self, small, out, monkeypatch, capsys, tmp_path):
        """As the finished library is sealed."""
        text = "echo whole > engine.so"
        monkeypatch.setenv("CXX", str(script(tmp_path / "cxx", text)))
        full = OSError(28, os.strerror(28))
        monkeypatch.setattr(os, "replace", lambda *arguments: (_ for _ in ()).throw(full))
        assert sim(small, "--backend", "native") == 2
        error = capsys.readouterr().err
        place = re.escape(f"{out}/sim/") + r"\w+"
        reason = "must be a folder to compile a simulator in, but: No space left on device"
        assert re.fullmatch(f"error: {place}: {reason}\n", error)
        assert not kept_in(out)


@pytest.fixture
def kept(monkeypatch, out, small):
    """A library of the test alone, a copy of the checkout's."""
    made = library.build(CONFIGS["tiny"])
    copy = out / "sim" / made.parent.name / made.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(made.read_bytes())
    monkeypatch.setenv("SOBOLPATH_CACHE", str(out))
    return copy


@pytest.mark.parametrize("damage", [b"", b"who", b"whale\n" + 64 * b"0"])
def test_damage_is_seen(monkeypatch, tmp_path, out, damage):
    monkeypatch.setattr(library, "_verilate", lambda *arguments: None)
    monkeypatch.setenv("CXX", str(script(tmp_path / "cxx", "echo whole > engine.so")))
    said = []
    made = library.build(CONFIGS["tiny"], folder=out)
    whole = made.read_bytes()
    made.write_bytes(damage)
    assert library.build(CONFIGS["tiny"], folder=out, say=said.append) == made
    assert made.read_bytes() == whole
    assert said[0] == f"{made} is damaged"
    assert len(said) == 2


def test_a_damaged_library_is_made_again(kept, small, capsys):
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert sim(small, "--backend", "native") == 0
    shown = capsys.readouterr().out
    assert f"{kept} is damaged\ncompiling the simulator" in shown
    assert "mismatches   0 of " in shown
    assert len(kept.read_bytes()) == pytest.approx(len(whole), rel=0.01)
    assert sim(small, "--backend", "native") == 0
    assert "compiling" not in capsys.readouterr().out


def test_a_whole_library_is_taken_as_it_is(kept, small, capsys):
    before, written = kept.read_bytes(), kept.stat().st_mtime_ns
    assert sim(small, "--backend", "native") == 0
    assert "compiling" not in capsys.readouterr().out
    assert (kept.read_bytes(), kept.stat().st_mtime_ns) == (before, written)


def test_ctrl_c_while_compiling(small, tmp_path):
    """The compiler ends too, and nothing is kept."""
    there, late = tmp_path / "there", tmp_path / "late"
    slow = script(tmp_path / "cxx", f"echo half > engine.so; touch {there}; sleep 4; touch {late}")
    program = (
        "import sys\n"
        "from sobolpath.__main__ import main\nfrom sobolpath.sim.backends import library\n"
        "library._verilate = lambda *arguments: None\n"
        "sys.exit(main(['sim', *sys.argv[1:]]))\n"
    )
    words = [sys.executable, "-c", program, "run", small, *TINY, "--backend", "native"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored: inherited
    try:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=ROOT,
            env={**os.environ, "CXX": str(slow), "SOBOLPATH_CACHE": str(tmp_path / "out")},
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        while not there.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, "error: interrupted\n")
    assert list((tmp_path / "out").glob("sim/*"))
    assert not kept_in(tmp_path / "out")
    assert not late.exists()
