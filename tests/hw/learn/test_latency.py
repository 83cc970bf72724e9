"""When the logits come from an engine that learns: ``golden.learn.latency``, and the interval."""

from itertools import pairwise

import numpy as np
import pytest

from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.latency import latency
from sobolpath.golden.topology.paths import Topology
from tests.hw.learn.test_engine import CONFIGS
from tests.support import learn_bench, learning
from tests.support.learn_bench import Learning, config

pytestmark = pytest.mark.timeout(120)


class Timed(Learning):
    """The cycles of inputs and results."""

    async def watch(self, ctx):
        i, probe, cycle = self.dut.i, self.dut.probe, 0
        self.taken, self.results = [], []
        while True:
            *_, valid, ready, result = await ctx.tick().sample(i.valid, i.ready, probe.result)
            self.taken += [cycle] * (valid and ready)
            self.results += [cycle] * result
            cycle += 1

    def _compare_errors(self, step, label):
        """They are not watched."""


@pytest.mark.parametrize("shape", [((8, 8, 8), (32, 16)), ((32, 32), (32,)), ((32, 8), (32,))])
@pytest.mark.parametrize("number", [0, 4, 5, 6])  # registers, and several inputs a cycle
def test_results_come_in_time(number, shape):
    """Of the first image; and of one that is learnt after another, whatever was before it.

    One junction or two; one word of inputs, where eight come together.
    """
    rng, own = np.random.default_rng(number), config(**CONFIGS[number])
    parameters = learning.random_parameters(rng, Topology(*shape))
    tasks = learn_bench.tasks(rng, parameters.topology, 5)
    tasks[1] = (tasks[1][0], None, 0, False)
    bench = Timed(own, parameters, Fractions(), tasks)
    bench.run()
    words, each = len(own.inputs(tasks[0][0][None])), len(bench.results) // len(tasks)
    assert len(bench.taken) == words * len(tasks)
    ends = bench.results[each - 1 :: each]
    assert len(ends) == len(tasks)
    assert ends[0] - bench.taken[words - 1] == latency(bench.schedule)
    intervals = [after - before for before, after in pairwise(ends)]
    assert intervals[2:] == [bench.schedule.cycles["image"]] * 2
