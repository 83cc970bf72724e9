"""``python -m scripts.demo_picture``: takes the picture of docs/demo.md, of the page in Chromium.

The board is the simulated one, as for ``make demo``. It needs the extra ``test``, and Chromium.
"""

import io
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from sobolpath.demo import samples, server
from sobolpath.demo.answers import Networks
from sobolpath.demo.device import Device
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.support import cli, packages

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "demo.png"
SIZE = {"width": 960, "height": 860}
COLOURS = 20  # of the file: it stays small
PEN = ((0.25, 0.15), (0.7, 0.15), (0.45, 0.45), (0.75, 0.65), (0.6, 0.9), (0.25, 0.85))  # a 3
MODEL = "mnist-nested"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # any of them
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main(argv: Sequence[str]) -> int:
    """Write the picture; the exit code."""
    path = Path(argv[0]) if argv else PICTURE
    cli.write_atomically(path, picture(Device()))
    print(f"wrote {path}")
    return 0


def picture(device: Device) -> bytes:
    """The page after a 3 was drawn, as PNG."""
    model = models.load(MODEL)
    networks, offered = Networks(model, device), samples.of("digits", model)
    app = server.app_of(networks, offered, MODEL, samples.origin("digits"))
    with server.listen(0) as listening:
        serving = server.make(app, listening)
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            content = _shot(f"http://{server.HOST}:{serving.port}/")
        finally:
            serving.shutdown()
            thread.join()
            serving.server_close()
            device.close()
    buffer = io.BytesIO()
    image = Image.open(io.BytesIO(content)).convert("RGB")
    image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        buffer, format="png", optimize=True
    )
    return buffer.getvalue()


def _shot(url):
    """The page at an address, drawn on: PNG."""
    playwright = packages.module("playwright.sync_api", "to take the picture", "test")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise InputError("Chromium must be installed: apt-get install chromium")
    with (
        playwright.sync_playwright() as found,
        found.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(url)
        page.wait_for_selector("#samples button", timeout=120_000)
        box = page.locator("#paper").bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in PEN]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()
        page.mouse.move(0, 0)
        page.wait_for_selector("#picture", state="visible", timeout=120_000)
        page.wait_for_timeout(500)  # until it is drawn
        return page.screenshot()


if __name__ == "__main__":
    sys.exit(cli.main(main))
