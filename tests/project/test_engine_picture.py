"""The pictures of the engines: they are what their scripts draw, and show the engines' parts."""

from xml.etree import ElementTree

import pytest
from amaranth.hdl import Fragment

from scripts import engine_picture, path_order_picture
from sobolpath.hw.bitrev import BitReversalPermuter
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import component
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from sobolpath.hw.sobol import SobolGenerator
from sobolpath.hw.weights import WeightStreamer
from tests.support.places import ROOT

NAMESPACE = "{http://www.w3.org/2000/svg}"


def classes(fragment):
    """The names of the classes that a fragment and all below it were made of."""
    found = {type(origin).__name__ for origin in fragment.origins or ()}
    return found.union(*(classes(below) for below, *_ in fragment.subfragments))


#: Of each picture the configuration of its engine, and the parts that it does not name: those
#: within others, those that only connect what is shown, and the whole.
PICTURES = {
    "row-lane": (
        engine_picture.DIAGRAM,
        CONFIGS["icebreaker"],
        {"PathEngine", "Ruler", "Memory", "Module", "Control", "Lanes", "RowDrain"},
    ),
    "path-order": (
        path_order_picture.DIAGRAM,
        PATH_ORDER["ulx3s"],
        {"PathOrderEngine", "Memory", "Module", "ErrorRequantizer", "WordLoader", "BlockWalk"},
    ),
}


@pytest.fixture(scope="module", params=PICTURES)
def kind(request):
    return request.param


@pytest.fixture
def picture(kind):
    return PICTURES[kind][0]


@pytest.fixture(scope="module")
def built(kind):
    return classes(Fragment.get(component(PICTURES[kind][1]), None))


def test_the_file_is_what_the_script_draws(picture):
    assert picture.path.read_text() == picture.draw()


def test_every_part_of_the_picture_is_in_the_engine(built, picture):
    assert picture.parts <= built


def test_no_component_of_the_engine_is_left_out(built, picture, kind):
    assert built - PICTURES[kind][2] - picture.parts == set()
    assert PICTURES[kind][2] <= built


@pytest.mark.parametrize("other", [SobolGenerator, BitReversalPermuter, WeightStreamer])
def test_what_an_engine_does_without(other):
    """The named modules of the paper are at work in the other engine."""
    assert other.__name__ not in classes(Fragment.get(component(PICTURES["row-lane"][1]), None))
    assert other.__name__ in classes(Fragment.get(component(PICTURES["path-order"][1]), None))
    text = (ROOT / "docs" / "how-it-works.md").read_text()
    assert f"`{other.__module__.removeprefix('sobolpath.')}.{other.__name__}`" in text


def test_boxes_and_words_stay_within_the_page(picture):
    tree = ElementTree.fromstring(picture.draw())
    boxes = [
        {name: float(box.get(name)) for name in ("x", "y", "width", "height")}
        for box in tree.iter(f"{NAMESPACE}rect")
        if "box" in box.get("class", "")
    ]
    assert len(boxes) == len(picture.boxes)
    for box in boxes:
        assert 0 <= box["x"] <= box["x"] + box["width"] <= picture.width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= picture.height
    for one, other in ((a, b) for a in boxes for b in boxes if a is not b):
        apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        apart |= one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert apart, (one, other)


def test_it_has_colours_for_dark_pages_and_a_background(picture):
    text = picture.draw()
    assert "prefers-color-scheme:dark" in text
    assert '<rect class="page"' in text
