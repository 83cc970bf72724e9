# amaranth: UnusedElaboratable=no
"""The engine that learns: whole steps against the golden ones, and their cycles."""

import random

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import arithmetic
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.topology.paths import Topology
from tests.support import learn_bench, learning
from tests.support.learn_bench import Learning, config
from tests.support.streams import at_random

pytestmark = pytest.mark.timeout(120)

#: One port and two, registers, groups of all sizes, several inputs a cycle, the fewest lanes.
CONFIGS = [
    {},
    {"requantizers": 2},
    {"requantizers": 4},
    {"requantizers": 4, "ports": 2},
    {"ports": 2, "memory_register": True, "product_register": True, "crossbar_registers": (0, 1)},
    {"requantizers": 2, "memory_register": True, "crossbar_registers": (1,), "input_width": 2},
    {"lanes": 8, "crossbar_registers": (1,), "input_width": 8},
    {"lanes": 8, "requantizers": 2, "ports": 2, "product_register": True},
    {"lanes": 2, "weight_words": 1024},
    {"lanes": 1, "weight_words": 2048, "requantizers": 1},
]


@pytest.mark.parametrize("number", range(len(CONFIGS)))
@pytest.mark.parametrize("stalled", [False, True])
def test_learns_as_the_golden_step_does(number, stalled):
    """Four images, some of them only inferred: logits, errors, all weights and biases."""
    seed = 2 * number + stalled
    print("seed", seed)
    rng, own = np.random.default_rng(seed), config(**CONFIGS[number])
    parameters, fixed = learn_bench.random_case(rng, own)
    fractions = Fractions(8, int(rng.integers(4, 9)))
    tasks = learn_bench.tasks(rng, parameters.topology, 4, fixed=fixed, infer=0.3)
    stalls = at_random(random.Random(seed), 0.3) if stalled else None
    bench = Learning(own, parameters, fractions, tasks, stalls=stalls).run()
    assert bench.compared > parameters.topology.total_paths


@pytest.mark.parametrize("shape", [None, ((32, 32), (32,)), ((32, 8), (64,))])
@pytest.mark.parametrize("number", range(len(CONFIGS)))
def test_cycles(number, shape):
    """Every sweep begins and ends when the schedule says, and so does the next image.

    Where there is one junction, it waits for the label's place, or for the logits before.
    """
    rng, own = np.random.default_rng(number + 100), config(**CONFIGS[number])
    parameters, _ = learn_bench.random_case(rng, own)
    if shape:
        parameters = learning.random_parameters(rng, Topology(*shape))
    tasks = learn_bench.tasks(rng, parameters.topology, 3)
    bench = Learning(own, parameters, Fractions(), tasks).run()
    schedule, found = bench.schedule, bench.starts()
    wanted = {
        sweep: (blocks[0].first, blocks[-1].last)
        for sweep in {block.sweep for block in schedule.blocks}
        if (blocks := schedule.of(sweep))
    }
    assert found == [wanted] * 3
    assert bench.intervals == [schedule.cycles["image"]] * 2


SHAPES = {
    "one junction": ((8, 8), (16,)),
    "the smallest": ((4, 4), (4,)),
    "one path an output": ((16, 16, 16), (32, 16)),
    "few paths, then many": ((8, 32, 4), (32, 128)),
    "five junctions": ((8, 8, 8, 8, 8, 8), (8, 16, 8, 32, 16)),
    "all of the weights": ((32, 32), (1024,)),
    "all of the neurons": ((32, 16, 16, 32), (64, 64, 64)),
}


@pytest.mark.parametrize("ports", [1, 2])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name, ports):
    rng = np.random.default_rng(7)
    own = config(
        ports=ports,
        requantizers=2,
        **({"weight_words": 256} if name == "all of the weights" else {}),
    )
    topology = Topology(*SHAPES[name])
    parameters = learning.random_parameters(rng, topology, reach=6000)
    tasks = learn_bench.tasks(rng, topology, 3)
    bench = Learning(own, parameters, Fractions(), tasks).run()
    assert bench.compared > topology.total_paths


def test_extremes():
    """Weights at their ends, inputs of 255, the largest rate: masters and errors saturate."""
    topology, own = Topology((16, 16, 8), (128, 64)), config(requantizers=2)
    rng = np.random.default_rng(3)
    parameters = learning.random_parameters(rng, topology)
    ends = [np.where(own > 0, 32639, -32640) for own in parameters.weights]
    parameters = type(parameters)(topology, tuple(ends), parameters.biases)
    tasks = [(np.full(16, 255, np.uint8), number % 8, 0, False) for number in range(4)]
    bench = Learning(own, parameters, Fractions(8, 8), tasks).run()
    _, after = bench.golden()
    at_ends = np.isin(np.concatenate(after.weights), (-32640, 32639))
    assert at_ends.sum() > 20
    assert not at_ends.all()
    assert {-(2**15), 2**15 - 1} & set(bench.errors[0].values())


def test_a_label_that_no_output_has(monkeypatch):
    """It teaches that the image is of no class: as the golden step without a true class."""
    rng, own = np.random.default_rng(5), config()
    topology = Topology((16, 16, 4), (64, 32))
    parameters = learning.random_parameters(rng, topology, reach=6000)
    image, _ = learning.random_sample(rng, topology)
    errors = arithmetic.output_errors

    def of_none(logits, label, shifts):
        return errors([*logits, 0], min(label, len(logits)), shifts)[: len(logits)]

    monkeypatch.setattr(arithmetic, "output_errors", of_none)
    bench = Learning(own, parameters, Fractions(), [(image, 9, 3, False)]).run()
    (step,), _ = bench.golden()
    assert (step.errors[-1] >= 0).all()
    assert step.errors[-1].any()


#: By phase, a constant of the hardware that is another than the golden step's.
FAULTS = {
    "forward": ("drain.LOW", 15),
    "errors of outputs": ("outputs.ERROR", 13),
    "backward": ("errors.HIGH", 4),
    "update of weights": ("update.MIDDLE", 64),
    "update of biases": ("lanes.BIAS_INPUT", 64),
}


@pytest.mark.parametrize("name", [None, *FAULTS])
def test_a_fault_is_caught(name, monkeypatch):
    """Without one the same images pass."""
    rng, own = np.random.default_rng(11), config(requantizers=2)
    topology = Topology((16, 16, 8), (64, 64))
    parameters = learning.random_parameters(rng, topology, reach=3000)
    tasks = [(image, label, 2, False) for image, label, *_ in learn_bench.tasks(rng, topology, 2)]
    if name is None:
        assert Learning(own, parameters, Fractions(), tasks).run().compared > 128
        return
    where, wrong = FAULTS[name]
    monkeypatch.setattr(f"sobolpath.hw.learn.{where}", wrong)
    with pytest.raises(AssertionError):
        Learning(own, parameters, Fractions(), tasks).run()


def test_a_network_that_does_not_fit():
    own = config()
    with pytest.raises(InputError, match="the layers after the first must have at most 128 neu"):
        own.schedule(Topology((4, 128, 4), (128, 128)))
    with pytest.raises(InputError, match=r"must have at most 128 neurons, not 256"):
        own.schedule(Topology((128, 64, 4), (128, 128)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ports": 3}, "ports must be a power of two from 1 to 2, not 3"),
        ({"images": 2}, "images must be a power of two from 1 to 1, not 2"),
        ({"max_copies": 2}, "max_copies must be a power of two from 1 to 1, not 2"),
        ({"weight_words": 96}, "weight_words must be a power of two from 2 to 65536, not 96"),
    ],
)
def test_rejects(changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes)
