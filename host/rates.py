"""Images per second: what a serial line allows, and what the engine behind it allows."""

from types import SimpleNamespace
from typing import Any

from sobolpath.golden.learn.schedule import Machine as LearnMachine
from sobolpath.golden.learn.schedule import plan as plan_learning
from sobolpath.golden.machine import schedule
from sobolpath.golden.path_order import schedule as path_order
from sobolpath.golden.path_order.image import PathOrderMachine
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.protocol.network import Network
from sobolpath.golden.topology.paths import Paths

from .links import BITS


def cycles(topology: Paths, identity: Identity) -> Any:
    """The schedule of a network on a device: it has ``latency`` and ``interval``, in cycles."""
    machine = identity.machine
    if isinstance(machine, PathOrderMachine):
        return path_order.plan(topology, machine)
    if isinstance(machine, LearnMachine):
        return _alone(plan_learning(topology, machine).cycles)
    return schedule.plan(topology, machine)


def _alone(counted):
    """The cycles of an inference of an engine that learns, which is alone there."""
    forward = counted["forward"]
    return SimpleNamespace(latency=forward, interval=forward + counted["load"])


def of_engine(topology: Paths, identity: Identity) -> float | None:
    """Images per second of an engine whose inputs never wait; ``None`` where no clock is known."""
    if not identity.clock_hz:
        return None
    return identity.images * identity.clock_hz / cycles(topology, identity).interval


def of_line(topology: Paths, network: Network, identity: Identity, baud: int) -> float | None:
    """Images per second that pass a line of ``baud`` bits a second; ``None`` where that is 0.

    Both ways are used at once where two INFERs may be under way; otherwise command, inference and
    reply follow each other.
    """
    if not baud or not identity.clock_hz:
        return None
    command = frames.HEADER_BYTES + network.infer_bytes + frames.CRC_BYTES
    reply = frames.FEWEST_REPLY_BYTES + network.reply_bytes
    if network.overlap:
        seconds = BITS * max(command, reply) / baud
    else:
        latency = cycles(topology, identity).latency / identity.clock_hz
        seconds = BITS * (command + reply) / baud + latency
    return identity.images / seconds
