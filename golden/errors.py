"""The one exception that means "the input is wrong": commands turn it into one line, exit 2."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """What the user gave cannot be used; the message says what is wrong and what would be right."""


def near(given: str, known: Iterable[str]) -> str:
    """``; did you mean 'digits'?`` where one of the ``known`` names is near; else nothing.

    Neither case nor the dashes before an option count.
    """
    names = {name.lower().lstrip("-"): name for name in known}
    found = difflib.get_close_matches(given.lower().lstrip("-"), names, 1)
    return f"; did you mean {names[found[0]]!r}?" if found else ""


def check_name(what: str, given: str, known: Iterable[str], more: str = "") -> None:
    """Raise ``InputError`` unless ``given`` is one of the ``known`` names, and name the nearest.

    ``what`` it is: an option or a noun; ``more`` ends the list of what it may be.
    """
    names = list(known)
    if given in names:
        return
    listed = ", ".join(names) + more
    raise InputError(f"{what} must be one of {listed}, not {given!r}{near(given, names)}")
