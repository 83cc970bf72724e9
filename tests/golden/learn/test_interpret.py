"""What the memories of an engine that learns compute, against the straight loop over the paths."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import by_path, program
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.interpret import interpret
from sobolpath.golden.learn.schedule import plan
from sobolpath.golden.learn.task import Task
from sobolpath.golden.machine.image import Space
from sobolpath.hw.learn.config import LearnConfig
from tests.support.learning import (
    random_parameters,
    random_sample,
    random_topology,
    same_parameters,
)


@pytest.mark.parametrize("seed", range(6))
def test_steps(seed):
    """Random networks, a few steps and inferences each, and the memories behind them."""
    print("seed", seed)
    rng, compared = np.random.default_rng(seed), 0
    while compared < 1000:
        lanes = 1 << int(rng.integers(1, 4))
        config = LearnConfig(
            lanes=lanes,
            max_neurons=256,
            weight_words=2048,
            bias_neurons=256,
            max_outputs=64,
            ports=int(rng.integers(1, 3)),
            input_width=lanes >> int(rng.integers(0, 2)),
        )
        topology = random_topology(rng, least=3)
        fractions = Fractions(8, int(rng.integers(4, 9)))
        parameters = random_parameters(rng, topology, reach=int(rng.choice([300, 3000, 32000])))
        try:
            schedule = plan(topology, config.machine)
        except InputError:  # paths that this engine has no lanes for
            continue
        image = program.pack(parameters, fractions, schedule, config.weight_words)
        memories = {space: bytearray(content) for space, content in image.spaces()}
        found = interpret(config, bytes(memories[Space.PROGRAM]).ljust(512, b"\0"))
        assert found.infer_bytes == topology.layers[0]
        for _ in range(4):
            sample, label = random_sample(rng, topology)
            rate, fixed = int(rng.integers(0, 16)), bool(rng.integers(2))
            shifts = fractions.shifts(len(topology.paths), rate)
            after, step = by_path.step(parameters, sample, label, shifts, fixed=fixed)
            task = Task(label=label, rate=rate, fixed=fixed) if rng.integers(4) else None
            both = memories[Space.WEIGHTS], memories[Space.BIASES]
            assert np.array_equal(found.run(*both, sample, task), step.logits)
            parameters = parameters if task is None else after
            compared += same_parameters(program.unpack(topology, lanes, *both), parameters)


def test_a_label_without_an_output():
    """All outputs are those of other classes."""
    config = LearnConfig(lanes=4, max_neurons=64, weight_words=256, bias_neurons=64, max_outputs=16)
    rng = np.random.default_rng(3)
    topology = random_topology(rng, least=3, most=3, junctions=1)
    parameters = random_parameters(rng, topology, reach=20000)
    image = program.pack(parameters, Fractions(), plan(topology, config.machine), 256)
    sample, _ = random_sample(rng, topology)
    found, left = interpret(config, image.program.tobytes().ljust(512, b"\0")), []
    for label in (9, 15, 16 + 9, 1):
        memories = {space: bytearray(content) for space, content in image.spaces()}
        both = memories[Space.WEIGHTS], memories[Space.BIASES]
        logits = found.run(*both, sample, Task(label=label, rate=0))
        left.append(bytes(memories[Space.BIASES]))
    assert logits.max() > 0
    assert left[0] == left[1] == left[2] != left[3]


def test_what_is_no_program():
    config = LearnConfig(lanes=4, max_neurons=64, weight_words=256, bias_neurons=64, max_outputs=16)
    rng = np.random.default_rng(5)
    for content in (bytes(512), b"\xff" * 512, rng.bytes(512)):
        assert interpret(config, content) is None


class TestTask:
    def test_there_and_back(self):
        for task in (Task(label=0), Task(label=65535, rate=15, fixed=True), Task(label=3, rate=0)):
            assert Task.of(task.word) == task
        assert Task(label=3, rate=5).word == 0x150003
        assert Task.of(0x2A0003) is None

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"label": 65536}, "label must be an integer from 0 to 65535, not 65536"),
            ({"label": True}, "label must be an integer from 0 to 65535, not True"),
            ({"label": 1, "rate": 16}, "rate must be an integer from 0 to 15, not 16"),
        ],
    )
    def test_rejects(self, values, message):
        with pytest.raises(InputError, match=message):
            Task(**values)
