"""The record of a run: places, patience, slices, equality."""

import numpy as np
import pytest

from golden.image import MemoryImage
from golden.paths import Topology
from hw.config import CONFIGS
from sim.trace import NEVER, Cursor, Job, Trace

TOPOLOGY = Topology((8, 16, 4, 8), (16, 16, 16))


def positions(widths, writes, count=1):
    cursor = Cursor(widths)
    return [cursor.position(place, count, result) for place, result in writes]


class TestCursor:
    def test_layers_follow_each_other(self):
        writes = [(p, False) for p in range(4)] + [(p, False) for p in range(2)]
        writes += [(p, True) for p in range(2)]
        assert positions([4, 2, 2], writes) == list(range(8))

    def test_several_values_a_write(self):
        writes = [(0, False), (2, False), (0, True), (2, True)]
        assert positions([4, 4], writes, count=2) == [0, 2, 4, 6]

    def test_a_layer_of_one_write(self):
        assert positions([2, 2, 2], [(0, False), (0, False), (0, True)], count=2) == [0, 2, 4]

    @pytest.mark.parametrize("missing", range(8))
    def test_a_missing_write_shifts_nothing_behind_it(self, missing):
        writes = [(p, False) for p in range(4)] + [(p, False) for p in range(2)]
        writes += [(p, True) for p in range(2)]
        del writes[missing]
        wanted = [position for position in range(8) if position != missing]
        assert positions([4, 2, 2], writes) == wanted

    def test_results_are_the_last_layers(self):
        assert positions([4, 2], [(0, False), (1, True), (0, True)]) == [0, 5, 4]

    def test_writes_of_no_layer(self):
        assert positions([4, 2], [(4, False), (0, False), (2, True)]) == [None, None, None]
        assert positions([2, 2], [(1, False)], count=2) == [None]
        assert positions([2], [(0, False), (0, True)]) == [None, 0]


class TestTrace:
    def test_empty(self):
        trace = Trace.empty(3, TOPOLOGY)
        assert trace.values.shape == trace.at.shape == (3, 28)
        assert trace.logits.shape == (3, 8)
        assert trace.cycles.shape == (3,)
        assert [array.dtype for array in trace.arrays] == [np.int32, np.uint32, np.int32, np.int64]
        assert (trace.at == NEVER).all()
        assert trace.finished == trace.total == 0

    def test_slice(self):
        trace = Trace.empty(3, TOPOLOGY)
        trace.cycles[:] = 1, 2, 3
        part = trace[1:]
        assert part.cycles.tolist() == [2, 3]
        assert [len(array) for array in part.arrays] == [2] * 4

    def test_same(self):
        assert Trace.empty(2, TOPOLOGY).same(Trace.empty(2, TOPOLOGY))
        for name in ("values", "at", "logits", "cycles"):
            other = Trace.empty(2, TOPOLOGY)
            getattr(other, name)[1] = 7
            assert not Trace.empty(2, TOPOLOGY).same(other), name
        trace = Trace.empty(2, TOPOLOGY)
        assert not trace.same(Trace(*trace.arrays, finished=1))
        assert not trace.same(Trace(*trace.arrays, total=1))


def test_patience_covers_inputs_and_outputs():
    nothing = MemoryImage(*(np.zeros(0, np.int8) for _ in range(3)))
    job = Job(CONFIGS["tiny"], TOPOLOGY, nothing, 100)
    assert job.patience >= 2 * (8 + 100 + 8)
