"""The memory image: a network recomputed from its bytes alone, in Python's integers."""

import random

import numpy as np
import pytest
from networks import extreme_model, make_model, random_images, random_model

from golden import engine, image
from golden.errors import InputError
from golden.image import Kind, Space
from golden.paths import Topology

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


def phases_of(words):
    """The program as (kind, shift, fan-in, steps, first word, first row, address of each step)."""
    phases, at = [], 0
    while at < len(words):
        header, word, row = words[at : at + 3]
        digits = header >> 11
        columns = words[at + 3 : at + 3 + digits]
        assert len(columns) == digits
        addresses = [0]
        for column in columns:
            addresses += [address ^ column for address in addresses]
        fields = Kind(header & 3), header >> 2 & 31, 1 << (header >> 7 & 15)
        phases.append((*fields, 1 << digits, word, row, addresses))
        at += 3 + digits
    return phases


def recompute(spaces, lanes, inputs):
    """The logits, as the hardware's description tells: the loop over rows, epochs and lanes."""
    content = dict(spaces)
    weights = words_of(content[Space.WEIGHTS], 1, True)
    biases = words_of(content[Space.BIASES], 4, True)
    activations, sums, logits = {}, {}, []
    for kind, shift, fan_in, steps, word, row, addresses in phases_of(
        words_of(content[Space.PROGRAM], 2, False)
    ):
        if kind == Kind.INPUT:
            activations = dict(zip(addresses, inputs, strict=True))
        elif kind == Kind.READ:
            logits = [sums[address] for address in addresses]
        else:
            sums = {}
            for step, address in enumerate(addresses):
                for lane in range(lanes):
                    place = step // fan_in * lanes + lane
                    sums.setdefault(place, biases[row * lanes + place])
                    source = address // lanes * lanes + (lane ^ address % lanes)
                    weight = weights[(word + step) * lanes + lane]
                    sums[place] += weight * activations[source]
            assert len(sums) * fan_in == steps * lanes
            if kind == Kind.HIDDEN:
                clamped = {place: min(max(total >> shift, 0), 255) for place, total in sums.items()}
                activations = clamped
    return logits


@pytest.mark.parametrize(("lanes", "layers", "paths", "dimensions"), CASES)
def test_recomputed_from_the_bytes(lanes, layers, paths, dimensions):
    rng = np.random.default_rng(lanes)
    topology = Topology(layers, paths, dimensions)
    for model in (random_model(rng, topology), extreme_model(topology, -128, 1)):
        images, spaces = random_images(rng, topology, 3), image.pack(model, lanes).spaces()
        got = [recompute(spaces, lanes, values.tolist()) for values in images]
        assert got == engine.infer(model, images).tolist()
        assert len(got[0]) == layers[-1]


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_shapes_and_order_of_the_spaces(lanes):
    topology = Topology((16, 32, 16), (128, 64))
    packed = image.pack(random_model(np.random.default_rng(1), topology), lanes)
    assert packed.weights.shape == (192 // lanes, lanes)
    assert packed.biases.shape == (48 // lanes, lanes)
    assert (packed.weights.dtype, packed.biases.dtype, packed.program.dtype) == (
        np.int8,
        np.int32,
        np.uint16,
    )
    assert [space for space, _ in packed.spaces()] == list(Space)
    assert [len(content) for _, content in packed.spaces()] == [192, 192, 2 * packed.program.size]
    kinds = [phase[:6] for phase in phases_of(packed.program.tolist())]
    assert kinds == [
        (Kind.INPUT, 0, 1, 16, 0, 0),
        (Kind.HIDDEN, 7, 4, 128 // lanes, 0, 0),
        (Kind.OUTPUT, 0, 4, 64 // lanes, 128 // lanes, 32 // lanes),
        (Kind.READ, 0, 1, 16, 0, 0),
    ]


@pytest.mark.parametrize("shift", [0, 1, 2, 24])
def test_biases_hold_the_rounding_constant(shift):
    topology = Topology((4, 4, 4), (4, 4), (0, 0, 0))
    biases = [-(2**29), -1, 0, 2**29]
    model = make_model(topology, [[1] * 4, [1] * 4], [biases, [5] * 4], (shift, 0))
    packed = image.pack(model, 1)
    half = 2**shift // 2
    assert sorted(packed.biases[:4, 0].tolist()) == [bias + half for bias in biases]
    assert packed.biases[4:, 0].tolist() == [5] * 4


def test_every_weight_stands_once():
    """Weights that tell where they come from, for every number of lanes."""
    topology = Topology((16, 16), (128,))
    weights = random.Random(1).sample(range(-128, 128), 128)
    model = make_model(topology, [weights], [[0] * 16], (0,))
    for lanes in (1, 2, 4, 8, 16):
        assert sorted(image.pack(model, lanes).weights.ravel()) == sorted(weights)


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
        image.pack(model, 8)


def test_too_many_words():
    topology = Topology((2**12, 2**12, 2**12), (2**17, 2**12))
    zeros = [np.zeros(count) for count in (*topology.paths, 2**12)]
    model = make_model(topology, zeros[:2], zeros[1:2] + zeros[2:], (0, 0))
    message = "within the first 65536 words of weights .* not at 131072: use more than 1 lanes"
    with pytest.raises(InputError, match=message):
        image.pack(model, 1)
    with pytest.raises(InputError, match="not at 65536: use more than 2 lanes"):
        image.pack(model, 2)
    assert image.pack(model, 4).weights.shape == (2**15 + 2**10, 4)
