"""Labels of every kind become numbers of classes, or one line says what to do."""

import re

import numpy as np
import pytest

from sobolpath.golden.data.labels import gaps, integers, numbered
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


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0, 2, 2], (0, 2)),
        ([-1, 1, 1], (-1, 1)),
        ([3, 8, 3], (3, 8)),
        ([10, 9, 8], (8, 9, 10)),
        ([1, 1, 1], (1,)),
    ],
)
def test_other_numbers_are_names(labels, names):
    places = [names.index(label) for label in labels]
    assert become(labels, labels[:1]) == (places, places[:1], names)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.float16, np.float64, ">i4", "U2", "S2"])
@pytest.mark.parametrize("column", [False, True])
def test_whole_numbers_in_other_clothes(dtype, column):
    train, test = (np.array(labels).astype(dtype) for labels in ([1, 3, 2, 10], [10, 1]))
    if column:
        train, test = train[:, None], test[:, None]
    assert become(train, test) == ([0, 2, 1, 3], [3, 0], (1, 2, 3, 10))


def test_text_that_is_no_number_as_it_is_written():
    assert become(["007", "7"], ["7"]) == ([0, 1], [1], ("007", "7"))
    assert become(["1.0", "2."], ["2"]) == ([0, 1], [1], (1, 2))
    assert become([" b ", "a"], ["b"]) == ([1, 0], [1], ("a", "b"))


def test_the_same_when_written_is_the_same_label():
    assert become(["2", "3"], [2.0], (1, 2, 3)) == ([1, 2], [1], (1, 2, 3))
    assert become([2, 3], ["1"], ("1", "2", "3")) == ([1, 2], [0], ("1", "2", "3"))
    assert become(np.eye(2), ["1"]) == ([0, 1], [1], None)
    assert become([0, 1], np.eye(2)[:1]) == ([0, 1], [0], None)


def test_gaps_are_told():
    assert gaps((0, 1, 3, 4)) == ("no training sample has the label 2, of 0 to 4",)
    assert gaps((1, 2, 4)) == ("no training sample has the label 3, of 1 to 4",)
    for names in (None, (), (0, 1), (3, 8), (0, 9), (-1, 1), ("a", "c")):
        assert gaps(names) == ()


@pytest.mark.parametrize(
    ("train", "test", "names", "message"),
    [
        ([0.5, 1.0], [0], None, "f: y_train must be classes: whole numbers or text, not 0.5"),
        ([0.0, 1e300], [0], None, "f: y_train must be classes: whole numbers or text, not 1e+300"),
        ([0.0, np.nan], [0], None, "y_train: the label of sample 1 must be there, not nan"),
        (["a", " "], ["a"], None, "y_train: the label of sample 1 must be there, not empty"),
        ([[1, 1]], [0], None, "y_train must be a label for each sample, or one-hot rows, not int"),
        ([1j], [0], None, "y_train must be a label for each sample, or one-hot rows, not complex"),
        (np.zeros((2, 2, 2)), [0], None, "or one-hot rows, not float64 (2, 2, 2)"),
        (["a"], [0], None, "f: y_test must have labels of a, not 0"),
        ([1, 2], [0, 1], None, "f: y_test must have labels of 1, 2, not 0"),
        ([0, 1], [2], None, "f: y_test must have labels of 0, 1, not 2"),
        (["a", "b"], ["d"], None, "f: y_test must have labels of a, b, not 'd'"),
        (["a", "d"], ["a"], ("a", "b"), "f: y_train must have labels of a, b, not 'd'"),
        (np.eye(3), np.eye(2), None, "f: y_test must have 3 columns, one a class, not 2"),
        (np.eye(3), [0], ("a", "b"), "f: y_train must have 2 columns, one a class, not 3"),
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
    with pytest.raises(InputError, match=f"y_train must be labels of at most {2**63 - 1}, not "):
        become(np.array([0, most], np.uint64), [0])


@pytest.mark.parametrize("y", [np.zeros(2), np.zeros((2, 1), int)])
def test_labels_of_a_known_set_are_integers(y):
    with pytest.raises(InputError, match=re.escape("f must be integers (samples,), not ")):
        integers(y, "f")
