"""Which engines there are to run a network on.

The golden model imports neither the hardware nor the boards. Whoever joins the packages tells it
here what they have: ``sobolpath.__main__``, before any command runs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import check_name

Source = Callable[[], Mapping[str, Any]]
_sources: list[Source] = []


def enter(source: Source) -> None:
    """Add a function that gives engines by name: each a ``hw.config.EngineConfig``.

    It is called when someone asks for them.
    """
    if source not in _sources:
        _sources.append(source)


def known() -> dict[str, Any]:
    """All engines by name; none where no one has entered any."""
    found = {}
    for source in _sources:
        found.update(source())
    return found


def named(name: str) -> Any:
    """The engine called ``name``. Raises ``InputError`` with the list."""
    found = known()
    check_name("the engine to fit", name, found)
    return found[name]
