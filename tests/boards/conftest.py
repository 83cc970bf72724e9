"""A test of boards that needs a build by the real tools is slow, as those are that say so."""

from pathlib import Path

import pytest

BUILDS = {"built", "icebreaker"}  # fixtures that place and route


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if Path(__file__).parent in item.path.parents and BUILDS & set(fixtures):
            item.add_marker(pytest.mark.slow)
