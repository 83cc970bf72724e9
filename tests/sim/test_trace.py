"""The record of a run: places, patience, slices, equality."""

from dataclasses import replace

import numpy as np
import pytest

from sobolpath.golden.machine.image import MemoryImage
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.sim.backends.record import ARRAYS, NEVER, Cursor, Job, Trace

TINY = CONFIGS["tiny"]
TOPOLOGY = Topology((8, 16, 4, 8), (16, 16, 16))
HALF = 64  # values in half of tiny's activation memory: 16 rows of 4


def make_job(config=TINY, topology=TOPOLOGY):
    nothing = MemoryImage(*(np.zeros(0, np.int8) for _ in range(3)))
    return Job(config, topology, nothing, plan(topology, config.machine))


def writes(inference, step=1):
    """An inference's writes as (place, whether a result), ``step`` values each.

    Layer 1 stands at row 4, behind the inputs; layer 2 in the place of the inputs.
    """
    activations = [*range(16, 32, step), *range(0, 4, step)]
    half = HALF * (inference % 2)
    return [(place ^ half, False) for place in activations], [(p, True) for p in range(0, 8, step)]


def in_turn(inferences, **options):
    """All writes, one inference after the other."""
    return [w for number in inferences for part in writes(number, **options) for w in part]


def found(items, begun=0, step=1, job=None):
    cursor = Cursor(job or make_job(), begun)
    return [
        cursor.result(place, step) if result else cursor.activation(place)
        for place, result in items
    ]


class TestJob:
    def test_values_of_one_image(self):
        job = make_job()
        assert job.widths == (8, 16, 4, 8)
        assert job.bases == (0, 16, 0)

    def test_values_of_images_together(self):
        job = make_job(replace(TINY, images=2))
        assert job.widths == (16, 32, 8, 16)
        assert job.bases == (0, 32, 0)

    def test_patience_covers_inputs_and_outputs(self):
        for images in (1, 4):
            job = make_job(replace(TINY, images=images))
            assert job.patience >= 2 * (8 * images + job.schedule.latency + 2 * 8 * images)


class TestCursor:
    def test_layers_follow_each_other(self):
        assert found(in_turn([0])) == [(0, position) for position in range(28)]

    @pytest.mark.parametrize("begun", [0, 1, 2, 7])
    def test_inferences_take_the_halves_in_turns(self, begun):
        wanted = [(number, position) for number in range(3) for position in range(28)]
        assert found(in_turn(range(begun, begun + 3)), begun) == wanted

    @pytest.mark.parametrize("step", [2, 4])
    def test_several_values_a_write(self, step):
        wanted = [(number, position) for number in range(2) for position in range(0, 28, step)]
        assert found(in_turn(range(2), step=step), step=step) == wanted

    def test_results_beside_activations_of_the_next_inference(self):
        activations, results = writes(0)
        following, _ = writes(1)
        mixed = [w for pair in zip(results, following[:8], strict=True) for w in pair]
        wanted = [(0, position) for position in range(20)]
        wanted += [w for p in range(8) for w in ((0, 20 + p), (1, p))]
        assert found([*activations, *mixed]) == wanted

    def test_layers_of_one_write(self):
        config = replace(TINY, requantizers=4)
        job = make_job(config, Topology((4, 4, 4, 4), (4, 4, 4)))
        assert job.bases == (0, 4, 0)
        items = [(4, False), (0, False), (0, True), (HALF + 4, False), (HALF, False), (0, True)]
        wanted = [(number, position) for number in range(2) for position in (0, 4, 8)]
        assert found(items, step=4, job=job) == wanted

    @pytest.mark.parametrize("missing", range(28))
    def test_a_missing_write_shifts_nothing_behind_it(self, missing):
        items = in_turn(range(2))
        del items[missing]
        wanted = [(number, position) for number in range(2) for position in range(28)]
        del wanted[missing]
        assert found(items) == wanted

    @pytest.mark.parametrize("doubled", range(28))
    def test_a_doubled_write_shifts_nothing_behind_it(self, doubled):
        items = in_turn(range(2))
        items.insert(doubled, items[doubled])
        wanted = [(number, position) for number in range(2) for position in range(28)]
        wanted.insert(doubled + 1, None)
        assert found(items) == wanted

    def test_no_hidden_layer(self):
        job = make_job(topology=Topology((8, 8), (16,)))
        items = [(0, True), (0, False), (7, True), (0, True)]
        assert found(items, job=job) == [(0, 0), None, (0, 7), (1, 0)]

    def test_writes_of_no_layer(self):
        outside = [(32, False), (8, True), (HALF + 15, False)]
        assert found(outside) == [None] * 3
        assert found([(7, True)], step=2) == [None]
        assert found([*outside, *in_turn([0])])[3:] == [(0, position) for position in range(28)]


class TestTrace:
    def test_empty(self):
        trace = Trace.empty(3, make_job())
        assert trace.values.shape == trace.at.shape == (3, 28)
        assert trace.logits.shape == (3, 8)
        assert trace.starts.shape == trace.ends.shape == (3,)
        assert trace.issued.shape == trace.sources.shape == (3, 48 // 4)
        types = [np.int32, np.uint32, np.int32, *[np.int64] * 5, np.uint32, np.uint32]
        assert [array.dtype for array in trace.arrays] == types
        assert (trace.at == NEVER).all()
        assert (trace.issued == NEVER).all()
        assert trace.finished == trace.total == 0

    def test_empty_of_images_together(self):
        trace = Trace.empty(3, make_job(replace(TINY, images=4)))
        assert trace.values.shape == trace.at.shape == (3, 4 * 28)
        assert trace.logits.shape == (3, 4 * 8)

    def test_slice(self):
        trace = Trace.empty(3, make_job())
        trace.ends[:] = 1, 2, 3
        part = trace[1:]
        assert part.ends.tolist() == [2, 3]
        assert [len(array) for array in part.arrays] == [2] * len(ARRAYS)

    def test_same(self):
        job = make_job()
        assert Trace.empty(2, job).same(Trace.empty(2, job))
        for name in ARRAYS:
            other = Trace.empty(2, job)
            getattr(other, name)[1] = 7
            assert not Trace.empty(2, job).same(other), name
        trace = Trace.empty(2, job)
        assert not trace.same(Trace(*trace.arrays, finished=1))
        assert not trace.same(Trace(*trace.arrays, total=1))
