"""Pictures of the commands: matplotlib, read only where one is drawn; the same bytes each time."""

import io
from pathlib import Path

from ..errors import InputError
from . import cli

FORMATS = (".svg", ".png")
#: Colours that the colour-blind tell apart (Okabe & Ito, "Color universal design", 2008), and grey.
COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#d55e00", "#e69f00", "#cc79a7", "#000000", "#999999")
SETTINGS = {"svg.hashsalt": "sobolpath", "svg.fonttype": "none", "font.size": 9}


def check(path, *others, option="--plot", asked=True):
    """The path to draw to; ``None`` where matplotlib is missing and no picture was asked for.

    ``others`` are written as well. Raises ``InputError`` before any work where it cannot be drawn.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise InputError(f"{option} must be a file named {' or '.join(FORMATS)}, not {str(path)!r}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        if asked:
            raise InputError(f"{option} needs matplotlib: pip install '.[plots]'") from None
        return None
    cli.check_writable(path, *others)
    return path


def draw(path, size, paint):
    """Have ``paint`` fill a matplotlib figure of ``size`` inches, and write it to ``path``."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        content, kind = io.BytesIO(), Path(path).suffix[1:]
        stamp = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(content, format=kind, dpi=110, metadata=stamp)
    cli.write_atomically(path, content.getvalue())
