"""Small networks, loaded into devices in software."""

from dataclasses import replace
from functools import cache

import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.protocol import frames, network
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Status
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.topology.paths import Topology
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.path_order.config import CONFIGS as PATH_ORDER
from tests.support.networks import random_model

#: One configuration of each engine, small.
ENGINES = {"row-lane": replace(CONFIGS["tiny"], images=2), "path-order": PATH_ORDER["tiny"]}


@cache
def small(engine_name):
    """(identity, network, images, their logits): a network of 16-16-16 neurons, 64 paths."""
    config, rng = ENGINES[engine_name], np.random.default_rng(11)
    identity = Identity.of(config, clock_hz=12_000_000, divisor=12)
    model = random_model(rng, Topology((16, 16, 16), (32, 32)))
    images = rng.integers(0, 256, (config.images, 16)).astype(np.uint8)
    return identity, network.pack(model, identity), images, engine.infer(model, images)


def loaded(engine_name):
    """A device that holds the small network."""
    identity, net, *_ = small(engine_name)
    device = Device(identity)
    for number, frame in enumerate(net.frames()):
        assert device.take(frame) == frames.reply(number)
    return device


def split(replies, payloads):
    """Replies one after the other, by the length of the payload that each has if it is OK."""
    found = []
    for size in payloads:
        whole = frames.FEWEST_REPLY_BYTES + (size if replies and not replies[0] else 0)
        found.append(frames.parse_reply(replies[:whole]))
        replies = replies[whole:]
    assert replies == b""
    return found


def status(answer):
    """The status of the one reply, which has no payload."""
    reply = frames.parse_reply(answer)
    assert reply.payload == b""
    return Status(reply.status)


def asked(device):
    """What the device says of itself now."""
    answer = frames.parse_reply(device.take(frames.identify(7)))
    assert (answer.status, answer.tag) == (Status.OK, 7)
    return Identity.parse(answer.payload)


def logits(device, images):
    """The logits of the device for its images: int32 (images, n_L)."""
    answer = frames.parse_reply(device.take(frames.infer(images, 77)))
    assert (answer.status, answer.tag) == (Status.OK, 77)
    return frames.logits(answer.payload).reshape(len(images), -1)


def bad(frame, byte):
    """A frame with a flipped bit."""
    return frame[:byte] + bytes([frame[byte] ^ 1]) + frame[byte + 1 :]


def bare(opcode, length, address=0):
    """A header with a good CRC, and nothing behind it."""
    return frames.command(opcode, tag=9, address=address, data=bytes(length))[:11]
