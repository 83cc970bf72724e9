"""A device that boots, flash part, host port and engine, against the device in software."""

import numpy as np
import pytest

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.image import Space
from sobolpath.golden.protocol import boot, frames, network
from sobolpath.golden.protocol.device import Device
from sobolpath.golden.protocol.frames import Status
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.topology.paths import Topology
from tests.support.loaded import ENGINES, small
from tests.support.networks import random_model
from tests.support.port_bench import BOOT, BREAK, PortBench

pytestmark = pytest.mark.timeout(200)
NAMES = list(ENGINES)
READY, DARK, ERROR = (
    dict(zip(("ready", "busy", "error"), lamps, strict=True))
    for lamps in ((1, 0, 0), (0, 0, 0), (0, 0, 1))
)


def bench(name, flash, script, *, seed=0):
    """A device of engine ``name`` with ``flash``: its bench, after the script."""
    return PortBench(ENGINES[name], seed=seed, flash=flash).run(script)


def asked(reply):
    """What the device says of itself."""
    return Identity.parse(frames.parse_reply(reply).payload)


def recovers(name, found, script):
    """The end of ``script`` loads the small network and infers: as in software, and right."""
    *_, wanted = small(name)
    assert len(found.replies) == len(script)
    assert found.replies == found.expected
    assert found.replies[-1] == frames.reply(3, wanted.astype("<i4").tobytes())


def loading(name):
    """Commands that load the small network, and infer."""
    _, net, images, _ = small(name)
    return [*net.frames(), frames.infer(images, 3)]


def damaged(name):
    """Images of all kinds of damage, and the status that the host would have seen."""
    _, net, *_ = small(name)
    good = boot.image(net)
    last = len(good) - 19  # CHECK: 11 bytes, the digest, its CRC
    load = frames.load(net.infer_bytes, 0)
    writes = [frames.write(*record, 0) for record in net.records]
    check = frames.check(net.digest, 0)
    beyond = frames.write(Space.PROGRAM, 0xFFFF, b"ab", 0)

    def flipped(place):
        return good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]

    return {
        "opcode": (flipped(0), Status.HEADER),
        "a header": (flipped(20), Status.HEADER),
        "data": (flipped(len(load) + 15), Status.DATA),
        "a CRC": (flipped(len(load) - 1), Status.DATA),
        "the digest": (flipped(last + 12), Status.DATA),
        "a WRITE less": (b"".join([load, *writes[1:], check]), Status.NETWORK),
        "another digest": (b"".join([load, *writes, frames.check(0, 0)]), Status.NETWORK),
        "too big": (b"".join([load, *writes, beyond, check]), Status.ADDRESS),
        "another command": (frames.command(0x55, tag=0) + good, Status.COMMAND),
        "cut short": (good[: last - 5], Status.DATA),
        "cut between commands": (good[:last], Status.HEADER),
        "zeros": (bytes(40), Status.HEADER),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_boots_and_infers(name, seed):
    """Without a command before; a break changes nothing, and another network may be loaded."""
    _, net, images, wanted = small(name)
    infer = frames.infer(images, 3)
    script = [BOOT, infer, frames.identify(1), BREAK, infer, *loading(name)]
    found = bench(name, boot.image(net) + bytes(range(50)), script, seed=seed)
    recovers(name, found, script)
    assert found.lamps == READY
    logits = frames.reply(3, wanted.astype("<i4").tobytes())
    assert (found.replies[1], found.replies[4]) == (logits, logits)
    identity = asked(found.replies[2])
    assert (identity.flash, identity.network, identity.bad_boot) == (True, True, False)
    assert (identity.digest, identity.infer_bytes) == (net.digest, net.infer_bytes)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[:1])  # what knows of damage is the same in both
@pytest.mark.parametrize("kind", damaged(NAMES[0]))
def test_damaged(name, kind):
    """The lamp and IDENTIFY tell; nothing was sent, nothing infers; a host loads and infers."""
    flash, status = damaged(name)[kind]
    _, _, images, _ = small(name)
    infer = frames.infer(images, 3)
    script = [BOOT, frames.identify(1), infer, BREAK, *loading(name)]
    found = bench(name, flash, script)
    assert status in set(Status) - {Status.OK}
    assert found.lamps == ERROR
    assert found.replies[0] == b""
    identity = asked(found.replies[1])
    assert (identity.network, identity.bad_boot) == (False, True)
    assert found.replies[2] == frames.reply(3, status=Status.NETWORK)
    recovers(name, found, script)


@pytest.mark.parametrize("name", NAMES)
def test_which_damage_is_which(name):
    """The images of :func:`damaged` fail as they say, each for its own reason."""
    identity, *_ = small(name)
    for kind, (flash, status) in damaged(name).items():
        device, answers = Device(identity), []

        def take(part, device=device, answers=answers):
            answers.append(device.take(part))
            return answers[-1]

        assert boot.read(flash, take)
        assert frames.parse_reply(answers[-1]).status == status, kind


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_erased(name):
    script = [BOOT, frames.identify(1), *loading(name)]
    found = bench(name, b"\xff" * 64, script)
    assert found.lamps == DARK
    identity = asked(found.replies[1])
    assert (identity.flash, identity.network, identity.bad_boot) == (True, False, False)
    assert (identity.digest, identity.infer_bytes) == (0, 0)
    recovers(name, found, script)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", [1, 100, 400, 3001])
def test_a_break_while_it_boots(name, after):
    """It ends the boot; the image was not bad; bytes before it were not heard."""
    _, net, _, wanted = small(name)
    image = boot.image(net)
    script = [after, frames.identify(9), BREAK, BOOT, frames.identify(1), *loading(name)]
    found = bench(name, image, script)
    assert after < 17 * len(image) - 300, "it must be booting"
    assert found.replies[:4] == [b""] * 4
    assert found.lamps == DARK
    identity = asked(found.replies[4])
    assert (identity.network, identity.bad_boot) == (False, False)
    assert identity.digest != net.digest
    assert found.replies[5:-1] == [frames.reply(tag) for tag in range(len(net.frames()))]
    assert found.replies[-1] == frames.reply(3, wanted.astype("<i4").tobytes())


SIZES = [  # the smallest network, and one whose weights fill the memory
    ("row-lane", (4, 4), (4,), 4),
    ("row-lane", (64, 16), (1024,), 1024),
    ("path-order", (4, 4), (4,), 4 + 16),
    ("path-order", (64, 32, 32), (512, 256), 1024),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sizes", "paths", "weights"), SIZES)
def test_sizes(name, sizes, paths, weights):
    config, rng = ENGINES[name], np.random.default_rng(5)
    identity, *_ = small(name)
    model = random_model(rng, Topology(sizes, paths))
    net = network.pack(model, identity)
    images = rng.integers(0, 256, (config.images, sizes[0])).astype(np.uint8)
    found = bench(name, boot.image(net), [BOOT, frames.infer(images, 3)])
    written = [len(data) for space, _, data in net.records if space == Space.WEIGHTS]
    assert sum(written) == weights
    assert found.lamps == READY
    assert found.replies == found.expected
    logits = engine.infer(model, images)
    assert found.replies[-1] == frames.reply(3, logits.astype("<i4").tobytes())
