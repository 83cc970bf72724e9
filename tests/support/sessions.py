"""Small devices and networks for the driver's tests."""

import numpy as np

from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.identity import Identity
from sobolpath.host.links import TwinLink
from sobolpath.host.selftest import random_network
from sobolpath.hw.engines import ENGINES

LINE = {"overlap": True, "clock_hz": 48_000_000, "divisor": 48}


def identity(engine="row-lane", config="tiny", **more):
    """The identity of a configuration, with a serial line."""
    sizes = {"images": more.pop("images")} if "images" in more else {}
    found = Identity.of(ENGINES[engine][config], **{**LINE, **more})
    return Identity(**{**vars(found), **sizes})


def network(seed, kind, images=5):
    """A random network that fits, and images."""
    rng = np.random.default_rng(seed)
    model = random_network(rng, kind, most=128)
    return model, rng.integers(0, 256, (images, model.topology.layers[0]), dtype=np.uint8)


class Counting(TwinLink):
    """A link to a twin that notes the opcodes of what is sent, and how many are unanswered."""

    def __init__(self, device):
        super().__init__(device)
        self.opcodes, self.breaks, self.unanswered, self.most = [], 0, 0, 0

    def write(self, content):
        self.opcodes.append(content[0])
        self.unanswered += 1
        self.most = max(self.most, self.unanswered)
        super().write(content)

    def read(self, most, seconds):
        part = super().read(most, seconds)
        if part and not self._arrived:
            self.unanswered = 0
        elif part and len(part) == most and most > 6:  # the rest of a reply
            self.unanswered -= 1
        return part

    def send_break(self):
        self.breaks += 1
        super().send_break()


def counted(kind):
    """A :class:`Counting` link to a new device."""
    return Counting(Device(kind))
