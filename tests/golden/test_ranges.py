"""What is odd about the numbers of a table or of images is said, and nothing else is."""

import numpy as np
import pytest

from sobolpath.golden.data import ranges, scalings
from sobolpath.golden.data.preparation import Preparation


def table(seed=0, samples=100):
    """Features of very different ranges, and a few samples of the same kind held out."""
    random = np.random.default_rng(seed)
    means, widths = np.array([0.5, 12, 1000, -3]), np.array([0.1, 2, 300, 1e-3])
    x = means + widths * random.normal(size=(samples + 40, 4))
    return x[:samples], x[samples:]


def warnings(x_train, x_test, scaling="auto"):
    return scalings.scaled(x_train, x_test, scaling)[1]


@pytest.mark.parametrize("seed", range(5))
def test_a_table_is_as_it_should_be(seed):
    assert warnings(*table(seed)) == ()
    assert warnings(*table(seed, samples=10)) == ()


def test_images_with_dark_borders_are_as_they_should_be():
    x = np.zeros((50, 8, 8))
    x[:, 2:6, 2:6] = np.random.default_rng(1).random((50, 4, 4))
    assert warnings(x, x[:20]) == ()
    whole = (255 * x).astype(np.uint8)
    assert warnings(whole, whole[:20]) == ()
    assert warnings(whole.reshape(50, 64), whole[:20].reshape(20, 64)) == ()


def test_few_distinct_values():
    train, test = table()
    train[:, 1] = train[:, 1] > 12
    train[:, 3] = 7
    assert "2 of 4 features (1, 3) have fewer than 3 distinct values in x_train" in warnings(
        train, test
    )
    alone = warnings(train[:, 1:2], train[:40, 1:2])
    assert alone == ("the feature has fewer than 3 distinct values in x_train",)


def test_three_distinct_values_are_enough():
    train = table()[0]
    train[:, 1] = np.arange(100) % 3
    assert warnings(train, train[:40]) == ()


def test_a_common_scale_leaves_too_little_of_a_table():
    (found,) = warnings(*table(), scaling="common")
    assert found.startswith("2 of 4 features (0, 3) have fewer than 3 distinct values left by the")
    assert "(--scaling feature scales each by itself)" in found


def test_an_outlier():
    train, test = table()
    train[17, 2] = 1e9
    found = warnings(train, test)[0]
    assert found == (
        "1 of 4 features (2) have fewer than 3 distinct values left by the scaling (an outlier?)"
    )


def test_an_outlier_among_images():
    images = np.random.default_rng(1).random((50, 4, 4))
    images[3, 2, 1] = 1e6
    (found,) = [text for text in warnings(images, images) if "left by" in text]
    assert "--scaling feature" in found


def test_many_features_are_counted():
    train = np.tile(np.arange(100)[:, None] % 2, 70)
    found = warnings(train, train)[0]
    assert found.startswith("70 of 70 features (0, 1, 2, 3, 4, 5, 6, 7, ...) have fewer than 3")


class TestUnits:
    IMAGES = np.random.default_rng(2).integers(0, 256, (60, 8, 8), np.uint8)

    @pytest.mark.parametrize("shape", [(60, 8, 8), (60, 64)])
    def test_bytes_beside_floats(self, shape):
        images = self.IMAGES.reshape(shape)
        (found,) = warnings(images, images[:20] / 255)
        assert found.startswith("x_test seems to be in other units: it is 0 to 1, x_train is 0 to")

    def test_bytes_beside_bytes_of_0_and_1(self):
        (found,) = warnings(self.IMAGES, self.IMAGES[:20] >> 7)
        assert found == (
            "x_test seems to be in other units: it is 0 to 1, x_train is 0 to 255; 0% of it is "
            "clipped"
        )

    def test_floats_beside_bytes(self):
        (found,) = warnings(self.IMAGES / 255, self.IMAGES[:20])
        assert "it is 0 to 255, x_train is 0 to 1; 9" in found

    def test_a_table_standardized_on_one_side(self):
        train, test = table()
        (found,) = warnings(train, (test - train.mean(0)) / train.std(0))
        assert found.startswith("x_test seems to be in other units")

    def test_bytes_of_both_that_are_dark(self):
        dark = self.IMAGES // 100
        assert warnings(dark, dark) == (
            "the bytes of x_train reach only 2 of 255 (--scaling common spreads them)",
        )
        assert warnings(dark, dark, scaling="common") == ()

    def test_a_few_values_tell_no_range(self):
        assert warnings(self.IMAGES, np.zeros((1, 8, 8), np.uint8))
        train, test = table()
        assert warnings(train, test[:1] * 0) == ()
        assert warnings(train, test[:2] * 0) != ()

    def test_beside_a_model(self):
        own = Preparation.fitted(self.IMAGES, by_feature=False)
        assert ranges.outside(own, self.IMAGES[:20]) == ()
        (found,) = ranges.outside(own, self.IMAGES[:20] / 255)
        assert "it is 0 to 1, the model was trained on 0 to 255; 0% of" in found
        constant = Preparation((8, 8), (3.0,), (3.0,))
        assert ranges.outside(constant, self.IMAGES) != ()
