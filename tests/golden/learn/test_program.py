"""The memory image of a network that learns: its blocks walked by hand, and its bytes read back."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn import program
from sobolpath.golden.learn.arithmetic import Fractions
from sobolpath.golden.learn.schedule import Machine, Sweep, plan
from sobolpath.golden.machine.image import HEADER, Kind
from sobolpath.golden.machine.lanes import edges, neurons, places
from sobolpath.golden.topology.paths import Topology
from tests.support import learning


def chain(words, start):
    """The blocks from there on: (kind, shift, turns, second word, wait, addresses)."""
    words, found = words.tolist(), []
    while True:
        head, second, wait = words[start : start + 3]
        fields = []
        for digits in HEADER.values():
            fields.append(head & (1 << digits) - 1)
            head >>= digits
        kind, shift, turns, steps = fields
        start += 4 + steps
        columns, address = words[start - steps : start], words[start - steps - 1]
        addresses = [address]
        for number in range(1, 1 << steps):
            address ^= columns[(number & -number).bit_length() - 1]
            addresses.append(address)
        found.append((kind, shift, 1 << turns, second, -wait % 2**16, np.array(addresses)))
        if kind != Kind.HIDDEN:
            return found


@pytest.mark.parametrize("lanes", [2, 8])
def test_the_chains_meet_the_edges(lanes):
    topology = Topology((32, 64, 16, 8), (64, 256, 128))
    schedule, fractions = plan(topology, Machine(lanes=lanes)), Fractions()
    words, shifts = program.program(topology, fractions, schedule), fractions.shifts(3, 0)
    loader, forward, reader, learns = (chain(words, start) for start in words[:4])
    assert [len(blocks) for blocks in (loader, forward, reader, learns)] == [1, 3, 1, 5]
    bases = schedule.bases
    for blocks, layer in ((loader, 0), (reader, 3)):
        assert np.array_equal(blocks[0][5], places(topology, layer, lanes) + bases[layer] * lanes)
    last = {Sweep.FORWARD: shifts.logits, Sweep.UPDATE: shifts.weights[2]}
    for sweep, blocks in ((Sweep.FORWARD, forward), (Sweep.UPDATE, learns[2:])):
        own = shifts.forward if sweep == Sweep.FORWARD else shifts.weights
        for junction, block in zip(topology.junctions, blocks, strict=True):
            kind, shift, turns, second, _, addresses = block
            ending = Kind.OUTPUT if sweep == Sweep.FORWARD else Kind.INPUT
            assert kind == (ending if junction == 3 else Kind.HIDDEN)
            assert shift == (last[sweep] if junction == 3 else own[junction - 1])
            assert turns == topology.fan_in(junction)
            assert second == sweep << 14 | bases[junction]
            row, distance = np.divmod(addresses, lanes)
            sources, targets = edges(topology, junction, lanes)
            lane = np.arange(lanes)[None] ^ distance[:, None]
            before = neurons(topology, junction - 1, lanes)[row - bases[junction - 1]]
            assert np.array_equal(np.take_along_axis(before, lane, axis=1), sources)
            rows = np.arange(len(row)) // turns
            assert np.array_equal(targets, neurons(topology, junction, lanes)[rows])
    for junction, block in zip((3, 2), learns[:2], strict=True):
        kind, shift, turns, second, _, addresses = block
        assert (kind, second) == (Kind.HIDDEN, Sweep.BACKWARD << 14 | bases[junction - 1])
        sources, targets = edges(topology, junction, lanes)
        step, distance = np.divmod(addresses, lanes)
        lane = np.arange(lanes)[None] ^ distance[:, None]
        by_source = np.take_along_axis(sources[step], lane, axis=1)
        wanted = np.repeat(neurons(topology, junction - 1, lanes), turns, axis=0)
        assert np.array_equal(by_source, wanted)
        assert np.array_equal(targets[step], neurons(topology, junction, lanes)[step >> shift])
        assert len(np.unique(step)) == topology.paths[junction - 1] // lanes


def test_one_junction_has_nothing_backwards():
    topology = Topology((8, 4), (16,))
    words = program.program(topology, Fractions(), plan(topology, Machine(lanes=4)))
    assert [block[3] >> 14 for block in chain(words, words[3])] == [Sweep.UPDATE]


@pytest.mark.parametrize("seed", range(4))
def test_bytes_there_and_back(seed):
    rng = np.random.default_rng(seed)
    topology = learning.random_topology(rng)
    parameters = learning.random_parameters(rng, topology)
    image = program.pack(parameters, Fractions(), plan(topology, Machine(lanes=4)), 1024)
    (_, weights), (_, biases), _ = image.spaces()
    assert len(weights) == 2 * 1024 * 4
    found = program.unpack(topology, 4, weights, biases)
    assert learning.same_parameters(found, parameters) > topology.total_paths


def test_a_word_that_is_too_large():
    topology = Topology((256, 256, 1024), (256, 131072))
    schedule = plan(topology, Machine(lanes=2))
    with pytest.raises(InputError, match="a word of the program must be at most 65535, not"):
        program.program(topology, Fractions(), schedule)
