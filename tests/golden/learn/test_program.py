"""The words of the backward sweep, walked by hand, against the paths."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.program import backward_blocks
from sobolpath.golden.machine.image import HEADER, Kind
from sobolpath.golden.machine.lanes import edges, neurons
from sobolpath.golden.topology.paths import Topology


def decoded(words):
    """The blocks: (kind, log2 fan-in, log2 fan-out, first row, addresses)."""
    words, found = words.tolist(), []
    while words:
        head, base, wait, *words = words
        fields = []
        for digits in HEADER.values():
            fields.append(head & (1 << digits) - 1)
            head >>= digits
        assert wait == 0
        *fields, steps = fields
        address, *words = words
        addresses, columns, words = [address], words[:steps], words[steps:]
        for number in range(1, 1 << steps):
            address ^= columns[(number & -number).bit_length() - 1]
            addresses.append(address)
        found.append((*fields, base, np.array(addresses)))
    return found


@pytest.mark.parametrize("lanes", [2, 8])
def test_meet_the_edges_by_source(lanes):
    topology = Topology((32, 64, 16, 8), (64, 256, 128))
    found = decoded(backward_blocks(topology, lanes))
    assert [kind for kind, *_ in found] == [Kind.HIDDEN, Kind.INPUT]
    assert [base for *_, base, _ in found] == [320 // lanes, 64 // lanes]
    for junction, (_, fan_in, fan_out, _, addresses) in zip((3, 2), found, strict=True):
        sources, targets = edges(topology, junction, lanes)
        step, distance = np.divmod(addresses, lanes)
        lane = np.arange(lanes)[None] ^ distance[:, None]
        by_source = np.take_along_axis(sources[step], lane, axis=1)
        wanted = np.repeat(neurons(topology, junction - 1, lanes), 1 << fan_out, axis=0)
        assert np.array_equal(by_source, wanted)
        rows = neurons(topology, junction, lanes)[step >> fan_in]
        assert np.array_equal(targets[step], rows)
        assert len(np.unique(step)) == topology.paths[junction - 1] // lanes


def test_one_junction_has_none():
    assert backward_blocks(Topology((8, 4), (16,)), 4).size == 0


def test_a_word_that_is_too_large():
    topology = Topology((256, 256, 1024), (256, 131072))
    with pytest.raises(InputError, match="a word of the program must be at most 65535, not"):
        backward_blocks(topology, 2)
