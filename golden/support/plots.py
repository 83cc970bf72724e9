"""Pictures of the commands: one style, and the same bytes each time.

Every picture is made by :func:`draw`, whatever the user's matplotlib is set to. Matplotlib is read
only where one is drawn.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import cli, packages

FORMATS = ("svg", "png")
#: Colours that the colour-blind tell apart (Okabe & Ito, "Color universal design", 2008), and two.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
COLOURS += ("#882255",)
#: Marks that go with them, where lines or points are told apart.
MARKERS = "osD^v<>*P"
DOTS_PER_INCH = 110
STYLE = {
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": DOTS_PER_INCH,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "grid.color": "#e0e0e0",
    "legend.frameon": False,
    "savefig.dpi": DOTS_PER_INCH,
    "svg.fonttype": "none",  # text that can be searched, a fifth of the bytes
    "svg.hashsalt": "sobolpath",  # the names of SVG elements are random but for it
}


def matplotlib(what: str = "a picture") -> Any:
    """The module, imported where it is needed. ``InputError`` where it is not installed.

    ``what`` needs it: the message says so.
    """
    packages.module("matplotlib.figure", f"to draw {what}", "plots")
    return packages.module("matplotlib", f"to draw {what}", "plots")


def kind_of(path: str | Path, option: str = "--plot") -> str:
    """The format of a file to draw to; ``InputError`` where its name is of none in ``FORMATS``."""
    kind = Path(path).suffix[1:]
    if kind not in FORMATS:
        names = " or ".join(f".{name}" for name in FORMATS)
        raise InputError(f"{option} must be a file named {names}, not {str(path)!r}")
    return kind


def check(
    path: str | Path, *others: str | Path | None, option: str = "--plot", asked: bool = True
) -> Path | None:
    """The path to draw to; ``None`` where matplotlib is missing and no picture was asked for.

    ``others`` are written as well. Raises ``InputError`` before any work where it cannot be drawn.
    """
    kind_of(path, option)
    try:
        matplotlib(f"what {option} asks for")
    except InputError:
        if asked:
            raise
        return None
    cli.check_writable(path, *others)
    return Path(path)


def draw(kind: str, size: tuple[float, float], paint: Callable[[Any], None]) -> bytes:
    """Have ``paint`` fill a matplotlib figure of ``size`` inches; its bytes as ``kind``.

    The same figure gives the same bytes: there is no date in it. A PNG has 256 colours at most,
    which makes it a third as large. Raises ``InputError`` where matplotlib is not installed.
    """
    module, content = matplotlib(), io.BytesIO()
    with module.rc_context():
        module.rcdefaults()
        module.rcParams.update({**STYLE, "axes.prop_cycle": module.cycler(color=COLOURS)})
        figure = module.figure.Figure(size, layout="constrained")
        paint(figure)
        if kind == "svg":
            figure.savefig(content, format=kind, metadata={"Date": None, "Creator": None})
            return content.getvalue()
        figure.savefig(content, format="rgba")
        shape = figure.canvas.get_width_height()
    return _png(shape, content.getvalue())


def save(path: str | Path, size: tuple[float, float], paint: Callable[[Any], None]) -> None:
    """Write what :func:`draw` makes to ``path``, in the format that its name says."""
    cli.write_atomically(path, draw(kind_of(path), size, paint))


@dataclass(frozen=True)
class Chart:
    """A titled picture of one or several pairs of axes.

    Parameters
    ----------
    title : above all of it.
    plot : called with what is to be drawn and the axes: one, or an array of ``panels``.
    size : width and height, in inches.
    panels : rows and columns of axes.
    """

    title: str
    plot: Callable[[Any, Any], None]
    size: tuple[float, float] = (6.4, 4.2)
    panels: tuple[int, int] = (1, 1)

    def draw(self, data: Any, kind: str = "png") -> bytes:
        """The bytes of the picture of ``data``, as :func:`draw` makes them."""

        def paint(figure: Any) -> None:
            self.plot(data, figure.subplots(*self.panels))
            figure.suptitle(self.title, fontsize=10)

        return draw(kind, self.size, paint)


def _png(size: tuple[int, int], pixels: bytes) -> bytes:
    """RGBA pixels as a PNG with a palette."""
    from PIL import Image  # matplotlib needs it

    buffer = io.BytesIO()
    image = Image.frombytes("RGBA", size, pixels).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return buffer.getvalue()
