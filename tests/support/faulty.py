"""A link to the golden twin that damages what it carries, at places that are told beforehand."""

import random
from dataclasses import dataclass

from sobolpath.golden.protocol.device import Device
from sobolpath.host.errors import Unplugged
from sobolpath.host.links import SILENCE, TwinLink

OUT, IN = "to the device", "from the device"
LIMIT = 10_000  # reads of a session; one that needs more hangs
#: Of a byte: flip a bit; lose, double, replace it; hold it and all behind it back for seconds.
BYTES = ("flip", "lose", "double", "replace", "delay")
#: Before a byte: what the device, or the port, does.
EVENTS = ("break", "framing", "overrun", "reset", "unplug")


class Hangs(Exception):
    """A session that does not end."""


@dataclass(frozen=True)
class Fault:
    """``kind``, one of ``BYTES`` or ``EVENTS``, at the byte ``place`` of a direction.

    ``argument`` : the bit to flip, the byte instead, the seconds to wait.
    """

    direction: str
    place: int
    kind: str
    argument: float = 0


class Faulty(TwinLink):
    """A twin's link with ``faults``; beside them each byte is replaced with probability ``noise``.

    ``counts`` : the bytes each way so far, as they were sent.
    """

    def __init__(self, device: Device, *faults: Fault, noise: float = 0.0, seed: int = 0):
        super().__init__(device, "faulty:")
        self.faults = {(each.direction, each.place): each for each in faults}
        self.counts = {OUT: 0, IN: 0}
        self.hits = 0
        self._noise, self._random = noise, random.Random(seed)
        self._held = {OUT: bytearray(), IN: bytearray()}
        self._release = {OUT: 0.0, IN: 0.0}
        self._unplugged, self._reads, self._told = False, 0, False

    def write(self, content):
        self._plugged()
        self._through(OUT, content)
        self._heard, self._told = self._time, False
        self._plugged()

    def read(self, most, seconds):
        self._plugged()
        self._reads += 1
        if self._reads > LIMIT:
            raise Hangs
        end = self._time + seconds
        while not self._arrived:
            times = [self._release[way] for way, held in self._held.items() if held]
            times += [] if self._told else [self._heard + SILENCE]
            self._time = max(self._time, min([*times, end]))
            for way in (OUT, IN):
                if self._held[way] and self._release[way] <= self._time:
                    held, self._held[way] = self._held[way], bytearray()
                    self._carry(way, held)
            if not self._told and self._time >= self._heard + SILENCE:
                self._told = True
                self._through(IN, self.device.silence())
            if self._time >= end:
                break
        self._plugged()
        part = bytes(self._arrived[:most])
        del self._arrived[:most]
        return part

    def send_break(self):
        self._plugged()
        held, self._held[OUT] = self._held[OUT], bytearray()
        self._release[OUT] = 0.0
        self._carry(OUT, held)
        super().send_break()
        self._heard, self._told = self._time, False

    def _plugged(self):
        if self._unplugged:
            raise Unplugged("the port must stay open, but it went away: plug it in")

    def _through(self, way, content):
        """Bytes set out: what becomes of each."""
        first, begin = self.counts[way], 0
        self.counts[way] += len(content)
        for place, byte in enumerate(content):
            fault = self.faults.get((way, first + place))
            if fault is None and self._noise and self._random.random() < self._noise:
                fault = Fault(way, first + place, "replace", self._random.randrange(256))
            if fault is None:
                continue
            self.hits += 1
            self._carry(way, content[begin:place])
            if fault.kind in EVENTS:
                self._event(fault.kind)
                begin = place
                if way == IN or self._unplugged:  # the rest of a reply is dropped
                    return
            else:
                self._carry(way, self._changed(fault, byte))
                begin = place + 1
        self._carry(way, content[begin:])

    def _changed(self, fault, byte):
        if fault.kind == "flip":
            return bytes([byte ^ 1 << int(fault.argument)])
        if fault.kind == "delay":
            self._release[fault.direction] = self._time + fault.argument
        same = {"lose": b"", "double": bytes([byte, byte]), "replace": bytes([int(fault.argument)])}
        return same.get(fault.kind, bytes([byte]))

    def _carry(self, way, content):
        """Bytes arrive, unless the way is held up."""
        if self._held[way] or self._release[way] > self._time:
            self._held[way] += content
        elif way == OUT:
            self._through(IN, self.device.take(bytes(content)))
        else:
            self._arrived += content

    def _event(self, kind):
        if kind == "break":
            self.device.line_break()
        elif kind in ("framing", "overrun"):
            self.device.line_error(overrun=kind == "overrun")
        elif kind == "reset":
            self.device.reset()
        else:
            self._unplugged = True
