"""``sobolpath sim run --resume``: a run that was ended goes on, and finds what it would have."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.topology.paths import Topology
from sobolpath.sim.run import measure, partial
from sobolpath.sim.run.tally import Tally
from tests.support.networks import random_model
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

TIMES = ("cycles_per_second", "cycles_per_core_second")


def make_model(path, seed):
    """A model file for digits that fits ``--config tiny``, its weights at random."""
    rng = np.random.default_rng(seed)
    replace(random_model(rng, Topology((64, 16, 16), (64, 32))), classes=10).save(path)
    return path


@pytest.fixture
def small(tmp_path):
    return make_model(tmp_path / "small.npz", 5)


def words(model, file, *more):
    """Arguments of a run of 10 images, three batches."""
    options = ["--data", "digits", "--config", "tiny", "--backend", "pysim", "--limit", "10"]
    return [str(word) for word in ("run", model, *options, "--json", file, *more)]


def sim(*arguments):
    return main(["sim", *words(*arguments)])


def interrupted(model, file, monkeypatch, batches=2):
    """Run until so many batches are done and Ctrl-C comes."""
    with monkeypatch.context() as context:
        add = partial.Partial.add

        def once(self, tally):
            add(self, tally)
            if self.batches == batches:
                raise KeyboardInterrupt

        context.setattr(partial.Partial, "add", once)
        assert sim(model, file) == 130
    return partial.beside(file)


def content(file):
    """What a run found, but for its speed."""
    return {name: x for name, x in json.loads(file.read_text()).items() if name not in TIMES}


@pytest.fixture
def whole(small, tmp_path):
    file = tmp_path / "whole.json"
    assert sim(small, file) == 0
    assert not partial.beside(file).exists()
    return content(file)


def test_interrupted(small, tmp_path, monkeypatch, capsys, whole):
    file = tmp_path / "r.json"
    kept = interrupted(small, file, monkeypatch)
    out, err = capsys.readouterr()
    assert f"kept 8 images in {kept}: go on with --resume" in out
    assert err == "error: interrupted\n"
    assert not file.exists()
    ran = []
    monkeypatch.setattr(
        measure,
        "tallies",
        lambda task, numbers, *more: ran.append(numbers) or tallies(task, numbers, *more),
    )
    assert sim(small, file, "--resume") == 0
    assert ran == [range(2, 3)]
    assert content(file) == whole
    assert not kept.exists()


tallies = measure.tallies


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed(small, tmp_path, whole, jobs):
    """By a signal that nothing can answer, at a moment after the first batch."""
    file = tmp_path / "r.json"
    kept = partial.beside(file)
    program = (
        "import sys, time\nfrom sobolpath.__main__ import main\n"
        "from sobolpath.sim.run import partial\n"
        "partial.SECONDS, add = 0, partial.Partial.add\n"
        "partial.Partial.add = lambda self, tally: (add(self, tally), time.sleep(1))\n"
        "if __name__ == '__main__':\n    main(['sim', *sys.argv[1:]])\n"
    )
    script = tmp_path / "slow.py"
    script.write_text(program)
    arguments = [sys.executable, script, *words(small, file, "--jobs", jobs)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(arguments, cwd=tmp_path, env=environment) as process:
        while not kept.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert 1 <= json.loads(kept.read_text())["batches"] <= 3
    assert sim(small, file, "--resume", "--jobs", 1) == 0
    assert content(file) == whole


def test_nothing_to_go_on_from(small, tmp_path, whole):
    file = tmp_path / "r.json"
    assert sim(small, file, "--resume") == 0
    assert content(file) == whole


def test_without_resume_it_begins_anew(small, tmp_path, monkeypatch, whole):
    file = tmp_path / "r.json"
    kept = interrupted(small, file, monkeypatch)
    assert sim(small, file) == 0
    assert content(file) == whole
    assert not kept.exists()


class TestRefused:
    """Exit code 2, one line, and the partial result stays."""

    @pytest.fixture
    def kept(self, small, tmp_path, monkeypatch, capsys):
        path = interrupted(small, tmp_path / "r.json", monkeypatch, 1)
        capsys.readouterr()
        return path

    def refused(self, capsys, kept, *arguments):
        before = kept.read_bytes()
        assert sim(*arguments, "--resume") == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert kept.read_bytes() == before
        return error

    def test_another_model(self, kept, tmp_path, capsys):
        other = make_model(tmp_path / "other.npz", 6)
        error = self.refused(capsys, kept, other, tmp_path / "r.json")
        assert f"{kept}: is of another model, " in error
        assert error.endswith(": leave --resume out to begin anew\n")

    @pytest.mark.parametrize(
        ("options", "what"),
        [
            (("--limit", "9"), "number of images, 10, not 9"),
            (("--config", "icebreaker"), "configuration, EngineConfig(lanes=4, "),
        ],
    )
    def test_other_options(self, kept, small, tmp_path, capsys, options, what):
        assert f"is of another {what}" in self.refused(
            capsys, kept, small, tmp_path / "r.json", *options
        )

    @pytest.mark.parametrize("name", ["data set", "back end", "set of versions"])
    def test_begun_otherwise(self, kept, small, tmp_path, capsys, name):
        found = json.loads(kept.read_text())
        found["identity"][name] = "other"
        kept.write_text(json.dumps(found))
        assert f"is of another {name}, other, not " in self.refused(
            capsys, kept, small, tmp_path / "r.json"
        )

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"tally": 1}', '{"tally": {"x": 1}}'])
    def test_not_whole(self, kept, small, tmp_path, capsys, text):
        kept.write_text(text)
        assert f"{kept}: must be a whole partial result, but is not" in self.refused(
            capsys, kept, small, tmp_path / "r.json"
        )

    def test_without_a_file(self, kept, small, capsys):
        assert "--resume needs --json FILE" in self.refused(capsys, kept, small, "-")

    def test_with_waveforms(self, kept, small, tmp_path, capsys):
        more = tmp_path / "r.json", "--vcd", tmp_path / "w.vcd"
        assert "--resume needs --json FILE" in self.refused(capsys, kept, small, *more)


def test_written_now_and_then(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(partial.time, "monotonic", lambda: now[0])
    kept, sizes = partial.Partial(tmp_path / "p", {}, seconds=7.0), []
    for _ in range(6):
        now[0] += 2
        kept.add(Tally(images=1))
        there = tmp_path / "p"
        sizes.append(json.loads(there.read_text())["batches"] if there.exists() else 0)
    assert sizes == [0, 0, 3, 3, 3, 6]
    assert kept.seconds == 7 + 12
    assert partial.Partial.load(tmp_path / "p", {}) == kept
