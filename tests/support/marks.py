"""Marks of tests."""

import pytest


def slow(*values):
    """A test's parameters, marked where to run it takes long, such as with waveforms."""
    return pytest.param(*values, marks=pytest.mark.slow)
