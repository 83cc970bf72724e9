"""The netlists of engines that learn against the golden learner, and the command that compares."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.boards import load
from sobolpath.boards.commands import verify
from sobolpath.boards.flow import gates
from sobolpath.boards.verify import learning
from sobolpath.golden.learn.latency import latency
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.program import fitted
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.learn.config import CONFIGS
from tests.boards.test_verify import counted, set_logit
from tests.support.learning import random_parameters
from tests.support.places import DIGITS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TINY = replace(CONFIGS["tiny-learn"], requantizers=2)
#: Every kind of cells that the boards have: one port and accumulators that load, or two ports,
#: registers, several inputs a cycle, and all memories in block RAM.
BOARDS = {
    "icebreaker-learn": replace(TINY, row_gap=True, crossbar_registers=(1,)),
    "ulx3s-learn": replace(
        TINY,
        max_neurons=512,
        bias_neurons=512,
        max_outputs=512,
        weight_words=1024,
        ports=2,
        memory_register=True,
        product_register=True,
        crossbar_registers=(0,),
        input_width=2,
    ),
}
#: By phase, a signal in whose place a gate gets that of another digit.
FAULTS = {
    "forward": r"drain\.requantizer\.low_0",
    "backward": r"drain\.hidden\.rounded_[01]",
    "update": r"drain\.update\.(?:less|old)_0",
}


def exchanged(text, signal):
    """The netlist with one gate's input in place of another."""
    gate = re.compile(rf"(\.(?!Q|O\(|Z|F)\w+\(\\{signal} \[)([3-9])(\]\))")
    text, count = gate.subn(lambda found: f"{found[1]}{int(found[2]) ^ 1}{found[3]}", text, count=1)
    assert count == 1
    return text


@pytest.mark.parametrize("name", BOARDS)
def test_equal_and_then_with_a_fault(name, tmp_path):
    """Three images are learnt and one is inferred; then a gate is another in each phase."""
    board, rng = replace(load(name), config=BOARDS[name]), np.random.default_rng(4)
    topology = Topology((16, 16, 8), (64, 64))
    model = random_parameters(rng, topology, reach=3000).model(FRACTIONS, 8)
    images = rng.integers(0, 256, (4, 16), dtype=np.uint8)
    data, folder = (board, model, images, np.arange(4)), tmp_path / "netlist"
    result, failures = verify.verify(*data, folder=folder)
    assert failures == ()
    assert (result["logits_compared"], result["logits_different"]) == (32, 0)
    assert (result["values_compared"], result["values_different"]) == (128 + 24, 0)
    assert result["values_changed"] > 64
    assert result["latency_cycles"] == result["predicted_latency"]
    assert result["interval_cycles"] == result["predicted_interval"]
    assert counted(board, folder) == board.family.expected_cells(board.config)

    netlist = (folder / "engine.v").read_text()
    for phase, signal in FAULTS.items() if name == "icebreaker-learn" else ():
        (folder / "engine.v").write_text(exchanged(netlist, signal))
        result, failures = learning.compare(*data, folder)
        assert result["values_different"] > 0, phase
        assert (result["logits_different"] > 0) or phase != "forward"
        told = r"\d+ weights and biases differ; the first: the weight of path \d+ in junction \d: "
        assert any(re.match(told, line) for line in failures)


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """No tool is run: what the golden learner says comes in time, but for what the test changes."""
    monkeypatch.chdir(tmp_path)
    changes = []

    def simulate(board, folder, *, image, topology, images, tasks):
        config, schedule = board.config, board.config.schedule(topology)
        before = Parameters.of_model(models.load(DIGITS), FRACTIONS)
        after, expected = learning.golden(before, images, tasks)
        space = [content for _, content in fitted(after, FRACTIONS, config).spaces()]
        took, width = schedule.cycles["image"], topology.layers[-1]
        taken = [1000 + took * number for number in range(len(images))]
        first = 1000 + latency(schedule)
        trace = gates.Trace(taken, [first + took * n for n in range(len(images))])
        trace.logits = [
            ("1", f"{value & 0xFFFFFFFF:08x}", str(int(place % width == width - 1)))
            for place, value in enumerate(expected.ravel().tolist())
        ]
        places = learning.places(config, topology).values()
        trace.peeked = [("1", f"{space[part][at]:02x}") for own in places for part, at in own]
        trace.busy, trace.cycles = "0", 5000
        for change in changes:
            change(trace)
        return trace

    monkeypatch.setattr(learning, "simulate", simulate)
    monkeypatch.setattr(gates, "synthesize", lambda board, folder: None)
    return changes


