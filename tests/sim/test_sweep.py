"""``sobolpath sweep``: what is computed, kept, gone on with, shown, refused."""

import contextlib
import fcntl
import io
import itertools
import json
import os
import resource
import shlex
import shutil
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from sobolpath.__main__ import main
from sobolpath.boards import load
from sobolpath.boards.report import kept
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model
from sobolpath.sim.sweep import cell, picture, plan, workers
from sobolpath.sim.sweep.results import Results

SWEEP = """
[fixed]
data = "digits"
layers = "64-16"
epochs = 1
batch = 64

[grid]
topology = ["sobol", "fixed-fan"]
paths = [64, 128]
bits = [8, 2]
seed = [0, 1]
board = ["icebreaker", "hx8k"]
"""
CELLS = 2 * 2 * 2 * 2 + 2 * 2  # paths x bits x seed x board of sobol, paths x seed of fixed-fan


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """Runs a sweep of this text in this process, in a folder of its own; its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(text=SWEEP, *more, jobs=("--jobs", "1")):
        (tmp_path / "s.toml").write_text(text)
        return main(["sweep", "s.toml", *jobs, *map(str, more)])

    run.results = tmp_path / "build" / "s.jsonl"
    run.lines = lambda: [json.loads(line) for line in run.results.read_text().splitlines()]
    return run


@pytest.fixture
def computed(monkeypatch):
    """The tasks that are computed, from now on."""
    tasks, compute = [], cell.compute
    monkeypatch.setattr(cell, "compute", lambda task: tasks.append(task) or compute(task))
    return tasks


def small(**grid):
    """A sweep with these axes alone, one path number."""
    text, _, _ = SWEEP.partition("[grid]")
    rows = [f"{name} = {json.dumps(values)}\n" for name, values in grid.items()]
    return f"{text}{'' if 'paths' in grid else 'paths = 64'}\n[grid]\n{''.join(rows)}"


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A folder in which the sweep was run, and what it said."""
    folder, said = tmp_path_factory.mktemp("whole"), [io.StringIO(), io.StringIO()]
    (folder / "s.toml").write_text(SWEEP)
    words = ["sweep", "s.toml", "--jobs", "1", "--json", "r.json", "--plot", "p.svg"]
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(said[0]),
        contextlib.redirect_stderr(said[1]),
    ):
        assert main(words) == 0
    return folder, [each.getvalue() for each in said]


