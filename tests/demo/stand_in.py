"""A board that is the golden model, for the page's tests: no driver, no simulation."""

from dataclasses import dataclass, field

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import engine
from sobolpath.golden.protocol.identity import Identity
from sobolpath.hw.config import CONFIGS

IDENTITY = Identity.of(CONFIGS["icebreaker"], clock_hz=48_000_000, divisor=48)
UNPLUGGED = "sim:icebreaker: the port went away: plug the board in"


@dataclass
class Desk:
    """Where the board is plugged in, or not: an opener for ``demo.device.Device``.

    ``loads`` are the weights of what was loaded, ``opened`` how often the port was opened.
    """

    plugged: bool = True
    lies: bool = False
    loads: list = field(default_factory=list)
    opened: int = 0
    closed: int = 0

    def __call__(self, port):
        self.check()
        self.opened += 1
        return Board(self)

    def check(self):
        if not self.plugged:
            raise InputError(UNPLUGGED)


class Board:
    """What ``demo.device.BoardLike`` asks for."""

    def __init__(self, desk):
        self.desk, self.model = desk, None

    @property
    def identity(self):
        self.desk.check()
        return IDENTITY

    def load(self, model):
        self.desk.check()
        self.model = model
        self.desk.loads.append(model.topology.total_paths)

    def infer(self, images):
        self.desk.check()
        return engine.infer(self.model, images) + self.desk.lies

    def close(self):
        self.desk.closed += 1
