"""Pictures: one style, the same bytes, matplotlib only where one is drawn."""

import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import plots

CHART = plots.Chart("Title", lambda data, axes: axes.plot(data, label="line"), (3, 2))
COMMANDS = ("sobolpath.golden", "sobolpath.sim", "sobolpath.boards")


@pytest.mark.parametrize("kind", plots.FORMATS)
def test_same_bytes_whatever_the_user_has_set(kind):
    honest = CHART.draw([1, 3, 2], kind)
    assert honest == CHART.draw([1, 3, 2], kind)
    assert honest != CHART.draw([1, 2, 3], kind)
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 20, "figure.dpi": 30}):
        assert CHART.draw([1, 3, 2], kind) == honest
        assert matplotlib.rcParams["font.size"] == 20  # and is left as it was


def test_png_is_as_large_as_asked_for():
    image = Image.open(io.BytesIO(CHART.draw([1, 3, 2], "png")))
    assert image.size == (3 * plots.DOTS_PER_INCH, 2 * plots.DOTS_PER_INCH)
    colours = {colour for _, colour in image.convert("RGB").getcolors()}
    assert matplotlib.colors.to_rgb(plots.COLOURS[0]) in {
        tuple(np.array(colour) / 255) for colour in colours
    }


def test_svg_has_text_and_no_date():
    text = CHART.draw([1, 3, 2], "svg").decode()
    assert ">Title</text>" in text
    assert "<dc:date>" not in text


def test_panels():
    def plot(data, axes):
        assert axes.shape == (2,)
        for value, each in zip(data, axes, strict=True):
            each.set_title(value)

    text = plots.Chart("T", plot, panels=(1, 2)).draw(["left", "right"], "svg").decode()
    assert ">left</text>" in text
    assert ">right</text>" in text


def test_save(tmp_path):
    plots.save(tmp_path / "new" / "p.png", (2, 2), lambda figure: figure.suptitle("T"))
    assert (tmp_path / "new" / "p.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["p.png"]


@pytest.mark.parametrize("name", ["p.pdf", "p", "p.svg.gz"])
def test_other_formats(name, tmp_path):
    with pytest.raises(InputError, match=r"^--x must be a file named \.svg or \.png, not '"):
        plots.check(tmp_path / name, option="--x")


def test_without_matplotlib(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"^matplotlib must be installed to draw a picture, but "):
        CHART.draw([1], "png")
    with pytest.raises(InputError, match=r"to draw what --plot asks for, but .*pip install "):
        plots.check(tmp_path / "p.png")
    assert plots.check(tmp_path / "p.png", asked=False) is None


def test_matplotlib_is_read_only_to_draw():
    """No command reads it to be offered or to be refused."""
    code = (
        "import importlib, pkgutil, sys\n"
        f"for name in {COMMANDS}:\n"
        "    package = importlib.import_module(name + '.commands')\n"
        "    for module in pkgutil.iter_modules(package.__path__):\n"
        "        importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "print(*(name for name in ('matplotlib', 'PIL') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
