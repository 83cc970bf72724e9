"""What all tests share. Compiled simulators are kept in the checkout, not in the user's cache."""

import os

from tests.support.places import ROOT

os.environ.setdefault("SOBOLPATH_CACHE", str(ROOT / "build" / "cache"))
