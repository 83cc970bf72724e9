"""What a reproduction writes and prints: a CSV, a picture, a table. The same bytes every time."""

import csv
import io

from ..errors import InputError

FORMATS = ("png", "svg")
#: Colours that the colour-blind tell apart (Okabe & Ito, "Color universal design", 2008), and two.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
COLORS += ("#882255",)
STYLE = {
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "grid.color": "#e0e0e0",
    "legend.frameon": False,
    "savefig.dpi": 100,
    "svg.hashsalt": "sobolpath",  # the names of SVG elements are random but for it
}


def matplotlib():
    """The module, imported where it is needed. ``InputError`` where it is not installed."""
    try:
        import matplotlib as module
        import matplotlib.figure
    except ImportError as error:
        raise InputError(
            f"matplotlib must be installed to draw the picture, but {error}: pip install '.[plots]'"
        ) from None
    return module


def csv_text(rows):
    """The rows, dictionaries with the same keys, as CSV with a header; floats have 6 digits."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    return buffer.getvalue()


def picture(module, rows, kind="png"):
    """What ``module.plot`` draws of the rows: the bytes of a PNG or an SVG, without a date."""
    plots, buffer = matplotlib(), io.BytesIO()
    with plots.rc_context():
        plots.rcdefaults()
        cycle = plots.cycler(color=COLORS)
        plots.rcParams.update({**STYLE, "axes.prop_cycle": cycle})
        figure = plots.figure.Figure(getattr(module, "SIZE", (6.4, 4.2)), layout="constrained")
        module.plot(rows, figure.subplots(*getattr(module, "PANELS", (1, 1))))
        figure.suptitle(module.TITLE, fontsize=10)
        if kind == "svg":
            figure.savefig(buffer, format=kind, metadata={"Date": None, "Creator": None})
            return buffer.getvalue()
        figure.savefig(buffer, format="rgba")
        size = figure.canvas.get_width_height()
    return _png(size, buffer.getvalue())


def _png(size, pixels):
    """RGBA pixels as a PNG of 128 colours: a third of the bytes."""
    from PIL import Image  # matplotlib needs it

    buffer = io.BytesIO()
    image = Image.frombytes("RGBA", size, pixels).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _cell(value, form):
    return "-" if value is None else format(value, form)


def table(columns, rows):
    """The rows as lines: ``columns`` are (title, key, format) each; text is left-aligned.

    ``None`` is a dash.
    """
    texts = [[title for title, _, _ in columns]]
    texts += [[_cell(row[key], form) for _, key, form in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    left = [isinstance(rows[0][key], str) for _, key, _ in columns]
    lines = []
    for cells in texts:
        padded = (
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(cells, widths, left, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return lines
