"""A report as one HTML file that needs nothing else: sections of text, tables and pictures."""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import packages, plots

TYPES = {"svg": "image/svg+xml", "png": "image/png"}
EMPTY = {"text": (), "columns": (), "rows": (), "picture": None}


def jinja2() -> Any:
    """The module, imported where it is needed. ``InputError`` where it is not installed."""
    return packages.module("jinja2", "to write a page", "plots")


def check() -> None:
    """Raise ``InputError`` before any work where a page with pictures cannot be made."""
    plots.matplotlib()
    jinja2()


def environment(folder: str | Path) -> Any:
    """jinja2's environment for the templates of a folder. ``InputError`` where it is missing."""
    module = jinja2()
    return module.Environment(
        loader=module.FileSystemLoader(folder),
        autoescape=module.select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=module.StrictUndefined,
        keep_trailing_newline=True,
    )


def html(title: str, summary: str, sections: Iterable[Mapping[str, Any]]) -> str:
    """The text of a page, the same for the same arguments.

    Parameters
    ----------
    title, summary : its first lines.
    sections : dictionaries of ``title`` and, as there is, ``text`` (paragraphs), ``columns`` and
        ``rows`` of a table, ``picture``: its format, of ``TYPES``, and its bytes.
    """
    filled = [{**EMPTY, **section} for section in sections]
    for section in filled:
        if section["picture"]:
            kind, content = section["picture"]
            section["picture"] = f"data:{TYPES[kind]};base64,{base64.b64encode(content).decode()}"
    template = environment(Path(__file__).parent).get_template("page.html")
    return template.render(title=title, summary=summary, sections=filled)
