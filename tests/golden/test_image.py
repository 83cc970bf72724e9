"""The memory image: a network recomputed from its bytes alone, in Python's integers."""

import random

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine, image
from sobolpath.golden.machine.image import Kind, Space
from sobolpath.golden.machine.schedule import Machine, plan
from sobolpath.golden.topology import linear
from sobolpath.golden.topology.paths import Topology
from tests.support.networks import extreme_model, make_model, random_images, random_model

#: lanes and layers, paths, dimensions: the smallest, one row, dense, deep.
CASES = [
    (1, (1, 1), (1,), (0, 1)),
    (1, (8, 4, 2), (16, 8), (0, 1, 2)),
    (2, (4, 8, 2), (8, 16), (3, 9, 1)),
    (4, (4, 4), (4,), (0, 1)),
    (4, (32, 16, 16, 8), (64, 256, 32), (0, 1, 2, 3)),
    (8, (16, 32, 8), (512, 64), (5, 12, 2)),
    (16, (16, 16, 16, 16, 16, 16), (16, 32, 64, 128, 256), (0, 1, 2, 3, 4, 5)),
]


def words_of(content, size, signed):
    return [
        int.from_bytes(content[at : at + size], "little", signed=signed)
        for at in range(0, len(content), size)
    ]


def blocks_of(words, at, count):
    """``count`` blocks from word ``at`` on: (kind, shift, fan-in, steps, base, wait, addresses)."""
    blocks = []
    for _ in range(count):
        header, base, wait, start = words[at : at + 4]
        digits = header >> 11
        sums = words[at + 4 : at + 4 + digits]
        assert len(sums) == digits
        addresses = [start]
        for step in range(1, 1 << digits):
            addresses.append(addresses[-1] ^ sums[(step & -step).bit_length() - 1])
        fields = Kind(header & 3), header >> 2 & 31, 1 << (header >> 7 & 15)
        blocks.append((*fields, 1 << digits, base, -wait % 2**16, addresses))
        at += 4 + digits
    return blocks


def program_of(spaces, junctions):
    """The blocks of the loader, of the runner and of the reader."""
    words = words_of(dict(spaces)[Space.PROGRAM], 2, False)
    (load,), run, (read,) = (
        blocks_of(words, words[entry], count) for entry, count in enumerate((1, junctions, 1))
    )
    return load, run, read


