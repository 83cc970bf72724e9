"""Which engines there are, by the names that people type, and what each is made from.

``row-lane`` is ``hw.engine.PathEngine``: neurons by row and lane, sums that stay in place.
``path-order`` is ``hw.path_order.engine.PathOrderEngine``: the machine as the paper draws it.
``hw.learn.engine.LearnEngine`` is not among them: what it runs are no models alone.
"""

from typing import Any

from sobolpath.golden.errors import check_name

from .config import CONFIGS, EngineConfig
from .engine import PathEngine
from .learn.config import CONFIGS as LEARNING
from .learn.config import LearnConfig
from .learn.engine import LearnEngine
from .path_order.config import CONFIGS as PATH_ORDER
from .path_order.config import PathOrderConfig
from .path_order.engine import PathOrderEngine

Config = EngineConfig | PathOrderConfig
Engine = PathEngine | PathOrderEngine | LearnEngine
#: The named configurations of each engine.
ENGINES: dict[str, dict[str, Any]] = {"row-lane": CONFIGS, "path-order": PATH_ORDER}
DEFAULT = "row-lane"


def named(engine: str, config: str) -> Config:
    """The configuration called ``config`` of ``engine``. Raises ``InputError`` with the names."""
    check_name("--engine", engine, ENGINES)
    what = "--config" if engine == DEFAULT else f"--config of {engine}"
    check_name(what, config, ENGINES[engine])
    return ENGINES[engine][config]


def boards() -> dict[str, Config]:
    """The configuration of every board by the board's name, and ``tiny``."""
    papers = {f"{name}-paper": config for name, config in PATH_ORDER.items() if name != "tiny"}
    return {**CONFIGS, **papers}


def learning() -> dict[str, LearnConfig]:
    """The configurations of engines that learn by the name of their board, and ``tiny-learn``."""
    return LEARNING


def component(config: Config, **cells: Any) -> Engine:
    """The engine of a configuration. ``cells`` : a device's own parts, by its parameters."""
    if isinstance(config, LearnConfig):
        return LearnEngine(config, **cells)
    if isinstance(config, PathOrderConfig):
        return PathOrderEngine(config, **cells)
    return PathEngine(config, **cells)
