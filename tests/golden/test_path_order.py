"""Paths in their own order: who is taken, neurons back to paths, errors backwards, the image."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import shipped
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.model import load
from sobolpath.golden.path_order import backward, conflicts, image, schedule
from sobolpath.golden.path_order.visits import visiting_paths
from sobolpath.golden.topology import linear, patterns
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import nested
from sobolpath.hw.path_order.config import CONFIGS, PathOrderConfig
from sobolpath.sim.conflicts.banks import simulate
from tests.support.networks import extreme_model, make_model, random_model

LAYERS, PATHS = (64, 32, 16), (256, 128)
MACHINE = image.PathOrderMachine(lanes=4, address_bits=6)


def banks(topology, junction, lanes):
    """The banks of both sides of a junction's paths, two (1, N)."""
    return [
        (ends * lanes // topology.layers[layer])[None]
        for layer, ends in zip((junction - 1, junction), topology.edges(junction), strict=True)
    ]


def odd():
    """Paths without conflicts whose first 4 meet two of 4 neurons only: 0, 2, 0, 2."""
    eye = np.eye(4, dtype=np.uint8)
    maps = eye[[3, 2, 1]], eye[[3, 0]]
    return linear.of_matrices("odd", (8, 4), (16,), lambda layer, _: maps[layer])


class TestConflicts:
    @pytest.mark.parametrize("lanes", [1, 2, 4, 16])
    @pytest.mark.parametrize(
        "topology",
        [
            Topology(LAYERS, PATHS),
            Topology(LAYERS, PATHS, (5, 38, 900)),
            linear.scrambled(LAYERS, PATHS, 3),
            linear.shifted(LAYERS, PATHS, 3),
        ],
        ids=lambda topology: topology.name,
    )
    def test_what_is_taken_has_none(self, topology, lanes):
        conflicts.check(topology, lanes)
        assert conflicts.first_conflict(topology, lanes) is None

    @pytest.mark.parametrize("lanes", [2, 4, 8])
    @pytest.mark.parametrize("seed", range(4))
    def test_the_first_one_is_that_of_the_banks(self, lanes, seed):
        """Against blocks that are looked at one by one."""
        topology = patterns.pseudo_random(LAYERS, PATHS, seed)
        found = conflicts.first_conflict(topology, lanes)
        assert found is not None
        for junction in topology.junctions:
            for block in range(topology.paths[junction - 1] // lanes):
                for side, row in enumerate(banks(topology, junction, lanes)):
                    own = row[0, block * lanes : (block + 1) * lanes].tolist()
                    if len(set(own)) < lanes:
                        assert (found.junction, found.block) == (junction, block)
                        assert found.layer == junction - 1 + side
                        places = [path - block * lanes for path in found.paths]
                        assert own[places[0]] == own[places[1]] == found.bank
                        assert places[0] < places[1]
                        assert len(set(own[: places[1]])) == places[1]  # it is the first to meet
                        return
        raise AssertionError("a block with a conflict must be found")

    def test_random_paths_are_refused_with_the_block(self):
        topology = patterns.pseudo_random(LAYERS, PATHS, 1)
        conflict = conflicts.first_conflict(topology, 4)
        match = (
            rf"must meet every bank once in each block of 4, but {conflict}: take Sobol', scrambled"
        )
        with pytest.raises(InputError, match=match):
            conflicts.check(topology, 4)

    def test_cascaded_paths_are_refused(self):
        topology = linear.cascaded((32, 32, 32), (1024, 1024), (0, 1, 2))
        with pytest.raises(
            InputError, match=r"^cascaded paths must meet every bank once .* block 0"
        ):
            conflicts.check(topology, 8)

    def test_a_short_last_block_counts(self):
        assert conflicts._first(np.array([0, 1, 2, 3, 1, 1]), 4) == 1
        assert conflicts._first(np.array([0, 1, 2, 3, 1, 2]), 4) is None

    def test_epochs(self):
        """Blocks without conflicts, but the first n paths do not meet all neurons of a layer."""
        topology = odd()
        conflicts.check(Topology((8, 4), (16,)), 2)
        assert conflicts.first_conflict(topology, 2) is None
        with pytest.raises(InputError, match="odd paths must meet every neuron of layer 1 once"):
            conflicts.check(topology, 2)

    def test_a_neuron_for_every_bank(self):
        with pytest.raises(InputError, match="layer 2 must have at least 32 neurons, one per bank"):
            conflicts.check(Topology(LAYERS, PATHS), 32)

    def test_lanes(self):
        with pytest.raises(InputError, match="lanes must be a power of two"):
            conflicts.check(Topology(LAYERS, PATHS), 3)


class TestVisits:
    @pytest.mark.parametrize("dimension", range(64))
    def test_are_those_that_an_enumeration_finds(self, dimension):
        """C^-1 in 64 dimensions: every neuron, every path, both sides."""
        topology = Topology((32, 16), (128,), (dimension, dimension + 7))
        both = topology.edges(1)
        for layer, neurons in enumerate(both):
            for neuron in range(topology.layers[layer]):
                paths = visiting_paths(topology, 1, layer, neuron)
                assert np.array_equal(paths, np.flatnonzero(neurons == neuron))
                assert len(paths) == 128 // topology.layers[layer]

    @pytest.mark.parametrize("make", [linear.scrambled, linear.shifted])
    def test_of_other_linear_paths(self, make):
        topology = make(LAYERS, PATHS, 5)
        for junction in topology.junctions:
            for side, layer in enumerate((junction - 1, junction)):
                neurons = topology.edges(junction)[side]
                for neuron in range(topology.layers[layer]):
                    paths = visiting_paths(topology, junction, layer, neuron)
                    assert np.array_equal(paths, np.flatnonzero(neurons == neuron))

    def test_errors(self):
        topology = Topology(LAYERS, PATHS)
        with pytest.raises(InputError, match="layer must be one of junction 1, 0 or 1, not 2"):
            visiting_paths(topology, 1, 2, 0)
        with pytest.raises(InputError, match="layer must be one of junction 3"):
            visiting_paths(topology, 3, 2, 0)
        with pytest.raises(InputError, match="neuron must be 0 to 63, not 64"):
            visiting_paths(topology, 1, 0, 64)
        with pytest.raises(InputError, match="linear"):
            visiting_paths(patterns.pseudo_random(LAYERS, PATHS, 1), 1, 0, 0)
        with pytest.raises(InputError, match="odd paths must meet every neuron of layer 1 once an"):
            visiting_paths(odd(), 1, 1, 0)


class TestBackward:
    def test_by_hand(self):
        """Two junctions: 2-2-2 neurons, one path a neuron, so each error has one way."""
        topology = Topology((2, 2, 2), (2, 2))
        model = make_model(topology, [[3, -2], [5, 7]], [[0, 0], [0, 0]], (0, 0))
        errors = np.array([[100, -50]], np.int16)
        hidden, inputs = backward.layers(model, errors, (0, 2))
        wanted = {}
        for path, (source, target) in enumerate(zip(*topology.edges(2), strict=True)):
            wanted[int(source)] = (int(model.weights[1][path]) * int(errors[0, target]) + 2) >> 2
        assert hidden.tolist() == [[wanted[0], wanted[1]]]
        assert sorted(wanted.values()) == sorted([(5 * 100 + 2) >> 2, (7 * -50 + 2) >> 2])
        assert inputs.dtype == np.int32
        result = [0, 0]
        for path, (source, target) in enumerate(zip(*topology.edges(1), strict=True)):
            result[int(source)] += int(model.weights[0][path]) * wanted[int(target)]
        assert inputs.tolist() == [result]

    def test_is_the_transposed_matrix(self):
        """Against dense matrices, where nothing is rounded."""
        rng, topology = np.random.default_rng(4), Topology(LAYERS, PATHS)
        model = random_model(rng, topology)
        errors = rng.integers(-20, 20, (5, 16)).astype(np.int16)
        wanted = errors.astype(np.int64)
        for junction in reversed(topology.junctions):
            dense = np.zeros([topology.layers[junction - 1], topology.layers[junction]], np.int64)
            np.add.at(dense, topology.edges(junction), model.weights[junction - 1])
            wanted = wanted @ dense.T
            if junction > 1:
                wanted = (wanted + 8) >> 4
        assert np.array_equal(backward.layers(model, errors, (0, 4))[-1], wanted)

    def test_clamps_at_both_ends(self):
        sums = [-(2**31), -(2**15) * 2 - 1, -(2**16), 2**16 - 2, 2**16, 2**31 - 1]
        assert backward.requantize(sums, 1).tolist() == [
            -(2**15),
            -(2**15),
            -(2**15),
            2**15 - 1,
            2**15 - 1,
            2**15 - 1,
        ]
        assert backward.requantize([3, -3, -2, 1], 1).tolist() == [2, -1, -1, 1]
        assert backward.requantize([-7], 0).tolist() == [-7]

    def test_a_sum_that_could_wrap_is_refused(self):
        """The most that a neuron's weights may come to is allowed, and does not wrap."""
        topology = Topology((8, 512), (4096,))  # 512 paths from every neuron
        weights = np.full(4096, -128, np.int8)
        model = make_model(topology, [weights], [np.zeros(512)], (0,))
        neuron = "neuron 0 of layer 0 must sum to at most 65024 in magnitude, not 65536"
        with pytest.raises(InputError, match=rf"weights of the 512 paths from {neuron}"):
            backward.check(model, (0,))
        weights[:] = -127
        backward.check(model, (0,))
        errors = np.full((1, 512), -(2**15), np.int16)
        assert backward.layers(model, errors, (0,))[0].max() == 127 * 512 * 2**15 < 2**31 - 2**23

    def test_errors(self):
        model = random_model(np.random.default_rng(1), Topology(LAYERS, PATHS))
        good = np.zeros((1, 16), np.int16)
        for shifts in ((0,), (1, 0), (0, 25), (0, -1)):
            with pytest.raises(InputError, match="backward shifts must be 2 integers from 0 to 24"):
                backward.layers(model, good, shifts)
        for bad in (good.astype(np.int32), good[0], good[:, :8]):
            with pytest.raises(InputError, match=r"errors must be int16 of shape \(images, 16\)"):
                backward.layers(model, bad, (0, 1))


class TestImage:
    def test_every_path_keeps_its_order(self):
        topology = Topology((16, 64, 16), (64, 256), (0, 3, 4))
        model = random_model(np.random.default_rng(2), topology)
        packed = image.pack(model, MACHINE)
        assert image.weight_words(topology, 4) == (64, 0)  # the longer junction comes first
        assert np.array_equal(packed.weights.ravel()[:256], model.weights[1])
        assert np.array_equal(packed.weights.ravel()[256:320], model.weights[0])
        half, biases = (1 << model.shifts[0]) >> 1, packed.weights.ravel()[320:].view("<i4")
        assert image.bias_words(topology, 4) == (80, 80 + 64)
        assert biases[:64].tolist() == (model.biases[0] + half).tolist()
        assert biases[64:].tolist() == model.biases[1].tolist()
        assert packed.biases.size == 0

    def test_the_program_word_by_word(self):
        topology = linear.shifted((4, 8), (8,), digital_shifts=(3, 5))
        machine = image.PathOrderMachine(lanes=4, address_bits=4)
        words = image.program(topology, machine, (0,), paths=8).tolist()
        assert words[:2] == [1, 2]
        assert words[2:7] == [0 | 3 << 5 | 3 << 10 | 1 << 14, 1, 1, 0, 2]
        paths = [1 << digit for digit in range(3)]
        columns = [
            [(int(topology.edges(1)[layer][path]) ^ shift) << left for path in paths]
            for layer, (shift, left) in enumerate(((3, 2), (5, 1)))
        ]
        expected = [word for pair in zip(*columns, strict=True) for word in pair]
        assert words[7:] == [*expected, 3 << 2, 5 << 1]
        assert image.program_words(topology) == len(words)
        turned = image.program(topology, machine, (7,), backwards=True).tolist()
        assert turned[1] == 3
        assert turned[2] == 7 | 3 << 5 | 2 << 10 | 1 << 14 | 1 << 15
        assert turned[7:9] == expected[1::-1]

    @pytest.mark.parametrize("count", [2**9, 2**10, 2**13, 2**14])
    def test_the_blocks_of_a_junction_are_those_of_a_cut_network(self, count):
        model = load("digits-nested")
        words = image.program(model.topology, MACHINE_8, model.shifts, paths=count).tolist()
        place, small = 2, nested.cut(model, count)
        for junction, paths in enumerate(model.topology.paths):
            most, least = words[place + 1 : place + 3]
            assert ((words[0] | least) & most) + 1 == small.topology.paths[junction] // 8
            place += 5 + 2 * paths.bit_length()
        assert place == len(words)

    def test_growing_writes_the_new_weights_and_one_number(self):
        model = load("digits-nested")
        small, large = (nested.cut(model, count) for count in (2**9, 2**14))
        size = 2**9
        written = bytearray(CONFIGS["icebreaker"].memories["weights"].bytes)
        *begun, program = image.begun(model, MACHINE_8, size)
        assert program[:2] == (Space.PROGRAM, 0)
        assert sum(len(content) for *_, content in begun) == (
            small.topology.total_paths + 4 * sum(small.topology.layers[1:])
        )
        for space, address, content in begun:
            assert space == Space.WEIGHTS
            written[address : address + len(content)] = content
        while size < 2**14:
            before, after = (nested.cut(model, count).topology for count in (size, 2 * size))
            writes = image.grown(model, MACHINE_8, size, 2 * size)
            assert sum(len(content) for *_, content in writes) == (
                after.total_paths - before.total_paths + 2
            )
            for space, address, content in writes[:-1]:
                assert space == Space.WEIGHTS
                written[address : address + len(content)] = content
            assert writes[-1] == (Space.PROGRAM, 0, (2 * size // 8 - 1).to_bytes(2, "little"))
            size *= 2
        packed = image.pack(large, MACHINE_8).weights.tobytes()
        assert bytes(written[: len(packed)]) == packed
        assert not any(written[len(packed) :])

    def test_errors(self):
        model = random_model(np.random.default_rng(1), Topology(LAYERS, PATHS))
        with pytest.raises(InputError, match="paths must be above 64, not 64"):
            image.grown(model, MACHINE, 64, 64)
        with pytest.raises(InputError, match="paths must be at least 4, one block, not 2"):
            image.pack(model, MACHINE, paths=2)
        with pytest.raises(InputError, match="paths must be a power of two"):
            image.pack(model, MACHINE, paths=12)
        with pytest.raises(InputError, match="backward shifts must be 2 integers"):
            image.turned(model, MACHINE, (1, 1))
        with pytest.raises(InputError, match="one per bank"):
            image.pack(model, image.PathOrderMachine(lanes=32, address_bits=6))


MACHINE_8 = CONFIGS["icebreaker"].machine


class TestSchedule:
    @pytest.mark.parametrize("name", shipped.names())
    def test_blocks_are_what_conflicts_count(self, name):
        """One block a cycle: what ``sim conflicts`` simulates for the same paths and banks."""
        topology, lanes = load(name).topology, 8
        blocks = schedule.plan(topology, MACHINE_8).blocks
        for junction, own in zip(topology.junctions, blocks, strict=True):
            sources, targets = banks(topology, junction, lanes)
            assert simulate(sources, targets, lanes, [1]).tolist() == [[own]]

    def test_a_shipped_model(self):
        """mnist-37k on 8 lanes: 4,608 blocks, and the cycles beside them, one by one."""
        plan = schedule.plan(load("mnist-37k").topology, MACHINE_8)
        assert sum(plan.blocks) == 4608
        assert plan.fetches == (5 + 2 * 15, 5 + 2 * 15, 5 + 2 * 13)
        assert plan.sweeps == (256 + 5, 256 + 5, 5 * 15 + 3)
        assert plan.latency == 2 + 4608 + 35 + 35 + 31 + 3 * 8 + 261 + 261 + 78
        assert plan.interval == plan.latency + 1024 + 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_config_takes_what_its_memories_hold(data):
    """Whatever fits is packed into bytes that fit the spaces; what does not is refused."""
    lanes = data.draw(st.sampled_from([4, 8]))
    config = PathOrderConfig(
        lanes=lanes,
        max_neurons=32,
        weight_words=256 // lanes,
        max_paths=128,
        program_words=64,
    )
    digits = [data.draw(st.integers(3, 6)) for _ in range(data.draw(st.integers(2, 4)))]
    counts = [
        1 << data.draw(st.integers(max(pair), min(sum(pair), 9))) for pair in pairwise(digits)
    ]
    topology = Topology([1 << k for k in digits], counts)
    model = extreme_model(topology, 1, 1)
    fits = (
        max(topology.layers) <= 32
        and max(counts) <= 128
        and sum(counts) + 4 * sum(topology.layers[1:]) <= 256
        and image.program_words(topology) <= 64
    )
    if not fits:
        with pytest.raises(InputError, match=r"^too big for this engine: the "):
            config.image(model)
        return
    sizes = {size.space: size for size in config.memories.values()}
    assert set(sizes) == {None, Space.WEIGHTS, Space.PROGRAM}
    for space, content in config.image(model).spaces():
        assert len(content) <= (sizes[space].bytes if space in sizes else 0)
