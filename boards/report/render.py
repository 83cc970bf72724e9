"""Sets a report in type: report.md with its pictures beside it; report.html, all in one file."""

import base64
from pathlib import Path

from golden import cli
from golden.errors import InputError
from golden.reproduce import output

from .pictures import draw
from .sections import sections

TEMPLATES = Path(__file__).parent
TYPES = {"svg": "image/svg+xml", "png": "image/png"}


def engine():
    """jinja2, imported where it is needed. ``InputError`` where it is not installed."""
    try:
        import jinja2
    except ImportError as error:
        raise InputError(
            f"jinja2 must be installed to write a report, but {error}: pip install '.[reports]'"
        ) from None
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def check():
    """Raise ``InputError`` before any work where a report cannot be made."""
    output.matplotlib()
    engine()


def write(data, folder):
    """Write the report of ``data`` into ``folder``; the paths of report.md and report.html."""
    pictures = draw(data)
    for name, (kind, content) in pictures.items():
        cli.write_atomically(folder / f"{name}.{kind}", content)
    forms = {
        "md": {name: f"{name}.{kind}" for name, (kind, _) in pictures.items()},
        "html": {name: _inline(*picture) for name, picture in pictures.items()},
    }
    paths = []
    for form, sources in forms.items():
        text = (
            engine()
            .get_template(f"report.{form}")
            .render(
                title=f"{data['result']['board']}: {data['result']['device']}",
                summary=data["summary"],
                sections=[{**EMPTY, **section} for section in sections(data)],
                pictures=sources,
            )
        )
        paths.append(folder / f"report.{form}")
        cli.write_atomically(paths[-1], text)
    return tuple(paths)


EMPTY = {"text": (), "columns": (), "rows": (), "picture": None}


def _inline(kind, content):
    return f"data:{TYPES[kind]};base64,{base64.b64encode(content).decode()}"
