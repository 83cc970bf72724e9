"""Labels of every kind become numbers of classes, or one line says what to do."""

import re

import numpy as np
import pytest

from sobolpath.golden.data.labels import numbered
from sobolpath.golden.errors import InputError

KINDS = ["b", "a", "c", "a"]


def become(train, test, names=None):
    y_train, y_test, found = numbered(np.array(train), np.array(test), "f", names)
    assert y_train.dtype == y_test.dtype == np.int64
    return y_train.tolist(), y_test.tolist(), found


def test_numbers_from_0():
    assert become([0, 2, 1], [1, 2]) == ([0, 2, 1], [1, 2], None)


def test_truth_values():
    assert become([True, False], [True]) == ([1, 0], [1], None)


def test_numbers_from_1():
    assert become([1, 3, 2], [3, 1]) == ([0, 2, 1], [2, 0], (1, 2, 3))


@pytest.mark.parametrize("dtype", ["U1", "S1"])
def test_strings(dtype):
    train, test = np.array(KINDS, dtype), np.array(["c", "b"], dtype)
    assert become(train, test) == ([1, 0, 2, 0], [2, 1], ("a", "b", "c"))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_one_hot(dtype):
    rows = np.eye(3, dtype=dtype)
    assert become(rows[[2, 0, 1]], rows[[1, 1]]) == ([2, 0, 1], [1, 1], None)


def test_the_model_has_the_names():
    assert become(["a", "a"], ["c"], ("a", "b", "c")) == ([0, 0], [2], ("a", "b", "c"))
    assert become([2, 2], [3], (1, 2, 3)) == ([1, 1], [2], (1, 2, 3))


@pytest.mark.parametrize("train", [[0, 2, 2], [-1, 1, 1], [1, 3, 3], [2, 3, 3], [1, 1, 1], [5, 0]])
def test_what_is_not_numbered_so(train):
    """The data set complains: a class is missing, or this is no number of one."""
    assert become(train, [0]) == (train, [0], None)


@pytest.mark.parametrize(
    ("train", "test", "names", "message"),
    [
        (
            [0.0, 1.0],
            [0],
            None,
            "f: y_train must be integers (samples,), not float64 (2,); labels.",
        ),
        (
            [0],
            [[0], [1]],
            None,
            "f: y_test must be integers (samples,), not int64 (2, 1); labels.a",
        ),
        ([[1, 1]], [[0, 1]], None, "must be integers (samples,), not int64 (1, 2); labels.argmax"),
        (
            ["a"],
            [0],
            None,
            "f: y_train must be integers (samples,), not <U1 (1,); np.unique(labels",
        ),
        ([1, 2], [0, 1], None, "f: y_test must have labels of 1, 2, not 0"),
        (["a", "b"], ["d"], None, "f: y_test must have labels of a, b, not 'd'"),
        (["a", "d"], ["a"], ("a", "b"), "f: y_train must have labels of a, b, not 'd'"),
        (
            [0, 1],
            [0],
            tuple("abcdefghij"),
            "must have labels of a, b, c, d, e, f, g, h, ..., not 0",
        ),
    ],
)
def test_complaints(train, test, names, message):
    with pytest.raises(InputError, match=re.escape(message)):
        become(train, test, names)


@pytest.mark.parametrize("most", [2**63, 2**64 - 1])
def test_labels_beyond_int64_are_shown_as_they_are(most):
    with pytest.raises(InputError, match=f"must be labels from 0 on, not {most}; np.unique"):
        become(np.array([0, most], np.uint64), [0])
