"""What the tests of the simulation's commands share."""

import pytest

from tests.support.networks import small_digits


@pytest.fixture
def small(tmp_path):
    """A small network for the digits, in a file: its path."""
    return small_digits(tmp_path)