class TestWhole:
    @pytest.fixture
    def done(self, once, sweep, tmp_path):
        folder, said = once
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        return sweep.lines(), said

    def test_lines(self, done):
        lines, _ = done
        assert len({line["key"] for line in lines}) == len(lines) == CELLS
        assert all(line["error"] is None and line["sweep"] == "s" for line in lines)
        for line in lines:
            integer = line["options"]["topology"] == "sobol"
            assert (line["accuracy_int"] is not None) is integer
            assert (line["board"] is not None) is integer
            assert 0 < line["accuracy_float"] < 1
            assert line["weights"] == sum(line["paths"])
            assert line["versions"] == cell.versions()
        assert len({line["training"] for line in lines}) == 12

    def test_a_cell_is_what_train_does(self, done, capsys):
        """Its command, typed, gives its figures."""
        lines, _ = done
        for line in (lines[0], lines[-1], next(x for x in lines if x["options"].get("bits") == 2)):
            words = shlex.split(line["typed"])
            assert words[0] == "sobolpath"
            assert main([*words[1:], "--json", "t.json"]) == 0
            with open("t.json") as file:
                trained = json.load(file)
            assert trained["accuracy_float"] == line["accuracy_float"]
            assert trained.get("accuracy_int") == line["accuracy_int"]
            assert trained["loss"] == line["loss"]
        capsys.readouterr()

    def test_boards(self, done):
        lines, _ = done
        schedule = load("icebreaker").config.schedule(model.Topology((64, 16), (128,)))
        (line,) = (
            line
            for line in lines
            if line["options"]
            == {"topology": "sobol", "paths": 128, "bits": 2, "seed": 1, "board": "icebreaker"}
        )
        assert (line["interval_cycles"], line["images_together"]) == (schedule.interval, 2)
        assert line["cycles_per_image"] == schedule.interval / 2
        assert line["images_per_second"] == 48e6 * 2 / schedule.interval
        assert line["misfit"] is None

    def test_what_is_printed(self, done):
        lines, (out, err) = done
        assert err == ""
        shown = out.splitlines()
        assert max(map(len, shown)) <= 80
        assert shown[:3] == [
            "sweep       s, topology 2 x paths 2 x bits 2 x seed 2 x board 2: 20 cells",
            "results     build/s.jsonl, 0 of 20 cells are there",
            "trainings   12, by 1 process",
        ]
        rows = [line.split() for line in shown if line.startswith(("sobol", "fixed-fan"))]
        assert [row[:5] for row in rows if len(row) == 9][:2] == [
            ["sobol", "64", "8", "64", "2"],
            ["sobol", "64", "2", "64", "2"],
        ]
        accuracies = [
            line["accuracy_int"]
            for line in lines
            if (line["paths"], line["options"].get("bits"), line["board"]) == ([64], 8, "hx8k")
        ]
        assert len(accuracies) == 2
        assert rows[0][7] == f"{sum(accuracies) / 2:.2%}"
        assert ["fixed-fan", "64", "-", "64", "2"] in [row[:5] for row in rows]
        assert [row[-1] for row in rows if row[-2] == "-"] == ["-", "-"]
        assert shown[-1] == "picture     p.svg"

    def test_json_and_picture(self, done, tmp_path):
        lines, _ = done
        summary = json.loads((tmp_path / "r.json").read_text())
        assert sorted(summary["cells"], key=str) == sorted(lines, key=str)
        assert summary["parameters"]["paths"] == [64, 128]
        assert (len(summary["accuracies"]), len(summary["boards"])) == (6, 4)
        assert all(row["runs"] == 2 for row in summary["accuracies"])
        text = (tmp_path / "p.svg").read_text()
        for words in ("accuracy (%)", "bits of a weight", "images per second", "sobol, bits 2"):
            assert words in text
        assert text.count("fixed-fan") == 1  # it has no bits and no board

    def test_again(self, done, sweep, computed, capsys):
        before = sweep.results.read_bytes()
        assert sweep(SWEEP) == 0
        out = capsys.readouterr().out
        assert "20 of 20 cells are there" in out
        assert "trainings" not in out
        assert not computed
        assert sweep.results.read_bytes() == before

    def test_more_values(self, done, sweep, computed, capsys):
        """Only what is new is trained; the rest of the table comes from the file."""
        assert sweep(SWEEP.replace("seed = [0, 1]", "seed = [0, 1, 7]")) == 0
        assert len(computed) == 6
        assert all("--seed=7" in task.arguments for task in computed)
        assert len(sweep.lines()) == 30
        assert "20 of 30 cells are there" in capsys.readouterr().out

    def test_another_board_trains_again_only_for_itself(self, done, sweep, computed):
        assert sweep(SWEEP.replace('"hx8k"]', '"hx8k", "ulx3s-paper"]')) == 0
        assert {task.boards for task in computed} == {("ulx3s-paper",)}
        lines = sweep.lines()
        assert len(lines) == 28
        accuracies = {}
        for line in lines:
            accuracies.setdefault(line["training"], set()).add(line["accuracy_float"])
        assert all(len(found) == 1 for found in accuracies.values())

    def test_what_was_fixed_becomes_an_axis(self, done, sweep, computed, capsys):
        """The lines that are there are of its value."""
        text = SWEEP.replace("epochs = 1\n", "").replace(
            "seed = [0, 1]", "seed = [0, 1]\nepochs = [1, 2]"
        )
        assert sweep(text.replace("[64, 128]", "[64]").replace("[8, 2]", "[8]")) == 0
        assert all("--epochs=2" in task.arguments for task in computed)
        out = capsys.readouterr().out
        rows = [line.split()[:4] for line in out.splitlines() if line.startswith("sobol")]
        assert rows[:2] == [["sobol", "1", "64", "2"], ["sobol", "2", "64", "2"]]

    def test_other_options_leave_the_lines(self, done, sweep, capsys):
        assert sweep(small(seed=[0]).replace("batch = 64", "batch = 32")) == 0
        assert len(sweep.lines()) == 21
        assert "and 20 with other options, data or versions, which stay" in capsys.readouterr().out


