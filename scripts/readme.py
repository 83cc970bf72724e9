"""The README's tables that commands make: each between two marks that name its command."""

import re
from pathlib import Path

from sobolpath.golden.support import cli

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def with_table(text, command, table):
    """``text`` with ``table`` between the marks of ``make COMMAND``.

    Raises ``ValueError`` unless the marks are there, once.
    """
    begin, end = f"<!-- {command}: made by `make {command}` -->\n", f"<!-- end of {command} -->\n"
    whole = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(whole.findall(text)) != 1:
        raise ValueError(f"the README must have the marks of make {command} once: {begin.strip()}")
    return whole.sub(lambda _: begin + table + end, text)


def write(**tables):
    """Write the README's tables, command=table each."""
    text = README.read_text()
    for command, table in tables.items():
        text = with_table(text, command, table)
    cli.write_atomically(README, text)