def test_the_command(pretend, capsys):
    arguments = ["board", "verify", "icebreaker-learn", str(DIGITS), "--json", "it.json"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:5] == [
        "  logits    64 compared, 0 differ; 3 of 4 images are learnt",
        "  read back 5,392 weights and biases, 0 differ; learning changed 2,409",
        "  latency   713 cycles, predicted 713",
        "  interval  3,839 cycles, predicted 3,839",
    ]
    assert max(map(len, lines)) <= 80
    result = json.loads(Path("it.json").read_text())
    assert (result["images"], result["images_learnt"], result["lanes"]) == (4, 3, 8)


def test_fewer_images(pretend, capsys):
    """One is learnt, the second is not; of the interval there is nothing to tell."""
    arguments = ["board", "verify", "icebreaker-learn", str(DIGITS), "--limit", "2", "--json", "-"]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["images_learnt"], result["logits_compared"]) == (2, 1, 32)
    assert result["interval_cycles"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_logit(17, "1", "fffffffe", "0"), "1 logits differ; the first: image 1, logit 1: exp"),
        (
            lambda trace: trace.peeked.__setitem__(1, ("1", "0x")),
            r"1 weights and biases differ; the first: the weight of path 0 in junction 1: "
            r"expected the bytes (..) (..), got \1 0x",
        ),
        (
            lambda trace: trace.peeked.__setitem__(-1, ("x", "00")),
            r"the first: the bias of neuron \d+ in layer 3: expected the bytes .* 00 \(x\)$",
        ),
        (
            lambda trace: trace.peeked.pop(),
            r"in layer 3: expected the bytes .* nothing \(0\)$",
        ),
        (
            lambda trace: trace.peeked.append(("1", "00")),
            "1 weights and biases differ; the first: a byte more must not come",
        ),
        (
            lambda trace: trace.results.__setitem__(-1, 99_999),
            r"the interval must be 3839 cycles, not \d+",
        ),
        (lambda trace: trace.taken.__setitem__(0, 1), "the latency must be 713 cycles, not 1712"),
        (lambda trace: trace.results.pop(), "the latency must be 713 cycles, not None"),
        (lambda trace: setattr(trace, "busy", "x"), "busy must be 0 at the end, not x"),
    ],
)
def test_a_difference_is_named(change, message, pretend, capsys):
    pretend.append(change)
    assert main(["board", "verify", "icebreaker-learn", str(DIGITS)]) == 1
    assert re.search(message, capsys.readouterr().err, re.MULTILINE)


@pytest.mark.parametrize("limit", ["0", "361"])
def test_rejects(limit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["board", "verify", "icebreaker-learn", str(DIGITS), "--limit", limit]) == 2
    assert f"--limit must be 1 to 360, not {limit}" in capsys.readouterr().err


def test_what_is_done_with_images():
    """Both kinds of signs are learnt, and what is learnt is not the class that is known."""
    found = learning.tasks(np.array([0, 1, 9, 3, 4]), 10)
    assert found[1] is None
    assert [task and task.label for task in found] == [1, None, 0, 4, 5]
    assert {task.fixed for task in found if task} == {False, True}
    assert found[4] == replace(found[0], label=5)