def test_the_clocks_are_those_of_the_pages():
    for name, figures in kept().items():
        assert load(name).clock_hz == figures["clock_mhz"] * 1e6


@pytest.mark.slow
def test_processes_find_the_same(sweep, tmp_path):
    assert sweep() == 0
    more = "--results", "two.jsonl"
    assert sweep(SWEEP, *more, jobs=("--jobs", "2")) == 0
    both = []
    for path in (sweep.results, tmp_path / "two.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(lines) == CELLS
        both.append({line["key"]: {**line, "seconds": 0} for line in lines})
    assert both[0] == both[1]


class TestFailures:
    TEXT = small(paths=[64, 32, 128], seed=[0])

    def test_others_go_on(self, sweep, capsys, computed):
        assert sweep(self.TEXT, "--json", "r.json") == 1
        out, err = capsys.readouterr()
        wanted = "paths 32, seed 0: paths of junction 1 (64 to 16 neurons) must be"
        assert err.startswith(f"FAILED: {wanted}")
        assert err.count("\n") == 1
        errors = [line["error"] for line in sweep.lines()]
        assert [error is None for error in errors] == [True, False, True]
        assert "paths  weights" in out
        assert len(computed) == 3
        assert sweep(self.TEXT) == 1  # it would fail again, and is not tried
        assert len(computed) == 3
        assert capsys.readouterr().err == err

    def test_all(self, sweep, capsys, tmp_path):
        assert sweep(small(paths=[32], board=["hx8k"])) == 1
        assert "FAILED: paths 32, board hx8k: " in capsys.readouterr().err
        assert not (tmp_path / "build" / "s.svg").exists()

    def test_too_big_for_a_board(self, sweep, capsys):
        text = (
            small(board=["hx8k", "icebreaker"])
            .replace("64-16", "64-4096")
            .replace("64\n", "4096\n")
        )
        assert sweep(text) == 0
        out = capsys.readouterr().out
        for name, most in (("hx8k", 1024), ("icebreaker", 2048)):
            reason = f"{name}: the neurons of the widest layer must be at most {most}, not 4096"
            assert f"fits not {reason}" in " ".join(out.split())
        assert max(map(len, out.splitlines())) <= 80
        assert [line["images_per_second"] for line in sweep.lines()] == [None, None]


class TestInterrupted:
    def test_it_goes_on(self, sweep, monkeypatch, capsys):
        compute = cell.compute
        with monkeypatch.context() as context:
            tasks = []

            def once(task):
                tasks.append(task)
                if len(tasks) == 3:
                    raise KeyboardInterrupt
                return compute(task)

            context.setattr(cell, "compute", once)
            assert sweep() == 130
        out, err = capsys.readouterr()
        assert "4 of 20 cells are in build/s.jsonl; the same command goes on" in out
        assert err == "error: interrupted\n"
        assert len(sweep.lines()) == 4
        assert sweep() == 0
        assert "4 of 20 cells are there" in capsys.readouterr().out
        assert len({line["key"] for line in sweep.lines()}) == len(sweep.lines()) == CELLS

    def test_a_process_is_killed(self, sweep, monkeypatch, capsys):
        class Parallel:
            def __init__(self, **options):
                assert options["n_jobs"] == 3

            def __call__(self, calls):
                function, arguments, _ = next(iter(calls))
                yield function(*arguments)
                raise BrokenProcessPool("gone")

        monkeypatch.setattr(workers.joblib, "Parallel", Parallel)
        assert sweep(small(seed=[0, 1, 2]), jobs=("--jobs", "8")) == 1
        wanted = "a process was ended from outside, for want of memory perhaps: 1 of 3 cells are in"
        assert capsys.readouterr().err.startswith(f"FAILED: {wanted} build/s.jsonl; ")
        assert len(sweep.lines()) == 1

    def test_what_computes_changed(self, sweep, monkeypatch, capsys):
        def other(task):
            raise cell.Differs("numpy 1.0, not 2.4")

        monkeypatch.setattr(cell, "compute", other)
        assert sweep(small(seed=[0])) == 2
        wanted = "error: what computes must be as it is here, but numpy 1.0, not 2.4\n"
        assert capsys.readouterr().err == wanted

    @pytest.mark.parametrize("cut", [1, 30, 300])
    def test_a_torn_line(self, sweep, capsys, cut):
        text = small(seed=[0, 1])
        assert sweep(text) == 0
        whole = sweep.results.read_bytes()
        sweep.results.write_bytes(whole[:-cut])
        capsys.readouterr()
        assert sweep(text, "--dry-run") == 0
        assert sweep.results.read_bytes() == whole[:-cut]
        assert "and a line that was torn, which is computed again" in capsys.readouterr().out
        assert sweep(text) == 0
        assert len(sweep.lines()) == 2
        first, second = whole.splitlines()
        again = sweep.results.read_bytes().splitlines()
        assert again[0] == first
        one, other = (json.loads(line) for line in (second, again[1]))
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


class TestResults:
    def refused(self, sweep, content, message):
        sweep.results.parent.mkdir(exist_ok=True)
        sweep.results.write_bytes(content)
        with pytest.raises(InputError, match=message):
            Results(sweep.results, "s")
        assert sweep.results.read_bytes() == content

    @pytest.mark.parametrize(
        "content",
        [
            b"text",
            b"\n",
            b"{}\n",
            b"[]\n",
            b'{"sweep": "s", "key": 3}\n',
            b"\xff\n",
            b'{"sweep": "t"',
        ],
    )
    def test_something_else(self, sweep, content):
        wanted = "must have the result of a cell in each line, but line 1 is none: name another"
        self.refused(sweep, content, wanted)

    def test_another_sweep(self, sweep, tmp_path, capsys):
        assert sweep(small(seed=[0])) == 0
        (tmp_path / "other.toml").write_text(SWEEP)
        before = sweep.results.read_bytes()
        capsys.readouterr()
        assert main(["sweep", "other.toml", "--results", "build/s.jsonl"]) == 2
        assert capsys.readouterr().err == (
            "error: build/s.jsonl: must have results of the sweep 'other', but line 1 is of 's': "
            "name another file with --results\n"
        )
        assert sweep.results.read_bytes() == before
        sweep.results.write_bytes(before + b"text\n")
        with pytest.raises(InputError, match="but line 2 is none"):
            Results(sweep.results, "s")

    def test_one_writes_at_a_time(self, sweep, capsys):
        sweep.results.parent.mkdir()
        with open(sweep.results, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert sweep(small(seed=[0])) == 2
        wanted = "build/s.jsonl: must be written by one sweep at a time, but another one runs"
        assert capsys.readouterr().err == f"error: {wanted}\n"

    def test_where_nothing_can_be_written(self, sweep, tmp_path, capsys):
        (tmp_path / "f").write_text("")
        assert sweep(SWEEP, "--results", "f/r.jsonl") == 2
        assert "f/r.jsonl: must be in a folder that can be written, but" in capsys.readouterr().err
        assert sweep(SWEEP, "--models", "f") == 2
        assert "f/model.npz: must be in a folder that can be written" in capsys.readouterr().err
        assert sweep(SWEEP, "--results", ".") == 2
        assert "must be a file to write, not a folder" in capsys.readouterr().err
        assert sweep(SWEEP, "--results", "s.toml") == 2
        assert "s.toml: must be a file of its own" in capsys.readouterr().err

    def test_a_full_disk(self, tmp_path):
        """A write that ends in the middle is an error, and leaves a torn line."""
        path, line = tmp_path / "r.jsonl", {"sweep": "s", "key": "k" * 100}
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        with Results(path, "s").writing() as append:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))
            try:
                with pytest.raises(OSError, match="No space left on device"):
                    append(line)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert path.stat().st_size == 50
        assert Results(path, "s").torn

    @pytest.mark.parametrize("path", [".", "/dev/zero"])
    def test_what_is_no_file(self, path):
        with pytest.raises(InputError, match="must be a file of results, not a folder or device"):
            Results(Path(path), "s")

    def test_not_to_be_read(self, tmp_path, monkeypatch):
        def refused(path):
            raise PermissionError(13, "Permission denied", str(path))

        (tmp_path / "r").touch()
        monkeypatch.setattr(Path, "read_bytes", refused)
        with pytest.raises(InputError, match="must be a file of results: Permission denied"):
            Results(tmp_path / "r", "s")


