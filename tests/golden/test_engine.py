"""The integer engine: against a loop over paths in Python's integers, at the extremes."""

import numpy as np
import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import MAX_BIAS, MAX_SHIFT, Model
from sobolpath.golden.topology.paths import Topology


def make(topology, weights, biases, shifts, classes=None):
    return Model(
        topology=topology,
        weights=tuple(np.asarray(w, np.int8) for w in weights),
        biases=tuple(np.asarray(b, np.int32) for b in biases),
        shifts=tuple(shifts),
        float_weights=tuple(np.zeros(n, np.float32) for n in topology.paths),
        float_biases=tuple(np.zeros(n, np.float32) for n in topology.layers[1:]),
        input_scale=1 / 255,
        classes=classes or topology.layers[-1],
    )


def random_model(random, topology):
    hidden = len(topology.paths) - 1
    return make(
        topology,
        [random.integers(-128, 128, n) for n in topology.paths],
        [random.integers(-(2**12), 2**12, n) for n in topology.layers[1:]],
        [int(s) for s in random.integers(5, 10, hidden)] + [0],
    )


def loop(model, image):
    """Fig. 3 of the paper in Python's integers: one image, one path at a time."""
    topology, activations, results = model.topology, [int(x) for x in image], []
    for junction in topology.junctions:
        sums = [int(b) for b in model.biases[junction - 1]]
        edges = zip(*topology.edges(junction), model.weights[junction - 1], strict=True)
        for source, target, weight in edges:
            sums[int(target)] += int(weight) * activations[int(source)]
        if junction < len(topology.layers) - 1:
            shift = model.shifts[junction - 1]
            half = 2**shift // 2
            activations = [min(max((s + half) // 2**shift, 0), 255) for s in sums]
            results.append(activations)
        else:
            results.append(sums)
    return results


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        ((1, 1), (1,)),
        ((8, 16), (32,)),
        ((64, 32, 16), (256, 128)),
        ((16, 64, 64, 8), (256, 512, 128)),
    ],
)
def test_against_a_loop_over_paths(layers, paths, seed):
    random = np.random.default_rng(seed)
    model = random_model(random, Topology(layers, paths))
    images = random.integers(0, 256, (3, layers[0])).astype(np.uint8)
    got = engine.layers(model, images)
    expected = [loop(model, image) for image in images]
    assert len(got) == len(paths)
    for layer, values in enumerate(got):
        assert values.shape == (3, layers[layer + 1])
        assert values.dtype == (np.int32 if layer == len(paths) - 1 else np.uint8)
        assert values.tolist() == [image[layer] for image in expected]
    assert np.array_equal(engine.infer(model, images), got[-1])


@pytest.mark.parametrize("count", [0, 1, engine.CHUNK, engine.CHUNK + 1, 3 * engine.CHUNK])
def test_any_number_of_images(count):
    random = np.random.default_rng(1)
    model = random_model(random, Topology((16, 16, 8), (64, 32)))
    images = random.integers(0, 256, (count, 16)).astype(np.uint8)
    whole = engine.layers(model, images)
    assert [part.shape for part in whole] == [(count, 16), (count, 8)]
    for index in range(0, count, 50):
        one = engine.infer(model, images[index : index + 1])
        assert np.array_equal(one[0], whole[-1][index])


@pytest.mark.parametrize(("weight", "bias"), [(-128, -MAX_BIAS), (127, MAX_BIAS)])
def test_the_largest_fan_in_does_not_wrap(weight, bias):
    """2**15 paths a neuron, all activations 255, all weights and the bias at one end."""
    topology = Topology((2**15, 1, 1), (2**15, 1))
    weights = [np.full(2**15, weight), [1]]
    sums = 2**15 * 255 * weight + bias
    assert abs(sums) + 2 ** (MAX_SHIFT - 1) < 2**31
    last = make(Topology((2**15, 1), (2**15,)), weights[:1], [[bias]], [0])
    image = np.full((1, 2**15), 255, np.uint8)
    assert engine.infer(last, image).tolist() == [[sums]]
    hidden = make(topology, weights, [[bias], [0]], [MAX_SHIFT, 0])
    expected = min(max((sums + 2**23) >> 24, 0), 255)
    assert engine.infer(hidden, image).tolist() == [[expected]]


class TestRequantize:
    @pytest.mark.parametrize(
        ("accumulator", "shift", "expected"),
        [
            (0, 0, 0),
            (255, 0, 255),
            (256, 0, 255),
            (-1, 0, 0),
            (1, 1, 1),  # 0.5 rounds up
            (-1, 1, 0),  # -0.5 rounds up to 0
            (-3, 1, 0),
            (3, 2, 1),
            (1, 2, 0),
            (5, 2, 1),
            (6, 2, 2),  # 1.5 rounds up
            (2**31 - 1, 24, 128),
            (-(2**31), 24, 0),
            (255 * 2**22 + 2**21 - 1, 22, 255),
            (2**31 - 1, 22, 255),
        ],
    )
    def test_values(self, accumulator, shift, expected):
        result = engine.requantize(np.array([accumulator], np.int32), shift)
        assert result.dtype == np.uint8
        assert result.tolist() == [expected]

    @pytest.mark.parametrize("shift", range(MAX_SHIFT + 1))
    def test_against_pythons_integers(self, shift):
        random = np.random.default_rng(shift)
        values = random.integers(-(2**31), 2**31, 500)
        values[:250] >>= 22 - min(shift, 22)
        half = 2**shift // 2
        expected = [min(max((v + half) // 2**shift, 0), 255) for v in values.tolist()]
        assert engine.requantize(values, shift).tolist() == expected


class TestClassify:
    def test_padding_takes_no_part_and_the_first_wins(self):
        model = make(Topology((4, 8), (8,)), [np.zeros(8)], [np.zeros(8)], [0], classes=3)
        logits = np.array([[1, 5, 5, 9, 9, 9, 9, 9], [-3, -2, -1, 0, 0, 0, 0, 0], [0] * 8])
        assert engine.classify(model, logits).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 8)),
        np.zeros((2, 8), np.int8),
        np.zeros(8, np.uint8),
        np.zeros((2, 16), np.uint8),
    ],
)
def test_images_are_checked(bad):
    model = make(Topology((8, 8), (8,)), [np.ones(8)], [np.zeros(8)], [0])
    with pytest.raises(InputError, match=r"images must be uint8 of shape \(images, 8\), not"):
        engine.infer(model, bad)
