"""The page in a real browser: drawn on by mouse and keys, read, at 400 pixels, in the dark."""

import re
import shutil
import threading
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect, sync_playwright

from scripts.demo_picture import BROWSERS, FLAGS
from sobolpath.demo import samples, server
from sobolpath.demo.answers import Networks
from sobolpath.demo.device import Device
from sobolpath.golden.machine import model as models
from tests.demo.stand_in import UNPLUGGED, Desk
from tests.demo.strokes import DIGITS

pytestmark = pytest.mark.slow
SOON = 20_000  # milliseconds in which the page must have done what it does


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("Chromium must be installed: apt-get install chromium, or run 'make test'")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=FLAGS) as browser,
    ):
        yield browser


@pytest.fixture(scope="module")
def network():
    return models.load("mnist-nested")


@pytest.fixture
def served(network):
    desk = Desk()
    networks = Networks(network, Device("sim:icebreaker", opener=desk))
    app = server.app_of(
        networks, samples.of("digits", network), "mnist-nested", samples.origin("digits")
    )
    with server.listen(0) as listening:
        serving = server.make(app, listening)
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{serving.port}/", desk=desk)
        serving.shutdown()
        thread.join()
        serving.server_close()


@pytest.fixture(params=[(1100, "light"), (400, "dark")], ids=["wide", "narrow"])
def page(request, browser, served):
    """The page, loaded; nothing may go elsewhere, and no script may fail."""
    width, scheme = request.param
    with browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        page.set_default_timeout(SOON)
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.goto(served.url)
        expect(page.locator("#about")).to_contain_text("8 lanes at 48 MHz", timeout=SOON)
        yield page
        own = (served.url, f"blob:{served.url}")
        assert len(asked) > 4
        assert [url for url in asked if not url.startswith(own)] == []
        wrong = [line for line in wrong if "503" not in line]
        assert wrong == []


def says(page, words):
    expect(page.locator("#answer")).to_contain_text(words, timeout=SOON)


def draw(page, strokes):
    box = page.locator("#paper").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


def fits(page):
    """Nothing is wider than the window."""
    inner, whole = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert whole <= inner


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


class TestPage:
    def test_by_mouse(self, page, served):
        fits(page)
        draw(page, DIGITS[7])
        says(page, "This is a 7.")
        rows = page.locator("#logits tr")
        assert rows.count() == 10
        logits = [
            int(text.replace(",", ""))
            for text in page.locator("#logits td:last-child").all_inner_texts()
        ]
        assert logits.index(max(logits)) == 7
        assert rows.nth(7).get_attribute("class") == "chosen"
        expect(page.locator("#picture")).to_be_visible(timeout=SOON)
        size = page.evaluate("(({naturalWidth, complete}) => [naturalWidth, complete])(picture)")
        assert size[0] > 300
        assert size[1]
        cycles = page.locator("#cycles").inner_text()
        assert re.fullmatch(r"\d,\d{3}", cycles)
        assert page.locator("#time").inner_text().endswith(" µs at 48 MHz")
        fits(page)
        page.click("#clear")
        says(page, "Nothing is drawn yet.")
        expect(page.locator("#details")).to_be_hidden()
        assert served.desk.loads == [36864]

    def test_by_keyboard(self, page):
        """A 1: down the middle; then cleared, and a 4 of three lines."""
        paper = page.locator("#paper")
        while not paper.evaluate("each => each === document.activeElement"):
            press(page, "Tab")
        outline = paper.evaluate("each => getComputedStyle(each).outlineWidth")
        assert outline == "3px"
        press(page, "Space")
        expect(page.locator("#pen")).to_have_text("Pen down")
        press(page, "ArrowDown", 18)
        press(page, "Space")
        expect(page.locator("#pen")).to_have_text("Pen up")
        says(page, "This is a 1.")
        press(page, "Delete")
        says(page, "Nothing is drawn yet.")
        press(page, "ArrowUp", 18)
        press(page, "ArrowLeft", 5)
        press(page, "Space")
        press(page, "ArrowDown", 9)
        press(page, "ArrowRight", 10)
        press(page, "ArrowUp", 9)
        press(page, "ArrowDown", 18)
        press(page, "Space")
        says(page, "This is a 4.")

    def test_a_test_image_and_the_slider(self, page, served):
        page.get_by_role("button", name="Test image 5: 2", exact=True).click()
        says(page, "This is a 2.")
        slider = page.get_by_label("Paths per junction")
        cycles = page.locator("#cycles")
        most = cycles.inner_text()
        slider.focus()
        press(page, "ArrowLeft")
        expect(page.locator("#size-text")).to_contain_text("8,192 paths: 9")
        expect(cycles).not_to_have_text(most, timeout=SOON)
        slider.fill("0")
        expect(page.locator("#size-text")).to_contain_text("512 paths: 8")
        expect(page.locator("#weights")).to_have_text("2,048", timeout=SOON)
        assert slider.get_attribute("aria-valuetext").startswith("512 paths: 8")
        assert served.desk.loads[0] == 36864
        assert served.desk.loads[-1] == 2048

    def test_the_device_goes_and_comes_again(self, page, served):
        draw(page, DIGITS[3])
        says(page, "This is a 3.")
        served.desk.plugged = False
        page.get_by_role("button", name="Test image 1: 0", exact=True).click()
        alarm = page.get_by_role("alert")
        expect(alarm).to_contain_text(UNPLUGGED, timeout=SOON)
        expect(alarm).to_contain_text("press Try again")
        fits(page)
        served.desk.plugged = True
        page.get_by_role("button", name="Try again").click()
        says(page, "This is a 0.")
        expect(alarm).to_be_hidden()

    def test_every_control_has_a_name(self, page):
        found = page.locator("button, input, canvas[tabindex]").all()
        assert len(found) == 24  # paper, clear, 20 images, slider, again
        for each in found:
            assert each.evaluate("each => each.ariaLabel || each.textContent || each.labels[0]")


def test_touch(browser, served):
    """A finger draws, and the page does not scroll under it."""
    with browser.new_context(
        viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto(served.url)
        box = page.locator("#paper").bounding_box()
        link = context.new_cdp_session(page)
        points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + 30 + 8 * k} for k in range(30)]
        for kind, touched in (
            ("touchStart", points[:1]),
            *(("touchMove", [point]) for point in points[1:]),
            ("touchEnd", []),
        ):
            link.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
        says(page, "This is a 1.")
        assert page.evaluate("scrollY") == 0
