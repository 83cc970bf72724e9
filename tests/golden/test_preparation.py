"""How numbers become inputs: the scale, the rounding, the padding, every complaint."""

import re

import numpy as np
import pytest

from sobolpath.golden.data.preparation import PIECE, Preparation
from sobolpath.golden.errors import InputError


class TestScale:
    def test_one_for_all(self):
        own = Preparation((17,), (0.0,), (16.0,))
        wanted = [round(x * 255 / 16) for x in range(17)]
        assert own.apply(np.arange(17)[None])[0, 7:24].tolist() == wanted
        assert (own.kind, own.by_feature) == ("common", False)

    def test_by_feature(self):
        own = Preparation((2,), (-1.0, 100), (1.0, 300))
        samples = [[-1, 100], [1, 300], [0, 150], [9, -9]]
        assert own.apply(samples).tolist() == [[0, 0], [255, 255], [128, 64], [255, 0]]
        assert own.apply(samples).dtype == np.uint8
        assert (own.kind, own.by_feature) == ("feature", True)

    @pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float32, np.float64])
    def test_kinds_of_numbers(self, dtype):
        own = Preparation((2,), (0.0,), (1.0,))
        assert own.apply(np.array([[0, 1]], dtype)).tolist() == [[0, 255]]

    def test_what_does_not_change_is_0(self):
        own = Preparation((2,), (7.0, 0), (7.0, 5e-324))
        assert own.apply([[7, 5e-324], [99, 1]]).tolist() == [[0, 0], [0, 0]]
        assert own.places(np.array([[7, 0], [99, 1]])).tolist() == [[0, 0], [0, 0]]

    def test_numbers_far_outside(self):
        own = Preparation((1,), (0.0,), (1e-300,))
        assert own.apply([[1e308], [-1e308]]).tolist() == [[255], [0]]

    def test_places_are_not_clipped(self):
        own = Preparation((2,), (0.0, 10), (4.0, 20))
        assert own.places(np.array([[-4, 10], [8, 15]])).tolist() == [[-1, 0], [2, 0.5]]

    def test_bytes_stay(self):
        own, random = Preparation.of_bytes((3, 5)), np.random.default_rng(1)
        samples = random.integers(0, 256, (9, 3, 5), np.uint8)
        assert own.kind == "bytes"
        square = own.apply(samples).reshape(9, 4, 8)
        assert np.array_equal(square[:, :3, 1:6], samples)
        assert np.array_equal(own.apply(samples.astype(float)).reshape(9, 4, 8), square)

    @pytest.mark.parametrize("by_feature", [False, True])
    def test_fitted(self, by_feature):
        samples = np.array([[[1.0, -50]], [[3, 0]], [[2, 50]]], np.float32)
        own = Preparation.fitted(samples, by_feature=by_feature)
        ends = ((1, -50), (3, 50)) if by_feature else ((-50,), (50,))
        assert (own.shape, own.least, own.largest) == ((1, 2), *ends)
        assert (own.apply(samples)[:, 0] == [0, 255, 128]).all() == by_feature

    def test_many_samples_by_pieces(self):
        samples = np.arange(PIECE + 3)[:, None]
        own = Preparation.fitted(samples, by_feature=True)
        wanted = np.rint(samples * (255 / samples.max()))
        assert np.array_equal(own.apply(samples), wanted)
        assert own.apply(samples[:0]).shape == (0, 1)

    def test_words(self):
        assert str(Preparation.of_bytes((4,))) == "none: bytes are taken as they are"
        assert str(Preparation((4,), (0.0,), (16.0,))) == "one for all numbers, from 0 to 16"
        two = Preparation((2,), (0.0, 1), (1.0, 2))
        assert str(two) == "each of 2 features from its least to its largest"


class TestPad:
    def test_images_get_a_border(self):
        images = np.arange(2 * 28 * 28).astype(np.uint8).reshape(2, 28, 28) | 1
        padded = Preparation.of_bytes((28, 28)).apply(images)
        assert padded.shape == (2, 1024)
        square = padded.reshape(2, 32, 32)
        assert np.array_equal(square[:, 2:-2, 2:-2], images)
        assert np.count_nonzero(square) == images.size

    @pytest.mark.parametrize(("size", "padded"), [(1, 1), (2, 2), (3, 4), (64, 64), (100, 128)])
    def test_vectors(self, size, padded):
        own = Preparation.of_bytes((size,))
        result = own.apply(np.ones((3, size), np.uint8))
        assert result.shape == (3, padded) == (3, own.inputs)
        assert result.sum() == 3 * size

    def test_more_inputs(self):
        own = Preparation.of_bytes((3,)).widened(16)
        assert own.apply(np.full((1, 3), 9, np.uint8)).tolist() == [[9, 9, 9, *[0] * 13]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), (0.0,), (1.0,)), "samples must have axes of at least 1, not the shape ()"),
        (((3, 0), (0.0,), (1.0,)), "samples must have axes of at least 1, not the shape (3, 0)"),
        (((3,), (0.0,), (1.0,), 12), "inputs must be a power of two, not 12"),
        (((5,), (0.0,), (1.0,), 4), "inputs must be at least 8 for samples of shape (5,), not 4"),
        (((3,), (0.0,) * 2, (1.0,) * 2), "least and largest must be 1 or 3 numbers each, not 2"),
        (((3,), (0.0,), (1.0,) * 3), "least and largest must be 1 or 3 numbers each, not 1 and 3"),
        (((1,), (np.nan,), (1.0,)), "least and largest must be finite numbers"),
        (((1,), (0.0,), (np.inf,)), "least and largest must be finite numbers"),
        (((1,), (1.0,), (0.0,)), "least and largest must be finite numbers, the largest not below"),
    ],
)
def test_complaints(arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Preparation(*arguments)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((4, 16)), "samples must be of 13 numbers, not 16"),
        (np.zeros((4, 8, 8)), "samples must be of 13 numbers, not 8x8"),
        (np.zeros(4), "samples must be of 13 numbers, not one number"),
        (np.full((1, 13), np.nan), "inputs must be finite numbers"),
        (np.full((1, 13), "a"), "inputs must be finite numbers"),
    ],
)
def test_other_samples(samples, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Preparation((13,), (0.0,), (1.0,)).apply(samples)


def test_a_range_too_far():
    with pytest.raises(InputError, match="inputs must have a finite range, not as far apart as"):
        Preparation.fitted(np.array([[-1e308], [1e308]]), by_feature=True)