class TestOptions:
    def test_dry_run(self, sweep, capsys, tmp_path, computed):
        text = small(paths=[64, 32], topology=["sobol", "dense"], board=["hx8k"])
        assert sweep(text, "--dry-run", "--json", "d.json") == 0
        out = capsys.readouterr().out.splitlines()
        assert [" ".join(line.split()) for line in out[3:]] == [
            "paths topology board state",
            "64 sobol hx8k to do",
            "64 dense - to do",
            "32 sobol hx8k to do",
            "32 dense - to do",
        ]
        assert not computed
        assert not (tmp_path / "build").exists()
        assert sweep(text) == 1
        capsys.readouterr()
        assert sweep(text, "--dry-run") == 0
        states = [line.split()[-1] for line in capsys.readouterr().out.splitlines()[4:]]
        assert states == ["there", "failed", "failed", "failed"]
        cells = json.loads((tmp_path / "d.json").read_text())["cells"]
        assert [each["state"] for each in cells] == ["to do"] * 4
        assert cells[0]["key"] == sweep.lines()[0]["key"]

    def test_models(self, sweep, tmp_path):
        text = small(bits=[8, 2], topology=["sobol", "fixed-fan"], board=["hx8k", "icebreaker"])
        assert sweep(text, "--models", "kept") == 0
        lines = sweep.lines()
        files = {line["training"]: line["model"] for line in lines}
        assert sorted(filter(None, files.values())) == [
            f"kept/{path.name}" for path in sorted((tmp_path / "kept").iterdir())
        ]
        assert list(files.values()).count(None) == 1
        for line in lines:
            if line["model"] is not None:
                found = model.load(line["model"])
                assert found.info["accuracy_int"] == line["accuracy_int"]
                assert found.info.get("bits", 8) == line["options"]["bits"]

    def test_no_matplotlib(self, sweep, monkeypatch, tmp_path):
        def missing(what=""):
            raise InputError("matplotlib must be installed")

        monkeypatch.setattr("sobolpath.golden.support.plots.matplotlib", missing)
        assert sweep(small(seed=[0])) == 0
        assert not (tmp_path / "build" / "s.svg").exists()
        assert sweep(small(seed=[0]), "--plot", "p.svg") == 2

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (("--jobs", "0"), "--jobs must be at least 1, not 0"),
            (
                ("--jobs", "1", "--scheduler", "tcp://a:1"),
                "--jobs must be left out with --scheduler",
            ),
            (("--plot", "p.pdf"), "--plot must be a file named .svg or .png"),
        ],
    )
    def test_refused(self, sweep, capsys, more, message):
        assert sweep(SWEEP, *more, jobs=()) == 2
        assert message in capsys.readouterr().err
        assert not sweep.results.exists()

    def test_without_dask(self, sweep, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        assert sweep(SWEEP, "--scheduler", "tcp://a:1", jobs=()) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: distributed must be installed to send cells to a cluster")
        assert "[cluster]" in err


class TestPicture:
    def line(self, **more):
        options = {name: more.pop(name) for name in ("paths", "bits", "board") if name in more}
        return {
            "options": options,
            "training": str(sorted(options.items(), key=str)),
            "error": None,
            "accuracy_int": 0.9,
            "accuracy_float": 0.8,
            "weights": 64,
            "board": options.get("board"),
            "images_per_second": 1.0 if "board" in options else None,
            **more,
        }

    @pytest.mark.parametrize(
        ("axes", "panels"),
        [
            ({}, 1),
            ({"paths": (64, 128)}, 1),
            ({"bits": (8, 4)}, 1),
            ({"bits": (8, 4), "paths": (64, 128)}, 2),
            ({"bits": (8, 4), "paths": (64, 128), "board": ("hx8k",)}, 3),
        ],
    )
    def test_panels(self, axes, panels):
        lines = [
            self.line(weights=chosen.get("paths", 64), **chosen)
            for values in itertools.product(*axes.values())
            for chosen in [dict(zip(axes, values, strict=True))]
        ]
        found = plan.Plan("s", axes, ())
        assert len(picture.panels(found, lines)) == panels
        assert picture.picture(found, lines, "png").startswith(b"\x89PNG")
        assert picture.picture(found, lines, "svg") == picture.picture(found, lines, "svg")


def test_environment_is_left_alone(sweep):
    before = dict(os.environ)
    assert sweep(small(seed=[0])) == 0
    assert dict(os.environ) == before
