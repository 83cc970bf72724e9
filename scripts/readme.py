"""The tables that commands make in the README and in docs/: each between two marks that name its
command."""

import re
from pathlib import Path

from sobolpath.golden.support import cli

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
#: By command: the page that has its table.
PAGES = {
    "figures": README,
    "boards": ROOT / "docs" / "boards.md",
    "faults": ROOT / "docs" / "verification.md",
}


def with_table(text: str, command: str, table: str) -> str:
    """``text`` with ``table`` between the marks of ``make COMMAND``.

    Raises ``ValueError`` unless the marks are there, once.
    """
    begin, end = f"<!-- {command}: made by `make {command}` -->\n", f"<!-- end of {command} -->\n"
    whole = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(whole.findall(text)) != 1:
        raise ValueError(f"the page must have the marks of make {command} once: {begin.strip()}")
    return whole.sub(lambda _: begin + table + end, text)


def write(**tables: str) -> None:
    """Write tables into their ``PAGES``, command=table each."""
    for command, table in tables.items():
        page = PAGES[command]
        cli.write_atomically(page, with_table(page.read_text(), command, table))
