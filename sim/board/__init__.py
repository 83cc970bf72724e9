"""A whole board, simulated, behind a pseudo-terminal that any serial program can open.

``served`` runs one, ``Control`` is what its port does not carry; docs/simulation.md tells more.
"""

from .control import Control, control_path
from .machine import LEVELS
from .server import served

__all__ = ["LEVELS", "Control", "control_path", "served"]