def recompute(spaces, machine, junctions, inputs):
    """The logits, as the description of the bytes tells: loops over rows, epochs, lanes, copies.

    ``inputs`` are those of each image; the logits are image after image.
    """
    lanes, images = machine.lanes, machine.images
    content = dict(spaces)
    weights, biases = (
        words_of(content[Space.WEIGHTS], 1, True),
        words_of(content[Space.BIASES], 4, True),
    )
    load, run, read = program_of(spaces, junctions)
    assert load[0] == Kind.INPUT
    assert read[0] == Kind.READ
    memory, at_once = {}, load[2]  # values, by row, lane and image
    for number, values in enumerate(inputs):
        for neuron, value in enumerate(values):
            base, j = load[-1][neuron // at_once], neuron % at_once
            memory[(base ^ j * lanes ^ j) * images + number] = value
    assert load[3] * at_once == len(inputs[0])
    results, word, row = {}, 0, 0
    for kind, shift, fan_in, steps, base, _, addresses in run:
        for number in range(images):
            sums = {}
            for step, address in enumerate(addresses):
                for lane in range(lanes):
                    place = step // fan_in * lanes + lane
                    sums.setdefault(place, biases[row * lanes + place])
                    source = address // lanes * lanes + (lane ^ address % lanes)
                    weight = weights[(word + step) * lanes + lane]
                    sums[place] += weight * memory[source * images + number]
            for place, total in sums.items():
                if kind == Kind.HIDDEN:
                    clamped = min(max(total >> shift, 0), 255)
                    memory[(base * lanes + place) * images + number] = clamped
                else:
                    results[place * images + number] = total
        assert len(sums) * fan_in == steps * lanes
        word, row = word + steps, row + steps // fan_in
    places, copies = read[-1], 1 << read[1]
    return [
        sum(results[place] for place in places[at : at + copies])
        for at in range(0, len(places), copies)
    ]


@pytest.mark.parametrize(("lanes", "layers", "paths", "dimensions"), CASES)
def test_recomputed_from_the_bytes(lanes, layers, paths, dimensions):
    rng = np.random.default_rng(lanes)
    topology = Topology(layers, paths, dimensions)
    for model in (random_model(rng, topology), extreme_model(topology, -128, 1)):
        for images in (1, 2, 4):
            machine = Machine(lanes=lanes, images=images)
            inputs, spaces = random_images(rng, topology, 4), image.pack(model, machine).spaces()
            got = [
                recompute(spaces, machine, len(paths), some.tolist())
                for some in inputs.reshape(-1, images, layers[0])
            ]
            assert np.ravel(got).tolist() == engine.infer(model, inputs).ravel().tolist()
            assert len(got[0]) == layers[-1] * images


@pytest.mark.parametrize("make", [Topology, linear.shifted, linear.scrambled, linear.cascaded])
@pytest.mark.parametrize(("lanes", "layers", "paths"), [case[:3] for case in CASES])
def test_wide_inputs(lanes, layers, paths, make):
    """The program says how many inputs a step is; the last layer may be in copies."""
    rng, topology = np.random.default_rng(lanes), make(layers, paths)
    model, inputs = random_model(rng, topology), random_images(rng, topology, 2)
    for width in (1 << digits for digits in range(lanes.bit_length())):
        machine = Machine(lanes=lanes, images=2, input_width=width, max_copies=lanes)
        packed = image.pack(model, machine)
        got = recompute(packed.spaces(), machine, len(paths), inputs.tolist())
        assert got == engine.infer(model, inputs).ravel().tolist()
        load, schedule = program_of(packed.spaces(), len(paths))[0], plan(topology, machine)
        assert load[2:4] == (schedule.at_once, schedule.inputs)
        if make is not linear.cascaded:
            assert schedule.at_once == min(width, layers[0] // lanes)


#: lanes, layers, paths: one output, fewer paths a neuron than copies, several rows before.
NARROW = [(2, (2, 1), (2,)), (8, (8, 2), (16,)), (16, (16, 16, 4), (32, 32)), (8, (32, 4), (64,))]


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize(("lanes", "layers", "paths"), NARROW)
def test_narrow_outputs_in_copies(lanes, layers, paths, images):
    rng, topology = np.random.default_rng(lanes), linear.shifted(layers, paths, seed=5)
    machine = Machine(lanes=lanes, images=images, max_copies=lanes)
    for model in (random_model(rng, topology), extreme_model(topology, 127, -1)):
        inputs, packed = random_images(rng, topology, 2), image.pack(model, machine)
        assert packed.weights.size == sum(paths)
        assert packed.biases.size == sum(layers[1:-1]) + lanes
        got = [
            recompute(packed.spaces(), machine, len(paths), some.tolist())
            for some in inputs.reshape(-1, images, layers[0])
        ]
        assert np.ravel(got).tolist() == engine.infer(model, inputs).ravel().tolist()
        read = program_of(packed.spaces(), len(paths))[2]
        copies = lanes // layers[-1]
        assert read[:4] == (Kind.READ, copies.bit_length() - 1, 1, lanes * images)


def test_order_of_the_inputs():
    """Neuron after neuron; each neuron's activations in the images that are inferred together."""
    inputs = np.arange(4 * 3, dtype=np.uint8).reshape(4, 3)
    two = [[[0, 3], [1, 4], [2, 5]], [[6, 9], [7, 10], [8, 11]]]
    assert image.interleaved(inputs, 2).tolist() == two
    assert image.interleaved(inputs, 1).tolist() == inputs.reshape(4, 3, 1).tolist()
    assert image.interleaved(inputs, 4).tolist() == [inputs.T.tolist()]
    with pytest.raises(ValueError, match="cannot reshape"):
        image.interleaved(inputs, 3)


def test_shifted_inputs_and_outputs():
    """A shift of any layer is one constant: x(0) of a walk."""
    rng = np.random.default_rng(2)
    topology = linear.shifted((16, 8, 8), (32, 16), seed=4)
    assert all(topology.digital_shifts)
    model, machine = random_model(rng, topology), Machine(lanes=4, images=2)
    inputs, spaces = random_images(rng, topology, 2), image.pack(model, machine).spaces()
    got = recompute(spaces, machine, 2, inputs.tolist())
    assert got == engine.infer(model, inputs).ravel().tolist()


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_shapes_and_order_of_the_spaces(lanes):
    topology = Topology((16, 32, 16), (128, 64))
    model, machine = random_model(np.random.default_rng(1), topology), Machine(lanes=lanes)
    packed = image.pack(model, machine)
    assert packed.weights.shape == (192 // lanes, lanes)
    assert packed.biases.shape == (48 // lanes, lanes)
    assert (packed.weights.dtype, packed.biases.dtype, packed.program.dtype) == (
        np.int8,
        np.int32,
        np.uint16,
    )
    assert [space for space, _ in packed.spaces()] == list(Space)
    assert [len(content) for _, content in packed.spaces()] == [192, 192, 2 * packed.program.size]
    schedule = plan(topology, machine)
    load, run, read = program_of(packed.spaces(), 2)
    assert [block[:6] for block in (load, *run, read)] == [
        (Kind.INPUT, 0, 1, 16, 0, 0),
        (Kind.HIDDEN, 7, 4, 128 // lanes, schedule.bases[1], schedule.waits[0]),
        (Kind.OUTPUT, 0, 4, 64 // lanes, 0, schedule.waits[1]),
        (Kind.READ, 0, 1, 16, 0, 0),
    ]


def test_the_loader_is_told_where_there_is_no_room():
    """Word 1 of the loader's block: the next inputs must wait for the inference to end."""
    topology = Topology((16, 16, 16), (64, 64))
    model = random_model(np.random.default_rng(1), topology)
    for rows, alone in ((8, 1), (16, 0)):
        packed = image.pack(model, Machine(lanes=4, rows=rows))
        assert program_of(packed.spaces(), 2)[0][4] == alone


@pytest.mark.parametrize("shift", [0, 1, 2, 24])
def test_biases_hold_the_rounding_constant(shift):
    topology = Topology((4, 4, 4), (4, 4), (0, 0, 0))
    biases = [-(2**29), -1, 0, 2**29]
    model = make_model(topology, [[1] * 4, [1] * 4], [biases, [5] * 4], (shift, 0))
    packed = image.pack(model, Machine(lanes=1))
    half = 2**shift // 2
    assert sorted(packed.biases[:4, 0].tolist()) == [bias + half for bias in biases]
    assert packed.biases[4:, 0].tolist() == [5] * 4


def test_every_weight_stands_once():
    """Weights that tell where they come from, for every number of lanes."""
    topology = Topology((16, 16), (128,))
    weights = random.Random(1).sample(range(-128, 128), 128)
    model = make_model(topology, [weights], [[0] * 16], (0,))
    for lanes in (1, 2, 4, 8, 16):
        assert sorted(image.pack(model, Machine(lanes=lanes)).weights.ravel()) == sorted(weights)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ((Kind.INPUT, 0, 0, 0), 0),
        ((Kind.READ, 0, 0, 0), 3),
        ((Kind.INPUT, 31, 0, 0), 31 << 2),
        ((Kind.INPUT, 0, 15, 0), 15 << 7),
        ((Kind.INPUT, 0, 0, 31), 31 << 11),
        ((Kind.OUTPUT, 5, 3, 9), 2 | 5 << 2 | 3 << 7 | 9 << 11),
    ],
)
def test_header(fields, word):
    assert image.header(*fields) == word


def test_too_few_neurons():
    model = random_model(np.random.default_rng(0), Topology((16, 4, 16), (16, 16)))
    with pytest.raises(InputError, match="layer 1 must have at least 8 neurons, one per lane"):
        image.pack(model, Machine(lanes=8))


def test_words_of_16_bits():
    topology = Topology((2**15, 2**15), (2**15,))
    model = make_model(topology, [np.zeros(2**15)], [np.zeros(2**15)], (0,))
    packed = image.pack(model, Machine(lanes=1, images=2))
    assert packed.program.max() == 2**16 - 1
    message = "a word of the program must be at most 65535, not 131071: use more lanes"
    with pytest.raises(InputError, match=message):
        image.pack(model, Machine(lanes=1, images=4))
