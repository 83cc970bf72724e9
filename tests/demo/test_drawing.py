"""Drawings and samples become images as MNIST's are."""

import re

import numpy as np
import pytest

from sobolpath.demo import drawing, samples
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from tests.demo.strokes import DIGITS


def drawn(strokes):
    return drawing.image_of(drawing.strokes_of(strokes))


def box(image):
    """How high and wide the ink is."""
    return [int(np.ptp(np.flatnonzero(image.any(axis=axis)))) + 1 for axis in (1, 0)]


class TestDrawing:
    @pytest.mark.parametrize("digit", DIGITS)
    def test_fills_mnist_s_box_around_the_centre_of_mass(self, digit):
        image = drawn(DIGITS[digit])
        assert (image.shape, image.dtype, image.max()) == ((28, 28), np.uint8, 255)
        assert 19 <= max(box(image)) <= 21
        assert drawing.centre_of_mass(image) == pytest.approx([13.5, 13.5], abs=0.1)

    def test_size_and_place_do_not_matter(self):
        image = drawn(DIGITS[3]).astype(int)
        small = [[(0.1 * x + 0.8, 0.1 * y + 0.02) for x, y in stroke] for stroke in DIGITS[3]]
        assert np.abs(drawn(small).astype(int) - image).max() <= 1

    def test_a_dot(self):
        image = drawn([[(0.1, 0.1)]])
        assert box(image) == [4, 4]
        assert drawn([[(0.9, 0.4)] * 3]).tolist() == image.tolist()

    def test_a_line_is_as_thick_as_the_pen(self):
        across = drawn(DIGITS[1])[14] / 255  # of a vertical one
        assert across.sum() == pytest.approx(2 * drawing.RADIUS, abs=0.1)

    @pytest.mark.parametrize("name", ["mnist-37k", "mnist-nested"])
    def test_networks_know_them(self, name):
        model = models.load(name)
        images = np.stack([drawn(strokes) for strokes in DIGITS.values()])
        logits = engine.infer(model, model.preparation.apply(images))
        right = engine.classify(model, logits) == list(DIGITS)
        assert right.sum() >= 8

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (7, "a drawing must be lists of points [x, y], all numbers"),
            (["ab"], "a drawing must be lists of points [x, y], all numbers"),
            ([[[1, 2], [3]]], "a drawing must be lists of points [x, y], all numbers"),
            ([[0.5, 0.5]], "a drawing must be lists of points [x, y], from -10 to 10"),
            ([[[1, 2, 3]]], "a drawing must be lists of points [x, y], from -10 to 10"),
            ([[[1, 11]]], "a drawing must be lists of points [x, y], from -10 to 10"),
            ([[[1, float("nan")]]], "a drawing must be lists of points [x, y], from -10 to 10"),
            ([], "a drawing must have 1 to 4000 points, not 0"),
            ([[], []], "a drawing must have 1 to 4000 points, not 0"),
            ([[[0, 0]] * 4001], "a drawing must have 1 to 4000 points, not 4001"),
        ],
    )
    def test_refuses(self, given, message):
        with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
            drawing.strokes_of(given)


class TestSamples:
    def test_two_of_each_class_as_mnist_has_them(self):
        found = samples.of("digits", models.load("mnist-12k"))
        assert [each.label for each in found] == [digit for digit in range(10) for _ in range(2)]
        for each in found:
            assert (each.pixels.shape, each.pixels.dtype) == ((28, 28), np.uint8)
            assert drawing.centre_of_mass(each.pixels) == pytest.approx([13.5, 13.5], abs=0.6)

    def test_most_are_known(self):
        model = models.load("mnist-nested")
        found = samples.of("digits", model)
        images = model.preparation.apply(np.stack([each.pixels for each in found]))
        classes = engine.classify(model, engine.infer(model, images))
        assert (classes == [each.label for each in found]).sum() >= 16

    def test_other_images_are_refused(self, tmp_path):
        rng = np.random.default_rng(1)
        x, y = rng.integers(0, 256, (40, 8, 8)).astype(np.uint8), np.arange(40) % 10
        np.savez(tmp_path / "t.npz", x_train=x, y_train=y, x_test=x, y_test=y)
        with pytest.raises(InputError, match="--data must have images of 28 x 28 pixels, not"):
            samples.of(str(tmp_path / "t.npz"), models.load("digits"))

    def test_scaled_keeps_a_plane(self):
        grid = np.add.outer(np.arange(8.0), 2 * np.arange(8.0))
        found = drawing.scaled(grid, 16, 8)
        assert found.shape == (16, 8)
        assert found[1:-1].mean() == pytest.approx(grid.mean())
        assert found[5, 3] - found[4, 3] == pytest.approx(0.5)
