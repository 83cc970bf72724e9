"""The compiled engine that learns, and ``sobolpath sim learn``."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import by_path
from sobolpath.golden.learn.arithmetic import LIMIT, Fractions
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.learn import config as configs
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.sim.learn import course, machine
from sobolpath.sim.learn.machine import LearnMachine
from tests.support import learning

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SMALL = {"max_neurons": 128, "weight_words": 2048, "bias_neurons": 256, "max_outputs": 64}
CASES = {
    "one port": LearnConfig(lanes=4, **SMALL),
    "row gap": LearnConfig(lanes=8, requantizers=2, crossbar_registers=(1,), row_gap=True, **SMALL),
    "two ports": LearnConfig(
        lanes=4,
        ports=2,
        requantizers=4,
        memory_register=True,
        product_register=True,
        crossbar_registers=(0,),
        input_width=4,
        **SMALL,
    ),
    "slow drain": LearnConfig(
        lanes=16,
        ports=2,
        memory_register=True,
        product_register=True,
        crossbar_registers=(0, 1, 2, 3),
        input_width=2,
        **SMALL,
    ),
}
NETWORKS = 80  # for each configuration
IMAGES = 4


@pytest.mark.parametrize("name", CASES)
def test_random_networks(name):
    """Whole steps: logits, the errors of the last one, all weights and biases; and the cycles.

    In every third network some images are only inferred, before and behind those that are learnt.
    """
    own, seed = CASES[name], list(CASES).index(name)
    print("seed", seed)
    rng, compared, steps, intervals = np.random.default_rng(seed), 0, 0, 0
    for number in range(NETWORKS):
        parameters, _, fixed = learning.random_case(rng, least=own.lane_bits, most=6)
        topology, fractions = parameters.topology, Fractions(8, int(rng.integers(4, 9)))
        if topology.total_paths > own.weight_words * own.lanes:
            continue
        rate = int(rng.integers(0, 9))
        shifts = fractions.shifts(len(topology.paths), rate)
        samples = [learning.random_sample(rng, topology) for _ in range(IMAGES)]
        images, labels = (np.array(each) for each in zip(*samples, strict=True))
        if number % 3 == 2:
            labels[: IMAGES - 1] = np.where(rng.random(IMAGES - 1) < 0.5, -1, labels[: IMAGES - 1])
        with LearnMachine(own, parameters, fractions) as chip:
            logits = chip.run(images, labels, rate=rate, fixed=fixed)
            if (labels >= 0).all():
                assert (chip.schedule.cycles["image"] == chip.intervals).all()
                intervals += len(chip.intervals)
            errors, found, again = chip.errors, chip.parameters, chip.run(images[:1])
        for image, label, own_logits in zip(images, labels, logits, strict=True):
            after, step = by_path.step(parameters, image, max(label, 0), shifts, fixed=fixed)
            parameters = parameters if label < 0 else after
            assert own_logits.tolist() == step.logits.tolist()
            compared, steps = compared + len(own_logits), steps + int(label >= 0)
        assert machine.wrong_errors(errors, step) == 0
        assert machine.mismatches(found, parameters) == 0
        compared += topology.total_paths + 2 * sum(topology.layers[1:])
        _, step = by_path.step(parameters, images[0], 0, shifts)
        assert again[0].tolist() == step.logits.tolist()
    print(steps, "steps", intervals, "intervals", compared, "values")
    assert intervals > 100
    assert steps > 200
    assert compared > 20_000


def test_the_largest():
    """All weights, neurons and outputs that there is room for, at their ends, inputs of 255."""
    own = CASES["row gap"]
    topology = Topology((128, 64, 64, 64), (8192, 4096, 4096))
    rng = np.random.default_rng(1)
    parameters = learning.random_parameters(rng, topology)
    ends = tuple(np.where(each > 0, LIMIT - 1, -LIMIT) for each in parameters.weights)
    parameters = type(parameters)(topology, ends, parameters.biases)
    image, fractions = np.full(128, 255, np.uint8), Fractions(8, 8)
    assert topology.total_paths == own.weight_words * own.lanes
    with LearnMachine(own, parameters, fractions) as chip:
        logits = chip.run(np.array([image] * 2), np.array([63, 0]), rate=0)
        found = chip.parameters
    for number, label in enumerate((63, 0)):
        shifts = fractions.shifts(3, 0)
        parameters, step = by_path.step(parameters, image, label, shifts)
        assert logits[number].tolist() == step.logits.tolist()
    assert machine.mismatches(found, parameters) == 0
    assert np.isin(np.concatenate(parameters.weights), (-LIMIT, LIMIT - 1)).mean() > 0.2


@pytest.mark.parametrize(
    ("layers", "paths", "message"),
    [
        ((256, 64, 64), (16384, 4096), "paths of all junctions must be at most 16384, not 20480"),
        ((64, 128), (128,), "neurons of the last layer must be at most 64, not 128"),
        ((8,) * 26, (8,) * 25, "words of the program must be at most 256, not 3"),
    ],
)
def test_what_does_not_fit(layers, paths, message):
    parameters = learning.random_parameters(np.random.default_rng(0), Topology(layers, paths))
    with pytest.raises(InputError, match=message):
        LearnMachine(CASES["row gap"], parameters, Fractions())


DIGITS = "--data digits --layers 64-32-16 --paths 256,128 --images 150 --epochs 2"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(configs.CONFIGS, "tiny-learn", CASES["row gap"])


def test_command(tmp_path, capsys):
    """It tells what it reached, in 80 columns, and writes all that it was asked for."""
    files = {name: tmp_path / f"learned.{name}" for name in ("json", "npz", "svg")}
    words = [*("sim", "learn"), *DIGITS.split(), "--config", "tiny-learn", "--signs", "fixed"]
    words += ["--json", str(files["json"]), "--out", str(files["npz"]), "--plot", str(files["svg"])]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= max(80, *(len(f"wrote {f}") for f in files.values()))
    assert "0 of 2," in out
    found = json.loads(files["json"].read_text())
    assert found["mismatches"] == 0
    assert [epoch["images"] for epoch in found["course"]] == [150, 300]
    assert found["course"][1]["cycles"] > 2 * found["course"][0]["cycles"] * 0.99
    assert found["accuracy"] == found["course"][-1]["accuracy"] > 0.2
    assert files["svg"].read_text().count("as they came") == 1
    model = models.load(files["npz"])
    assert model.info["arithmetic"] == "chip"
    assert model.info["epochs"] == 2


def test_a_chip_that_is_wrong(monkeypatch, capsys):
    """A weight that is not the golden learner's: exit code 1, and how many."""
    real = machine.mismatches
    monkeypatch.setattr(course, "mismatches", lambda found, wanted: real(found, wanted) + 1)
    assert main(["sim", "learn", *DIGITS.split(), "--config", "tiny-learn"]) == 1
    assert capsys.readouterr().err == "FAILED: 2 values differ from the golden learner's\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--clock 0", "--clock must be 0.001 to 10,000 MHz, not 0"),
        ("--images 0", "--images must be at least 1, not 0"),
        ("--config icebreaker", "--config must be one of tiny-learn, icebreaker-learn"),
        ("--signs some", "signs must be one of free, fixed, not 'some'"),
        (
            "--rate 0.3",
            "rate must be a power of two from 2**-15 to 1 where integers learn",
        ),
        ("--layers 64-4 --paths 64", "layer 1 must have at least 10 neurons, one per class"),
    ],
)
def test_rejects(words, message, capsys):
    assert main(["sim", "learn", *DIGITS.split(), "--config", "tiny-learn", *words.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_data_that_have_no_network(capsys):
    assert main(["sim", "learn", "--data", "morse"]) == 2
    assert "--layers and --paths are required for data of which" in capsys.readouterr().err
