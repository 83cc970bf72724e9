"""The picture of the engine: it is what its script draws, and its parts are the engine's."""

from xml.etree import ElementTree

import pytest
from amaranth.hdl import Fragment

from scripts import engine_picture
from sobolpath.hw.bitrev import BitReversalPermuter
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engine import PathEngine
from sobolpath.hw.sobol import SobolGenerator
from sobolpath.hw.weights import WeightStreamer
from tests.support.places import ROOT

NAMESPACE = "{http://www.w3.org/2000/svg}"


def classes(fragment):
    """The names of the classes that a fragment and all below it were made of."""
    found = {type(origin).__name__ for origin in fragment.origins or ()}
    return found.union(*(classes(below) for below, *_ in fragment.subfragments))


@pytest.fixture(scope="module")
def built():
    return classes(Fragment.get(PathEngine(CONFIGS["icebreaker"]), None))


def test_the_file_is_what_the_script_draws():
    assert engine_picture.PATH.read_text() == engine_picture.draw()


def test_every_part_of_the_picture_is_in_the_engine(built):
    assert engine_picture.parts() <= built


def test_no_component_of_the_engine_is_left_out(built):
    small = {"PathEngine", "Ruler", "Memory", "Module"}  # within the parts, or the whole
    small |= {"Control", "Lanes", "RowDrain"}  # which only connect what is shown
    assert built - small - engine_picture.parts() == set()


@pytest.mark.parametrize("other", [SobolGenerator, BitReversalPermuter, WeightStreamer])
def test_what_the_engine_does_without(built, other):
    assert other.__name__ not in built
    text = (ROOT / "docs" / "how-it-works.md").read_text()
    assert f"`{other.__module__.removeprefix('sobolpath.')}.{other.__name__}`" in text


def test_boxes_and_words_stay_within_the_page():
    tree = ElementTree.fromstring(engine_picture.draw())
    boxes = [
        {name: float(box.get(name)) for name in ("x", "y", "width", "height")}
        for box in tree.iter(f"{NAMESPACE}rect")
        if "box" in box.get("class", "")
    ]
    assert len(boxes) == len(engine_picture.BOXES)
    for box in boxes:
        assert 0 <= box["x"] <= box["x"] + box["width"] <= engine_picture.WIDTH
        assert 0 <= box["y"] <= box["y"] + box["height"] <= engine_picture.HEIGHT
    for one, other in ((a, b) for a in boxes for b in boxes if a is not b):
        apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        apart |= one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert apart, (one, other)


def test_it_has_colours_for_dark_pages_and_a_background():
    text = engine_picture.draw()
    assert "prefers-color-scheme:dark" in text
    assert '<rect class="page"' in text
