"""Data sets: what is shipped, the checks, padding and splits."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sobolpath.golden import data
from sobolpath.golden.errors import InputError
from sobolpath.golden.topology.paths import Topology


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def small(**changes):
    """A legal data set of 4 images, 2 inputs, 2 classes, or an illegal one by ``changes``."""
    fields = {
        "name": "small",
        "x_train": np.zeros((4, 2), np.uint8),
        "y_train": np.array([0, 1, 0, 1]),
        "x_test": np.zeros((1, 2), np.uint8),
        "y_test": np.array([1]),
        "classes": 2,
    }
    return data.DataSet(**{**fields, **changes})


class TestDigits:
    def test_shapes(self, digits):
        assert digits.x_train.shape == (1437, 64)
        assert digits.x_test.shape == (360, 64)
        assert (digits.inputs, digits.classes) == (64, 10)

    def test_split_is_whole_stratified_and_fixed(self, digits):
        images = np.rint(load_digits().data * 255 / 16).astype(np.uint8)
        rows = np.vstack([digits.x_train, digits.x_test])
        assert sorted(map(bytes, rows)) == sorted(map(bytes, images))
        counts = np.bincount(digits.y_test)
        assert counts.sum() == 360
        assert counts.min() >= 35
        assert counts.max() <= 37
        assert digits.y_test[:12].tolist() == [7, 6, 3, 7, 7, 3, 2, 8, 9, 3, 2, 6]
        again = data.load("digits")
        assert np.array_equal(again.x_test, digits.x_test)

    def test_labels_belong_to_images(self, digits):
        raw = load_digits()
        images = np.rint(raw.data * 255 / 16).astype(np.uint8)
        label = dict(zip(map(bytes, images), raw.target.tolist(), strict=True))
        assert [label[bytes(x)] for x in digits.x_test] == digits.y_test.tolist()


def test_unknown_name():
    names = "digits, fashion, fsdd, mitbih, mnist, mnist1d, morse or a file named .npz"
    names += ", .csv or .tsv, or a folder of pictures"
    with pytest.raises(InputError, match=f"data set must be one of {names}, not 'nist'"):
        data.load("nist")


def test_a_new_set_is_one_entry(monkeypatch):
    monkeypatch.setitem(data.REGISTRY, "small", small)
    assert data.load("small").inputs == 2
    with pytest.raises(
        InputError,
        match=r"morse, small or a file named \.npz, \.csv or \.tsv, or a folder of pictures, not",
    ):
        data.load("large")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((4, 2))}, "x_train must be uint8 (images, inputs), not float64"),
        (
            {"x_test": np.zeros(2, np.uint8)},
            "x_test must be uint8 (images, inputs), not uint8 (2,)",
        ),
        ({"x_test": np.zeros((0, 2), np.uint8)}, "x_test must be uint8 (images, inputs)"),
        (
            {"x_train": np.zeros((4, 3), np.uint8)},
            "inputs of x_train must be a power of two, not 3; the next is 4",
        ),
        (
            {"x_test": np.zeros((1, 4), np.uint8)},
            "x_train and x_test must have the same number of inputs, not 2 and 4",
        ),
        ({"y_test": np.array([1.0])}, "y_test must be int64 (1,), not float64 (1,)"),
        ({"y_train": np.array([0, 1])}, "y_train must be int64 (4,), not int64 (2,)"),
        ({"y_test": np.array([2])}, "labels of y_test must be 0 to 1, not 2 to 2"),
        (
            {"y_train": np.array([0, 1, -1, 0])},
            "labels of y_train must be 0 to 1, not -1 to 1; np.unique(labels, return_inverse=True)",
        ),
        (
            {"y_train": np.zeros(4, int)},
            "y_train must have all of 2 classes, at least 2, not 1; np.unique(labels, return_inv",
        ),
        ({"groups": np.arange(3)}, "groups must have shape (4,), one per training image, not (3,)"),
        ({"y_train": np.array([0, 1, 2, 0]), "classes": 4}, "y_train must have all of 4 classes"),
    ],
)
def test_checks(changes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        small(**changes)


class TestValidation:
    def test_takes_training_images_only(self, digits):
        part = data.validation(digits, 200, 0)
        assert (len(part.x_train), len(part.x_test)) == (1237, 200)
        assert (digits.judged, part.judged) == ("held-out", "validation")
        assert part.preparation == digits.preparation
        seen = np.vstack([part.x_train, part.x_test])
        assert sorted(map(bytes, seen)) == sorted(map(bytes, digits.x_train))
        assert np.bincount(part.y_test).min() >= 18

    def test_by_seed(self, digits):
        first, again, other = (data.validation(digits, 100, seed).x_test for seed in (0, 0, 1))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize("count", [0, 9, 1428, 5000])
    def test_room(self, digits, count):
        with pytest.raises(InputError, match=f"validation images must be 10 to 1427, not {count}"):
            data.validation(digits, count, 0)

    def test_extremes(self, digits):
        assert len(data.validation(digits, 10, 0).x_test) == 10
        assert len(data.validation(digits, 1427, 0).x_train) == 10


class TestValidationByGroup:
    def beats(self):
        """Ten records of 20 beats; class 2 is in record 3 only, class 1 in two records."""
        groups = np.repeat(np.arange(10), 20)
        y = np.where(groups == 3, 2, (groups >= 8).astype(int))
        x = np.random.default_rng(1).integers(0, 256, (200, 4), np.uint8)
        return small(x_train=x, y_train=y, x_test=x[:1, :], classes=3, groups=groups)

    @pytest.mark.parametrize("seed", range(20))
    def test_whole_records(self, seed):
        beats = self.beats()
        part = data.validation(beats, 99, seed)
        held = {bytes(x) for x in part.x_test}
        taken = [g for g in range(10) if bytes(beats.x_train[20 * g]) in held]
        assert len(part.x_test) == 80
        assert len(taken) == 4
        assert 3 not in taken
        assert not {8, 9} <= set(taken)
        assert set(part.groups) == set(range(10)) - set(taken)
        assert np.array_equal(part.x_train, beats.x_train[~np.isin(beats.groups, taken)])
        assert np.array_equal(part.y_test, beats.y_train[np.isin(beats.groups, taken)])

    def test_by_seed(self):
        first, again, *others = (
            data.validation(self.beats(), 80, seed).x_test for seed in (0, 0, 1, 2, 3)
        )
        assert np.array_equal(first, again)
        assert any(not np.array_equal(first, other) for other in others)

    def test_extremes(self):
        assert len(data.validation(self.beats(), 20, 0).x_test) == 20
        assert (
            len(data.validation(self.beats(), 197, 0).x_test) == 140
        )  # a record stays for every class
        message = "validation images must be at least 20, the smallest whole record, .*, not 19"
        with pytest.raises(InputError, match=message):
            data.validation(self.beats(), 19, 0)


class TestFits:
    def test_good(self, digits):
        data.check_fits(digits, Topology((64, 16), (256,)))

    def test_inputs(self, digits):
        with pytest.raises(InputError, match="layer 0 must have 64 neurons, one per input of dig"):
            data.check_fits(digits, Topology((32, 16), (256,)))

    def test_classes(self, digits):
        with pytest.raises(
            InputError, match="layer 1 must have at least 10 neurons, one per class"
        ):
            data.check_fits(digits, Topology((64, 8), (256,)))

    def test_more_inputs(self, digits):
        """As many as a network for an engine of many lanes needs: zeros, and in the model too."""
        wide = digits.widened(128)
        assert wide.x_train.shape == (1437, 128)
        assert np.array_equal(wide.x_test[:, :64], digits.x_test)
        assert not wide.x_test[:, 64:].any()
        again = data.load("digits", preparation=wide.preparation)
        assert np.array_equal(again.x_train, wide.x_train)
        assert digits.preparation.inputs == 64

    def test_data_are_frozen(self, digits):
        assert replace(digits, name="other").name == "other"
        with pytest.raises(AttributeError):
            digits.name = "other"
