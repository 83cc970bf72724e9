"""The examples of docs/driver.md run, on the golden twin."""

import doctest

from tests.support.places import ROOT


def test_the_examples():
    result = doctest.testfile(
        str(ROOT / "docs" / "driver.md"),
        module_relative=False,
        optionflags=doctest.ELLIPSIS,
    )
    assert (result.failed, result.attempted > 12) == (0, True)
